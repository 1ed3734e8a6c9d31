"""Histories that one recipient must not tell apart, alike by construction, through the pure core of the gate.

Drawn once: the categories that the person opens to the observer, their facts, the words about them, the words on single
messages. Drawn anew for each history: everything else that the gate holds. Six histories are drawn at a time, and each
is compared with the first: five pairs. The observer looks once or twice; in between words end and new ones come.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from services.consent.composition import About, Position, position
from services.consent.domain import APPROVED, Answer, Asked, Ending, Inquiry, Kind, KnownFact, RecipientRole, Word
from services.consent.release import hash_of
from shared.contracts.categories import LIFE_DOMAINS, Category
from tests.consent.builders import BOTH_KINDS, CLINICS_SIX, DAY, JOBCENTERS_SIX, NOON

FIRST, SECOND_LOOK = NOON, NOON + 7 * DAY
"""When the observer looks."""

HISTORIES = 6

Look = tuple[dict[str, Any], tuple[bool, ...]]
"""What is told, and which of the earlier messages may stay: notices, retractions and answers follow from these."""

KINDS = tuple(Kind)
PURPOSES = {RecipientRole.JOBCENTER: "benefit", RecipientRole.PROVIDER: "referral:referral-1"}
OFFERED = {RecipientRole.JOBCENTER: JOBCENTERS_SIX, RecipientRole.PROVIDER: CLINICS_SIX}
ALL_CATEGORIES: tuple[Category, ...] = tuple(category for category in Category if category is not Category.OUTCOME)


def _contents(category: Category) -> tuple[dict[str, Any], ...]:
    """Return contents as the events bring them: of several lengths, with optional fields and without."""
    on = ["2026-01-05", "2026-02-11", "2026-02-28"]
    notes: tuple[dict[str, Any], ...] = ({}, {"contested": True}, {})
    if category in LIFE_DOMAINS:
        known = ({"severity": 1}, {"severity": 9, "amount_cents": 12_345_00}, {"severity": 3, "since_on": on[0]})
        return tuple(
            {"code": f"{category.value}_{'x' * 7 * n}{n}", "recorded_on": on[n], **known[n], **notes[n]}
            for n in range(3)
        )
    made: dict[Category, Callable[[int], dict[str, Any]]] = {
        Category.IDENTITY: lambda n: {"name": f"Testperson {'o' * 9 * n}", **({"born_on": on[n]} if n else {})},
        Category.CONTACT: lambda n: {
            "channel": ["phone", "post", "none"][n],
            **({"address": "x" * 11 * n} if n else {}),
        },
        Category.RECOMMENDATION: lambda n: {"code": f"step_{n}", "recommended_on": on[n], **notes[n]},
        Category.CONCLUSION: lambda n: {"code": f"able_{n}", "decided_on": on[n], **notes[n]},
        Category.STATEMENT: lambda n: {"text": "A sentence. " * (1 + 20 * n), "approved_on": on[n]},
        Category.APPOINTMENT: lambda n: {"appointment_at": f"2026-04-0{1 + n}T09:00:00Z"},
        Category.ATTENDANCE: lambda n: {"kind": ["talk", "visit", "talk"][n], "attended_on": on[n], **notes[n]},
    }
    return tuple(made[category](n) for n in range(3))


CONTENTS: dict[Category, tuple[dict[str, Any], ...]] = {category: _contents(category) for category in ALL_CATEGORIES}


@dataclass(slots=True)
class Held:
    """All that the gate holds about a person, in one of the histories: at the first look and at the second."""

    facts: tuple[list[KnownFact], list[KnownFact]] = field(default_factory=lambda: ([], []))
    answers: tuple[list[Answer], list[Answer]] = field(default_factory=lambda: ([], []))

    def say(self, first: Answer, later: Iterable[Answer] = (), *, held: list[bool]) -> None:
        """Add what was said at the first look, and what stands of it at the second: by default the same."""
        for answers, said, quiet in zip(self.answers, ([first], later or [first]), held, strict=True):
            answers.extend(replace(answer, is_held=True) if quiet else answer for answer in said)

    def __add__(self, other: "Held") -> "Held":
        """Return both together."""
        return Held(
            (self.facts[0] + other.facts[0], self.facts[1] + other.facts[1]),
            (self.answers[0] + other.answers[0], self.answers[1] + other.answers[1]),
        )


@dataclass(slots=True)
class Alike:
    """What some histories have in common, and what each has for itself."""

    about: About
    common: Held
    rests: tuple[Held, ...]
    looks: int
    """How often the observer looks: once, or again a week later."""
    approves: tuple[bool, bool]
    """Whether the person says yes, before each look, to the very message that then waits for their word."""
    met: Counter[str]


class Draw:
    """Draws from one source of chance; Hypothesis can give one that shrinks."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.met: Counter[str] = Counter()
        self._ids = 0

    def chance(self, share: float) -> bool:
        """Say yes in that share of the cases."""
        return self.random.random() < share

    def one_of(self, choices: Any) -> Any:
        """Return one of them."""
        return choices[int(self.random.random() * len(choices))]

    def new_id(self, kind: str) -> str:
        """Return an id that nothing else bears."""
        self._ids += 1
        return f"{kind}-{self._ids}"

    def alike(self) -> Alike:
        """Return histories that one recipient must not be able to tell apart."""
        role = RecipientRole.JOBCENTER if self.chance(0.5) else RecipientRole.PROVIDER
        needed = OFFERED[role] if role is RecipientRole.JOBCENTER or self.chance(0.7) else OFFERED[role][1:5]
        asked = Asked("person-1", "observer", PURPOSES[role], frozenset(needed), BOTH_KINDS)
        about = About(asked, role, "reference-1", "day_clinic")
        opened = [category for category in needed if self.chance(0.35)]
        common, asks = Held(), self.chance(0.2)
        held = [self.chance(0.04), self.chance(0.06)]
        self.met["nothing opened"] += not opened
        self.met["held at a look"] += any(held)
        for category in opened:
            self.met[f"opened: {category.value}"] += 1
            self._facts_of(common, category, asked)
            self._words_about(common, category, asked, asks=asks, held=held)
        for category in needed:
            self.met[f"kept: {category.value}"] += category not in opened
        closed: list[Category] = [category for category in ALL_CATEGORIES if category not in opened]
        rests = [self._rest(asked, opened, closed, asks=asks, held=held) for _ in range(HISTORIES)]
        if self.chance(0.3):
            self.met["no trace at all in one of them"] += 1
            rests[0] = Held()
        approves = (asks and self.chance(0.6), asks and self.chance(0.6))
        return Alike(about, common, tuple(rests), 1 + self.chance(0.55), approves, self.met)

    def _fact(self, category: Category, **changes: Any) -> KnownFact:
        at = FIRST + int(self.random.random() * 12 - 8) * DAY
        values: dict[str, Any] = {
            "fact_id": self.new_id("fact"),
            "version": 1 + self.chance(0.2),
            "category": category,
            "professional": self.chance(0.8),
            "content": self.one_of(CONTENTS[category]),
            "first_recorded_at": at - timedelta(hours=1) if self.chance(0.9) else None,
            "first_received_at": at,
        }
        return KnownFact(**{**values, **changes})

    def _keep(self, held: Held, fact: KnownFact) -> None:
        if fact.first_received_at <= FIRST:
            held.facts[0].append(fact)
        if fact.first_received_at > FIRST or not self.chance(0.1):  # else it was removed in between
            held.facts[1].append(fact)

    def _facts_of(self, held: Held, category: Category, asked: Asked) -> None:
        for _ in range(self.one_of((1, 1, 1, 2))):
            self._keep(held, self._fact(category, only_for=asked.purpose if self.chance(0.1) else None))

    def _answer(self, asked: Asked, category: Category, kind: Kind, word: Word, **changes: Any) -> Answer:
        changes.setdefault("person_id", asked.person_id)
        changes.setdefault("recipient_id", asked.recipient_id)
        changes.setdefault("purpose", asked.purpose)
        changes.setdefault("reaches_back", True)
        changes.setdefault("given_at", FIRST - (1 + int(self.random.random() * 9)) * DAY)
        changes.setdefault("expires_at", None if word is Word.NO else FIRST + 90 * DAY)
        answer_id, grant_id = self.new_id("answer"), self.new_id("grant")
        return Answer(answer_id=answer_id, grant_id=grant_id, category=category, kind=kind, word=word, **changes)

    def _words_about(self, into: Held, category: Category, asked: Asked, *, asks: bool, held: list[bool]) -> None:
        word = Word.ASK if asks and self.chance(0.4) else Word.YES
        back, ends = self.chance(0.75), self.one_of((90, 90, 90, 3))
        fate = self.one_of(("stays", "stays", "stays", "withdrawn", "refused", "disputed", "given again", "confirmed"))
        self.met[f"word: {word.value}"] += 1
        self.met["from now"] += not back
        self.met["expires in between"] += ends == 3
        self.met[fate] += 1
        for kind in KINDS:
            said = self._answer(asked, category, kind, word, reaches_back=back, expires_at=FIRST + ends * DAY)
            first = replace(said, confirm_by=FIRST + 9 * DAY) if fate == "confirmed" else said
            later = [said]
            if fate == "withdrawn":
                later = [replace(said, ended_at=FIRST + DAY, ended_by=Ending.WITHDRAWN)]
            elif fate == "disputed":
                later = [replace(said, is_disputed=True)]
            elif fate in ("refused", "given again"):
                newer = Word.NO if fate == "refused" else Word.YES
                later = [
                    replace(said, ended_at=FIRST + DAY, ended_by=Ending.SUPERSEDED),
                    self._answer(asked, category, kind, newer, given_at=FIRST + DAY, reaches_back=back),
                ]
            into.say(first, later, held=held)

    def _rest(
        self, asked: Asked, opened: list[Category], closed: list[Category], *, asks: bool, held: list[bool]
    ) -> Held:
        """Draw what is no part of the observer's: whatever it is, and however much."""
        rest = Held()
        for _ in range(self.one_of((0, 1, 2, 3))):
            self._keep(rest, self._fact(self.one_of(closed)))
        if opened and self.chance(0.3):
            self.met["a third person's fact"] += 1
            self._keep(rest, self._fact(self.one_of(opened), about_id="child-1"))
        if opened and self.chance(0.3):
            self.met["another referral's fact"] += 1
            self._keep(rest, self._fact(self.one_of(opened), only_for="referral:another"))
        for _ in range(self.one_of((0, 1, 2))):
            offered = [category for category in closed if category in asked.categories]
            about = offered if offered and self.chance(0.7) else closed
            self._closed_word(rest, asked, self.one_of(about), asks=asks, held=held)
        for _ in range(self.one_of((0, 0, 1))):
            self._word_to_somebody_else(rest, asked)
        return rest

    def _closed_word(self, rest: Held, asked: Asked, category: Category, *, asks: bool, held: list[bool]) -> None:
        """Add a word about a category that nevertheless opens nothing of it."""
        why = self.one_of(("no", "one kind", "pending", "disputed", "over", "ended", "too late", "ask"))
        why = "no" if why == "ask" and asks else why  # it would be part of the very message that waits
        if why in ("no", "ask", "disputed") and self.chance(0.5):
            self.met["rest: a yes beside what closes"] += 1
            for kind in KINDS:
                rest.say(self._answer(asked, category, kind, Word.YES), held=held)
        if why == "too late" and any(f.category is category for f in rest.facts[0] + rest.facts[1]):
            why = "no"
        if category not in asked.categories:
            why = "of a category that is not offered"
        self.met[f"rest: {why}"] += 1
        ends = FIRST - DAY if why == "over" else FIRST + 90 * DAY
        word = {"no": Word.NO, "ask": Word.ASK}.get(why, Word.YES)
        for kind in KINDS[: 1 if why == "one kind" else 2]:
            said = self._answer(asked, category, kind, word, expires_at=None if word is Word.NO else ends)
            if why == "pending":
                said = replace(said, confirm_by=FIRST + 9 * DAY)
            elif why == "disputed":
                said = replace(said, is_disputed=True)
            elif why == "ended":
                said = replace(said, ended_at=FIRST - DAY, ended_by=self.one_of(tuple(Ending)))
            elif why == "too late":  # a yes to a category of which the gate knows nothing
                said = replace(said, reaches_back=False)
            rest.say(said, held=held)

    def _word_to_somebody_else(self, rest: Held, asked: Asked) -> None:
        to = self.one_of(({"recipient_id": "another"}, {"purpose": "billing"}, {"person_id": "person-2"}))
        self.met[f"rest: another {next(iter(to))}"] += 1
        for category in (self.one_of(ALL_CATEGORIES), self.one_of(ALL_CATEGORIES)):
            for kind in KINDS:
                rest.say(self._answer(asked, category, kind, self.one_of(tuple(Word)), **to), held=[False, False])


