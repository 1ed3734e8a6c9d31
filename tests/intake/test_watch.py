"""No open case is without a next step, and nothing is overdue in silence, whatever the other services do."""

import json
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from services.intake.care_store import Alarm, Strand
from shared.contracts.assessment import AssessmentFinished
from shared.inbox import TooEarly
from shared.unit_of_work import UnitOfWork
from tests.intake.builders import NOON, SHA, TEAM, Intake, a_commission, a_referral_step, a_step

LATER = NOON + timedelta(days=20)


def test_a_case_has_a_next_step_from_the_first_moment(intake: Intake) -> None:
    ids = intake.open_case()

    first = intake.care(ids["case_id"])["next"]

    assert (first["step"], first["responsible_id"], first["due_at"]) == ("give_notices", TEAM, "2026-03-06T00:00:00Z")


def test_a_commissioned_case_is_watched_too(intake: Intake) -> None:
    intake.hear(a_commission())

    lines = intake.ask("GET", "/care").json()

    assert [line["next"]["step"] for line in lines] == ["give_notices"]


def test_what_another_service_plans_earlier_comes_first(intake: Intake) -> None:
    ids = intake.open_case()

    intake.hear(a_step(ids, due_at=NOON + timedelta(hours=1)))

    shown = intake.care(ids["case_id"])
    assert (shown["next"]["step"], shown["next"]["responsible_id"]) == ("talk", "assessor-7")
    assert len(shown["strands"]) == 2


def test_of_all_that_is_said_of_a_strand_the_highest_number_counts(intake: Intake) -> None:
    ids = intake.open_case()

    intake.hear(a_step(ids, number=2, step="conclude", due_at=NOON))
    intake.hear(a_step(ids, number=1, step="talk", due_at=NOON))
    intake.hear(a_step(ids, number=2, step="conclude", due_at=NOON))

    assert intake.care(ids["case_id"])["next"]["step"] == "conclude"


