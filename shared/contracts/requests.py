"""What recipients may ask and say: the only words from outside that the gate takes in. Anything more is refused."""

import re
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from shared.contracts.consent import Outcome, ProviderAnswer, Service
from shared.contracts.intake import Channel

CommandId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
NoticeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9 ./_-]{0,39}$")]
BudgetLine = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.-]{1,19}$")]

MOST_FAULTS = 10
"""A refusal names no more faults than this: its size must not grow with what somebody sends."""

_ADDRESS = {
    Channel.PHONE: re.compile(r"\+?[0-9][0-9 /-]{4,24}"),
    Channel.EMAIL: re.compile(r"[^@\s]{1,64}@[A-Za-z0-9.-]{1,80}"),
    Channel.LETTER: re.compile(r"[\w .,'/-]{5,120}"),
}


class Request(BaseModel):
    """A word from outside: exactly these fields, no more."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OpenRequest(Request):
    """Open what a notice stands for."""

    open: NoticeId


class ContactGiven(Request):
    """How a person may be reached, as the Jobcenter knows it."""

    channel: Channel
    address: str | None = Field(default=None, max_length=120, repr=False)

    @model_validator(mode="after")
    def _address_fits_channel(self) -> Self:
        if self.channel is Channel.IN_PERSON:
            if self.address is not None:
                raise ValueError("must be absent for in_person")
        elif self.address is None or not _ADDRESS[self.channel].fullmatch(self.address):
            raise ValueError("does not fit the channel")
        return self


class Commission(Request):
    """A Jobcenter commissions help: no name, no diagnosis, no free text."""

    role: ClassVar[str] = "jobcenter"

    command_id: CommandId
    command: Literal["commission"]
    reference: Reference = Field(repr=False)
    service: Service
    deadline: date
    budget_line: BudgetLine
    contact: ContactGiven = Field(repr=False)


class CancelCommission(Request):
    """A Jobcenter takes its commission back."""

    role: ClassVar[str] = "jobcenter"

    command_id: CommandId
    command: Literal["cancel_commission"]
    reference: Reference = Field(repr=False)


class AnswerReferral(Request):
    """A provider answers a referral: closed codes and a time."""

    role: ClassVar[str] = "provider"

    command_id: CommandId
    command: Literal["answer_referral"]
    reference: Reference = Field(repr=False)
    answer: ProviderAnswer
    appointment_at: AwareDatetime | None = None
    outcome: Outcome | None = None

    @model_validator(mode="after")
    def _fields_fit_answer(self) -> Self:
        if (self.appointment_at is not None) != (self.answer is ProviderAnswer.APPOINTMENT_OFFERED):
            raise ValueError("appointment_at belongs to appointment_offered, and only to it")
        if (self.outcome is not None) != (self.answer is ProviderAnswer.ENDED):
            raise ValueError("outcome belongs to ended, and only to it")
        return self


Command = Commission | CancelCommission | AnswerReferral
COMMANDS: dict[str, type[Commission] | type[CancelCommission] | type[AnswerReferral]] = {
    "commission": Commission,
    "cancel_commission": CancelCommission,
    "answer_referral": AnswerReferral,
}


class RefusedRequest(ValueError):
    """Raised when a request cannot be accepted: names each field and the reason, never the value."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("request refused")
        self.errors = [{"field": field, "reason": reason} for field, reason in faults]


def read_command(raw: Any) -> Command:  # Any: whatever came from outside
    """Return the command, or raise RefusedRequest."""
    if not isinstance(raw, dict):
        raise RefusedRequest(("body", "must be a JSON object"))
    name = raw.get("command")
    kind = COMMANDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise RefusedRequest(("command", f"must be one of {', '.join(COMMANDS)}"))
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise refused(error) from None


def command_id_of(raw: Any) -> str | None:  # Any: whatever came from outside
    """Return the caller's id of a command, if it is one, so that a refusal can name it."""
    found = raw.get("command_id") if isinstance(raw, dict) else None
    return found if isinstance(found, str) and re.fullmatch(r"[A-Za-z0-9_-]{16,64}", found) else None


def read_open(raw: Any) -> OpenRequest:  # Any: whatever came from outside
    """Return the request to open, or raise RefusedRequest."""
    try:
        return OpenRequest.model_validate(raw)
    except ValidationError as error:
        raise refused(error) from None


_REASONS = {
    "missing": "is missing",
    "extra_forbidden": "is not accepted",
    "string_pattern_mismatch": "has characters or a length that are not accepted",
    "string_too_long": "is too long",
    "string_type": "must be a text",
    "timezone_aware": "must have a time zone",
}


def refused(error: ValidationError) -> RefusedRequest:
    """Return the refusal for a validation error, in words that are built from the schema alone."""
    faults = []
    found = error.errors(include_input=False, include_url=False)
    for item in found[:MOST_FAULTS]:
        where = ".".join(str(part) for part in item["loc"]) or _field_named_by(item["msg"])
        faults.append((_printable(where), _reason(dict(item))))
    if len(found) > MOST_FAULTS:
        faults.append(("body", "has more faults than are named here"))
    return RefusedRequest(*faults)


def _reason(item: dict[str, Any]) -> str:
    if item["type"] in {"enum", "literal_error"}:
        return f"must be {item['ctx']['expected']}"
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return _REASONS.get(item["type"], f"is not acceptable ({item['type']})")


def _field_named_by(message: str) -> str:
    return next((name for name in ("appointment_at", "outcome") if name in message), "body")


def _printable(field: str) -> str:
    """Return a field's name as it may be repeated: an invented one could carry a value."""
    return field if re.fullmatch(r"[a-z_.]{1,60}", field) else "an unknown field"
