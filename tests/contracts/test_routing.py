"""Which events must arrive somewhere: the binding of a reader may be lost, and then publishing has to fail."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import aio_pika
import pytest

from shared import topology
from shared.bus import Line
from shared.contracts.catalogue import EVENTS
from shared.outbox import CARE, Outgoing
from shared.relay import care_publisher
from shared.zone import ZoneKeys


@dataclass
class FakeLine:
    """Notes whether a publishing had to arrive somewhere."""

    mandatory: list[bool] = field(default_factory=list)

    async def publish(
        self, message: aio_pika.Message, *, exchange: str, routing_key: str, mandatory: bool = True
    ) -> None:
        """Take the message."""
        self.mandatory.append(mandatory)


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_event_must_arrive_exactly_if_a_service_reads_it(tmp_path: Path, event_type: str) -> None:
    key = {"kid": "z1", "created_on": "2026-01-01", "key": base64.b64encode(bytes(32)).decode()}
    (tmp_path / "zone.json").write_text(json.dumps({"zone_keys": [key]}))
    line, now = FakeLine(), datetime(2026, 3, 2, tzinfo=UTC)
    publish = care_publisher(cast(Line, line), ZoneKeys(tmp_path / "zone.json"), source="intake")

    async def send() -> None:
        await publish(Outgoing("message-01", CARE, event_type, "chain-01", now, None, b"{}"))

    asyncio.run(send())

    assert line.mandatory == [bool(topology.readers_of(event_type))]


def test_a_service_reads_what_it_handles_and_nothing_else() -> None:
    assert topology.readers_of("intake.case_opened.v1") == ("assessment", "referral", "consent")
    assert topology.readers_of("referral.step_planned.v1") == ("intake",)
    assert topology.readers_of("intakes.case_opened.v1") == ()
