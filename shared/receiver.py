"""From a message on the care bus to a handler's effect: read, once, in order where it matters, retried, or parked.

A message leaves the queue only as handled, waiting in the inbox, on its way to a later attempt, or parked.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

import aio_pika
import structlog
from faststream.rabbit.message import RabbitMessage
from pydantic import ValidationError
from sqlmodel import Session

from shared import topology
from shared.bus import BrokerTrouble, Line
from shared.contracts.catalogue import EVENTS, producer_of
from shared.contracts.envelope import CareEvent, Envelope, MalformedEnvelope
from shared.inbox import Inbox, Parking, TooEarly
from shared.keys import KeyDestroyed, UnreadableValue
from shared.observability import correlation_id
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork
from shared.writer import StoreUnavailable, Writer
from shared.zone import ZoneKeyGone, ZoneKeys

log = structlog.get_logger()

E = TypeVar("E", bound=CareEvent)
Handler = Callable[[UnitOfWork, Any], None]  # Any: each handler takes its own class of event
Handlers = Mapping[type[CareEvent], Handler]

ATTEMPT_HEADER = "x-gesehen-attempt"
REASON_HEADER = "x-gesehen-reason"
STORE_PAUSE_SECONDS = 1.0


class Malformed(ValueError):
    """Raised when a message can never be handled; the reason is a code and holds no value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotForUs(Exception):
    """Raised when a message is of a known type that this service has no use for."""


