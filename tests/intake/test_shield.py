"""Shielding, joining a commission to an earlier case, and that the three notices come first."""

from datetime import date, timedelta

import pytest
from sqlmodel import select

from services.intake.care_store import Strand
from shared.contracts.consent import CommissionChanged
from shared.contracts.intake import CaseEnded, CaseOpened, CaseShielded, CommissionJoined
from shared.inbox import TooEarly
from tests.intake.builders import NOON, SHA, Intake, a_commission

NOTICES = {"language": "ar", "text_version": "2026-1", "text_sha256": SHA}


def joined(intake: Intake, case_id: str, former: str) -> tuple[int, str]:
    """Join a commission; return status and code."""
    answer = intake.ask("POST", f"/cases/{case_id}/joined-commission", {"former_case_id": former})
    return answer.status_code, answer.json().get("code", "")


def a_commissioned_case(intake: Intake, **changes: object) -> str:
    """Have a commission come in; return its case."""
    intake.hear(a_commission(**changes))
    return intake.announced(CaseOpened)[-1].case_id


def a_case_with_notices(intake: Intake) -> str:
    """Open a case and give the notices."""
    case_id = intake.open_case()["case_id"]
    intake.ask("POST", f"/cases/{case_id}/notices", NOTICES)
    return case_id


def test_a_case_is_shielded_once_and_announced_once(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]

    answers = [intake.ask("POST", f"/cases/{case_id}/shield").status_code for _ in range(2)]

    assert answers == [200, 200]
    assert [event.case_id for event in intake.announced(CaseShielded)] == [case_id]


def test_a_case_can_be_shielded_from_the_start(intake: Intake) -> None:
    by_hand = intake.open_case(shielded=True)["case_id"]
    by_shield = a_commissioned_case(intake, shielded=True)

    assert [event.case_id for event in intake.announced(CaseShielded)] == [by_hand, by_shield]


def test_a_joined_commission_moves_and_the_case_that_it_opened_ends(intake: Intake) -> None:
    case_id = a_case_with_notices(intake)
    former = a_commissioned_case(intake)

    first, again = joined(intake, case_id, former), joined(intake, case_id, former)

    assert first == again == (200, "")
    assert [event.former_case_id for event in intake.announced(CommissionJoined)] == [former]
    assert [event.case_id for event in intake.announced(CaseEnded)] == [former]
    assert [line["case_id"] for line in intake.lines()] == [case_id]


def test_the_case_that_ends_by_joining_is_silent_from_then_on(intake: Intake) -> None:
    case_id, former = a_case_with_notices(intake), a_commissioned_case(intake)
    intake.clock.pass_days(9)
    intake.look()
    before = {alarm["case_id"] for alarm in intake.alarms()}

    joined(intake, case_id, former)

    assert before == {case_id, former}
    assert {alarm["case_id"] for alarm in intake.alarms()} == {case_id}
    find = select(Strand.is_open).where(Strand.case_id == former)
    assert intake.write(lambda work: list(work.session.exec(find))) == [False]


def test_before_the_notices_a_case_takes_no_review_and_no_commission(intake: Intake) -> None:
    case_id, former = intake.open_case()["case_id"], a_commissioned_case(intake)

    review = intake.ask("POST", f"/cases/{case_id}/reviews")

    assert (review.status_code, review.json()["code"]) == (409, "notices_not_given")
    assert joined(intake, case_id, former) == (409, "notices_not_given")


def test_before_the_notices_a_person_can_be_reached_and_helped(intake: Intake) -> None:
    case_id = intake.open_case(origin="street")["case_id"]

    need = intake.ask("POST", "/acute-needs", {"case_id": case_id, "kind": "hunger"})
    contact = intake.ask("PUT", f"/cases/{case_id}/contact", {"channel": "in_person"})
    identity = intake.ask("PUT", f"/cases/{case_id}/identity", {"name": "Erika"})

    assert (need.is_success, contact.status_code, identity.status_code) == (True, 200, 200)


def test_a_shield_is_neither_lost_nor_caught_by_joining(intake: Intake) -> None:
    case_id, former = a_case_with_notices(intake), a_commissioned_case(intake, shielded=True)

    refused = joined(intake, case_id, former)
    intake.ask("POST", f"/cases/{case_id}/shield")

    assert refused == (409, "cannot_be_joined")
    assert joined(intake, case_id, former) == (200, "")


def test_a_case_that_has_a_commission_or_has_ended_takes_no_other(intake: Intake) -> None:
    case_id, first, second = a_case_with_notices(intake), a_commissioned_case(intake), a_commissioned_case(intake)
    joined(intake, case_id, first)

    assert joined(intake, case_id, second) == (409, "cannot_be_joined")
    assert joined(intake, case_id, case_id) == (422, "malformed")
    intake.ask("POST", f"/cases/{case_id}/end")
    assert joined(intake, case_id, second) == (409, "case_has_ended")


def a_change(commission_id: str, *, deadline: date, hours: int = 1) -> CommissionChanged:
    """Return that the Jobcenter changed a commission."""
    at = NOON + timedelta(hours=hours)
    return CommissionChanged(commission_id=commission_id, deadline=deadline, budget_line="16A-2027", changed_at=at)


def test_the_newest_change_of_a_commission_counts_in_any_order(intake: Intake) -> None:
    commission = a_commission()
    intake.hear(commission)

    intake.hear(a_change(commission.commission_id, deadline=date(2026, 3, 3), hours=2))
    intake.hear(a_change(commission.commission_id, deadline=date(2026, 7, 1), hours=1))

    assert intake.lines()[0]["due_on"] == "2026-03-03"


def test_a_change_before_its_commission_waits(intake: Intake) -> None:
    with pytest.raises(TooEarly):
        intake.hear(a_change("not-heard-of-yet-01", deadline=date(2026, 7, 1)))


def test_shielding_the_former_case_of_a_joined_pair_shields_the_one_that_goes_on(intake: Intake) -> None:
    case_id, former = a_case_with_notices(intake), a_commissioned_case(intake)
    joined(intake, case_id, former)

    assert intake.ask("POST", f"/cases/{former}/shield").status_code == 200

    assert {event.case_id for event in intake.announced(CaseShielded)} == {case_id, former}
