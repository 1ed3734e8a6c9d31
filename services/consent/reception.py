"""What becomes of a request out of a recipient's vhost: it is taken, settled whatever happens, and answered.

Committed, then acknowledged, then answered. A request whose answer cannot be given is not taken again: its caller
repeats it, an opening decides anew, and a command has its effect once. So nothing that a caller says about where the
answer shall go can bring a request back, and no broken connection leaves one lying.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection
from joserfc.jwk import ECKey

from services.consent.answering import NOT_VOUCHED_FOR, TRY_AGAIN, Answer, Answering
from services.consent.errors import CommandRefused
from services.consent.keys import seal_for
from shared import topology
from shared.bus import BrokerTrouble, Line
from shared.contracts.envelope import canonical
from shared.inbox import Parking
from shared.outbox import random_id
from shared.writer import StoreUnavailable, Writer

log = structlog.get_logger()

DIRECT_REPLY = "amq.rabbitmq.reply-to."
DEFAULT_EXCHANGE = ""
PARKED_COMMAND = "command."
PREFETCH = 32
PAUSE_SECONDS = 1.0
SETTLE_SECONDS = 5.0
REPLY_WAITS_SECONDS = 5.0


@dataclass(slots=True)
class RecipientLine:
    """The gate's line into one recipient's vhost, and the requests out of it that are being worked on."""

    recipient_id: str
    name: str
    """What the recipient is called in logs."""
    jwk: dict[str, Any]  # Any: a JWK
    key: ECKey
    line: Line
    """Takes requests, and notices in."""
    replies: Line
    """Gives answers. A forged return address makes the broker end the connection that publishes to it: this one."""
    queues: list[AbstractQueue] = field(default_factory=list)
    in_flight: dict[int, float] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether the connection stands and every queue is being consumed."""
        consumed = bool(self.queues) and all(getattr(one, "is_consumed", False) for one in self.queues)
        return self.line.is_up and self.replies.is_up and consumed

    async def stop(self) -> None:
        """Disconnect."""
        await asyncio.gather(self.line.stop(), self.replies.stop())

    async def can_reply(self) -> None:
        """Wait a moment for the connection that gives answers, if it is down: the caller still waits, too."""
        until = monotonic() + REPLY_WAITS_SECONDS
        while not self.replies.is_up and monotonic() < until:
            await asyncio.sleep(0.05)

    def oldest_in_flight_seconds(self) -> float:
        """Return for how long the oldest unfinished request has been worked on."""
        now = monotonic()
        return now - min(self.in_flight.values(), default=now)


_Take = Callable[[RecipientLine, AbstractIncomingMessage], Awaitable[Answer | None]]


