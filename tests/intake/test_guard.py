"""Whoever is out on a visit and does not check out is missed within minutes, and nobody learns where by that."""

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from services.intake.app import create_app
from services.intake.care import Call, Rung, guard_ladder
from tests.intake.builders import NOON, Clock, Intake, a_referral_step, running_intake

GUARD = guard_ladder(timedelta(minutes=5))
DUE = NOON + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (-1, ()),
        (0, (Call(0, Rung.RESPONSIBLE),)),
        (5, (Call(0, Rung.RESPONSIBLE), Call(1, Rung.LEAD))),
        (10, (Call(0, Rung.RESPONSIBLE), Call(1, Rung.LEAD), Call(2, Rung.ON_CALL))),
        (14, (Call(0, Rung.RESPONSIBLE), Call(1, Rung.LEAD), Call(2, Rung.ON_CALL))),
        (15, (Call(0, Rung.RESPONSIBLE), Call(1, Rung.LEAD), Call(3, Rung.ON_CALL))),
        (60, (Call(0, Rung.RESPONSIBLE), Call(1, Rung.LEAD), Call(12, Rung.ON_CALL))),
    ],
)
def test_a_missed_check_out_goes_to_the_worker_then_to_the_lead_then_on_call_again_and_again(
    minutes: int, told: tuple[Call, ...]
) -> None:
    assert GUARD.calls(DUE, now=DUE + timedelta(minutes=minutes)) == told


def out(intake: Intake, **changes: object) -> dict[str, str]:
    """Have somebody be out on a visit in a case; return the case's ids."""
    ids = intake.open_case()
    step = {"strand_id": "visit-0001", "turn": "team", "step": "check_out", "due_at": DUE, "is_guarded": True}
    intake.hear(a_referral_step(ids, **{**step, "responsible_id": "outreach_worker-1", **changes}))
    return ids


def rungs(intake: Intake) -> list[str]:
    """Return who has been told."""
    return [alarm["rung"] for alarm in intake.alarms()]


def test_the_lead_hears_of_a_missed_check_out_within_minutes(intake: Intake) -> None:
    out(intake)
    intake.clock.now = DUE + timedelta(minutes=5)

    intake.look()

    assert sorted(rungs(intake)) == ["lead", "responsible"]


def test_a_worker_sees_their_own_missed_check_out_and_no_other(intake: Intake) -> None:
    out(intake)
    out(intake, strand_id="visit-0002", responsible_id="outreach_worker-2")
    intake.clock.now = DUE
    intake.look()

    seen = intake.ask("GET", "/alarms", role="outreach_worker").json()

    assert [alarm["strand_key"] for alarm in seen] == ["referral.visit-0001"]


def test_a_worker_says_that_they_have_seen_their_own_missed_check_out_and_no_other(intake: Intake) -> None:
    out(intake)
    out(intake, strand_id="visit-0002", responsible_id="outreach_worker-2")
    intake.clock.now = DUE
    intake.look()
    alarm_ids = {alarm["responsible_id"]: alarm["alarm_id"] for alarm in intake.alarms()}

    own, other = (
        intake.ask("POST", f"/alarms/{alarm_ids[whose]}/seen", role="outreach_worker").status_code
        for whose in ("outreach_worker-1", "outreach_worker-2")
    )

    assert (own, other) == (204, 404)


def test_how_many_minutes_is_a_setting(tmp_path: Path) -> None:
    with running_intake(tmp_path, guard_minutes=1) as intake:
        out(intake)
        intake.clock.now = DUE + timedelta(minutes=2)

        intake.look()

        assert sorted(rungs(intake)) == ["lead", "on_call", "responsible"]


def test_an_older_producer_that_guards_nobody_plans_ordinary_steps(intake: Intake) -> None:
    out(intake, is_guarded=None)
    intake.clock.now = DUE + timedelta(hours=1)

    intake.look()

    assert rungs(intake) == ["responsible"]


def test_somebody_who_checks_out_is_missed_no_more(intake: Intake) -> None:
    ids = out(intake)
    intake.clock.now = DUE + timedelta(minutes=5)
    intake.look()

    intake.hear(a_referral_step(ids, strand_id="visit-0001", number=2**31 - 1, step=None, due_at=None))
    intake.clock.now += timedelta(hours=1)

    assert (intake.look(), intake.alarms()) == (0, [])


def test_the_guard_outlives_the_case(intake: Intake) -> None:
    ids = out(intake)
    intake.ask("POST", f"/cases/{ids['case_id']}/end")
    intake.clock.now = DUE + timedelta(minutes=5)

    intake.look()

    assert "lead" in rungs(intake)


def test_an_alarm_of_the_guard_names_ids_and_a_rung_and_no_place(intake: Intake) -> None:
    out(intake)
    intake.clock.now = DUE + timedelta(minutes=5)
    intake.look()

    [alarm] = intake.alarms("lead")

    ids = {"alarm_id", "case_id", "thread_id", "strand_key", "responsible_id", "seen_by"}
    assert set(alarm) == {*ids, "rung", "level", "raised_at", "step", "due_at"}
    assert (alarm["strand_key"], alarm["responsible_id"], alarm["step"]) == (
        "referral.visit-0001",
        "outreach_worker-1",
        "check_out",
    )


def test_the_guard_goes_on_after_a_restart(tmp_path: Path) -> None:
    with running_intake(tmp_path) as intake:
        out(intake)
        settings = intake.app.state.service.settings
    clock = Clock(DUE + timedelta(minutes=10))
    app = create_app(settings, clock=clock)
    with TestClient(app) as http:
        again = Intake(app, http, tmp_path, clock)
        again.look()

        assert sorted(rungs(again)) == ["lead", "on_call", "responsible"]
