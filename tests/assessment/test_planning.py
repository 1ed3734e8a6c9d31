"""Whatever changes what comes next in a case is announced, with a growing number, and only then."""

from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from sqlmodel import select

from services.assessment import handlers
from services.assessment.app import create_app
from services.assessment.store import Case
from shared.contracts.assessment import AssessmentFinished, AssessmentStepPlanned
from shared.contracts.consent import Awaited, EmergencyDisclosed, PersonAwaited
from shared.contracts.intake import CaseOpened
from shared.unit_of_work import UnitOfWork
from tests.assessment.builders import NOON, TEAM, Assessment, a_case_ended, running_assessment

TAKING = {"team_id": TEAM, "responsible_id": "assessor-7"}


def taken(assessment: Assessment) -> CaseOpened:
    """Open a case and have a team take it."""
    opened = assessment.open_case()
    assessment.ask("POST", f"/cases/{opened.case_id}/taking", TAKING)
    return opened


def try_contact(assessment: Assessment, case_id: str, outcome: str = "not_reached", channel: str = "phone") -> str:
    """Try to make contact; return what comes next."""
    body = {"channel": channel, "outcome": outcome}
    return str(assessment.ask("POST", f"/cases/{case_id}/contact-attempts", body).json()["next_step"])


def finish(assessment: Assessment, case_id: str) -> None:
    """Say that the team has nothing more to do."""
    assessment.ask("POST", f"/cases/{case_id}/finishing")


def numbers(assessment: Assessment) -> list[int]:
    """Return the numbers of all plans that were announced."""
    return [event.number for event in assessment.announced(AssessmentStepPlanned)]


def test_a_new_case_is_to_be_taken_by_the_team_by_a_day(assessment: Assessment) -> None:
    opened = assessment.open_case()

    step = assessment.planned(opened.case_id)

    assert (step.strand_id, step.person_id, step.responsible_id) == (opened.case_id, opened.person_id, TEAM)
    assert (step.step, step.number, str(step.due_at)) == ("take", 1, "2026-03-04 00:00:00+00:00")


def test_a_case_that_is_heard_of_twice_is_announced_once(assessment: Assessment) -> None:
    opened = assessment.open_case()

    assessment.hear(opened)

    assert numbers(assessment) == [1]


def test_what_was_never_announced_is_announced_when_the_service_starts(tmp_path: Path) -> None:
    with running_assessment(tmp_path) as before:
        going_on, over = before.open_case(), before.open_case()
        before.hear(a_case_ended(over))
        before.write(_forget_what_was_announced)
        known = len(before.announced(AssessmentStepPlanned))

    app = create_app(before.app.state.service.settings, clock=before.clock)
    with TestClient(app) as http:
        after = Assessment(app, http, tmp_path, before.clock)
        steps = {event.case_id: event.step for event in after.announced(AssessmentStepPlanned)[known:]}

    assert steps == {going_on.case_id: "take", over.case_id: None}


def test_a_hand_over_announces_who_is_responsible_now(assessment: Assessment) -> None:
    opened = taken(assessment)

    assessment.ask("POST", f"/cases/{opened.case_id}/taking", {**TAKING, "responsible_id": "assessor-8"})
    assessment.ask("POST", f"/cases/{opened.case_id}/taking", {**TAKING, "responsible_id": "assessor-8"})

    assert assessment.planned(opened.case_id).responsible_id == "assessor-8"
    assert numbers(assessment) == [1, 2, 3]


def test_what_changes_nothing_of_the_next_step_announces_nothing(assessment: Assessment) -> None:
    opened = taken(assessment)
    before = numbers(assessment)

    assessment.fact(opened.case_id)
    assessment.ask("POST", f"/cases/{opened.case_id}/notes", {"text": "Notiz"})

    assert numbers(assessment) == before


def test_it_is_tried_again_soon_at_first_and_then_at_longer_intervals(assessment: Assessment) -> None:
    opened = taken(assessment)

    due = []
    for _ in range(3):
        try_contact(assessment, opened.case_id)
        due.append(assessment.planned(opened.case_id).due_at)

    assert [str(at.date()) for at in due if at] == ["2026-03-05", "2026-03-07", "2026-03-11"]


def test_whoever_was_tried_often_and_long_enough_is_not_found_and_the_case_can_be_finished(
    assessment: Assessment,
) -> None:
    opened = taken(assessment)
    steps = []
    for days in (0, 2, 5, 8, 8):
        assessment.clock.now += timedelta(days=days)
        steps.append(try_contact(assessment, opened.case_id))

    assert steps == ["contact"] * 4 + ["finish"]


def test_one_who_is_reached_in_between_is_tried_anew(assessment: Assessment) -> None:
    opened = taken(assessment)
    for days in (0, 9, 9):
        assessment.clock.now += timedelta(days=days)
        try_contact(assessment, opened.case_id)
    try_contact(assessment, opened.case_id, "reached")

    for days in (9, 9):
        assessment.clock.now += timedelta(days=days)
        last = try_contact(assessment, opened.case_id)

    assert last == "contact"