def looks(alike: Alike, rest: Held, *, backwards: bool = False) -> list[Look]:
    """Return what the observer sees of one of the histories; in which order the gate reads things is open."""
    held = alike.common + rest
    if backwards:
        held = Held((held.facts[0][::-1], held.facts[1][::-1]), (held.answers[0][::-1], held.answers[1][::-1]))
    told: list[dict[str, Any]] = []
    seen: list[Look] = []
    words: list[Inquiry] = []
    for number in range(alike.looks):
        stand = _stand(alike, held, number, words)
        if stand.question is not None and alike.approves[number]:
            words.append(_yes_to(stand, number))
            stand = _stand(alike, held, number, words)
            alike.met["a word on one message"] += 1
        stays = tuple(stand.may_stay(message) for message in told)
        fields = stand.tell.fields if stand.tell.says_anything else {}
        alike.met["told"] += bool(fields)
        alike.met["must be taken back"] += not all(stays)
        if fields:
            told.append(fields)
        seen.append((fields, stays))
    return seen


def _stand(alike: Alike, held: Held, number: int, words: Iterable[Inquiry]) -> Position:
    at = (FIRST, SECOND_LOOK)[number]
    return position(alike.about, held.facts[number], held.answers[number], words, at=at)


def _yes_to(stand: Position, number: int) -> Inquiry:
    question = stand.question
    assert question is not None
    return Inquiry(f"inquiry-{number}", APPROVED, hash_of(question.fields), question.fields, question.answer_ids)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: the first seed of which two histories can be told apart, if there is any."""

    pairs: int
    differs: int | None
    met: Counter[str]


def alike_of(seed: int) -> Alike:
    """Return the histories of one seed."""
    return Draw(Random(seed)).alike()  # noqa: S311  a seed, not a secret


def look_alike(alike: Alike) -> bool:
    """Whether the observer sees the same of each."""
    first = looks(alike, alike.rests[0])
    return all(looks(alike, rest, backwards=True) == first for rest in alike.rests[1:])


def search(seeds: Iterable[int]) -> Found:
    """Look for histories that the observer can tell apart; stop at the first."""
    met: Counter[str] = Counter()
    pairs = 0
    for seed in seeds:
        alike = alike_of(seed)
        pairs += len(alike.rests) - 1
        if not look_alike(alike):
            return Found(pairs, seed, met)
        met.update(alike.met)
    return Found(pairs, None, met)


if __name__ == "__main__":  # says by its exit code whether any two can be told apart; `mutants.py` asks that
    found = search(range(int(sys.argv[1])))
    print(f"{found.pairs:,} pairs")
    sys.exit(found.differs is not None)
