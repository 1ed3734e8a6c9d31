"""What recipients may ask and say: the only words from outside that the gate takes in. Anything more is refused."""

import itertools
import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from shared.contracts.consent import Outcome, ProviderAnswer, Service
from shared.contracts.envelope import Code
from shared.contracts.intake import Channel

CommandId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
NoticeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9 ./_-]{0,39}$")]
BudgetLine = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.-]{1,19}$")]

Serial = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
"""The number of a voucher: random, and good for nothing but to tell it from every other."""

MOST_PLACES = 500
"""No provider keeps more for one service."""

CONTINGENT = "CONTINGENT"
"""The budget line that pays for people who came without a commission. No commission can be on it."""

MOST_VOUCHERS = 5_000
"""So many at the most are funded by one command."""

MOST_FAULTS = 10
"""A refusal names no more faults than this: its size must not grow with what somebody sends."""


def _only_like(pattern: str, like: str) -> BeforeValidator:
    """Take a text of that form alone: pydantic would take a number for seconds since 1970."""

    def check(value: object) -> object:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"must be {like}")
        return value

    return BeforeValidator(check)


Day = Annotated[date, _only_like(r"\d{4}-\d{2}-\d{2}", "a day like 2026-01-31")]
Month = Annotated[str, _only_like(r"20\d{2}-(0[1-9]|1[0-2])", "a month like 2026-11")]
Moment = Annotated[AwareDatetime, _only_like(r"\d{4}-\d{2}-\d{2}T.{5,32}", "a time like 2026-01-31T09:00:00+01:00")]


def _is_of_a_commission(line: str | None) -> str | None:
    if line == CONTINGENT:
        raise ValueError("is reserved for people who came without a commission")
    return line


CommissionedLine = Annotated[BudgetLine, AfterValidator(_is_of_a_commission)]

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
    address: str | None = Field(default=None, max_length=120, repr=False, validate_default=True)

    @field_validator("address")
    @classmethod
    def _address_fits_channel(cls, address: str | None, others: ValidationInfo) -> str | None:
        channel = others.data.get("channel")  # absent if it was refused itself
        if channel is Channel.IN_PERSON and address is not None:
            raise ValueError("must be absent for in_person")
        if channel is None or channel is Channel.IN_PERSON:
            return address
        if address is None:
            raise ValueError("is missing")
        if not _ADDRESS[channel].fullmatch(address):
            raise ValueError("does not fit the channel")
        return address


class Commission(Request):
    """A Jobcenter commissions help: no name, no diagnosis, no free text."""

    role: ClassVar[str] = "jobcenter"

    command_id: CommandId
    command: Literal["commission"]
    reference: Reference = Field(repr=False)
    service: Service
    deadline: Day
    budget_line: CommissionedLine
    contact: ContactGiven = Field(repr=False)


class ChangeCommission(Request):
    """A Jobcenter changes the deadline or the budget line of its commission; what is not named stays."""

    role: ClassVar[str] = "jobcenter"

    command_id: CommandId
    command: Literal["change_commission"]
    reference: Reference = Field(repr=False)
    deadline: Day | None = None
    budget_line: CommissionedLine | None = Field(default=None, validate_default=True)

    @field_validator("budget_line")
    @classmethod
    def _changes_something(cls, budget_line: str | None, others: ValidationInfo) -> str | None:
        if budget_line is None and "deadline" in others.data and others.data["deadline"] is None:
            raise ValueError("is missing, and so is deadline: one of them must be named")
        return budget_line


class CancelCommission(Request):
    """A Jobcenter takes its commission back."""

    role: ClassVar[str] = "jobcenter"

    command_id: CommandId
    command: Literal["cancel_commission"]
    reference: Reference = Field(repr=False)


class Fund(Request):
    """A Jobcenter funds units of help out of a budget line, to be used from that month on. It is about nobody."""

    role: ClassVar[str] = "jobcenter"

    command_id: CommandId
    command: Literal["fund"]
    budget_line: BudgetLine
    month: Month
    units: Annotated[int, Field(strict=True, ge=1, le=MOST_VOUCHERS)]


