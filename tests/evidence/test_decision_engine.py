"""The decision equals what an independent engine says, on every small set and on many random ones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations_with_replacement, product
from random import Random

import pytest

from services.consent.decision import View, may_know
from services.consent.domain import Answer, Asked, Ending, Kind, KnownFact, Word
from shared.contracts.categories import Category
from tests.consent.builders import BOTH_KINDS, DAY, NOON, SECOND, a_known_fact, an_answer, asked
from tests.evidence.cedar_engine import may_know_by_cedar
from tests.evidence.conftest import Note
from tests.evidence.sizes import SEED, sized

SHARDS = 4
CASES = sized(50_000)
WORK, CONTACT, DEBTS = Category.WORK, Category.CONTACT, Category.DEBTS
ASKED = asked(WORK, CONTACT)
BEFORE, AFTER = NOON - DAY, NOON + DAY


def agree(question: Asked, facts: list[KnownFact], answers: list[Answer], view: View) -> set[str]:
    """Ask both, and return what both say."""
    ours = {fact.fact_id for fact in may_know(question, facts, answers, at=NOON, view=view)}
    assert ours == may_know_by_cedar(question, facts, answers, at=NOON, view=view), (facts, answers, view)
    return ours


def every_answer() -> Iterator[Answer]:
    """Yield an answer of each word, kind and fate."""
    fates: list[dict[str, object]] = [
        {},
        {"ended_at": NOON, "ended_by": Ending.WITHDRAWN},
        {"expires_at": NOON},
        {"expires_at": NOON + SECOND},
        {"expires_at": None},
        {"confirm_by": NOON},
        {"confirm_by": AFTER},
        {"confirm_by": AFTER, "is_disputed": True},
        {"is_disputed": True},
        {"is_held": True},
        {"is_held": True, "is_disputed": True},
        {"reaches_back": False, "given_at": BEFORE},
    ]
    for word, kind, fate in product(Word, Kind, fates):
        answer = an_answer(WORK, kind, word)
        yield replace(answer, **(fate if word is not Word.NO else {"expires_at": None} | _of_a_no(fate)))  # type: ignore[arg-type]  # of several


def _of_a_no(fate: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in fate.items() if name != "expires_at"}


FACTS = [
    a_known_fact(WORK, fact_id="old"),
    a_known_fact(WORK, fact_id="new", first_at=NOON),
    a_known_fact(WORK, fact_id="free", professional=False),
    a_known_fact(WORK, fact_id="undated", first_at=None),
    a_known_fact(WORK, fact_id="child's", about_id="child-0001"),
    a_known_fact(WORK, fact_id="another purpose's", only_for="referral:1"),
    a_known_fact(WORK, fact_id="this purpose's", only_for=ASKED.purpose),
    a_known_fact(DEBTS, fact_id="not offered"),
]


def test_every_set_of_up_to_two_answers_is_decided_alike(note: Note) -> None:
    answers = list(every_answer())
    few = [[], *([answer] for answer in answers), *map(list, combinations_with_replacement(answers, 2))]
    some, told = 0, Counter[View]()
    for words, view in product(few, View):
        told[view] += len(agree(ASKED, FACTS, words, view))
        some += 1

    assert min(told.values()) > 0, told
    note("decision against Cedar: every set of up to two answers, decided otherwise", size=some, of="cases", result=0)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_random_sets_are_decided_alike(shard: int, note: Note) -> None:
    random, met = Random(SEED * SHARDS + shard), Counter[str]()  # noqa: S311  a seed, not a secret
    count = -(-CASES // SHARDS)
    for _ in range(count):
        question = a_question(random)
        facts = [a_fact(random, number) for number in range(random.choice([1, 1, 2, 3]))]
        words = [word for _ in range(random.randrange(5)) for word in some_words(random)]
        told = agree(question, facts, words, random.choice(list(View)))
        met["told nothing" if not told else "told all" if len(told) == len(facts) else "told some"] += 1

    assert min(met["told nothing"], met["told all"], met["told some"]) > count / 100, met
    note("decision against Cedar: random cases decided otherwise", size=count, of="cases", result=0)


def a_question(random: Random) -> Asked:
    """Draw what is asked of the person."""
    kinds = frozenset(random.sample(sorted(Kind), random.choice([0, 1, 2, 2])))
    return asked(*random.sample([WORK, CONTACT], random.choice([1, 2, 2])), kinds=kinds)


def a_fact(random: Random, number: int) -> KnownFact:
    """Draw a fact around noon."""
    at = NOON + random.randrange(-2, 2) * SECOND
    return a_known_fact(
        random.choice([WORK, WORK, CONTACT, DEBTS]),
        fact_id=str(number),
        professional=random.random() < 0.5,
        first_recorded_at=random.choice([None, at, at - SECOND]),
        first_received_at=at,
        only_for=random.choice([None] * 6 + [ASKED.purpose, "referral:1"]),
        about_id=random.choice([None] * 9 + ["child-0001"]),
    )


def some_words(random: Random) -> list[Answer]:
    """Draw one answer, or the same under both instruments; one that opens more often than not."""
    word = random.choices(list(Word), [12, 1, 3])[0]
    both = random.random() < 0.7
    answer = an_answer(
        random.choice([WORK, WORK, CONTACT, DEBTS]),
        random.choice(sorted(BOTH_KINDS)),
        word,
        person_id=random.choice(["person-1"] * 9 + ["person-2"]),
        recipient_id=random.choice([ASKED.recipient_id] * 9 + ["lvr-klinik"]),
        purpose=random.choice([ASKED.purpose] * 9 + ["billing"]),
        reaches_back=random.random() < 0.7,
        given_at=NOON + random.randrange(-2, 2) * SECOND,
        expires_at=random.choice([None, NOON, NOON + SECOND, *[NOON + timedelta(days=9)] * 9]),
        ended_at=random.choice([None] * 9 + [NOON]),
        confirm_by=random.choice([None] * 9 + [NOON, NOON + SECOND]),
        is_disputed=random.random() < 0.05,
        is_held=random.random() < 0.1,
    )
    return [replace(answer, kind=kind) for kind in sorted(BOTH_KINDS)] if both else [answer]
