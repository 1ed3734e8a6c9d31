"""Jobcenter staff, and whoever is related to them: only the shield may know anything, by a word towards it alone."""

from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consent import commissions, recipients
from services.consent.decision import View, may_know
from services.consent.domain import RecipientRole, Word
from services.consent.errors import NotAcceptable
from services.consent.tables import LedgerRow
from shared.contracts.categories import Category
from shared.contracts.consent import CommissionReceived
from shared.contracts.intake import CaseShielded, CommissionJoined
from tests.consent.builders import (
    DAY,
    JOBCENTER,
    JOBCENTERS_SIX,
    NOON,
    a_case,
    a_commission,
    a_conclusion,
    a_known_fact,
    answers,
    asked,
)
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.no_detriment import something_known
from tests.consent.registry import a_key
from tests.consent.stores import SqliteStores
from tests.consent.surroundings import BERLIN, a_commitment

SHIELD = "jobcenter-essen-2"
WORDS = st.sampled_from(list(Word))
VIEWS = st.sampled_from(list(View))


def register_shield(gate: Gate, *, shields: str = JOBCENTER, recipient_id: str = SHIELD) -> None:
    """Register the second recipient of the Jobcenter."""
    said = recipients.Registration(
        recipient_id=recipient_id,
        organisation="register of another unit",
        role=RecipientRole.JOBCENTER,
        display_name="Jobcenter Essen 2",
        offered=JOBCENTERS_SIX,
        public_key=a_key(),
        commitment=a_commitment(RecipientRole.JOBCENTER),
        shields=shields,
    )
    gate.write(lambda work: recipients.register(work, said, zone=BERLIN, recorded_by="operator-1"))


def shielded(person_id: str) -> CaseShielded:
    """Return that a case was shielded."""
    return CaseShielded(case_id="case-0001", person_id=person_id, shielded_at=NOON)


def commissioned_by_shield(gate: Gate, person_id: str) -> None:
    """Have the shield commission help, and a case opened."""
    gate.command(a_commission("BG shield"), SHIELD)
    commission = gate.announced(CommissionReceived)[-1]
    gate.hear(a_case(person_id, commission.commission_id))


@given(word=WORDS, view=VIEWS, category=st.sampled_from(JOBCENTERS_SIX))
def test_no_word_opens_anything_on_the_wrong_side_of_the_shield(word: Word, view: View, category: Category) -> None:
    said, facts = answers(category, word), [a_known_fact(category)]

    ordinary = may_know(asked(is_shield=False, is_shielded=True), facts, said, at=NOON, view=view)
    other = may_know(asked(is_shield=True, is_shielded=False), facts, said, at=NOON, view=view)

    assert ordinary == other == ()


@given(word=WORDS, view=VIEWS, is_shielded=st.booleans())
def test_on_the_right_side_the_decision_is_as_without_a_shield(word: Word, view: View, is_shielded: bool) -> None:
    said, facts = answers(Category.WORK, word), [a_known_fact(Category.WORK)]

    found = may_know(asked(is_shield=is_shielded, is_shielded=is_shielded), facts, said, at=NOON, view=view)

    assert found == may_know(asked(is_shielded=is_shielded), facts, said, at=NOON, view=view)


def test_shielding_retracts_what_was_opened_and_nothing_more_comes(sqlite_gate: Gate) -> None:
    gate, person = sqlite_gate, sqlite_gate.a_person()
    reading = gate.reading()
    gate.hear(a_conclusion(person))
    gate.grant(person, *JOBCENTERS_SIX)
    reading.news()

    gate.hear(shielded(person), shielded(person))
    gate.hear(a_conclusion(person))
    gate.grant(person, *JOBCENTERS_SIX)

    assert [answer["result"] for answer in reading.news()] == ["retracted"]


def test_a_word_towards_the_ordinary_recipient_is_none_towards_the_shield(sqlite_gate: Gate) -> None:
    gate, person = sqlite_gate, "person-of-a-shield"
    register_shield(gate)
    reading = gate.reading(SHIELD)
    commissioned_by_shield(gate, person)
    gate.hear(a_conclusion(person))

    gate.grant(person, Category.CONCLUSION)
    before = [answer["result"] for answer in reading.news()]
    gate.grant(person, Category.CONCLUSION, recipient_id=SHIELD)

    assert before == ["status"]
    assert [answer["result"] for answer in reading.news()] == ["released"]


def test_a_commission_of_the_shield_says_inside_that_the_case_is_shielded(sqlite_gate: Gate) -> None:
    register_shield(sqlite_gate)

    sqlite_gate.command(a_commission("BG one"), SHIELD)
    sqlite_gate.command(a_commission("BG two"))

    assert [event.shielded for event in sqlite_gate.announced(CommissionReceived)] == [True, None]


