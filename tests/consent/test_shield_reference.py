"""What a shielded person releases reaches the Jobcenter's shield under the Jobcenter's own reference, or nobody."""

import asyncio
from collections import Counter
from random import Random

import pytest
from sqlmodel import col

from services.consent.opening import EMPTY
from services.consent.release import names_told
from services.consent.tables import PersonRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import CommissionCancelled
from shared.contracts.intake import CaseShielded
from tests.consent import steps as past
from tests.consent.builders import (
    CLINIC,
    DAY,
    JOBCENTER,
    NOON,
    SECOND,
    a_cancellation,
    a_case,
    a_commission,
    a_conclusion,
    an_identity,
)
from tests.consent.gate import Gate
from tests.consent.histories import play
from tests.consent.pairs import SPAN, draw_released, draw_rest
from tests.consent.test_shield import SHIELD, register_shield

CONCLUSION = Category.CONCLUSION
PAIRS = 8


@pytest.fixture
def town(gate: Gate) -> Gate:
    """Return a gate that knows a second unit of the Jobcenter."""
    register_shield(gate)
    return gate


def shielded(gate: Gate, person_id: str) -> None:
    """Have it become known that a person is related to staff."""
    gate.hear(CaseShielded(case_id="case-0001", person_id=person_id, shielded_at=gate.clock()))


def test_to_the_shield_leaves_what_was_released_to_it_under_the_jobcenters_own_reference(town: Gate) -> None:
    person = town.a_person("BG-2026-0042")
    shielded(town, person)
    shield, jobcenter = town.reading(SHIELD), town.reading()
    jobcenter.news()

    town.grant(person, CONCLUSION, recipient_id=SHIELD)
    town.hear(a_conclusion(person))

    [content] = shield.news()
    assert content["released"]["reference"] == "BG-2026-0042"
    assert names_told(content["released"]) == ["conclusion"]
    assert jobcenter.news() == []


def test_what_was_released_to_the_jobcenter_counts_for_nobody_once_the_person_is_shielded(town: Gate) -> None:
    person = town.a_person()
    shielded(town, person)

    town.grant(person, CONCLUSION)
    town.hear(a_conclusion(person))

    assert [answer["result"] for answer in town.reading().news()] == ["status"]
    assert town.reading(SHIELD).news() == []


def test_what_the_jobcenter_holds_is_retracted_when_the_person_is_shielded(town: Gate) -> None:
    person = town.a_person()
    jobcenter = town.reading()
    town.grant(person, CONCLUSION)
    town.hear(a_conclusion(person))
    *_, content = jobcenter.news()

    shielded(town, person)

    [retraction] = jobcenter.news()
    assert (retraction["result"], retraction["release_id"]) == ("retracted", content["release_id"])
    assert town.open(content["notice"]) == EMPTY


def test_of_whoever_is_not_shielded_the_shield_learns_nothing(town: Gate) -> None:
    person = town.a_person()

    town.grant(person, CONCLUSION, recipient_id=SHIELD)
    town.hear(a_conclusion(person))

    assert town.reading(SHIELD).news() == []


def test_the_shield_is_told_nothing_before_the_person_says_so(town: Gate) -> None:
    person = town.a_person()

    shielded(town, person)
    town.hear(a_conclusion(person), an_identity(person))

    assert town.reading(SHIELD).news() == []


def test_a_commission_of_the_shield_is_of_a_shielded_person_from_the_start(town: Gate) -> None:
    town.command(a_commission("BG-2026-0077"), SHIELD)
    [commission] = town.rows(SubjectRow, SubjectRow.recipient_id == SHIELD)
    town.hear(a_case("person-0001", commission.subject_id))

    town.grant("person-0001", CONCLUSION, recipient_id=SHIELD)
    town.hear(a_conclusion("person-0001"))

    assert [answer["result"] for answer in town.reading(SHIELD).news()] == ["status", "released"]
    assert town.rows(PersonRow, PersonRow.person_id == "person-0001")[0].shielded_at is not None


def test_it_does_not_matter_which_is_heard_first_the_case_or_the_shield(town: Gate) -> None:
    town.command(a_commission("BG-2026-0078"))
    [commission] = town.rows(SubjectRow, SubjectRow.recipient_id == JOBCENTER)
    shielded(town, "person-0001")
    town.hear(a_case("person-0001", commission.subject_id))

    town.grant("person-0001", CONCLUSION)
    town.hear(a_conclusion("person-0001"))

    assert [answer["result"] for answer in town.reading().news()] == ["status"]
    assert len(town.rows(SubjectRow, SubjectRow.recipient_id == SHIELD)) == 1


def test_providers_are_no_matter_of_the_shield(town: Gate) -> None:
    person = town.a_person()
    shielded(town, person)
    referral = town.a_referral_of(person, Category.IDENTITY)
    town.hear(an_identity(person))

    town.agree(person, referral, Category.IDENTITY)

    assert [answer["result"] for answer in town.reading(CLINIC).news()] == ["released"]


def test_the_shield_can_neither_cancel_nor_take_over_what_it_did_not_commission(town: Gate) -> None:
    person = town.a_person("BG-2026-0043")
    shielded(town, person)

    [fault] = town.command(a_cancellation("BG-2026-0043"), SHIELD)
    taken = town.command(a_commission("BG-2026-0043"), SHIELD)  # one of its own, as of anybody who is not shielded

    assert (fault["field"], taken) == ("reference", [])
    assert town.announced(CommissionCancelled) == []
    [own] = town.rows(SubjectRow, SubjectRow.recipient_id == SHIELD, col(SubjectRow.mirrors).is_(None))
    assert own.person_id is None


def test_being_shielded_twice_changes_nothing(town: Gate) -> None:
    person = town.a_person()

    shielded(town, person)
    shielded(town, person)

    assert len(town.rows(SubjectRow, SubjectRow.person_id == person)) == 2


def test_the_calendar_tells_the_shield_no_status_of_a_commission_that_is_not_its_own(town: Gate) -> None:
    person = town.a_person()
    shielded(town, person)

    town.clock.now += 9 * DAY
    asyncio.run(town.service.timers.run_calendar())

    assert town.reading(SHIELD).news() == []
    assert [answer["status"] for answer in town.reading().news()][-1] == "running"


def test_to_the_jobcenter_a_shielded_person_looks_like_one_who_takes_everything_back(sqlite_gate: Gate) -> None:
    random, met = Random(35), Counter[str]()  # noqa: S311  a seed, not a secret
    end = NOON + SPAN + DAY
    looks = [(end + number * SECOND, past.opens(number / 40)) for number in range(1, 40, 3)]

    for number in range(PAIRS):
        common = draw_released(random, JOBCENTER)
        history = [*common.steps, *draw_rest(random, common), *looks]
        one = play(sqlite_gate, JOBCENTER, [*history, (end, past.shielded("anna"))])
        other = play(sqlite_gate, JOBCENTER, [*history, (end, past.withdrawn("anna", JOBCENTER))])
        assert one == other, f"pair {number}"
        met.update(item[1]["result"] for item in one if item[0] == "answer")

    assert met["retracted"] > 0, met
