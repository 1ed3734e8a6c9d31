"""The broker's side, as a test plays it: messages that are delivered, and a line that remembers what it was given."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aio_pika
from aiormq.exceptions import ChannelInvalidStateError

from shared.bus import NotConnected
from shared.contracts.envelope import CareEvent, Envelope
from shared.outbox import random_id
from shared.zone import ZoneKeys
from tests.shared.builders import NOON


@dataclass(slots=True)
class Delivery:
    """A message as FastStream hands it over; it remembers how it was settled."""

    body: bytes
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str | None = field(default_factory=random_id)
    channel_is_gone: bool = False
    settled: list[str] = field(default_factory=list)

    @property
    def raw_message(self) -> SimpleNamespace:
        return SimpleNamespace(headers=self.headers, message_id=self.message_id)

    async def ack(self) -> None:
        self._settle("acknowledged")

    async def nack(self, *, requeue: bool) -> None:
        self._settle("given back" if requeue else "rejected")

    def _settle(self, how: str) -> None:
        if self.channel_is_gone:
            raise ChannelInvalidStateError
        self.settled.append(how)


@dataclass(slots=True)
class RememberingLine:
    """A line to the broker that publishes into a list."""

    is_up: bool = True
    published: list[tuple[str, aio_pika.Message]] = field(default_factory=list)

    async def publish(self, message: aio_pika.Message, *, exchange: str, routing_key: str) -> None:
        if not self.is_up:
            raise NotConnected("test")
        self.published.append((f"{exchange}/{routing_key}", message))

    @property
    def moved(self) -> list[tuple[str, dict[str, Any]]]:
        """Return where messages were moved, with which headers."""
        return [(place, dict(message.headers)) for place, message in self.published]


def an_envelope(event: CareEvent, zone_keys: ZoneKeys, **changes: Any) -> Envelope:
    """Wrap an event as its producer does, then change what the test is about."""
    message_id = changes.pop("id", random_id())
    kid, sealed = zone_keys.seal(f"{message_id}|{event.event_type}", event.body())
    values: dict[str, Any] = {
        "id": message_id,
        "source": event.event_type.split(".", maxsplit=1)[0],
        "type": event.event_type,
        "time": NOON,
        "correlation_id": random_id(),
        "zone_key": kid,
        "sealed": sealed,
    }
    return Envelope(**(values | changes))
