"""A case is taken, contact is tried, talks are held: each state has somebody responsible and a next step with a day."""

import pytest

from services.assessment.handlers import hear_case_ended
from shared.contracts.assessment import AttendanceRecorded, CaseTaken
from shared.inbox import TooEarly
from tests.assessment.builders import TEAM, Assessment, a_case_ended, a_case_opened

TAKING = {"team_id": "team-sued", "responsible_id": "assessor-1"}
TALK = {"kind": "first_talk", "attended_on": "2026-03-02"}


def test_an_opened_case_waits_for_somebody_to_take_it(assessment: Assessment) -> None:
    opened = assessment.open_case()

    line = assessment.lines()[0]
    assert (line["case_id"], line["responsible_id"]) == (opened.case_id, TEAM)
    assert (line["next_step"], line["due_on"]) == ("take", "2026-03-03")


def test_a_case_that_is_heard_of_twice_is_one_case(assessment: Assessment) -> None:
    opened = assessment.open_case()
    assessment.ask("POST", f"/cases/{opened.case_id}/taking", TAKING)

    assessment.hear(opened)

    assert [line["next_step"] for line in assessment.lines()] == ["contact"]


def test_a_case_that_ends_before_it_was_opened_waits_for_that(assessment: Assessment) -> None:
    ended = a_case_ended(a_case_opened())

    with pytest.raises(TooEarly):
        assessment.write(lambda work: hear_case_ended(work, ended))


def test_an_ended_case_is_not_due_and_not_written_in(assessment: Assessment) -> None:
    opened = assessment.open_case()

    assessment.hear(a_case_ended(opened))
    assessment.hear(a_case_ended(opened))

    answer = assessment.ask("POST", f"/cases/{opened.case_id}/notes", {"text": "zu spät"})
    assert (answer.status_code, answer.json()["code"]) == (409, "case_has_ended")
    assert assessment.lines() == []


def test_taking_names_who_is_responsible_and_is_announced_once(assessment: Assessment) -> None:
    opened = assessment.open_case()

    assessment.ask("POST", f"/cases/{opened.case_id}/taking", TAKING)
    again = assessment.ask("POST", f"/cases/{opened.case_id}/taking", TAKING)

    taken = assessment.announced(CaseTaken)
    assert [(event.team_id, event.responsible_id) for event in taken] == [("team-sued", "assessor-1")]
    assert again.json() == {"case_id": opened.case_id, "next_step": "contact", "due_on": "2026-03-05"}


def test_a_case_can_be_handed_over(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    assessment.ask("POST", f"/cases/{case_id}/taking", TAKING)

    assessment.ask("POST", f"/cases/{case_id}/taking", {**TAKING, "responsible_id": "assessor-2"})

    assert [event.responsible_id for event in assessment.announced(CaseTaken)] == ["assessor-1", "assessor-2"]
    assert assessment.lines()[0]["responsible_id"] == "assessor-2"


@pytest.mark.parametrize(
    ("outcome", "step", "due_on"),
    [
        ("not_reached", "contact", "2026-03-04"),
        ("moved", "contact", "2026-03-04"),
        ("reached", "talk", "2026-03-16"),
        ("refused", "follow_up", "2026-04-01"),
    ],
)
def test_what_came_of_a_contact_decides_what_comes_next(
    assessment: Assessment, outcome: str, step: str, due_on: str
) -> None:
    case_id = assessment.open_case().case_id
    assessment.ask("POST", f"/cases/{case_id}/taking", TAKING)

    answer = assessment.ask("POST", f"/cases/{case_id}/contact-attempts", {"channel": "letter", "outcome": outcome})

    assert (answer.json()["next_step"], answer.json()["due_on"]) == (step, due_on)
    assert len(assessment.told()) == 1  # the taking: an attempt is told to nobody


def test_a_talk_is_announced_with_kind_and_day_and_leads_to_a_conclusion(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    assessment.ask("POST", f"/cases/{case_id}/taking", TAKING)

    answer = assessment.ask("POST", f"/cases/{case_id}/attendance", TALK)

    assert (answer.json()["next_step"], answer.json()["due_on"]) == ("conclude", "2026-03-30")
    assert assessment.announced(AttendanceRecorded)[0].content() == TALK


def test_after_the_conclusion_somebody_asks_again_how_it_goes(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    assessment.ask("POST", f"/cases/{case_id}/taking", TAKING)
    assessment.ask("POST", f"/cases/{case_id}/attendance", TALK)

    assessment.ask("POST", f"/cases/{case_id}/conclusion", {"code": "work_possible_with_support"})

    assert [(line["next_step"], line["due_on"]) for line in assessment.lines()] == [("follow_up", "2026-04-01")]


def test_a_talk_cannot_have_been_tomorrow(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id

    answer = assessment.ask("POST", f"/cases/{case_id}/attendance", {**TALK, "attended_on": "2026-03-03"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "attended_on", "reason": "must be a day of the past, or today"}]


def test_what_is_overdue_is_listed_until_the_next_step_is_done(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    before = assessment.lines("/overdue")
    assessment.clock.pass_days(2)

    overdue = assessment.lines("/overdue")
    assessment.ask("POST", f"/cases/{case_id}/taking", TAKING)

    assert (before, [line["case_id"] for line in overdue]) == ([], [case_id])
    assert assessment.lines("/overdue") == []


def test_a_case_that_was_never_heard_of_is_not_found(assessment: Assessment) -> None:
    answer = assessment.ask("GET", "/cases/never-heard-of-case")

    assert (answer.status_code, answer.json()["code"]) == (404, "case_not_found")
    assert "never-heard" not in answer.text