class DisputeReason(StrEnum):
    """Why a Jobcenter disputes a voucher on a statement: what can be judged by the voucher alone."""

    COUNTED_TWICE = "counted_twice"
    NOT_FUNDED = "not_funded"
    AMOUNT = "amount"


class DisputeVoucher(Request):
    """A Jobcenter disputes a voucher that stands on one of its statements."""

    role: ClassVar[str] = "jobcenter"

    command_id: CommandId
    command: Literal["dispute_voucher"]
    serial: Serial
    reason: DisputeReason


class AnswerReferral(Request):
    """A provider answers a referral: closed codes and a time."""

    role: ClassVar[str] = "provider"

    command_id: CommandId
    command: Literal["answer_referral"]
    reference: Reference = Field(repr=False)
    answer: ProviderAnswer
    appointment_at: Moment | None = Field(default=None, validate_default=True)
    outcome: Outcome | None = Field(default=None, validate_default=True)

    @field_validator("appointment_at", "outcome")
    @classmethod
    def _fits_answer(cls, value: Any, others: ValidationInfo) -> Any:  # Any: of either field
        answer = others.data.get("answer")  # absent if it was refused itself
        wanted = GOES_WITH[str(others.field_name)]
        if answer is wanted and value is None:
            raise ValueError("is missing")
        if answer is not None and answer is not wanted and value is not None:
            raise ValueError(f"goes with {wanted} only")
        return value


class OfferPlaces(Request):
    """A provider says how many places it keeps for a service, and until when. It is about nobody."""

    role: ClassVar[str] = "provider"

    command_id: CommandId
    command: Literal["offer_places"]
    service: Code
    places: Annotated[int, Field(strict=True, ge=0, le=MOST_PLACES)]
    valid_until: Moment


GOES_WITH = {"appointment_at": ProviderAnswer.APPOINTMENT_OFFERED, "outcome": ProviderAnswer.ENDED}
"""Which field of an answer goes with which answer alone, and always with that one."""

Command = Commission | ChangeCommission | CancelCommission | AnswerReferral | OfferPlaces | Fund | DisputeVoucher
COMMANDS: dict[str, type[Command]] = {
    "commission": Commission,
    "change_commission": ChangeCommission,
    "cancel_commission": CancelCommission,
    "answer_referral": AnswerReferral,
    "offer_places": OfferPlaces,
    "fund": Fund,
    "dispute_voucher": DisputeVoucher,
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
    "int_type": "must be a whole number",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "model_type": "must be a JSON object",
    "timezone_aware": "must have a time zone",
    "date_from_datetime_parsing": "must be a day that exists",
    "date_from_datetime_inexact": "must be a day that exists",
    "date_parsing": "must be a day that exists",
    "datetime_parsing": "must be a time that exists",
    "datetime_from_date_parsing": "must be a time that exists",
    "datetime_object_invalid": "must be a time that exists",
}
_NAME = re.compile(r"[a-z_]{1,40}")


def refused(error: ValidationError) -> RefusedRequest:
    """Return the refusal for a validation error, in words that are built from the schema alone."""
    found = error.errors(include_input=False, include_url=False)
    faults = [_fault(dict(item)) for item in found[:MOST_FAULTS]]
    if len(found) > MOST_FAULTS:
        faults.append(("body", "has more faults than are named here"))
    return RefusedRequest(*faults)


def _fault(item: dict[str, Any]) -> tuple[str, str]:
    """Return field and reason. The name of a field that the caller made up could carry a value: its place is named."""
    path = [str(part) for part in item["loc"]]
    if all(_NAME.fullmatch(part) for part in path):
        return ".".join(path) or "body", _reason(item)
    known = itertools.takewhile(_NAME.fullmatch, path)
    return ".".join(known) or "body", "has an unknown field"


def _reason(item: dict[str, Any]) -> str:
    if item["type"] in {"enum", "literal_error"}:
        return f"must be {item['ctx']['expected']}"
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return _REASONS.get(item["type"], "is not acceptable")
