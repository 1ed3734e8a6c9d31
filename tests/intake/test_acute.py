"""Acute need: told at once, acknowledged by a named human within minutes or louder and louder, until help came."""

from datetime import timedelta

import pytest
from sqlmodel import select

from services.intake.care_store import AcuteNeed
from shared.contracts.intake import AcuteNeedReported
from tests.intake.builders import Intake, a_step, running_intake


def rungs(intake: Intake) -> list[str]:
    """Return whom the open alarms have reached."""
    return [alarm["rung"] for alarm in intake.alarms()]


def minutes_pass(intake: Intake, minutes: float) -> None:
    """Let time pass, and have the watch look."""
    intake.clock.now += timedelta(minutes=minutes)
    intake.look()


def test_a_need_is_told_at_once_to_whoever_is_responsible(intake: Intake) -> None:
    need = intake.report_need(intake.open_case()["case_id"])

    minutes_pass(intake, 0)

    assert rungs(intake) == ["responsible"]
    assert (need["reported_by"], need["acknowledge_by"]) == ("intake_worker-1", "2026-03-02T12:15:00Z")


def test_it_climbs_to_the_lead_and_to_whoever_is_on_call_until_a_human_says_that_they_see_to_it(intake: Intake) -> None:
    need = intake.report_need(intake.open_case()["case_id"])
    for _ in range(4):
        minutes_pass(intake, 15)
    climbed = rungs(intake)

    intake.ask("POST", f"/acute-needs/{need['need_id']}/acknowledgement", role="assessor")

    assert climbed == ["responsible", "lead", "on_call", "on_call", "on_call"]
    assert intake.alarms() == []


def test_the_first_who_acknowledges_owes_help_within_hours(intake: Intake) -> None:
    ids = intake.open_case()
    need = intake.report_need(ids["case_id"])

    for role in ("assessor", "lead"):
        intake.ask("POST", f"/acute-needs/{need['need_id']}/acknowledgement", role=role)

    first = intake.care(ids["case_id"])["next"]
    assert (first["step"], first["responsible_id"], first["due_at"]) == (
        "help_now",
        "assessor-1",
        "2026-03-02T16:00:00Z",
    )


def test_help_that_does_not_come_is_loud_again(intake: Intake) -> None:
    need = intake.report_need(intake.open_case()["case_id"])
    intake.ask("POST", f"/acute-needs/{need['need_id']}/acknowledgement")

    minutes_pass(intake, 4 * 60)

    assert rungs(intake) == ["responsible", "lead"]


def test_what_came_of_it_ends_it(intake: Intake) -> None:
    ids = intake.open_case()
    need = intake.report_need(ids["case_id"])
    intake.ask("POST", f"/acute-needs/{need['need_id']}/acknowledgement")

    settled = intake.ask("POST", f"/acute-needs/{need['need_id']}/settling", {"outcome": "helped"})

    assert settled.json()["settled_at"] is not None
    assert intake.ask("GET", "/acute-needs").json() == []
    assert [strand["step"] for strand in intake.care(ids["case_id"])["strands"]] == ["give_notices"]


def test_nobody_can_have_helped_who_has_not_taken_it_on(intake: Intake) -> None:
    need = intake.report_need(intake.open_case()["case_id"])

    refused = intake.ask("POST", f"/acute-needs/{need['need_id']}/settling", {"outcome": "helped"})

    assert (refused.status_code, refused.json()["code"]) == (409, "not_yet_acknowledged")


def test_the_same_need_reported_twice_is_one_and_another_kind_is_another(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]

    first, again = intake.report_need(case_id, "hunger"), intake.report_need(case_id, "hunger")
    other = intake.report_need(case_id, "no_shelter_tonight")

    assert first["need_id"] == again["need_id"] != other["need_id"]


def test_a_need_after_one_that_was_settled_is_a_new_one(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]
    first = intake.report_need(case_id)
    intake.ask("POST", f"/acute-needs/{first['need_id']}/acknowledgement")
    intake.ask("POST", f"/acute-needs/{first['need_id']}/settling", {"outcome": "helped"})

    assert intake.report_need(case_id)["need_id"] != first["need_id"]


def test_those_that_nobody_has_acknowledged_stand_first_in_the_list(intake: Intake) -> None:
    older, newer = (intake.report_need(intake.open_case()["case_id"]) for _ in range(2))
    intake.ask("POST", f"/acute-needs/{older['need_id']}/acknowledgement")

    listed = [need["need_id"] for need in intake.ask("GET", "/acute-needs").json()]

    assert listed == [newer["need_id"], older["need_id"]]


