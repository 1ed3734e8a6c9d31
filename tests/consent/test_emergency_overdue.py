"""What nobody did in time after an emergency is loud, again and again: in the log and in readiness, and told once."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from services.consent import emergency
from services.consent.emergency_domain import Progress, State
from services.consent.tables import EmergencyRow
from shared.contracts.consent import EmergencyReviewOverdue
from tests.consent.builders import DAY, NOON, SECOND
from tests.consent.emergencies import JUSTIFIED, TODAY, act, an_emergency, watch
from tests.consent.gate import Gate, a_gate_with_recipients, running_gate
from tests.consent.surroundings import Store


@pytest.mark.parametrize(
    ("after", "state", "untold"),
    [
        (DAY - SECOND, State.AWAITS_SECOND_PERSON, False),
        (DAY, State.REVIEW_OVERDUE, False),
        (3 * DAY - SECOND, State.REVIEW_OVERDUE, False),
        (3 * DAY, State.REVIEW_OVERDUE, True),
    ],
)
def test_time_is_over_at_the_very_second(after: timedelta, state: State, untold: bool) -> None:
    progress = Progress(NOON, confirmed_at=None, reviewed_at=None, person_told_at=None)

    assert progress.state(at=NOON + after) is state
    assert progress.telling_is_overdue(at=NOON + after) is untold


def test_an_overdue_review_is_loud_at_every_run_and_announced_once(
    gate: Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    emergency_id = an_emergency(gate)
    gate.clock.pass_(DAY)
    capfd.readouterr()

    for _ in range(3):
        watch(gate)

    lines = [line for line in capfd.readouterr().out.splitlines() if "emergency_reviews_overdue" in line]
    assert len(lines) == 3
    assert all(emergency_id in line and '"level": "error"' in line for line in lines)
    [event] = gate.announced(EmergencyReviewOverdue)
    assert event.emergency_id == emergency_id
    assert set(EmergencyReviewOverdue.model_fields) == {"emergency_id", "person_id", "due_at"}


def test_nothing_is_loud_while_there_is_time_or_once_all_is_done(gate: Gate, capfd: pytest.CaptureFixture[str]) -> None:
    emergency_id = an_emergency(gate)
    watch(gate)
    act(gate, emergency_id, "second-person", role="lead")
    act(gate, emergency_id, "person-told", TODAY, role="assessor")
    gate.clock.pass_(9 * DAY)
    watch(gate)

    assert "overdue" not in capfd.readouterr().out
    assert gate.announced(EmergencyReviewOverdue) == []


@pytest.mark.parametrize(
    ("what", "body"), [("review", JUSTIFIED), ("second-person", None)], ids=["reviewed", "confirmed"]
)
def test_a_person_who_was_not_told_in_time_is_loud_whoever_stands_for_it(
    gate: Gate, capfd: pytest.CaptureFixture[str], what: str, body: dict[str, str] | None
) -> None:
    emergency_id = an_emergency(gate)
    act(gate, emergency_id, what, body, role="lead")
    gate.clock.pass_(3 * DAY)

    watch(gate)

    written = capfd.readouterr().out
    assert "persons_not_told_in_time" in written
    assert "emergency_reviews_overdue" not in written


def counts(gate: Gate) -> dict[str, int]:
    """Return what readiness counts."""
    found: dict[str, int] = gate.http.get("/ready").json()["counts"]
    return {name: found[name] for name in ("emergency_reviews_overdue", "persons_not_told_in_time")}


def test_readiness_counts_what_is_overdue_and_stays_ready(gate: Gate) -> None:
    an_emergency(gate)
    before = counts(gate)
    gate.clock.pass_(3 * DAY)

    assert before == {"emergency_reviews_overdue": 0, "persons_not_told_in_time": 0}
    assert counts(gate) == {"emergency_reviews_overdue": 1, "persons_not_told_in_time": 1}
    assert gate.http.get("/ready").json()["parts"]["database"] is True


def test_what_is_overdue_is_loud_after_a_restart(store: Store, tmp_path: Path) -> None:
    with a_gate_with_recipients(tmp_path, store) as gate:
        emergency_id = an_emergency(gate)
        clock = gate.clock
    clock.pass_(3 * DAY)

    with running_gate(tmp_path, store, clock) as again:
        watch(again)

        assert [event.emergency_id for event in again.announced(EmergencyReviewOverdue)] == [emergency_id]
        assert counts(again) == {"emergency_reviews_overdue": 1, "persons_not_told_in_time": 1}


def test_two_instances_announce_an_overdue_review_once(gate: Gate) -> None:
    emergency_id = an_emergency(gate)
    gate.clock.pass_(DAY)

    for _ in range(2):  # both saw it before either announced it
        gate.write(partial(emergency.announce_overdue, emergency_id=emergency_id))

    assert len(gate.announced(EmergencyReviewOverdue)) == 1


def test_of_an_erased_person_nobody_is_left_to_be_told_and_the_review_is_still_due(
    gate: Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    emergency_id = an_emergency(gate)
    [row] = gate.rows(EmergencyRow)
    gate.service.keys.destroy(row.person_id)
    gate.clock.pass_(3 * DAY)

    watch(gate)

    assert counts(gate) == {"emergency_reviews_overdue": 1, "persons_not_told_in_time": 0}
    assert "timer_step_failed" not in capfd.readouterr().out
    assert act(gate, emergency_id, "review", JUSTIFIED, role="lead")[1]["state"] == "reviewed"
    assert gate.ask("GET", f"/emergencies/{emergency_id}", role="lead").json()["why"] is None
