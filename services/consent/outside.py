"""The gate's side of every recipient's vhost: notices go in, requests come out, answers go back. Nothing else passes.

Everything that leaves is built from scratch: no header, no time, no id of the inside. A recipient that floods or
stalls has a connection and a prefetch of its own and slows nobody else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
from joserfc.jwk import ECKey

from services.consent.answering import NOT_VOUCHED_FOR, TRY_AGAIN, Answer, Answering
from services.consent.keys import GateKey, read_public_key, seal_for
from services.consent.settings import ConsentSettings
from services.consent.tables import RecipientRow
from shared import topology
from shared.bus import BrokerTrouble, Line, NotConnected
from shared.contracts.envelope import Envelope, canonical
from shared.inbox import Parking
from shared.outbox import Outgoing, random_id
from shared.writer import StoreUnavailable, Writer

log = structlog.get_logger()

DIRECT_REPLY = "amq.rabbitmq.reply-to."
DEFAULT_EXCHANGE = ""
PREFETCH = 32
PAUSE_SECONDS = 1.0


def notice_body(notice_id: str) -> bytes:
    """Return a notice: the same for content, retraction, status and heartbeat, but for a random id of constant size."""
    return canonical(
        {"specversion": "1.0", "id": notice_id, "type": "org.gesehen.notice.v1", "source": "urn:gesehen:gate"}
    )


@dataclass(slots=True)
class _Recipient:
    recipient_id: str
    key: ECKey
    line: Line


_Take = Callable[[_Recipient, AbstractIncomingMessage], Awaitable[None]]


class Outside:
    """All recipients' vhosts."""

    def __init__(self, settings: ConsentSettings, writer: Writer, parking: Parking) -> None:
        self._settings = settings
        self._writer = writer
        self._parking = parking
        self._gate_key = GateKey(settings.gate_key())
        self._answering = Answering(settings, writer, self._gate_key)
        self._recipients: dict[str, _Recipient] = {}

    @property
    def gate_public_key(self) -> dict[str, Any]:  # Any: a JWK
        """The key that recipients seal their commands with."""
        return self._gate_key.public()

    def lines_up(self) -> dict[str, bool]:
        """Return for each recipient whether its vhost is connected."""
        return {recipient_id: recipient.line.is_up for recipient_id, recipient in self._recipients.items()}

    async def follow(self, rows: list[RecipientRow]) -> None:
        """Connect to recipients that came, disconnect from those that went, take over changed keys."""
        current = {row.recipient_id: row for row in rows}
        for recipient_id in self._recipients.keys() - current.keys():
            await self._recipients.pop(recipient_id).line.stop()
        for recipient_id, row in current.items():
            key = read_public_key(row.public_key)
            if recipient_id in self._recipients:
                self._recipients[recipient_id].key = key
            elif self._settings.recipients_broker_url:
                url = f"{self._settings.recipients_broker_url.rstrip('/')}/{recipient_id}"
                recipient = _Recipient(recipient_id, key, Line(url, name=f"recipient.{recipient_id}"))
                self._recipients[recipient_id] = recipient
                recipient.line.start(partial(self._consume, recipient))

    async def stop(self) -> None:
        """Disconnect from all."""
        await self.follow([])

    async def send_notice(self, item: Outgoing) -> None:
        """Publish a notice and wait for its confirmation; raise one of BrokerTrouble otherwise."""
        await self.publish_notice(item.destination, item.message_id)

    async def publish_notice(self, recipient_id: str, notice_id: str) -> None:
        """Put a notice into a recipient's inbox."""
        recipient = self._recipients.get(recipient_id)
        if recipient is None:
            raise NotConnected(recipient_id)
        message = aio_pika.Message(
            notice_body(notice_id),
            content_type=Envelope.CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=notice_id,
        )
        await recipient.line.publish(message, exchange=DEFAULT_EXCHANGE, routing_key=topology.INBOX)

    async def _consume(self, recipient: _Recipient, connection: AbstractRobustConnection) -> None:
        taken: tuple[tuple[str, _Take], ...] = (
            (topology.OPEN, self._take_open),
            (topology.COMMAND, self._take_command),
            (topology.COMMAND_PARKED, self._take_parked),
        )
        for queue_name, take in taken:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            queue = await channel.declare_queue(queue_name, passive=True)  # nothing is sent: see shared.bus
            await queue.consume(partial(self._settle, recipient, take))

    async def _settle(self, recipient: _Recipient, take: _Take, message: AbstractIncomingMessage) -> None:
        """Settle a request whatever happens: nothing that comes from outside may stop the gate."""
        try:
            await take(recipient, message)
            await message.ack()
        except BrokerTrouble as error:  # the caller is gone, or the channel: the broker gives it again
            log.warning("request_given_up", recipient_id=recipient.recipient_id, error=type(error).__name__)
        except Exception as error:
            log.error("request_failed", recipient_id=recipient.recipient_id, exc_info=error)
            await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.gather(message.nack(requeue=True), return_exceptions=True)

    async def _take_open(self, recipient: _Recipient, message: AbstractIncomingMessage) -> None:
        if not _can_be_answered(message):
            return
        started = monotonic()
        if _is_from(message, recipient):
            answer = await self._answering.to_open(recipient.recipient_id, message.body)
        else:
            answer = NOT_VOUCHED_FOR
        await self._reply(recipient, message, answer)
        took = round((monotonic() - started) * 1000, 1)
        log.info("opening_answered", recipient_id=recipient.recipient_id, took_ms=took)

    async def _take_command(self, recipient: _Recipient, message: AbstractIncomingMessage) -> None:
        answer = NOT_VOUCHED_FOR
        if _is_from(message, recipient):
            answer = await self._carried_out(recipient, message)
        log.info("command_taken", recipient_id=recipient.recipient_id, result=answer["result"])
        if _can_be_answered(message):
            await self._reply(recipient, message, answer)

    async def _carried_out(self, recipient: _Recipient, message: AbstractIncomingMessage) -> Answer:
        """Carry a command out. While the store is away a caller who waits is told so; for one who does not, we wait."""
        while True:
            try:
                return await self._answering.to_command(recipient.recipient_id, message.body)
            except StoreUnavailable:
                if _can_be_answered(message):
                    return TRY_AGAIN
                await asyncio.sleep(PAUSE_SECONDS)

    async def _take_parked(self, recipient: _Recipient, message: AbstractIncomingMessage) -> None:
        """Keep a command that could not be carried out where it is seen and counted, sealed for the gate as it came."""
        parked_id, body = random_id(), message.body
        await self._writer.run(
            lambda work: self._parking.park(
                work.session,
                parked_id=parked_id,
                message_id=None,
                type_=f"command.{recipient.recipient_id}",
                reason="delivery_limit",
                key_id=None,
                body=body,
                now=work.now,
            )
        )
        log.error("command_parked", recipient_id=recipient.recipient_id, parked_id=parked_id)

    async def _reply(self, recipient: _Recipient, message: AbstractIncomingMessage, answer: Answer) -> None:
        reply = aio_pika.Message(
            seal_for(recipient.key, canonical(answer)),
            content_type="application/jose",
            delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT,
            correlation_id=(message.correlation_id or "")[:64] or None,
        )
        # A reply to a direct reply queue is always returned as unroutable, so mandatory would fail every one.
        await recipient.line.publish(
            reply, exchange=DEFAULT_EXCHANGE, routing_key=str(message.reply_to), mandatory=False
        )


def _is_from(message: AbstractIncomingMessage, recipient: _Recipient) -> bool:
    """Whether the broker vouches for the sender: it checks `user_id` against the connection."""
    return message.user_id == recipient.recipient_id


def _can_be_answered(message: AbstractIncomingMessage) -> bool:
    """Whether the answer goes to the caller's own connection, and to no queue that a caller could name."""
    return bool(message.reply_to and message.reply_to.startswith(DIRECT_REPLY))