def test_the_others_hear_that_there_is_a_need_and_not_of_which_kind(intake: Intake) -> None:
    ids = intake.open_case()

    intake.report_need(ids["case_id"], "violence")

    [event] = intake.announced(AcuteNeedReported)
    assert (event.case_id, event.person_id) == (ids["case_id"], ids["person_id"])
    assert b"violence" not in event.body()


def test_which_kind_it_is_lies_sealed(intake: Intake) -> None:
    intake.report_need(intake.open_case()["case_id"], "violence")

    [row] = intake.write(lambda work: [str(row.model_dump()) for row in work.session.exec(select(AcuteNeed))])

    assert "violence" not in row


def test_a_need_whose_kind_cannot_be_read_hides_no_other(intake: Intake) -> None:
    one, other = (intake.report_need(intake.open_case()["case_id"])["need_id"] for _ in range(2))
    intake.write(lambda work: setattr(work.session.get(AcuteNeed, one), "kind", b"damaged"))

    listed = intake.ask("GET", "/acute-needs").json()

    assert {need["need_id"]: need["kind"] for need in listed} == {one: None, other: "hunger"}
    seen = intake.ask("POST", f"/acute-needs/{one}/acknowledgement")
    assert (seen.status_code, seen.json()["kind"]) == (200, None)


def test_a_case_does_not_end_while_somebody_needs_help_now(intake: Intake) -> None:
    ids = intake.open_case()
    intake.report_need(ids["case_id"])

    refused = intake.ask("POST", f"/cases/{ids['case_id']}/end")

    assert (refused.status_code, refused.json()["code"]) == (409, "case_in_acute_need")


def test_a_need_needs_no_notices_and_comes_before_what_is_overdue(intake: Intake) -> None:
    ids = intake.open_case(origin="street")
    intake.hear(a_step(ids))
    intake.clock.pass_days(20)

    intake.report_need(ids["case_id"])

    assert intake.care(ids["case_id"])["next"]["step"] == "acknowledge_acute_need"


def test_in_a_case_that_has_ended_nothing_is_reported(intake: Intake) -> None:
    ids = intake.open_case()
    intake.ask("POST", f"/cases/{ids['case_id']}/end")

    refused = intake.ask("POST", "/acute-needs", {"case_id": ids["case_id"], "kind": "hunger"})

    assert (refused.status_code, refused.json()["code"]) == (409, "case_has_ended")


@pytest.mark.parametrize(
    ("body", "field"), [({"kind": "hunger"}, "case_id"), ({"case_id": "no-such-case", "kind": "wealth"}, "kind")]
)
def test_a_report_that_cannot_be_taken_names_the_field(intake: Intake, body: dict[str, str], field: str) -> None:
    refused = intake.ask("POST", "/acute-needs", body)

    assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, [field])
    assert "wealth" not in refused.text


def test_unknown_needs_and_alarms_are_not_found(intake: Intake) -> None:
    asked = ("/acute-needs/no-such-need/acknowledgement", "/alarms/no-such-alarm/seen")

    assert [intake.ask("POST", path).status_code for path in asked] == [404, 404]


def test_a_standstill_leaves_out_no_rung(intake: Intake) -> None:
    intake.report_need(intake.open_case()["case_id"])

    minutes_pass(intake, 24 * 60)

    assert rungs(intake) == ["responsible", "lead", "on_call"]


def test_the_watch_looks_by_itself_and_without_a_broker(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_intake(tmp_path_factory.mktemp("alone"), watch_seconds=0.05) as intake:
        intake.report_need(intake.open_case()["case_id"])
        alarm = next(found[0] for found in iter(intake.alarms, None) if found)

    assert alarm["rung"] == "responsible"


def test_a_need_that_nobody_acknowledged_goes_to_whoever_has_the_case_now_and_its_time_goes_on(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(a_step(ids, responsible_id="assessor-42"))
    intake.report_need(ids["case_id"])
    before = intake.care(ids["case_id"])["next"]
    intake.clock.now += timedelta(minutes=5)

    intake.hear(a_step(ids, responsible_id="assessor-43", number=2))

    after = intake.care(ids["case_id"])["next"]
    assert (before["responsible_id"], after["responsible_id"]) == ("assessor-42", "assessor-43")
    assert before["step"] == after["step"] == "acknowledge_acute_need"
    assert before["due_at"] == after["due_at"] is not None


def test_a_need_stays_with_whoever_acknowledged_it(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(a_step(ids, responsible_id="assessor-42"))
    need = intake.report_need(ids["case_id"])
    intake.ask("POST", f"/acute-needs/{need['need_id']}/acknowledgement", role="lead")

    intake.hear(a_step(ids, responsible_id="assessor-43", number=2))

    first = intake.care(ids["case_id"])["next"]
    assert (first["step"], first["responsible_id"]) == ("help_now", "lead-1")