def test_a_shield_shields_a_jobcenter_that_is_there_and_no_shield(sqlite_gate: Gate) -> None:
    register_shield(sqlite_gate)

    with pytest.raises(NotAcceptable, match="fields"):
        register_shield(sqlite_gate, shields=SHIELD, recipient_id="third")
    with pytest.raises(NotAcceptable, match="fields"):
        register_shield(sqlite_gate, shields="nobody", recipient_id="third")


def live(gate: Gate, seed: int, *, is_shielded: bool) -> list[object]:
    """Live through some days; return all that the Jobcenter observes. Who is shielded says yes, the other no."""
    reading, reference = gate.reading(), f"BG {seed} {is_shielded}"
    random = Random(seed)  # noqa: S311  a seed, not a secret
    reading.news()
    person, began = gate.a_person(reference), gate.clock.now
    gate.hear(*([shielded(person)] * is_shielded))
    seen: list[object] = []
    for day in range(12):
        gate.clock.now = began + day * DAY
        gate.hear(something_known(person, random))
        categories = random.sample(JOBCENTERS_SIX, random.randrange(1, 7))
        gate.grant(person, *categories, word=random.choice([Word.YES, Word.ASK]) if is_shielded else Word.NO)
        gate.write(lambda work: commissions.notice_new_statuses(work, settings=gate.settings))
        seen += [(day, one["result"], one.get("status")) for one in reading.news()]
    return seen


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_jobcenter_sees_of_a_shielded_person_what_it_sees_of_one_who_refuses(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    seen = []
    for is_shielded in (True, False):
        folder: Path = tmp_path_factory.mktemp("shield")
        with sqlite_stores.fresh(folder) as store, a_gate_with_recipients(folder, store, log_level="ERROR") as gate:
            seen.append(live(gate, seed, is_shielded=is_shielded))

    assert seen[0] == seen[1]


def test_forgetting_the_former_person_takes_nothing_from_whoever_has_the_commission_now(sqlite_gate: Gate) -> None:
    gate, former = sqlite_gate, sqlite_gate.a_person()
    reading, earlier = gate.reading(), "person-earlier"
    gate.hear(a_case(earlier), a_conclusion(former))
    gate.grant(former, Category.CONCLUSION)
    reading.news()
    [commission] = gate.announced(CommissionReceived)
    gate.hear(
        CommissionJoined(
            commission_id=commission.commission_id,
            case_id="case-0002",
            person_id=earlier,
            former_case_id="case-0001",
            former_person_id=former,
            joined_at=NOON,
        )
    )
    gate.clock.pass_(DAY)
    gate.write(partial(commissions.notice_new_statuses, settings=gate.settings))
    reading.news()
    before = gate.ask("GET", f"/persons/{earlier}/ledger").json()
    assert before

    assert gate.ask("POST", f"/persons/{former}/erasure").status_code == 202

    assert gate.ask("GET", f"/persons/{earlier}/ledger").json() == before
    assert {row.content for row in gate.rows(LedgerRow, LedgerRow.key_id == former)} == {b""}


def test_a_joined_commission_brings_no_word_along_and_takes_back_what_was_opened(sqlite_gate: Gate) -> None:
    gate, former = sqlite_gate, sqlite_gate.a_person()
    reading, earlier = gate.reading(), "person-earlier"
    gate.hear(a_case(earlier), a_conclusion(earlier), a_conclusion(former))
    gate.grant(former, Category.CONCLUSION)
    reading.news()
    joined = CommissionJoined(
        commission_id=gate.announced(CommissionReceived)[0].commission_id,
        case_id="case-0002",
        person_id=earlier,
        former_case_id="case-0001",
        former_person_id=former,
        joined_at=NOON,
    )

    gate.hear(joined, joined)
    gate.grant(former, *JOBCENTERS_SIX)
    silent = [answer["result"] for answer in reading.news()]
    gate.grant(earlier, Category.CONCLUSION)

    assert silent == ["retracted"]
    assert [answer["result"] for answer in reading.news()] == ["released"]


def test_a_shield_commissions_under_a_reference_that_it_knows_by_a_mirror_like_under_any_other(
    sqlite_gate: Gate,
) -> None:
    gate = sqlite_gate
    register_shield(gate)
    one, other = gate.a_person(), gate.a_person()
    gate.hear(shielded(one))
    before = len(gate.announced(CommissionReceived))

    answers = [gate.command(a_commission(gate.reference_of(person)), SHIELD) for person in (one, other)]

    assert answers == [[], []]
    assert [event.shielded for event in gate.announced(CommissionReceived)[before:]] == [True, True]
