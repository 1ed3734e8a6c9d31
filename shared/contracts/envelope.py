"""How a care event is built and wrapped: labelled fields inside, a sealed CloudEvents 1.0 envelope outside."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.categories import Category, LabelledBy, label_of

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
"""A random id. It says nothing about the person and is safe in a log."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
"""A word of a closed vocabulary that the producing service checks."""


Sources = Annotated[tuple[Id, ...], Field(min_length=1, max_length=50)]
"""The facts that something rests on."""


class Value(BaseModel):
    """A value inside an event: frozen, and unknown fields of a newer producer are dropped."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class UnlabelledField(TypeError):
    """Raised when an event class has a field without exactly one label; such a class refuses to exist."""


class CareEvent(BaseModel):
    """A fact that one service announces to the others. Every field carries `Structural` or a category."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    event_type: ClassVar[str]
    sealed_for: ClassVar[str] = "person_id"
    """The field whose id names the key under which bodies of this event are stored."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # Any: pydantic's own signature
        for name, field in cls.model_fields.items():
            label = label_of(list(field.metadata))
            if label is None:
                raise UnlabelledField(f"{cls.__name__}.{name} is neither structural nor of exactly one category")
            if isinstance(label, LabelledBy) and label.field not in cls.model_fields:
                raise UnlabelledField(f"{cls.__name__}.{name} is labelled by a field that does not exist")

    @property
    def key_id(self) -> str:
        """The id of the key under which this event's body is stored."""
        return str(getattr(self, self.sealed_for))

    def body(self) -> bytes:
        """Return the canonical JSON of the event's fields."""
        return canonical(self.model_dump(mode="json", exclude_none=True))


class Disclosable(CareEvent):
    """A care event that brings one piece of knowledge which the person may release."""

    professional: ClassVar[bool]
    """Whether it comes from a person bound by § 203 StGB, whose duty travels with it (§ 76 SGB X)."""

    def category(self) -> Category:
        """Return the category that the knowledge belongs to."""
        raise NotImplementedError

    def content(self) -> dict[str, Any]:
        """Return the knowledge itself as JSON values; released messages are built from nothing else."""
        raise NotImplementedError

    @property
    def about(self) -> str | None:
        """The id of the third person whom it is about (§ 67d (2) SGB X); None means the person of the case."""
        about_id: str | None = getattr(self, "about_id", None)
        return about_id

    @property
    def sources(self) -> tuple[str, ...]:
        """The facts that it rests on: their origin is its own as well (§ 76 SGB X)."""
        return tuple(getattr(self, "derived_from", None) or ())


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed care event on the wire: CloudEvents 1.0, structured mode. An operator can read this much and no more."""

    id: str
    source: str
    type: str
    time: datetime
    correlation_id: str
    zone_key: str
    sealed: bytes

    CONTENT_TYPE: ClassVar[str] = "application/cloudevents+json"

    def to_bytes(self) -> bytes:
        """Return the envelope as it travels."""
        return canonical(
            {
                "specversion": "1.0",
                "id": self.id,
                "source": self.source,
                "type": self.type,
                "time": self.time.astimezone(UTC).isoformat(),
                "correlationid": self.correlation_id,
                "zonekey": self.zone_key,
                "datacontenttype": "application/octet-stream",
                "data_base64": base64.b64encode(self.sealed).decode(),
            }
        )

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Read an envelope; raise MalformedEnvelope, which names the attribute and never its value."""
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError):
            raise MalformedEnvelope("body", "is not JSON") from None
        if not isinstance(raw, dict) or raw.get("specversion") != "1.0":
            raise MalformedEnvelope("specversion", "must be 1.0")
        texts = {name: raw.get(name) for name in ("id", "source", "type", "time", "correlationid", "zonekey")}
        for name in (*texts, "data_base64"):
            if not isinstance(raw.get(name), str):
                raise MalformedEnvelope(name, "must be a text")
        try:
            time = datetime.fromisoformat(str(texts["time"]))
            sealed = base64.b64decode(raw["data_base64"], validate=True)
        except ValueError:
            raise MalformedEnvelope("time or data_base64", "cannot be read") from None
        return cls(
            id=str(texts["id"]),
            source=str(texts["source"]),
            type=str(texts["type"]),
            time=time,
            correlation_id=str(texts["correlationid"]),
            zone_key=str(texts["zonekey"]),
            sealed=sealed,
        )


class MalformedEnvelope(ValueError):
    """Raised when a message on the care bus is not a readable envelope."""

    code = "malformed_envelope"

    def __init__(self, attribute: str, reason: str) -> None:
        super().__init__(f"{attribute} {reason}")


def canonical(value: Any) -> bytes:  # Any: JSON has no better type
    """Return the one JSON encoding of a value: sorted keys, no spaces, UTF-8. Hashes are taken over this."""
    return _CANONICAL.encode(value).encode()


def _text(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_text)
