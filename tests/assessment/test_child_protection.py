"""Child protection (§ 4 KKG): step by step, each by a named human and in time, and nothing of it ever leaves."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.child_protection import REASONS, Concern, Move, Stage
from tests.assessment.builders import TEAM, Assessment


def a_case(assessment: Assessment) -> str:
    """Return a case that a team has taken, in which nothing else is due soon."""
    case_id = assessment.open_case().case_id
    assessment.ask("POST", f"/cases/{case_id}/taking", {"team_id": TEAM, "responsible_id": "assessor-7"})
    assessment.ask("POST", f"/cases/{case_id}/attendance", {"kind": "first_talk", "attended_on": "2026-03-02"})
    return case_id


def a_concern(assessment: Assessment, case_id: str) -> str:
    """Have an assessor note a concern."""
    return str(assessment.ask("POST", f"/cases/{case_id}/concerns").json()["concern_id"])


def move(
    assessment: Assessment,
    case_id: str,
    concern_id: str,
    name: str,
    reason: str | None = None,
    *,
    role: str = "assessor",
) -> tuple[int, str]:
    """Make a move; return the status and the stage, or the code of the refusal."""
    body = {"move": name} | ({"reason": reason} if reason else {})
    answer = assessment.ask("POST", f"/cases/{case_id}/concerns/{concern_id}/moves", body, role=role)
    return answer.status_code, answer.json().get("stage") or answer.json()["code"]


def test_advice_then_the_family_then_the_youth_office_each_by_a_day(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    concern_id = a_concern(assessment, case_id)
    due = [assessment.planned(case_id).due_at]

    for name, role in (("take_advice", "assessor"), ("tell_family", "assessor"), ("report", "lead")):
        assert move(assessment, case_id, concern_id, name, role=role)[0] == 200
        due.append(assessment.planned(case_id).due_at)

    assert [str(at.date()) for at in due if at] == ["2026-03-04", "2026-03-05", "2026-03-06", "2026-03-31"]
    [shown] = assessment.case(case_id)["concerns"]
    assert (shown["stage"], [made["move"] for made in shown["moves"]]) == (
        "reported",
        ["take_advice", "tell_family", "report"],
    )


def test_nothing_of_it_is_ever_announced_and_the_step_is_a_talk(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    before = len(assessment.told())
    concern_id = a_concern(assessment, case_id)
    steps = [assessment.planned(case_id).step]
    for name, reason in (("take_advice", None), ("omit_telling", "telling_endangers_child"), ("report", None)):
        move(assessment, case_id, concern_id, name, reason, role="lead")
        steps.append(assessment.planned(case_id).step)

    bodies = b"".join(item.body for item in assessment.outgoing()).decode()

    assert (steps, len(assessment.told())) == (["talk", "talk", "talk", "conclude"], before)
    assert not any(word in bodies for word in ("concern", "child", "family", "youth", *Move, *Stage))


def test_a_concern_is_no_note_and_a_note_no_concern(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    concern_id = a_concern(assessment, case_id)
    note_id = assessment.ask("POST", f"/cases/{case_id}/notes", {"text": "Notiz"}).json()["note_id"]

    shown = assessment.case(case_id)

    assert [one["note_id"] for one in shown["notes"]] == [note_id]
    assert [one["concern_id"] for one in shown["concerns"]] == [concern_id]
    assert move(assessment, case_id, note_id, "take_advice") == (404, "entry_not_found")


def test_whoever_noted_it_does_not_report_alone(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    concern_id = a_concern(assessment, case_id)
    move(assessment, case_id, concern_id, "take_advice")

    refused = move(assessment, case_id, concern_id, "omit_telling", "telling_endangers_child")

    assert refused == (409, "same_person")


@pytest.mark.parametrize(
    ("name", "reason", "found"),
    [
        ("report", None, (409, "move_not_possible")),
        ("tell_family", None, (409, "move_not_possible")),
        ("close", "no_danger", (409, "move_not_possible")),
        ("take_advice", "no_danger", (422, "malformed")),
    ],
)
def test_no_step_is_left_out(assessment: Assessment, name: str, reason: str | None, found: tuple[int, str]) -> None:
    case_id = a_case(assessment)
    concern_id = a_concern(assessment, case_id)

    assert move(assessment, case_id, concern_id, name, reason, role="lead") == found


def test_closing_needs_a_reason(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    concern_id = a_concern(assessment, case_id)
    move(assessment, case_id, concern_id, "take_advice")

    assert move(assessment, case_id, concern_id, "close") == (422, "malformed")
    assert move(assessment, case_id, concern_id, "close", "no_danger") == (200, "closed")


def test_the_same_move_again_changes_nothing(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    concern_id = a_concern(assessment, case_id)
    move(assessment, case_id, concern_id, "take_advice")
    assessment.clock.now += timedelta(days=1)

    assert move(assessment, case_id, concern_id, "take_advice") == (200, "advised")
    assert len(assessment.case(case_id)["concerns"][0]["moves"]) == 1


@given(st.lists(st.sampled_from(Move), max_size=8))
def test_every_concern_that_is_not_over_has_a_day_and_every_end_is_an_end(moves: list[Move]) -> None:
    concern = Concern("assessor-1")
    for one in moves:
        concern = Concern(concern.noted_by, concern.moves().get(one, concern.stage))

    assert concern.is_over() is (concern.stage in {Stage.REPORTED, Stage.CLOSED})
    assert bool(concern.moves()) is not concern.is_over()


def test_a_reason_is_named_where_telling_is_omitted_and_where_it_ends() -> None:
    assert set(REASONS) == {Move.OMIT_TELLING, Move.CLOSE}