@dataclass(frozen=True, slots=True)
class Received:
    """A care event that was read, with the ids of its envelope."""

    message_id: str
    correlation_id: str
    event: CareEvent


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
    ) -> None:
        self._service = service
        self._handlers = {event.event_type: (event, handler) for event, handler in handlers.items()}
        self._writer = writer
        self._inbox = inbox
        self._parking = parking
        self._zone_keys = zone_keys
        self._line = line
        self._in_flight: dict[int, float] = {}

    def oldest_in_flight_seconds(self) -> float:
        """Return for how long the oldest unfinished message has been worked on."""
        return monotonic() - min(self._in_flight.values(), default=monotonic())

    async def receive(self, message: RabbitMessage) -> None:
        """Handle one message from the service's queue and settle it."""
        ticket = id(message)
        self._in_flight[ticket] = monotonic()
        try:
            await self._handle(message)
            await message.ack()
        except BrokerTrouble as error:  # it could neither be handled nor moved on: the broker gives it again
            log.warning("message_given_back", error=type(error).__name__)
            await asyncio.sleep(STORE_PAUSE_SECONDS)
            await message.nack(requeue=True)
        finally:
            del self._in_flight[ticket]

    async def park(self, message: RabbitMessage) -> None:
        """Move one message from the parking queue into the table, where it can be seen and counted."""
        body = message.body
        reason = str(message.raw_message.headers.get(REASON_HEADER, "delivery_limit"))
        try:
            received: Received | None = self._read(body)
        except (Malformed, NotForUs):
            received = None
        parked_id = random_id()

        def store(work: UnitOfWork) -> None:
            self._parking.park(
                work.session,
                parked_id=parked_id,
                message_id=received.message_id if received else None,
                type_=received.event.event_type if received else None,
                reason=reason,
                key_id=received.event.key_id if received else None,
                body=received.event.body() if received else body,
                now=work.now,
            )

        await self._until_stored(lambda: self._writer.run(store))
        log.error("message_parked", parked_id=parked_id, reason=reason)
        await message.ack()

    async def handle_parked(self, parked_id: str) -> bool:
        """Handle a parked message again; return False if there is none by that id."""

        def again(work: UnitOfWork) -> bool:
            found = self._parking.take(work.session, parked_id)
            if found is None:
                return False
            key_id, body = found
            event = self._event_of_parked(work.session, parked_id, body, readable=key_id is not None)
            self._dispatch(work, event)
            self._parking.resolve(work.session, parked_id, resolution="handled", now=work.now)
            return True

        return await self._writer.run(again)

    async def _handle(self, message: RabbitMessage) -> None:
        try:
            received = self._read(message.body)
        except NotForUs:
            return
        except Malformed as error:
            await self._move(message, topology.parked_queue(self._service), {REASON_HEADER: error.reason})
            return
        token = correlation_id.set(received.correlation_id)
        try:
            await self._until_stored(lambda: self._take_in(received))
        except (KeyDestroyed, UnreadableValue):
            log.info("message_of_an_erased_person_dropped", message_id=received.message_id)
        except Exception as error:
            log.error("handler_failed", message_id=received.message_id, exc_info=error)
            await self._try_later(message)
        finally:
            correlation_id.reset(token)

    async def _take_in(self, received: Received) -> None:
        event = received.event
        started = monotonic()
        outcome = await self._writer.run(
            lambda work: self._once(work, received), locks=lambda session: {f"person:{event.key_id}"}
        )
        took = round((monotonic() - started) * 1000, 1)
        log.info("event_received", type=event.event_type, message_id=received.message_id, outcome=outcome, took_ms=took)

    def _once(self, work: UnitOfWork, received: Received) -> str:
        event = received.event
        work.correlation_id = received.correlation_id
        if not self._inbox.first_time(
            work.session, message_id=received.message_id, type_=event.event_type, now=work.now
        ):
            return "known"
        try:
            with work.attempt():
                self._dispatch(work, event)
        except TooEarly:
            self._inbox.let_wait(work.session, message_id=received.message_id, key_id=event.key_id, body=event.body())
            return "waits"
        self._wake_waiting(work, event.key_id)
        return "handled"

    def _wake_waiting(self, work: UnitOfWork, key_id: str) -> None:
        progress = True
        while progress:
            progress = False
            for message_id, type_, body in self._inbox.waiting(work.session, key_id):
                try:
                    with work.attempt():
                        self._dispatch(work, EVENTS[type_].model_validate_json(body))
                        self._inbox.settle(work.session, message_id=message_id)
                        progress = True
                except TooEarly:
                    continue

    def _dispatch(self, work: UnitOfWork, event: CareEvent) -> None:
        _, handler = self._handlers[event.event_type]
        handler(work, event)

    def _read(self, body: bytes) -> Received:
        try:
            envelope = Envelope.from_bytes(body)
        except MalformedEnvelope:
            raise Malformed("malformed_envelope") from None
        if envelope.type not in EVENTS:  # of a newer producer: kept until this service knows it
            raise Malformed("unknown_type")
        if envelope.type not in self._handlers:
            raise NotForUs(envelope.type)
        if envelope.source != producer_of(envelope.type):
            raise Malformed("foreign_source")
        event_class, _ = self._handlers[envelope.type]
        try:
            plain = self._zone_keys.unseal(envelope.zone_key, f"{envelope.id}|{envelope.type}", envelope.sealed)
            event = event_class.model_validate_json(plain)
        except ZoneKeyGone:
            raise Malformed("zone_key_gone") from None
        except UnreadableValue:
            raise Malformed("unreadable_body") from None
        except ValidationError:
            raise Malformed("invalid_fields") from None
        return Received(envelope.id, envelope.correlation_id, event)

    def _event_of_parked(self, session: Session, parked_id: str, body: bytes, *, readable: bool) -> CareEvent:
        if not readable:
            return self._read(body).event
        type_ = next(row["type"] for row in self._parking.listed(session) if row["parked_id"] == parked_id)
        return EVENTS[str(type_)].model_validate(json.loads(body))

    async def _until_stored(self, store: Callable[[], Any]) -> None:  # Any: an awaitable of any result
        """Wait for the database rather than spend the message's attempts on its absence."""
        while True:
            try:
                await store()
            except StoreUnavailable:
                log.error("store_unavailable")
                await asyncio.sleep(STORE_PAUSE_SECONDS)
            else:
                return

    async def _try_later(self, message: RabbitMessage) -> None:
        tiers = list(topology.RETRY_TIERS)
        attempt = int(str(message.raw_message.headers.get(ATTEMPT_HEADER, 0)))
        if attempt < len(tiers):
            key = topology.retry_queue(self._service, tiers[attempt])
            await self._move(message, key, {ATTEMPT_HEADER: attempt + 1})
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
