"""The capacity query: by the calendar alone every provider is asked how many places it keeps, and nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from services.consent import capacity_query
from services.consent.ledger import EntryKind
from services.consent.ledger_view import read_content
from services.consent.tables import LedgerRow
from shared.contracts.answers import CapacityQueryAnswer
from shared.contracts.categories import Category
from shared.contracts.consent import PlacesOffered
from tests.consent.builders import CLINIC, DAY, JOBCENTER, new_id
from tests.consent.gate import Answer, Gate
from tests.consent.steering import enrol

WEEK = timedelta(days=7)
MONDAY = datetime(2026, 3, 16, 9, tzinfo=UTC)


@pytest.fixture
def gate_on_monday(gate: Gate) -> Gate:
    """Return a gate that looks at its calendar in a week after that in which its recipients were registered."""
    gate.clock.now = MONDAY
    return gate


def look(gate: Gate) -> list[str]:
    """Do what the timer does; return who was asked."""
    providers = gate.write(capacity_query.providers_to_ask)
    for recipient_id in providers:
        gate.write(lambda work, one=recipient_id: capacity_query.ask(work, recipient_id=one))  # type: ignore[misc]
    return providers


def queries(gate: Gate, recipient_id: str = CLINIC) -> list[Answer]:
    """Return what a provider is asked by its notices now."""
    answers = [gate.open(notice, recipient_id) for notice in gate.notices(recipient_id)]
    return [answer for answer in answers if answer["result"] == "capacity_query"]


def offer(gate: Gate, *, places: int = 3) -> list[dict[str, str]]:
    """Have the clinic say how many places it keeps."""
    until = (gate.clock.now + 30 * DAY).isoformat()
    command = {"command_id": new_id(), "command": "offer_places", "service": "clinic_place", "places": places}
    return gate.command({**command, "valid_until": until}, CLINIC)


def test_every_provider_is_asked_once_a_week_and_nobody_else(gate_on_monday: Gate) -> None:
    gate = gate_on_monday
    enrol(gate)

    first, again = look(gate), look(gate)
    gate.clock.pass_(6 * DAY)
    on_sunday = look(gate)
    gate.clock.pass_(DAY)
    next_monday = look(gate)

    assert CLINIC in first
    assert JOBCENTER not in first
    assert (again, on_sunday, next_monday) == ([], [], first)


def test_what_is_asked_is_the_week_and_until_when(gate_on_monday: Gate) -> None:
    look(gate_on_monday)
    [answer] = queries(gate_on_monday)

    assert CapacityQueryAnswer.model_validate(answer)
    assert {**answer, "notice": ""} == {
        "result": "capacity_query",
        "notice": "",
        "week": "2026-W12",
        "answer_by": "2026-03-19",
    }


def test_a_provider_is_asked_from_the_week_after_its_registration(gate: Gate) -> None:
    assert look(gate) == []

    gate.clock.pass_(WEEK)

    assert CLINIC in look(gate)


def test_a_query_that_was_not_opened_opens_nothing_once_there_is_a_newer_one(gate_on_monday: Gate) -> None:
    gate = gate_on_monday
    look(gate)
    gate.clock.pass_(WEEK)
    look(gate)

    assert [answer["week"] for answer in queries(gate)] == ["2026-W13"]


def test_an_offer_answers_what_was_asked_last_and_the_team_sees_that(gate_on_monday: Gate) -> None:
    gate = gate_on_monday
    look(gate)
    before = gate.ask("GET", "/capacity-queries", role="assessor").json()

    assert offer(gate) == []

    after = gate.ask("GET", "/capacity-queries", role="assessor").json()
    assert [one["answered"] for one in before if one["recipient_id"] == CLINIC] == [False]
    assert [one for one in after if one["recipient_id"] == CLINIC] == [
        {"recipient_id": CLINIC, "week": "2026-W12", "answer_by": "2026-03-19", "answered": True}
    ]
    assert len(gate.announced(PlacesOffered)) == 1
    assert queries(gate) == []  # there is nothing left to be asked


def test_every_opening_of_a_query_stands_in_the_ledger(gate_on_monday: Gate) -> None:
    gate = gate_on_monday
    look(gate)
    [first], [second] = queries(gate), queries(gate)
    entries = gate.rows(LedgerRow, LedgerRow.recipient_id == CLINIC)

    assert first == second
    assert [entry.kind for entry in entries] == [EntryKind.CAPACITY_QUERY] * 2
    assert read_content(gate.service.keys, entries[0]) == {"week": "2026-W12", "answer_by": "2026-03-19"}
    assert gate.ask("GET", f"/ledger/{CLINIC}/verification", role="operator").json()["whole"]


def test_nobody_else_can_open_a_providers_query(gate_on_monday: Gate) -> None:
    gate = gate_on_monday
    look(gate)
    notices = gate.notices(CLINIC)

    assert [gate.open(notice, JOBCENTER) for notice in notices] == [{"result": "empty"}] * len(notices)


def test_whether_anybody_needs_a_place_changes_nothing_about_when_who_is_asked_what(gate_on_monday: Gate) -> None:
    """The pair of histories: with somebody who is referred to the clinic, and without anybody."""
    gate = gate_on_monday
    without = (look(gate), [{**answer, "notice": ""} for answer in queries(gate)])
    person_id = gate.a_person()
    gate.a_referral_of(person_id, Category.MENTAL_HEALTH)
    after_the_need = look(gate)
    gate.clock.pass_(WEEK)
    with_somebody = (look(gate), [{**answer, "notice": ""} for answer in queries(gate)][1:])

    assert after_the_need == []
    assert with_somebody[0] == without[0]
    assert with_somebody[1] == [{**without[1][0], "week": "2026-W13", "answer_by": "2026-03-26"}]
