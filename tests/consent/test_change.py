"""A Jobcenter changes its commission: by the calendar alone, and every refusal names field and reason."""

from typing import Any

import pytest

from shared.contracts.consent import CommissionChanged
from shared.contracts.requests import RefusedRequest, read_command
from tests.consent.builders import DAY, a_cancellation, a_commission, new_id
from tests.consent.gate import Gate

REFERENCE = "BG-2026/0815"


def a_change(**changes: Any) -> dict[str, Any]:  # Any: JSON values
    """Return a Jobcenter's change as it comes over the wire."""
    return {"command_id": new_id(), "command": "change_commission", "reference": REFERENCE, **changes}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "budget_line"),
        ({"deadline": 5}, "deadline"),
        ({"deadline": "2026-02-31"}, "deadline"),
        ({"budget_line": "klein"}, "budget_line"),
        ({"reference": "§", "budget_line": "A-1"}, "reference"),
        ({"command_id": "short", "budget_line": "A-1"}, "command_id"),
        ({"name": "x", "budget_line": "A-1"}, "name"),
    ],
)
def test_what_cannot_be_read_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        read_command(a_change(**change))

    assert [error["field"] for error in refused.value.errors] == [field]


def test_a_change_is_announced_once_as_it_stands_now(sqlite_gate: Gate) -> None:
    sqlite_gate.command(a_commission(REFERENCE))

    said = [sqlite_gate.command(a_change(deadline="2026-09-30")) for _ in range(2)]

    changed = sqlite_gate.announced(CommissionChanged)
    assert said == [[], []]
    assert [(one.deadline.isoformat(), one.budget_line) for one in changed] == [("2026-09-30", "16A-2026")]


def test_the_same_commission_under_another_command_is_accepted(sqlite_gate: Gate) -> None:
    said = [sqlite_gate.command(a_commission(REFERENCE)) for _ in range(2)]

    assert said == [[], []]


def test_a_change_is_refused_with_field_and_reason(sqlite_gate: Gate) -> None:
    unknown = sqlite_gate.command(a_change(budget_line="A-1"))
    sqlite_gate.command(a_commission(REFERENCE))
    past = sqlite_gate.command(a_change(deadline="2026-03-01"))
    sqlite_gate.command(a_cancellation(REFERENCE))
    cancelled = sqlite_gate.command(a_change(budget_line="A-1"))

    assert [fault[0]["field"] for fault in (unknown, past, cancelled)] == ["reference", "deadline", "reference"]


def test_a_finished_commission_cannot_be_changed(sqlite_gate: Gate) -> None:
    sqlite_gate.command(a_commission(REFERENCE))
    sqlite_gate.clock.pass_(200 * DAY)

    said = sqlite_gate.command(a_change(deadline="2027-01-31"))

    assert said == [{"field": "reference", "reason": "names a commission that is finished"}]
