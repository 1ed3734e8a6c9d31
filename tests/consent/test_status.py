"""The neutral status: a function of the commission and the calendar. Nothing that happens in a case touches it."""

from datetime import UTC, date, datetime
from functools import partial

import pytest
from sqlmodel import col, select

from services.consent import commissions
from services.consent.domain import CommissionStatus, commission_status, next_working_day
from services.consent.tables import ReleaseRow, SubjectRow
from shared.contracts.categories import Category
from tests.consent.builders import (
    CLINIC,
    DAY,
    a_cancellation,
    a_case_end,
    a_closing,
    a_commission,
    a_conclusion,
    a_contact,
    an_attendance,
)
from tests.consent.gate import Gate

COMMISSIONED, RUNNING, FINISHED, ENDED = CommissionStatus
FRIDAY, SATURDAY, MONDAY, TUESDAY = (date(2026, 3, day) for day in (6, 7, 9, 10))
DEADLINE = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("day", "holidays", "following"),
    [
        (FRIDAY, (), MONDAY),
        (SATURDAY, (), MONDAY),
        (MONDAY, (), TUESDAY),
        (FRIDAY, (MONDAY,), TUESDAY),
        (date(2026, 4, 2), (date(2026, 4, 3), date(2026, 4, 6)), date(2026, 4, 7)),
    ],
)
def test_the_next_working_day_is_neither_at_a_weekend_nor_a_holiday(
    day: date, holidays: tuple[date, ...], following: date
) -> None:
    assert next_working_day(day, frozenset(holidays)) == following


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (FRIDAY, COMMISSIONED),
        (SATURDAY, COMMISSIONED),
        (date(2026, 3, 8), COMMISSIONED),
        (MONDAY, RUNNING),
        (date(2026, 6, 29), RUNNING),
        (DEADLINE, FINISHED),
        (date(2028, 1, 1), FINISHED),
    ],
)
def test_a_commission_runs_from_the_next_working_day_and_is_finished_at_its_deadline(
    today: date, status: CommissionStatus
) -> None:
    found = commission_status(received_on=FRIDAY, deadline=DEADLINE, cancelled=False, today=today)

    assert found is status


@pytest.mark.parametrize("today", [FRIDAY, MONDAY, DEADLINE])
def test_a_cancelled_commission_is_ended_on_any_day(today: date) -> None:
    assert commission_status(received_on=FRIDAY, deadline=DEADLINE, cancelled=True, today=today) is ENDED


def test_a_deadline_before_the_next_working_day_finishes_a_commission_that_never_ran() -> None:
    found = commission_status(received_on=FRIDAY, deadline=SATURDAY, cancelled=False, today=SATURDAY)

    assert found is FINISHED


def run_calendar(gate: Gate) -> int:
    """Have the calendar looked at; return how many commissions it changed."""
    return gate.write(partial(commissions.notice_new_statuses, settings=gate.settings))


def test_each_status_brings_one_notice(gate: Gate) -> None:
    jobcenter = gate.reading()
    gate.a_person("BG-1")
    heard = jobcenter.news()

    for day in (DAY, DAY, 200 * DAY, DAY):
        gate.clock.pass_(day)
        run_calendar(gate)
        run_calendar(gate)
        heard += jobcenter.news()

    assert [(answer["reference"], answer["status"]) for answer in heard] == [
        ("BG-1", "commissioned"),
        ("BG-1", "running"),
        ("BG-1", "finished"),
    ]


def test_the_status_is_the_one_of_the_opening_not_of_the_notice(gate: Gate) -> None:
    gate.a_person()
    [notice] = gate.notices()

    gate.clock.pass_(DAY)

    assert gate.open(notice)["status"] == "running"


def test_a_day_begins_at_midnight_of_the_town(gate: Gate) -> None:
    gate.a_person()
    gate.clock.now = datetime(2026, 3, 2, 22, 59, tzinfo=UTC)  # 23:59 in Essen
    assert run_calendar(gate) == 0

    gate.clock.now = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)

    assert run_calendar(gate) == 1


def test_a_cancelled_commission_is_ended_at_once_and_for_ever(gate: Gate) -> None:
    jobcenter = gate.reading()
    gate.a_person("BG-1")
    jobcenter.news()

    gate.command(a_cancellation("BG-1"))
    gate.command(a_cancellation("BG-1"))
    heard = jobcenter.news()
    gate.clock.pass_(200 * DAY)

    assert [answer["status"] for answer in heard] == ["ended"]
    assert run_calendar(gate) == 0


def test_a_finished_commission_can_still_be_ended_by_the_jobcenter(gate: Gate) -> None:
    gate.a_person("BG-1")
    gate.clock.pass_(200 * DAY)
    run_calendar(gate)

    assert gate.command(a_cancellation("BG-1")) == []

    assert gate.open(gate.notices()[-1])["status"] == "ended"


def statuses(gate: Gate) -> list[dict[str, str]]:
    """Return the statuses that the Jobcenter's notices stand for."""
    return [
        {name: value for name, value in answer.items() if name in {"reference", "status"}}
        for answer in gate.reading().news()
        if answer["result"] == "status"
    ]


def test_nothing_that_happens_in_a_case_touches_the_status(gate: Gate) -> None:
    gate.command(a_commission("BG-1"))  # nobody was ever found
    person = gate.a_person("BG-2")
    referral = gate.a_referral_of(person)
    gate.hear(an_attendance(person), a_conclusion(person), a_contact(person))
    gate.grant(person, Category.CONCLUSION)
    gate.agree(person, referral, Category.CONTACT)
    gate.open(gate.notices(CLINIC)[-1], CLINIC)
    gate.hear(a_closing(person, referral))
    gate.withdraw(person)
    gate.hear(a_case_end(person))
    gate.clock.pass_(DAY)
    run_calendar(gate)

    assert sorted(statuses(gate), key=lambda told: str(told["reference"])) == [
        {"reference": reference, "status": "running"} for reference in ("BG-1", "BG-1", "BG-2", "BG-2")
    ]


def test_the_order_of_statuses_tells_nothing_of_what_happened_in_which_case(gate: Gate) -> None:
    persons = {f"BG-{number}": gate.a_person(f"BG-{number}") for number in range(6)}
    for reference in ("BG-3", "BG-0"):  # these two speak, so that their rows are written again
        gate.hear(a_conclusion(persons[reference]))
        gate.grant(persons[reference], Category.CONCLUSION)
    with gate.service.database.read() as session:
        order = [row.subject_id for row in session.exec(select(SubjectRow).order_by(col(SubjectRow.subject_id)))]
    told = len(gate.notices())

    gate.clock.pass_(200 * DAY)
    gate.write(partial(commissions.notice_new_statuses, settings=gate.settings))

    renewed = gate.notices()[told:]
    rows = {row.release_id: row.subject_id for row in gate.rows(ReleaseRow)}
    assert [rows[notice] for notice in renewed] == order
