"""What is owed besides (a concern for a child, a word to the person, a second person's look) outlives every end.

Nobody is through with a case before it is done; what comes up later takes the case up again; and a concern, or the word
about an emergency, is followed to its own end although the case is over.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.contracts.assessment import AssessmentFinished, CaseTaken
from shared.contracts.consent import Awaited, EmergencyDisclosed, PersonAwaited
from shared.contracts.intake import CaseEnded
from tests.assessment.builders import NOON, TEAM, Assessment

TAKING = {"team_id": TEAM, "responsible_id": "assessor-7"}


def a_case(assessment: Assessment) -> tuple[str, str]:
    """Open a case and have a team take it; return its id and whose it is."""
    opened = assessment.open_case()
    assessment.ask("POST", f"/cases/{opened.case_id}/taking", TAKING)
    return opened.case_id, opened.person_id


def have_ended(assessment: Assessment, case_id: str) -> None:
    """Have intake end a case."""
    person_id = assessment.case(case_id)["person_id"]
    assessment.hear(CaseEnded(case_id=case_id, person_id=person_id, ended_at=assessment.clock.now))


def note_concern(assessment: Assessment, case_id: str, _person_id: str) -> None:
    """Write down a concern for a child."""
    assert assessment.ask("POST", f"/cases/{case_id}/concerns").status_code == 201


def tell_in_emergency(assessment: Assessment, _case_id: str, person_id: str) -> None:
    """Hear that something was told of the person in an emergency."""
    tell_by = assessment.clock.now + timedelta(days=2)
    assessment.hear(
        EmergencyDisclosed(
            emergency_id="emergency-1", person_id=person_id, at=assessment.clock.now, tell_person_by=tell_by
        )
    )


def have_something_wait(assessment: Assessment, _case_id: str, person_id: str) -> None:
    """Hear that something waits for the person."""
    assessment.hear(PersonAwaited(item_id="item-0001", person_id=person_id, awaited=Awaited.WORD, due_at=NOON, at=NOON))


def find_danger(assessment: Assessment, case_id: str, _person_id: str) -> None:
    """Find something that a second person has to confirm."""
    assessment.fact(case_id, life_domain="safety", code="violence_by_partner")


Owe = Callable[[Assessment, str, str], None]
BESIDES = (note_concern, tell_in_emergency, have_something_wait, find_danger)
STEPS: dict[Owe, str] = {note_concern: "talk", tell_in_emergency: "tell_person", have_something_wait: "tell_person"}
BEYOND = (note_concern, tell_in_emergency)


@pytest.mark.parametrize("owe", BESIDES)
def test_nobody_is_through_with_a_case_in_which_something_is_owed(assessment: Assessment, owe: Owe) -> None:
    case_id, person_id = a_case(assessment)
    owe(assessment, case_id, person_id)
    before = assessment.planned(case_id)

    refused = assessment.ask("POST", f"/cases/{case_id}/finishing")

    assert (refused.status_code, refused.json()["code"]) == (409, "something_is_owed")
    assert (assessment.planned(case_id), assessment.announced(AssessmentFinished)) == (before, [])


@pytest.mark.parametrize("owe", BESIDES)
def test_what_is_owed_later_takes_a_finished_case_up_again(assessment: Assessment, owe: Owe) -> None:
    case_id, person_id = a_case(assessment)
    assessment.ask("POST", f"/cases/{case_id}/finishing")
    assert assessment.planned(case_id).step is None

    owe(assessment, case_id, person_id)

    assert assessment.planned(case_id).step == STEPS.get(owe, "confirm")
    assessment.clock.pass_days(9)
    assert [line["case_id"] for line in assessment.lines("/overdue")] == [case_id]


@pytest.mark.parametrize("owe", BEYOND)
def test_what_is_owed_beyond_the_end_stays_a_talk_with_a_day_that_can_be_overdue(
    assessment: Assessment, owe: Owe
) -> None:
    case_id, person_id = a_case(assessment)
    owe(assessment, case_id, person_id)

    have_ended(assessment, case_id)

    step = assessment.planned(case_id)
    assert (step.step, step.responsible_id) == ("talk", "assessor-7")
    assert [line["case_id"] for line in assessment.lines()] == [case_id]
    assessment.clock.pass_days(9)
    assert [line["case_id"] for line in assessment.lines("/overdue")] == [case_id]


def test_a_concern_is_followed_to_its_end_after_that_of_the_case(assessment: Assessment) -> None:
    case_id, _ = a_case(assessment)
    concern_id = assessment.ask("POST", f"/cases/{case_id}/concerns").json()["concern_id"]
    have_ended(assessment, case_id)

    for move, reason in (("take_advice", None), ("close", "no_danger")):
        body = {"move": move} | ({"reason": reason} if reason else {})
        moved = assessment.ask("POST", f"/cases/{case_id}/concerns/{concern_id}/moves", body)
        assert moved.status_code == 200

    assert assessment.planned(case_id).step is None
    assert assessment.lines() == []


def test_of_an_emergency_the_person_hears_also_after_the_end(assessment: Assessment) -> None:
    case_id, person_id = a_case(assessment)
    have_ended(assessment, case_id)
    assert assessment.planned(case_id).step is None

    tell_in_emergency(assessment, case_id, person_id)

    assert assessment.planned(case_id).step == "talk"
    for _ in range(2):
        assert assessment.ask("POST", f"/cases/{case_id}/tellings/emergency-1").status_code == 200
    assert assessment.planned(case_id).step is None


@pytest.mark.parametrize("owe", [have_something_wait, find_danger])
def test_what_only_matters_while_the_case_goes_on_ends_with_it(assessment: Assessment, owe: Owe) -> None:
    case_id, person_id = a_case(assessment)
    owe(assessment, case_id, person_id)

    have_ended(assessment, case_id)

    assert assessment.planned(case_id).step is None
    assert (assessment.lines(), assessment.case(case_id)["tellings"]) == ([], [])


def test_a_case_that_owes_something_beyond_its_end_can_be_handed_over_and_another_cannot(
    assessment: Assessment,
) -> None:
    owing, over = a_case(assessment)[0], a_case(assessment)[0]
    note_concern(assessment, owing, "")
    for case_id in (owing, over):
        have_ended(assessment, case_id)

    answers = [
        assessment.ask("POST", f"/cases/{case_id}/taking", {**TAKING, "responsible_id": "assessor-8"}).status_code
        for case_id in (owing, over)
    ]

    assert answers == [200, 409]
    assert assessment.planned(owing).responsible_id == "assessor-8"
    assert assessment.ask("POST", f"/cases/{owing}/notes", {"text": "Notiz"}).status_code == 409


def test_a_hand_over_takes_up_nothing_that_is_finished(assessment: Assessment) -> None:
    case_id, _ = a_case(assessment)
    assessment.ask("POST", f"/cases/{case_id}/finishing")

    assessment.ask("POST", f"/cases/{case_id}/taking", {**TAKING, "responsible_id": "assessor-8"})

    assert (assessment.planned(case_id).step, assessment.case(case_id)["responsible_id"]) == (None, "assessor-8")
    assert assessment.case(case_id)["finished_at"]


def test_of_two_hand_overs_the_later_one_is_announced_as_later_whatever_the_clock_says(
    assessment: Assessment,
) -> None:
    case_id, _ = a_case(assessment)

    assessment.ask("POST", f"/cases/{case_id}/taking", {**TAKING, "responsible_id": "assessor-8"})
    assessment.clock.now -= timedelta(hours=1)
    assessment.ask("POST", f"/cases/{case_id}/taking", {**TAKING, "responsible_id": "assessor-9"})

    hours = [event.taken_at for event in assessment.announced(CaseTaken)]
    assert sorted(set(hours)) == hours
