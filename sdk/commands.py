"""What a recipient may ask of the gate, and what the gate says to it.

Nothing is validated here: the gate says which field it refuses and why, so that there is one set of rules.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from sdk.errors import UnreadableAnswer


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Contact(_Wire):
    """How a person may be reached; no address for `in_person`."""

    channel: Literal["phone", "email", "letter", "in_person"]
    address: str | None = Field(default=None, repr=False)


class FieldError(_Wire):
    """A field that was refused, and why; never its value."""

    field: str
    reason: str


class Received(_Wire):
    """The gate has the command and will not lose it."""

    result: Literal["received"] = "received"
    command_id: str


class Refused(_Wire):
    """The gate did not take it; each error names a field and the reason."""

    result: Literal["refused"] = "refused"
    command_id: str | None = None
    errors: tuple[FieldError, ...]


class ReplyUnavailable(_Wire):
    """The gate cannot reach its store now; send the same command again."""

    result: Literal["try_again"] = "try_again"


Reply = Received | Refused | ReplyUnavailable

_REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="result")])


def new_command_id() -> str:
    """Return an id under which a command may be sent again and again: it has its effect once."""
    return secrets.token_urlsafe(24)


def build_command(name: str, fields: Mapping[str, JsonValue], *, command_id: str | None = None) -> bytes:
    """Return a command as it is sealed, under an id of its own unless one is given."""
    return json.dumps({"command_id": command_id or new_command_id(), "command": name, **fields}).encode()


def commission_fields(
    *, reference: str, service: str, deadline: date, budget_line: str, contact: Contact
) -> dict[str, JsonValue]:
    """Return the fields of `commission`."""
    return {
        "reference": reference,
        "service": service,
        "deadline": deadline.isoformat(),
        "budget_line": budget_line,
        "contact": contact.model_dump(exclude_none=True),
    }


def change_fields(*, reference: str, deadline: date | None, budget_line: str | None) -> dict[str, JsonValue]:
    """Return the fields of `change_commission`; what is not given stays as it is."""
    fields: dict[str, JsonValue] = {"reference": reference}
    if deadline is not None:
        fields["deadline"] = deadline.isoformat()
    if budget_line is not None:
        fields["budget_line"] = budget_line
    return fields


def answer_fields(
    *, reference: str, answer: str, appointment_at: datetime | None, outcome: str | None
) -> dict[str, JsonValue]:
    """Return the fields of `answer_referral`; what is not given is not sent."""
    fields: dict[str, JsonValue] = {"reference": reference, "answer": answer}
    if appointment_at is not None:
        fields["appointment_at"] = appointment_at.isoformat()
    if outcome is not None:
        fields["outcome"] = outcome
    return fields


def read_reply(plaintext: bytes) -> Reply:
    """Read the gate's reply to a command."""
    try:
        return _REPLY.validate_json(plaintext)
    except ValidationError:
        raise UnreadableAnswer("a reply of a form that is not known here") from None
