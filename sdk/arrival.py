"""What came in over the bus, as it was, every property and header of it: for audits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any  # properties and headers as AMQP has them

from aio_pika.abc import AbstractIncomingMessage

_PROPERTIES = (
    "content_type",
    "content_encoding",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came in over the bus, after decryption."""

    kind: str
    """`notice`, `answer`, `reply`, or `unreadable` for what could not be decrypted."""
    properties: Mapping[str, Any]
    """The twelve properties that AMQP has, those that are absent as None."""
    headers: Mapping[str, Any]
    delivery: Mapping[str, Any]
    """Exchange, routing key, and whether it had been delivered before."""
    size: int
    """Bytes of the body on the wire."""
    body: bytes = field(repr=False)
    protected: Mapping[str, Any] = field(default_factory=dict)
    """The protected JWE header; empty for a notice, which is not encrypted."""


def describe(kind: str, message: AbstractIncomingMessage, *, body: bytes, protected: Mapping[str, Any]) -> Arrival:
    """Describe what came in, every property and header of it included."""
    return Arrival(
        kind=kind,
        properties={name: getattr(message, name) for name in _PROPERTIES},
        headers=dict(message.headers),
        delivery={name: getattr(message, name) for name in ("exchange", "routing_key", "redelivered")},
        size=len(message.body),
        body=body,
        protected=protected,
    )
