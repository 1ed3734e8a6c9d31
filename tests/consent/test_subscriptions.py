"""The broker brings the gate what it handles, and no word more about anybody."""

from services.consent.subscribers import subscriptions
from shared import topology
from tests.consent.gate import Gate


def test_the_gate_subscribes_to_what_the_broker_brings_it(sqlite_gate: Gate) -> None:
    heard = sorted(event.event_type for event in subscriptions(sqlite_gate.settings))

    assert heard == sorted(topology.SUBSCRIPTIONS["consent"])
