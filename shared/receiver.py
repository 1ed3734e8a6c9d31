"""From a message on the care bus to a handler's effect: read, once, in order where it matters, retried, or parked.

A message leaves the queue only as handled, waiting in the inbox, on its way to a later attempt, or parked.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import aio_pika
import structlog
from faststream.rabbit.message import RabbitMessage

from shared import topology
from shared.bus import BrokerTrouble, Line
from shared.contracts.envelope import Envelope
from shared.effect import ERASED, Effects, Handler, Handlers
from shared.inbox import Inbox, Parking, TooEarly
from shared.keys import KeyDestroyed, KeyNeverMade
from shared.metrics import Metrics
from shared.observability import correlation_id
from shared.outbox import random_id
from shared.reader import Malformed, NotForUs, Reader, Received
from shared.unit_of_work import UnitOfWork
from shared.writer import StoreUnavailable, Together, Writer
from shared.zone import ZoneKeys

log = structlog.get_logger()

__all__ = ["Handler", "Handlers", "Receiver"]

ATTEMPT_HEADER = "x-gesehen-attempt"
REASON_HEADER = "x-gesehen-reason"
PAUSE_SECONDS = 1.0
_REASON = re.compile(r"[a-z_]{1,60}")
_NUMBER = re.compile(r"[0-9]{1,3}")
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Receiver:
    """Receives for one service."""

    def __init__(
        self,
        service: str,
        handlers: Handlers,
        *,
        writer: Writer,
        inbox: Inbox,
        parking: Parking,
        zone_keys: ZoneKeys,
        line: Line,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._service = service
        self._writer = writer
        self._line = line
        self._reader = Reader({event.event_type: event for event in handlers}, zone_keys)
        self._effects = Effects(handlers, inbox=inbox, parking=parking, reader=self._reader)
        self._together: Together[Received, str] = Together(
            handle=self._effects.now,
            locks=lambda _, messages: {_person(received) for received in messages},
            apart=_person,
        )
        self._in_flight: dict[int, float] = {}

    def oldest_in_flight_seconds(self) -> float:
        """Return for how long the oldest unfinished message has been worked on."""
        now = monotonic()
        return now - min(self._in_flight.values(), default=now)

    async def receive(self, message: RabbitMessage) -> None:
        """Handle one message from the service's queue and settle it."""
        await self._settle(message, self._handle)

    async def park(self, message: RabbitMessage) -> None:
        """Move one message from the parking queue into the table, where it can be seen and counted."""
        await self._settle(message, self._keep)

    async def handle_parked(self, parked_id: str, *, by: str) -> bool:
        """Handle a parked message again; return False if there is none by that id."""
        return await self._writer.run(
            lambda work: self._effects.handle_parked(work, parked_id, by=by),
            locks=lambda session: self._effects.person_of_parked(session, parked_id),
        )

    async def _settle(self, message: RabbitMessage, handle: Callable[[RabbitMessage], Awaitable[None]]) -> None:
        ticket = id(message)
        self._in_flight[ticket] = monotonic()
        try:
            await handle(message)
            await message.ack()
        except Exception as error:  # it could neither be handled nor moved on, or the channel is gone
            log.warning("message_given_back", exc_info=error)
            await self._give_back(message)
        finally:
            del self._in_flight[ticket]

    async def _give_back(self, message: RabbitMessage) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            await message.nack(requeue=True)
        except BrokerTrouble:
            log.info("channel_is_gone")  # the broker has the message back, and delivers it again

    async def _handle(self, message: RabbitMessage) -> None:
        try:
            received = self._reader.read(message.body)
        except NotForUs:
            return
        except Malformed as error:
            await self._move(message, topology.parked_queue(self._service), {REASON_HEADER: error.reason})
            return
        token = correlation_id.set(received.correlation_id)
        try:
            await _until_stored(lambda: self._take_in(received))
        except Exception as error:
            if _is_erased(received, error):
                log.info("message_of_an_erased_person_dropped", message_id=received.message_id)
                self._metrics.event_taken(ERASED)
                return
            log.error("handler_failed", message_id=received.message_id, exc_info=error)
            await self._try_later(message)
        finally:
            correlation_id.reset(token)

    async def _take_in(self, received: Received) -> None:
        event = received.event
        started = monotonic()
        try:
            outcome = await self._handled(received)
        except TooEarly:
            later = self._effects.now_or_later
            outcome = await self._writer.run(lambda work: later(work, received), locks=lambda _: {_person(received)})
        self._metrics.event_taken(outcome)
        took = round((monotonic() - started) * 1000, 1)
        log.info("event_received", type=event.event_type, message_id=received.message_id, outcome=outcome, took_ms=took)

    async def _handled(self, received: Received) -> str:
        if self._effects.takes_many(received):
            return await self._writer.run_together(self._together, received)
        return await self._writer.run(
            lambda work: self._effects.now([(work, received)])[0], locks=lambda _: {_person(received)}
        )

    async def _keep(self, message: RabbitMessage) -> None:
        try:
            received: Received | None = self._reader.read(message.body)
        except (Malformed, NotForUs):
            received = None
        reason = _told(message, REASON_HEADER, _REASON) or "delivery_limit"  # else the broker itself moved it here
        parked_id = str(message.raw_message.message_id or "")
        parked_id = parked_id if _ID.fullmatch(parked_id) else random_id()  # the same at a second delivery

        def store(work: UnitOfWork) -> None:
            self._effects.park(work, parked_id=parked_id, received=received, body=message.body, reason=reason)

        try:
            await _until_stored(lambda: self._writer.run(store))
        except KeyDestroyed:
            log.info("message_of_an_erased_person_dropped", parked_id=parked_id)
        else:
            self._metrics.event_parked()
            log.error("message_parked", parked_id=parked_id, reason=reason)

    async def _try_later(self, message: RabbitMessage) -> None:
        tiers = list(topology.RETRY_TIERS)
        attempt = int(_told(message, ATTEMPT_HEADER, _NUMBER) or 0)
        if attempt < len(tiers):
            key = topology.retry_queue(self._service, tiers[attempt])
            await self._move(message, key, {ATTEMPT_HEADER: attempt + 1})
            self._metrics.event_retried()
        else:
            await self._move(message, topology.parked_queue(self._service), {REASON_HEADER: "attempts_used_up"})

    async def _move(self, message: RabbitMessage, key: str, headers: dict[str, Any]) -> None:  # Any: AMQP header values
        copy = aio_pika.Message(
            message.body,
            content_type=Envelope.CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=random_id(),
            headers=headers,
        )
        await self._line.publish(copy, exchange=topology.RETRY, routing_key=key)


async def _until_stored(store: Callable[[], Awaitable[None]]) -> None:
    """Wait for the database rather than spend the message's attempts on its absence."""
    while True:
        try:
            return await store()
        except StoreUnavailable:
            log.error("store_unavailable")
            await asyncio.sleep(PAUSE_SECONDS)


def _person(received: Received) -> str:
    """Return the name of the row that is locked while something about this person is decided."""
    return f"person:{received.event.key_id}"


def _is_erased(received: Received, error: Exception) -> bool:
    if not isinstance(error, KeyDestroyed) or isinstance(error, KeyNeverMade):
        return False
    return error.key_id == received.event.key_id


def _told(message: RabbitMessage, header: str, pattern: re.Pattern[str]) -> str | None:
    """Return a header of ours if it is what we would have written."""
    text = str(message.raw_message.headers.get(header, ""))
    return text if pattern.fullmatch(text) else None
