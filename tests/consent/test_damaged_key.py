"""A key that cannot be unwrapped hides nothing of others, and keeps nobody from being held, retracted or forgotten."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from services.consent.tables import AnswerRow, EmergencyRow, HoldRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import EmergencyReviewOverdue
from tests.consent.builders import DAY, a_conclusion
from tests.consent.bus import Bus, Delivery
from tests.consent.emergencies import an_emergency, listed, watch
from tests.consent.gate import Gate, Reader
from tests.consent.test_refused_grants import a_form
from tests.consent.test_unreadable import damage

CONCLUSION = Category.CONCLUSION
Damage = Callable[[Gate, str], None]


def damage_key(gate: Gate, key_id: str) -> None:
    """Have the disk change a wrapped key in the store of keys."""
    keys = gate.service.keys
    with keys._engine.begin() as connection:
        damaged = text("UPDATE person_key SET wrapped = :wrapped WHERE key_id = :key_id")
        assert connection.execute(damaged, {"wrapped": b"x" * 60, "key_id": key_id}).rowcount == 1
    keys._cache.clear()  # as after a restart


def damage_key_of_the_commission(gate: Gate, person: str) -> None:
    """Have the disk change the wrapped key of what the Jobcenter commissioned for a person."""
    [commission] = gate.rows(SubjectRow, SubjectRow.person_id == person)
    damage_key(gate, commission.subject_id)


def damage_reference(gate: Gate, person: str) -> None:
    """Have the disk change the reference under which the Jobcenter knows a person."""
    [commission] = gate.rows(SubjectRow, SubjectRow.person_id == person)
    damage(gate, SubjectRow, commission.subject_id, "reference")


def a_person_of_whom_was_told(gate: Gate) -> tuple[str, Reader]:
    """Return a person with a yes to the Jobcenter, and the Jobcenter, which has opened everything so far."""
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    assert "released" in [news["result"] for news in jobcenter.news()]
    return person, jobcenter


def two_overdue_emergencies(gate: Gate) -> tuple[str, str]:
    """Return an overdue emergency, and one of a person whose key is damaged."""
    readable, other = an_emergency(gate), an_emergency(gate)
    [row] = gate.rows(EmergencyRow, EmergencyRow.emergency_id == other)
    damage_key(gate, row.person_id)
    gate.clock.pass_(4 * DAY)
    return readable, other


def test_the_overdue_emergencies_of_everybody_are_loud_and_announced(
    sqlite_gate: Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    readable, other = two_overdue_emergencies(sqlite_gate)
    capfd.readouterr()

    watch(sqlite_gate)

    lines = capfd.readouterr().out.splitlines()
    for loud in ("emergency_reviews_overdue", "persons_not_told_in_time"):
        assert any(loud in line and readable in line and other in line for line in lines)
    assert {event.emergency_id for event in sqlite_gate.announced(EmergencyReviewOverdue)} == {readable, other}


def test_the_lead_is_shown_every_emergency(sqlite_gate: Gate) -> None:
    both = two_overdue_emergencies(sqlite_gate)

    assert {shown["emergency_id"] for shown in listed(sqlite_gate)} == set(both)


def test_readiness_counts_every_overdue_emergency(sqlite_gate: Gate) -> None:
    two_overdue_emergencies(sqlite_gate)

    counts = sqlite_gate.http.get("/ready").json()["counts"]

    assert (counts["emergency_reviews_overdue"], counts["persons_not_told_in_time"]) == (2, 2)


def test_the_calendar_goes_on_for_everybody_else(sqlite_gate: Gate) -> None:
    damaged, other = (a_person_of_whom_was_told(sqlite_gate)[0] for _ in range(2))
    damage_key(sqlite_gate, damaged)
    sqlite_gate.clock.pass_(200 * DAY)

    asyncio.run(sqlite_gate.service.timers.run_calendar())

    assert {row.ended_by for row in sqlite_gate.rows(AnswerRow, AnswerRow.person_id == other)} == {"expired"}


@pytest.mark.parametrize("spoil", [damage_key, damage_key_of_the_commission, damage_reference])
def test_a_person_is_forgotten_whatever_is_damaged(sqlite_gate: Gate, spoil: Damage) -> None:
    person, _ = a_person_of_whom_was_told(sqlite_gate)
    spoil(sqlite_gate, person)

    answer = sqlite_gate.ask("POST", f"/persons/{person}/erasure")

    assert answer.status_code == 202
    assert sqlite_gate.service.keys.is_destroyed(person)


def test_what_a_person_takes_back_is_retracted(sqlite_gate: Gate) -> None:
    person, jobcenter = a_person_of_whom_was_told(sqlite_gate)
    damage_key(sqlite_gate, person)

    answer = sqlite_gate.ask("POST", "/withdrawals", {"person_id": person})
    sqlite_gate.clock.pass_()

    assert answer.status_code == 200
    assert [news["result"] for news in jobcenter.news()] == ["retracted"]


def test_what_was_told_of_a_person_who_is_forgotten_is_retracted(sqlite_gate: Gate) -> None:
    person, jobcenter = a_person_of_whom_was_told(sqlite_gate)
    damage_key(sqlite_gate, person)

    sqlite_gate.ask("POST", f"/persons/{person}/erasure")
    sqlite_gate.clock.pass_()

    assert "retracted" in [news["result"] for news in jobcenter.news()]


def test_the_quiet_signal_is_heard(sqlite_gate: Gate) -> None:
    person, _ = a_person_of_whom_was_told(sqlite_gate)
    damage_key(sqlite_gate, person)

    answer = sqlite_gate.ask("POST", f"/persons/{person}/hold", {})

    assert answer.status_code == 200
    assert [row.person_id for row in sqlite_gate.rows(HoldRow)] == [person]


def test_a_no_that_cannot_be_recorded_is_answered_with_the_reason(sqlite_gate: Gate) -> None:
    person, _ = a_person_of_whom_was_told(sqlite_gate)
    damage_key(sqlite_gate, person)

    answer = sqlite_gate.ask("POST", "/grants", a_form(person, words={"conclusion": "no"}))

    assert (answer.status_code, answer.json()["code"]) == (503, "unreadable_value")


def test_a_message_that_cannot_be_sealed_for_its_person_is_parked_where_it_can_be_seen(sqlite_gate: Gate) -> None:
    person, _ = a_person_of_whom_was_told(sqlite_gate)
    damage_key(sqlite_gate, person)
    bus = Bus(sqlite_gate)
    delivery = Delivery(bus._sealed(a_conclusion(person)))

    asyncio.run(bus._receiver.park(delivery))  # type: ignore[arg-type]  # all that is asked of a message

    assert delivery.settled == ["acknowledged"]
    assert len(sqlite_gate.ask("GET", "/parked", role="operator").json()) == 1