def test_strands_of_different_referrals_stand_beside_each_other(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(a_referral_step(ids, strand_id="referral-debts", due_at=LATER))
    intake.hear(a_referral_step(ids, strand_id="referral-clinic", due_at=LATER))

    intake.hear(a_referral_step(ids, strand_id="referral-debts", number=2, step=None, due_at=None))

    keys = [strand["strand_key"] for strand in intake.care(ids["case_id"])["strands"]]
    assert keys == [f"intake.{ids['case_id']}", "referral.referral-clinic"]


def test_a_case_keeps_a_step_when_every_other_strand_is_over(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(a_step(ids))

    intake.hear(a_step(ids, number=2, step=None, due_at=None))

    assert intake.care(ids["case_id"])["next"]["step"] == "give_notices"


def test_a_step_of_an_unknown_case_waits(intake: Intake) -> None:
    stranger = {"case_id": "no-such-case", "person_id": "no-such-person"}

    with pytest.raises(TooEarly):
        intake.hear(a_step(stranger))


def test_an_assessment_that_is_finished_makes_somebody_look_whether_the_case_can_be_closed(intake: Intake) -> None:
    ids = intake.open_case()
    intake.ask("POST", f"/cases/{ids['case_id']}/notices", NOTICES)
    intake.hear(finished(ids))

    assert intake.care(ids["case_id"])["next"]["step"] == "close"


def test_an_assessment_that_goes_on_is_finished_no_longer_in_whichever_order_it_is_heard(intake: Intake) -> None:
    one, other = intake.open_case(), intake.open_case()
    for ids in (one, other):
        intake.ask("POST", f"/cases/{ids['case_id']}/notices", NOTICES)
    on = {"number": 3, "planned_at": NOON + timedelta(minutes=5), "due_at": LATER}

    intake.hear(finished(one))
    intake.hear(a_step(one, **on))
    intake.hear(a_step(other, **on))
    intake.hear(finished(other))

    assert {intake.care(ids["case_id"])["next"]["step"] for ids in (one, other)} == {"assessment"}


def test_an_older_end_of_the_assessment_that_is_heard_last_takes_nothing_back(intake: Intake) -> None:
    ids = intake.open_case()
    intake.ask("POST", f"/cases/{ids['case_id']}/notices", NOTICES)
    again, over = NOON + timedelta(minutes=5), NOON + timedelta(minutes=9)
    intake.hear(a_step(ids, number=3, planned_at=over, step=None, due_at=None))

    intake.hear(finished(ids, at=over))
    intake.hear(finished(ids, at=NOON))
    intake.hear(a_step(ids, number=2, planned_at=again))

    assert intake.care(ids["case_id"])["next"]["step"] == "close"


def test_a_review_on_the_day_on_which_the_assessment_finishes_later_does_not_count_as_a_look_at_its_end(
    intake: Intake,
) -> None:
    ids = intake.open_case()
    intake.ask("POST", f"/cases/{ids['case_id']}/notices", NOTICES)
    intake.ask("POST", f"/cases/{ids['case_id']}/reviews")

    intake.hear(finished(ids, at=NOON + timedelta(minutes=5)))
    before = intake.care(ids["case_id"])["next"]["step"]
    intake.clock.now += timedelta(hours=1)
    intake.ask("POST", f"/cases/{ids['case_id']}/reviews")

    assert (before, intake.care(ids["case_id"])["next"]["step"]) == ("close", "review")


def test_a_review_before_the_end_of_the_assessment_is_heard_is_no_look_at_it(intake: Intake) -> None:
    ids = intake.open_case()
    intake.ask("POST", f"/cases/{ids['case_id']}/notices", NOTICES)
    intake.clock.now += timedelta(hours=1)
    intake.ask("POST", f"/cases/{ids['case_id']}/reviews")

    intake.hear(finished(ids, at=NOON))

    assert intake.care(ids["case_id"])["next"]["step"] == "close"


def test_a_case_that_has_ended_is_planned_no_more_when_its_assessment_goes_on(intake: Intake) -> None:
    ids = intake.open_case()
    intake.ask("POST", f"/cases/{ids['case_id']}/notices", NOTICES)
    intake.hear(finished(ids))
    intake.ask("POST", f"/cases/{ids['case_id']}/end")
    before = intake.ask("GET", f"/cases/{ids['case_id']}").json()

    intake.hear(a_step(ids, number=3, planned_at=NOON + timedelta(minutes=5)))

    strands = [strand["strand_key"] for strand in intake.care(ids["case_id"])["strands"]]
    assert (intake.ask("GET", f"/cases/{ids['case_id']}").json(), strands) == (before, [f"assessment.{ids['case_id']}"])


def test_what_is_overdue_is_told_once_per_rung_however_often_somebody_looks(intake: Intake) -> None:
    ids = intake.open_case(origin="street")
    intake.clock.pass_days(2)

    raised = [intake.look(), intake.look()]

    assert raised == [1, 0]
    [alarm] = intake.alarms()
    assert (alarm["case_id"], alarm["rung"], alarm["responsible_id"]) == (ids["case_id"], "responsible", TEAM)


def test_it_climbs_to_the_lead_and_is_told_again(intake: Intake) -> None:
    intake.open_case(origin="street")

    intake.clock.pass_days(4)
    intake.look()
    intake.clock.pass_days(5)
    intake.look()

    assert [alarm["level"] for alarm in intake.alarms("lead")] == [1, 2]


def test_whoever_acts_settles_the_alarm(intake: Intake) -> None:
    ids = intake.open_case(origin="street")
    intake.clock.pass_days(4)
    intake.look()

    intake.ask("POST", f"/cases/{ids['case_id']}/reviews")
    intake.ask("POST", f"/cases/{ids['case_id']}/notices", NOTICES)

    assert intake.alarms() == []


def test_a_step_of_another_service_that_is_overdue_is_told_as_well(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(a_referral_step(ids, due_at=NOON - timedelta(minutes=1)))

    intake.look()

    assert [alarm["strand_key"] for alarm in intake.alarms()] == ["referral.synthetic-referral-1"]


def test_a_new_plan_that_is_overdue_as_well_is_a_new_alarm(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(a_step(ids, number=1, due_at=NOON - timedelta(hours=2)))
    intake.look()
    intake.hear(a_step(ids, number=2, due_at=NOON - timedelta(hours=1)))

    raised = intake.look()

    assert (raised, len(intake.alarms())) == (1, 1)


def test_seeing_an_alarm_does_not_stop_it_from_climbing(intake: Intake) -> None:
    intake.open_case(origin="street")
    intake.clock.pass_days(2)
    intake.look()
    alarm_id = intake.alarms()[0]["alarm_id"]

    seen = intake.ask("POST", f"/alarms/{alarm_id}/seen", role="assessor")
    intake.clock.pass_days(2)
    intake.look()

    assert seen.status_code == 204
    assert [alarm["seen_by"] for alarm in intake.alarms()] == ["assessor-1", None]


def test_a_case_that_has_ended_is_watched_no_more(intake: Intake) -> None:
    ids = intake.open_case(origin="street")
    intake.clock.pass_days(4)
    intake.look()

    intake.ask("POST", f"/cases/{ids['case_id']}/end")
    intake.clock.pass_days(30)

    assert (intake.look(), intake.alarms(), intake.care(ids["case_id"])["strands"]) == (0, [], [])


def test_what_another_service_owes_outlives_the_case_and_is_loud_until_it_says_that_it_is_over(intake: Intake) -> None:
    ids = intake.open_case(origin="street")
    intake.hear(a_step(ids, due_at=NOON + timedelta(days=1)))
    intake.ask("POST", f"/cases/{ids['case_id']}/end")
    intake.clock.pass_days(4)

    raised = intake.look()

    assert (raised, {alarm["strand_key"] for alarm in intake.alarms()}) == (2, {f"assessment.{ids['case_id']}"})
    assert [line["case_id"] for line in intake.ask("GET", "/care").json()] == [ids["case_id"]]
    intake.hear(a_step(ids, number=2, step=None, due_at=None))
    assert (intake.alarms(), intake.ask("GET", "/care").json()) == ([], [])


def test_a_case_from_before_there_was_a_watch_is_taken_in(intake: Intake) -> None:
    ids = intake.open_case(origin="street")
    intake.write(_forget_strands)
    intake.clock.pass_days(2)

    intake.look()

    assert intake.care(ids["case_id"])["next"]["step"] == "give_notices"
    assert len(intake.alarms()) == 1


def test_a_step_that_cannot_be_read_is_told_to_the_lead_at_once(intake: Intake) -> None:
    ids = intake.open_case()
    intake.write(_damage_plans)

    intake.look()

    [alarm] = intake.alarms("lead")
    assert (alarm["case_id"], alarm["step"]) == (ids["case_id"], None)
    assert intake.care(ids["case_id"])["unreadable"] == 1


def test_a_step_that_becomes_unreadable_after_its_first_alarm_is_told_to_the_lead(intake: Intake) -> None:
    intake.open_case(origin="street")
    intake.clock.pass_days(2)
    intake.look()
    assert [alarm["rung"] for alarm in intake.alarms()] == ["responsible"]

    intake.write(_damage_plans)
    intake.app.state.service.timer._watch._plans.clear()  # as after a restart
    intake.look()
    intake.look()

    assert {(alarm["rung"], alarm["level"]) for alarm in intake.alarms()} == {("responsible", 0), ("lead", -1)}


def test_an_acute_need_that_could_not_be_read_for_a_moment_climbs_again(intake: Intake) -> None:
    intake.report_need(intake.open_case()["case_id"])
    plans = intake.write(_plans)
    intake.write(_damage_plans)
    intake.look()
    assert {alarm["rung"] for alarm in intake.alarms()} == {"lead"}

    intake.write(lambda work: _set_plans(work, plans))
    intake.clock.now += timedelta(hours=5)
    intake.look()

    assert "on_call" in {alarm["rung"] for alarm in intake.alarms()}


def test_when_a_step_is_due_and_whose_turn_it_is_lies_sealed(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(a_step(ids, step="talk_about_refusal", due_at=LATER, responsible_id="assessor-42"))

    rows = intake.write(lambda work: [str(row.model_dump()) for row in work.session.exec(select(Strand))])

    assert not any(word in row for row in rows for word in ("talk_about", "assessor-42", LATER.date().isoformat()))


def test_an_alarm_names_ids_and_a_rung_and_nothing_else(intake: Intake, capsys: pytest.CaptureFixture[str]) -> None:
    ids = intake.open_case(
        identity={"name": "Erika Beispiel"}, contact={"channel": "phone", "address": "0201 555 0100"}
    )
    intake.hear(a_step(ids, step="talk_about_refusal", due_at=NOON))

    intake.look()

    [line] = [entry for entry in map(json.loads, capsys.readouterr().out.splitlines()) if "alarm_raised" in str(entry)]
    assert set(line) - {"timestamp", "service", "level", "event", "correlation_id"} <= {
        "alarm_id",
        "case_id",
        "rung",
    } | {"level"}
    rows = intake.write(lambda work: [row.model_dump() for row in work.session.exec(select(Alarm))])
    assert "talk_about" not in str(rows)


def test_the_service_is_not_ready_when_the_watch_does_not_look(intake: Intake) -> None:
    intake.app.state.service.timer._every = -100.0  # its last look is too old, whenever it was

    parts = intake.http.get("/ready").json()["parts"]

    assert parts["care_watch"] is False


NOTICES = {"language": "ar", "text_version": "2026-1", "text_sha256": SHA}


def finished(ids: dict[str, str], *, at: datetime = NOON) -> AssessmentFinished:
    """Return that the assessment has nothing more to do in a case."""
    return AssessmentFinished(case_id=ids["case_id"], person_id=ids["person_id"], finished_at=at)


def _forget_strands(work: UnitOfWork) -> None:
    for strand in work.session.exec(select(Strand)):
        work.session.delete(strand)


def _plans(work: UnitOfWork) -> dict[str, bytes | None]:
    return {strand.strand_key: strand.plan for strand in work.session.exec(select(Strand))}


def _set_plans(work: UnitOfWork, plans: dict[str, bytes | None]) -> None:
    for strand in work.session.exec(select(Strand)):
        strand.plan = plans[strand.strand_key]


def _damage_plans(work: UnitOfWork) -> None:
    _set_plans(work, dict.fromkeys(_plans(work), b"damaged"))
