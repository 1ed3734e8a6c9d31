"""That something was told of somebody in an emergency is looked at by a second person although they were forgotten."""

import pytest

from services.consent.tables import EmergencyRow
from tests.consent.builders import DAY
from tests.consent.emergencies import JUSTIFIED, act, an_emergency, listed, watch
from tests.consent.gate import Gate


def forget_whom_it_is_about(gate: Gate) -> None:
    """Have the person of the only emergency erased."""
    [row] = gate.rows(EmergencyRow)
    assert gate.ask("POST", f"/persons/{row.person_id}/erasure").status_code == 202
    gate.clock.pass_()


def test_its_review_is_still_owed_and_loud_until_a_lead_has_reviewed_it(
    sqlite_gate: Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    emergency_id = an_emergency(sqlite_gate)
    forget_whom_it_is_about(sqlite_gate)
    sqlite_gate.clock.pass_(DAY)
    capfd.readouterr()

    watch(sqlite_gate)

    loud = [line for line in capfd.readouterr().out.splitlines() if "emergency_reviews_overdue" in line]
    assert [emergency_id in line for line in loud] == [True]
    assert [(one["emergency_id"], one["review_overdue"]) for one in listed(sqlite_gate)] == [(emergency_id, True)]
    assert act(sqlite_gate, emergency_id, "review", JUSTIFIED, role="lead")[0] == 200
    watch(sqlite_gate)
    assert "emergency_reviews_overdue" not in capfd.readouterr().out


def test_the_second_person_who_was_named_can_still_confirm_it(sqlite_gate: Gate) -> None:
    emergency_id = an_emergency(sqlite_gate, second_person_id="lead-1")
    forget_whom_it_is_about(sqlite_gate)

    status, shown = act(sqlite_gate, emergency_id, "second-person", role="lead")

    assert (status, shown["state"]) == (200, "confirmed")
