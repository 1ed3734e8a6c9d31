"""What a request to intake may bring, field by field, and nothing else."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, LiteralString

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from shared.contracts.intake import Channel, Contact, Identity

NO_CONTROL = r"^[^\x00-\x1f\x7f]+$"
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=NO_CONTROL)]
Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=120, pattern=NO_CONTROL)]


def only_text(code: LiteralString, reason: LiteralString) -> BeforeValidator:
    """Take text alone, and refuse the rest under a code: a number would be taken for seconds since 1970."""

    def check(value: object) -> object:
        if isinstance(value, str):
            return value
        raise PydanticCustomError(code, reason)

    return BeforeValidator(check)


Day = Annotated[date, only_text("day_must_be_text", "a day is written as YYYY-MM-DD")]


class Body(BaseModel):
    """What a request may bring, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:  # Any: pydantic's own signature
        """Show no field when printed: what is sent may be personal in every one."""
        return ()


class OwnOrigin(StrEnum):
    """How a case begins that is opened by hand; a commissioned one begins on the bus."""

    SELF = "self"
    STREET = "street"


class ContactBody(Body):
    """How a person may be reached. Without an address it is in person."""

    channel: Channel
    address: Address | None = None

    def value(self) -> Contact:
        """Return it in the words of the contract."""
        return Contact(channel=self.channel, address=self.address)


class IdentityBody(Body):
    """Who a person is, as far as they tell. Nobody asks for papers."""

    name: Name
    born_on: Day | None = None

    def value(self) -> Identity:
        """Return it in the words of the contract."""
        return Identity(name=self.name, born_on=self.born_on)


class OpenCaseBody(Body):
    """Somebody came by themselves or was met on the street."""

    origin: OwnOrigin
    contact: ContactBody
    identity: IdentityBody | None = None
    shielded: bool = Field(default=False, strict=True)


class JoiningBody(Body):
    """Whose commission is to belong to this case."""

    former_case_id: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")


class NoticesBody(Body):
    """Which text of the three notices the person was given: purpose, what refusing means, right to withdraw."""

    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=20)
    text_version: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    text_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