class Reception:
    """Takes the requests of all recipients."""

    def __init__(self, answering: Answering, writer: Writer, parking: Parking) -> None:
        self._answering = answering
        self._writer = writer
        self._parking = parking

    async def consume(self, recipient: RecipientLine, connection: AbstractRobustConnection) -> None:
        """Take what comes out of a recipient's vhost, each queue on a channel of its own."""
        taken: tuple[tuple[str, _Take], ...] = (
            (topology.OPEN, self._take_open),
            (topology.COMMAND, self._take_command),
            (topology.COMMAND_PARKED, self._take_parked),
        )
        recipient.queues.clear()  # those of an earlier connection lead nowhere
        for queue_name, take in taken:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            queue = await channel.declare_queue(queue_name, passive=True)  # nothing is sent: see shared.bus
            await queue.consume(partial(self.settle, recipient, take))
            recipient.queues.append(queue)

    async def settle(self, recipient: RecipientLine, take: _Take, message: AbstractIncomingMessage) -> None:
        """Settle a request whatever happens: nothing that comes from outside may stop the gate."""
        ticket = id(message)
        recipient.in_flight[ticket] = monotonic()
        try:
            answer = await take(recipient, message)
        except Exception as error:
            told = log.warning if isinstance(error, StoreUnavailable) else log.error
            told("request_given_back", recipient=recipient.name, exc_info=error)
            await asyncio.sleep(PAUSE_SECONDS)
            await self._settled(recipient, message.nack(requeue=True))
        else:
            await self._settled(recipient, message.ack())
            if answer is not None:
                await self._reply(recipient, message, answer)
        finally:
            del recipient.in_flight[ticket]

    async def handle_parked(self, parked_id: str, *, by: str) -> bool:
        """Carry a parked command out; return False if there is none by that id. Refused, it stays parked."""
        parked = await self._writer.run(lambda work: self._parking.take(work.session, parked_id))
        if parked is None:
            return False
        answer = await self._answering.to_command(str(parked.type).removeprefix(PARKED_COMMAND), parked.body)
        if answer["result"] != "received":
            raise CommandRefused
        await self._writer.run(
            lambda work: self._parking.resolve(work.session, parked_id, resolution=f"handled by {by}", now=work.now)
        )
        return True

    async def _settled(self, recipient: RecipientLine, settlement: Awaitable[None]) -> None:
        """Wait for an acknowledgement to leave. If it cannot, the channel is gone and the broker has the message."""
        [error] = await asyncio.gather(_in_time(settlement), return_exceptions=True)
        if error is not None:
            log.warning("request_not_settled", recipient=recipient.name, error=type(error).__name__)

    async def _take_open(self, recipient: RecipientLine, message: AbstractIncomingMessage) -> Answer | None:
        if not _can_be_answered(message):
            return None
        if not _is_from(message, recipient):
            return NOT_VOUCHED_FOR
        started = monotonic()
        answer = await self._answering.to_open(recipient.recipient_id, message.body)
        took = round((monotonic() - started) * 1000, 1)
        log.info("opening_answered", recipient=recipient.name, took_ms=took)
        return answer

    async def _take_command(self, recipient: RecipientLine, message: AbstractIncomingMessage) -> Answer | None:
        answer = NOT_VOUCHED_FOR
        if _is_from(message, recipient):
            answer = await self._carried_out(recipient, message)
        log.info("command_taken", recipient=recipient.name, result=answer["result"])
        return answer if _can_be_answered(message) else None

    async def _carried_out(self, recipient: RecipientLine, message: AbstractIncomingMessage) -> Answer:
        """Carry a command out. While the store is away a caller who waits is told so; for one who does not, we wait."""
        while True:
            try:
                return await self._answering.to_command(recipient.recipient_id, message.body)
            except StoreUnavailable:
                if _can_be_answered(message):
                    return TRY_AGAIN
                await asyncio.sleep(PAUSE_SECONDS)

    async def _take_parked(self, recipient: RecipientLine, message: AbstractIncomingMessage) -> None:
        """Keep a command that could not be carried out where it is seen and counted, sealed for the gate as it came."""
        parked_id, body = random_id(), message.body
        vouched = _is_from(message, recipient)
        await self._writer.run(
            lambda work: self._parking.park(
                work.session,
                parked_id=parked_id,
                message_id=None,
                type_=f"{PARKED_COMMAND}{recipient.recipient_id}" if vouched else None,
                reason="delivery_limit" if vouched else "not_vouched_for",
                key_id=None,
                body=body,
                now=work.now,
            )
        )
        log.error("command_parked", recipient=recipient.name, parked_id=parked_id)

    async def _reply(self, recipient: RecipientLine, message: AbstractIncomingMessage, answer: Answer) -> None:
        """Answer a caller. One who is gone, or whom nothing reaches, asks again."""
        try:
            reply = aio_pika.Message(
                seal_for(recipient.key, canonical(answer)),
                content_type="application/jose",
                delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT,
                correlation_id=(message.correlation_id or "")[:64] or None,
            )
            # A reply to a direct reply queue is always returned as unroutable, so mandatory would fail every one.
            await recipient.can_reply()
            await recipient.replies.publish(
                reply, exchange=DEFAULT_EXCHANGE, routing_key=str(message.reply_to), mandatory=False
            )
        except BrokerTrouble as error:
            log.warning("answer_not_given", recipient=recipient.name, error=type(error).__name__)
        except Exception as error:
            log.error("answer_not_given", recipient=recipient.name, exc_info=error)


async def _in_time(settlement: Awaitable[None]) -> None:
    async with asyncio.timeout(SETTLE_SECONDS):
        await settlement


def _is_from(message: AbstractIncomingMessage, recipient: RecipientLine) -> bool:
    """Whether the broker vouches for the sender: it checks `user_id` against the connection."""
    return message.user_id == recipient.recipient_id


def _can_be_answered(message: AbstractIncomingMessage) -> bool:
    """Whether the answer goes to the caller's own connection, and to no queue that a caller could name."""
    return bool(message.reply_to and message.reply_to.startswith(DIRECT_REPLY))
