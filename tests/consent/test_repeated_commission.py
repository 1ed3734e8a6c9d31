"""A commission that is given again is answered "received" only if nothing more was to happen by it."""

from typing import Any

import pytest

from shared.contracts.consent import CommissionReceived
from tests.consent.builders import a_cancellation, a_commission
from tests.consent.gate import Answer, Gate
from tests.consent.wire import Wire

CONTACT = {"channel": "phone", "address": "0201 555 0100"}


def send(gate: Gate, command: dict[str, Any]) -> Answer:
    """Send a Jobcenter's command, and let a second pass."""
    answer = Wire(gate).send(command)
    gate.clock.pass_()
    return answer


def test_the_same_again_is_received_and_announced_once(sqlite_gate: Gate) -> None:
    send(sqlite_gate, a_commission(contact=CONTACT))

    again = send(sqlite_gate, a_commission(contact=CONTACT))

    assert again["result"] == "received"
    assert len(sqlite_gate.announced(CommissionReceived)) == 1


def test_one_that_was_cancelled_is_refused(sqlite_gate: Gate) -> None:
    send(sqlite_gate, a_commission())
    assert send(sqlite_gate, a_cancellation())["result"] == "received"

    again = send(sqlite_gate, a_commission())

    assert (again["result"], [error["field"] for error in again["errors"]]) == ("refused", ["reference"])


@pytest.mark.parametrize(
    "changes", [{"address": "0201 555 9999"}, {"channel": "email", "address": "a@beispiel.example"}]
)
def test_one_with_another_contact_under_the_same_reference_is_refused(
    sqlite_gate: Gate, changes: dict[str, str]
) -> None:
    send(sqlite_gate, a_commission(contact=CONTACT))

    again = send(sqlite_gate, a_commission(contact={**CONTACT, **changes}))

    assert (again["result"], [error["field"] for error in again["errors"]]) == ("refused", ["reference"])
