"""What the team found and how soon it met whom: counted by person, once, in the quarter in which it was noted."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.assessment.figures import talk_class
from services.assessment.store import Entry
from shared.contracts.assessment import AssessmentFiguresCounted
from shared.contracts.consent import FactContested
from shared.contracts.town import ESSEN
from shared.unit_of_work import UnitOfWork
from tests.assessment.builders import NOON, Assessment, a_case_ended

FIFTH_WORKING_DAY = datetime(2026, 4, 7, 9, tzinfo=UTC)
A_QUARTER_LATER = datetime(2026, 7, 7, 9, tzinfo=UTC)


def counts(assessment: Assessment, table: str, *, at: datetime = FIFTH_WORKING_DAY) -> dict[str, int]:
    """Have the quarters counted that are due then; return what was announced of the newest, without the zeros."""
    assessment.clock.now = at
    asyncio.run(assessment.app.state.service.counting.look())
    event = assessment.announced(AssessmentFiguresCounted)[-1]
    return {cell.row: cell.count for cell in event.cells if cell.table == table and cell.count}


def attend(assessment: Assessment, case_id: str, attended_on: str) -> None:
    """Write down a talk."""
    body = {"kind": "first_talk", "attended_on": attended_on}
    assert assessment.ask("POST", f"/cases/{case_id}/attendance", body).status_code < 300


def test_a_person_counts_once_for_a_life_domain_however_much_was_found(assessment: Assessment) -> None:
    one, other = assessment.open_case().case_id, assessment.open_case().case_id
    assessment.fact(one, severity=2)
    assessment.fact(one, severity=4, code="debts_not_sorted_yet")
    assessment.fact(one, life_domain="housing", code="sleeping_rough", severity=3)
    assessment.fact(other, severity=3)

    assert counts(assessment, "needs") == {"debts": 2, "housing": 1}


@pytest.mark.parametrize(("severity", "found"), [(0, {}), (1, {}), (2, {"debts": 1}), (4, {"debts": 1})])
def test_a_finding_is_a_need_from_the_middle_of_the_scale_on(
    assessment: Assessment, severity: int, found: dict[str, int]
) -> None:
    assessment.fact(assessment.open_case().case_id, severity=severity)

    assert counts(assessment, "needs") == found


def test_a_need_counts_when_it_was_first_written_down_and_never_again(assessment: Assessment) -> None:
    case = assessment.open_case().case_id
    assessment.fact(case, severity=3)
    assert counts(assessment, "needs") == {"debts": 1}

    assessment.fact(case, severity=4, code="debts_not_sorted_yet")

    assert counts(assessment, "needs", at=A_QUARTER_LATER) == {}


def test_a_finding_that_became_a_need_counts_when_it_did(assessment: Assessment) -> None:
    case = assessment.open_case().case_id
    fact = assessment.fact(case, severity=1)
    assert counts(assessment, "needs") == {}

    body = {"code": "creditors_many_and_unclear", "severity": 3}
    assessment.ask("PUT", f"/cases/{case}/facts/{fact['fact_id']}", body)

    assert counts(assessment, "needs", at=A_QUARTER_LATER) == {"debts": 1}


def test_what_waits_for_a_second_person_counts_once_it_is_confirmed(assessment: Assessment) -> None:
    case = assessment.open_case().case_id
    fact = assessment.fact(case, life_domain="addiction", code="opioid_use_current", severity=3)
    assert counts(assessment, "needs") == {}

    path = f"/cases/{case}/facts/{fact['fact_id']}/confirmation"
    assert assessment.ask("POST", path, {"version": 1}, role="lead").status_code < 300

    assert counts(assessment, "needs", at=A_QUARTER_LATER) == {"addiction": 1}


@pytest.mark.parametrize("marked", [{"contested": True}, {"about": "somebody_else"}])
def test_what_is_contested_or_about_somebody_else_does_not_count(
    assessment: Assessment, marked: dict[str, Any]
) -> None:
    recorded = assessment.fact(assessment.open_case().case_id, severity=3, **marked)

    assert "fact_id" in recorded
    assert counts(assessment, "needs") == {}


def test_what_the_person_contests_does_not_count(assessment: Assessment) -> None:
    opened = assessment.open_case()
    fact = assessment.fact(opened.case_id, severity=3)
    contested = FactContested(fact_id=fact["fact_id"], person_id=opened.person_id, number=1, contested_at=NOON)
    assessment.hear(contested)

    assert counts(assessment, "needs") == {}


def test_what_was_removed_does_not_count(assessment: Assessment) -> None:
    case = assessment.open_case().case_id
    fact = assessment.fact(case, severity=3)
    assessment.ask("DELETE", f"/cases/{case}/facts/{fact['fact_id']}")

    assert counts(assessment, "needs") == {}


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2026-02-20", "within_3_days"),  # met before the case began
        ("2026-03-02", "within_3_days"),
        ("2026-03-05", "within_3_days"),
        ("2026-03-06", "within_7_days"),
        ("2026-03-11", "within_7_days"),
        ("2026-03-12", "within_14_days"),
        ("2026-03-20", "within_14_days"),
        ("2026-03-23", "within_30_days"),
        ("2026-04-13", "within_30_days"),
        ("2026-04-14", "later"),
    ],
)
def test_the_wait_is_counted_in_working_days(day: str, found: str) -> None:
    assert talk_class(ESSEN, NOON.date(), datetime.fromisoformat(day).date()) == found  # from a Monday


def test_each_person_counts_once_by_the_first_talk(assessment: Assessment) -> None:
    case = assessment.open_case().case_id
    assessment.clock.pass_days(4)
    attend(assessment, case, "2026-03-06")
    assessment.clock.pass_days(4)
    attend(assessment, case, "2026-03-10")

    assert counts(assessment, "first_talks") == {"within_7_days": 1}
    assert counts(assessment, "first_talks", at=A_QUARTER_LATER) == {}


def test_a_talk_that_is_written_down_after_the_count_belongs_to_the_next_quarter(assessment: Assessment) -> None:
    case = assessment.open_case().case_id
    assert counts(assessment, "first_talks") == {}

    attend(assessment, case, "2026-03-06")

    assert counts(assessment, "first_talks", at=A_QUARTER_LATER) == {"within_7_days": 1}


def test_who_was_not_talked_with_by_the_end_of_the_quarter_waits(assessment: Assessment) -> None:
    met, ended = assessment.open_case(), assessment.open_case()
    assessment.open_case()
    attend(assessment, met.case_id, "2026-03-02")
    assessment.hear(a_case_ended(ended))

    assert counts(assessment, "not_yet_met") == {"waiting": 1}
    assert counts(assessment, "not_yet_met", at=A_QUARTER_LATER) == {}


def test_a_damaged_case_is_left_out_and_said_and_stops_nobody_else(
    assessment: Assessment, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged, whole = assessment.open_case().case_id, assessment.open_case().case_id
    fact = assessment.fact(damaged, severity=3)
    assessment.fact(whole, severity=3)

    def damage(work: UnitOfWork) -> None:
        entry = work.session.get_one(Entry, (fact["fact_id"], 1))
        entry.content = b"damaged"
        work.session.add(entry)

    assessment.write(damage)

    assert counts(assessment, "needs") == {"debts": 1}
    logged = capsys.readouterr().out
    assert '"event": "case_not_counted"' in logged
    assert '"unread": 1' in logged


def test_nothing_is_counted_of_what_came_after_the_end_of_the_quarter(assessment: Assessment) -> None:
    case = assessment.open_case().case_id
    assessment.clock.now = FIFTH_WORKING_DAY - timedelta(days=3)
    assessment.fact(case, severity=3)
    attend(assessment, case, "2026-03-20")

    assert counts(assessment, "needs") == {}
    assert counts(assessment, "first_talks") == {}
    assert counts(assessment, "not_yet_met") == {"waiting": 1}
    assert counts(assessment, "needs", at=A_QUARTER_LATER) == {"debts": 1}
    assert counts(assessment, "first_talks", at=A_QUARTER_LATER) == {"within_14_days": 1}