def test_finishing_ends_the_strand_and_never_says_why(assessment: Assessment) -> None:
    not_found, talked = taken(assessment), taken(assessment)
    try_contact(assessment, not_found.case_id)
    assessment.ask("POST", f"/cases/{talked.case_id}/attendance", {"kind": "first_talk", "attended_on": "2026-03-02"})

    for opened in (not_found, talked):
        finish(assessment, opened.case_id)

    events = assessment.announced(AssessmentFinished)
    assert {frozenset(event.model_dump()) for event in events} == {frozenset({"case_id", "person_id", "finished_at"})}
    assert [assessment.planned(opened.case_id).step for opened in (not_found, talked)] == [None, None]
    assert {(line["next_step"]) for line in assessment.lines()} == {"none"}


def test_a_finished_case_is_not_overdue(assessment: Assessment) -> None:
    opened = taken(assessment)
    finish(assessment, opened.case_id)

    assessment.clock.now += timedelta(days=90)

    assert assessment.lines("/overdue") == []


def test_finishing_twice_is_finishing_once(assessment: Assessment) -> None:
    opened = taken(assessment)

    finish(assessment, opened.case_id)
    finish(assessment, opened.case_id)

    assert len(assessment.announced(AssessmentFinished)) == 1


def test_whoever_comes_back_takes_a_finished_case_up_again(assessment: Assessment) -> None:
    opened = taken(assessment)
    finish(assessment, opened.case_id)

    try_contact(assessment, opened.case_id, "reached")

    step = assessment.planned(opened.case_id)
    assert (step.step, step.number) == ("talk", 4)


def test_nobody_is_done_with_a_case_that_nobody_has_taken(assessment: Assessment) -> None:
    refused = assessment.ask("POST", f"/cases/{assessment.open_case().case_id}/finishing")

    assert (refused.status_code, refused.json()["code"]) == (409, "nobody_has_taken_it")


def test_what_waits_for_the_person_is_a_step_until_they_were_told(assessment: Assessment) -> None:
    opened = taken(assessment)
    due_at = NOON + timedelta(days=1)

    assessment.hear(
        PersonAwaited(item_id="item-0001", person_id=opened.person_id, awaited=Awaited.WORD, due_at=due_at, at=NOON)
    )

    assert (assessment.planned(opened.case_id).step, assessment.case(opened.case_id)["tellings"]) == (
        "tell_person",
        [{"telling_id": "item-0001", "about": "word", "due_at": "2026-03-03T12:00:00Z"}],
    )
    assessment.ask("POST", f"/cases/{opened.case_id}/tellings/item-0001")
    assert assessment.planned(opened.case_id).step == "contact"


def test_an_emergency_has_to_be_told_to_the_person_by_a_day(assessment: Assessment) -> None:
    opened = taken(assessment)

    assessment.hear(
        EmergencyDisclosed(
            emergency_id="emergency-1", person_id=opened.person_id, at=NOON, tell_person_by=NOON + timedelta(days=2)
        )
    )

    assert assessment.planned(opened.case_id).step == "tell_person"


def test_a_telling_of_another_case_is_not_found(assessment: Assessment) -> None:
    one, other = taken(assessment), taken(assessment)
    assessment.hear(
        PersonAwaited(item_id="item-0001", person_id=one.person_id, awaited=Awaited.WORD, due_at=NOON, at=NOON)
    )

    assert assessment.ask("POST", f"/cases/{other.case_id}/tellings/item-0001").status_code == 404


def test_a_case_that_has_ended_owes_nothing(assessment: Assessment) -> None:
    opened = taken(assessment)
    assessment.hear(a_case_ended(opened))
    before = numbers(assessment)

    assessment.hear(
        PersonAwaited(item_id="item-0001", person_id=opened.person_id, awaited=Awaited.WORD, due_at=NOON, at=NOON)
    )

    assert numbers(assessment) == before


def test_what_was_told_in_an_emergency_is_owed_after_an_upgrade_also_in_a_case_that_had_ended(
    assessment: Assessment,
) -> None:
    opened = taken(assessment)
    assessment.hear(
        EmergencyDisclosed(
            emergency_id="emergency-1", person_id=opened.person_id, at=NOON, tell_person_by=NOON + timedelta(days=2)
        )
    )
    assessment.write(lambda work: _have_ended_before(work, opened.case_id))

    caught_up = assessment.write(handlers.catch_up)

    assert (caught_up, assessment.planned(opened.case_id).step) == (1, "talk")
    assert assessment.write(handlers.catch_up) == 0


def _forget_what_was_announced(work: UnitOfWork) -> None:
    for case in work.session.exec(select(Case)):
        case.step_announced = ""


def _have_ended_before(work: UnitOfWork, case_id: str) -> None:
    case = work.session.get_one(Case, case_id)
    case.ended_at, case.next_step = NOON, "none"
