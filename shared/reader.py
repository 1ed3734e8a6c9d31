"""From the bytes of a message to a care event that may be trusted to be one. Decides what is malformed, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from shared.contracts.catalogue import EVENTS, producer_of
from shared.contracts.envelope import CareEvent, Envelope, MalformedEnvelope
from shared.keys import UnreadableValue
from shared.zone import ZoneKeyGone, ZoneKeys


class Malformed(ValueError):
    """Raised when a message can never be handled; the reason is its code and holds no value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = self.code = reason


class NotForUs(Exception):
    """Raised when a message is of a known type that this service has no use for."""

    code = "not_for_us"


@dataclass(frozen=True, slots=True)
class Received:
    """A care event that was read, with the ids of its envelope."""

    message_id: str
    correlation_id: str
    event: CareEvent


class Reader:
    """Reads the events that one service handles."""

    def __init__(self, wanted: Mapping[str, type[CareEvent]], zone_keys: ZoneKeys) -> None:
        self._wanted = wanted
        self._zone_keys = zone_keys

    def read(self, body: bytes) -> Received:
        """Return the event; raise Malformed or NotForUs."""
        try:
            envelope = Envelope.from_bytes(body)
        except MalformedEnvelope:
            raise Malformed("malformed_envelope") from None
        if envelope.type not in EVENTS:  # of a newer producer: kept until this service knows it
            raise Malformed("unknown_type")
        if envelope.type not in self._wanted:
            raise NotForUs(envelope.type)
        if envelope.source != producer_of(envelope.type):
            raise Malformed("foreign_source")
        return Received(envelope.id, envelope.correlation_id, self._open(envelope))

    def _open(self, envelope: Envelope) -> CareEvent:
        try:
            plain = self._zone_keys.unseal(envelope.zone_key, f"{envelope.id}|{envelope.type}", envelope.sealed)
            return self._wanted[envelope.type].model_validate_json(plain)
        except ZoneKeyGone:
            raise Malformed("zone_key_gone") from None
        except UnreadableValue:
            raise Malformed("unreadable_body") from None
        except ValidationError:
            raise Malformed("invalid_fields") from None
