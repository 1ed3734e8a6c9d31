"""The care bus's end of a gate: events are sealed as by their producers, delivered, and received as by the service."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aio_pika

from services.consent.subscribers import subscriptions
from shared.contracts.envelope import CareEvent, Envelope
from shared.outbox import random_id
from shared.receiver import Receiver
from tests.consent.gate import Gate


@dataclass(slots=True)
class Delivery:
    """A message as FastStream hands it over; it remembers how it was settled."""

    body: bytes
    settled: list[str] = field(default_factory=list)
    raw_message: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(headers={}, message_id=random_id()))

    async def ack(self) -> None:
        """Take it as done."""
        self.settled.append("acknowledged")

    async def nack(self, *, requeue: bool) -> None:
        """Give it back."""
        self.settled.append("given back" if requeue else "rejected")


class NoLine:
    """A line to the broker by which nothing has to go: every event here can be handled."""

    async def publish(self, message: aio_pika.Message, *, exchange: str, routing_key: str) -> None:
        """Say what was to be moved."""
        raise AssertionError(f"moved to {exchange}/{routing_key}: {dict(message.headers)}")


class Bus:
    """Brings events to a gate."""

    def __init__(self, gate: Gate) -> None:
        service = gate.service
        self._gate = gate
        self._receiver = Receiver(
            service.name,
            subscriptions(gate.settings),
            writer=service.writer,
            inbox=service.inbox,
            parking=service.parking,
            zone_keys=service.zone_keys,
            line=NoLine(),  # type: ignore[arg-type]  # all that is asked of a line here
        )

    async def deliver(self, event: CareEvent) -> None:
        """Have one event received; fail if it was not acknowledged."""
        delivery = Delivery(self._sealed(event))
        await self._receiver.receive(delivery)  # type: ignore[arg-type]  # all that is asked of a message
        assert delivery.settled == ["acknowledged"]

    def bring(self, *events: CareEvent) -> None:
        """Have events received that have arrived at the same time."""

        async def at_once() -> None:
            async with busy(self._gate):
                received = asyncio.gather(*(self.deliver(event) for event in events))
            await received

        asyncio.run(at_once())
        self._gate.clock.pass_()

    def _sealed(self, event: CareEvent) -> bytes:
        message_id = random_id()
        kid, sealed = self._gate.service.zone_keys.seal(f"{message_id}|{event.event_type}", event.body())
        values: dict[str, Any] = {
            "id": message_id,
            "source": event.event_type.partition(".")[0],
            "type": event.event_type,
            "time": self._gate.clock.now,
            "correlation_id": random_id(),
            "zone_key": kid,
            "sealed": sealed,
        }
        return Envelope(**values).to_bytes()


@asynccontextmanager
async def busy(gate: Gate) -> AsyncIterator[None]:
    """Keep the writer busy during the block, so that all that is asked for meanwhile makes one group."""
    go_on = threading.Event()
    held = asyncio.create_task(gate.service.writer.run(lambda _: go_on.wait(10)))
    await asyncio.sleep(0.05)
    yield
    await asyncio.sleep(0)  # tasks of the block hand in
    go_on.set()
    await held
