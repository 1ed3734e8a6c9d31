"""The gate's side of every recipient's vhost: notices go in, requests come out, answers go back. Nothing else passes.

Everything that leaves is built from scratch: no header, no time, no id of the inside. A recipient that floods or
stalls has a connection and a prefetch of its own and slows nobody else.
"""

from functools import partial
from time import monotonic
from typing import Any

import aio_pika
import structlog

from services.consent.answering import Answering
from services.consent.keys import GateKey, UnusableKey, read_public_key
from services.consent.opening import Openings
from services.consent.reception import DEFAULT_EXCHANGE, Reception, RecipientLine
from services.consent.recipient_tables import RecipientRow
from services.consent.settings import ConsentSettings
from shared import topology
from shared.bus import Line, NotConnected
from shared.contracts.envelope import Envelope, canonical
from shared.inbox import Parking
from shared.outbox import Outgoing
from shared.writer import Writer

log = structlog.get_logger()

GRACE_SECONDS = 15.0
"""How long a line may be down, or its registration unread, before it is an alarm."""


def notice_body(notice_id: str) -> bytes:
    """Return a notice: the same for content, retraction, status and heartbeat, but for a random id of constant size."""
    return canonical(
        {"specversion": "1.0", "id": notice_id, "type": "org.gesehen.notice.v1", "source": "urn:gesehen:gate"}
    )


class Outside:
    """All recipients' vhosts."""

    def __init__(self, settings: ConsentSettings, writer: Writer, parking: Parking) -> None:
        self._settings = settings
        self._gate_key = GateKey(settings.gate_key())
        self.name_in_logs = settings.names_in_logs()
        self.openings = Openings(writer, settings)
        answering = Answering(settings, writer, self._gate_key, self.openings, name_in_logs=self.name_in_logs)
        self.reception = Reception(answering, writer, parking)
        self._recipients: dict[str, RecipientLine] = {}
        self._down_since: dict[str, float] = {}
        self._followed_at = monotonic()

    @property
    def gate_public_key(self) -> dict[str, Any]:  # Any: a JWK
        """The key that recipients seal their commands with."""
        return self._gate_key.public()

    def lines_up(self) -> dict[str, bool]:
        """Return for each recipient whether its vhost is connected and its requests are taken."""
        return {recipient_id: recipient.is_up for recipient_id, recipient in self._recipients.items()}

    def every_line_is_up(self) -> bool:
        """Whether every registered recipient is served, but for one that has been down for a moment only."""
        oldest = min([self._followed_at, *self._down_since.values()])
        return monotonic() - oldest < GRACE_SECONDS

    def oldest_in_flight_seconds(self) -> float:
        """Return for how long the oldest unfinished request of any recipient has been worked on."""
        return max((recipient.oldest_in_flight_seconds() for recipient in self._recipients.values()), default=0.0)

    async def follow(self, rows: list[RecipientRow]) -> None:
        """Connect to recipients that came, disconnect from those that went, take over changed keys.

        A registration that cannot be read is served nothing, loudly, and stops no other.
        """
        current = {row.recipient_id: row for row in rows}
        for recipient_id in self._recipients.keys() - current.keys():
            await self._recipients.pop(recipient_id).stop()
        for recipient_id, row in current.items():
            try:
                self._serve(row)
            except UnusableKey as error:
                log.error("recipient_key_unusable", recipient=self.name_in_logs(recipient_id), exc_info=error)
                if recipient_id in self._recipients:
                    await self._recipients.pop(recipient_id).stop()
        self._note_lines(current)

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

    def _serve(self, row: RecipientRow) -> None:
        known = self._recipients.get(row.recipient_id)
        if known is not None and known.jwk == row.public_key:
            return
        key = read_public_key(row.public_key)
        if known is not None:
            known.jwk, known.key = row.public_key, key
        elif self._settings.recipients_broker_url:
            url = f"{self._settings.recipients_broker_url.rstrip('/')}/{row.recipient_id}"
            name = self.name_in_logs(row.recipient_id)
            line, replies = Line(url, name=name), Line(url, name=f"{name}.replies")
            recipient = RecipientLine(row.recipient_id, name, row.public_key, key, line, replies)
            self._recipients[row.recipient_id] = recipient
            line.start(partial(self.reception.consume, recipient))
            replies.start()

    def _note_lines(self, current: dict[str, RecipientRow]) -> None:
        now, up = monotonic(), {recipient_id for recipient_id, is_up in self.lines_up().items() if is_up}
        down = current.keys() - up
        self._down_since = {recipient_id: self._down_since.get(recipient_id, now) for recipient_id in down}
        self._followed_at = now
