"""What comes out of a notice: a redacted event, or nothing. Reading only; what it does to what is held: `store.py`."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from sdk.billing import BillingStatement, read_statement
from sdk.commands import Refused
from sdk.content import CONTENT, FRAME, Referral, Situation
from sdk.errors import UnreadableAnswer
from sdk.figures import Figures


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class ReleasedContent(BaseModel):
    """The redacted message itself; every category that was released is a field of its own, known here or not."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    __pydantic_extra__: dict[str, JsonValue]

    type: str
    reference: str

    def __repr_args__(self) -> Iterator[tuple[str, str]]:
        yield "type", self.type  # what was released must not end up in a log by printing an event


class Released(_Answer):
    """The person released this to you: a full snapshot that replaces an earlier one of the same type and reference."""

    result: Literal["released"] = "released"
    notice: str
    release_id: str
    sequence: int
    released: ReleasedContent

    @property
    def reference(self) -> str:
        """Return the reference that says whom it is about."""
        return self.released.reference

    @property
    def type(self) -> str:
        """Return the type of the message."""
        return self.released.type

    @property
    def categories(self) -> dict[str, JsonValue]:
        """Return what was released, by category, as it came."""
        return {name: value for name, value in self.released.__pydantic_extra__.items() if name not in FRAME}

    @property
    def professional_secrecy(self) -> bool:
        """Return whether something in it comes from a person bound by § 203 StGB: then § 76 SGB X binds you too."""
        return self.released.__pydantic_extra__.get("professional_secrecy") is True

    @property
    def content(self) -> Situation | Referral:
        """Return the message as its typed class."""
        if self.type not in CONTENT:
            raise UnreadableAnswer(f"no class here reads {self.type}; use `categories`")
        return CONTENT[self.type].model_validate(self.released.model_dump(mode="json"))


class Retracted(_Answer):
    """Drop what came under this release id, wherever you keep it. Why is nobody's business but the person's."""

    result: Literal["retracted"] = "retracted"
    notice: str
    release_id: str


class StatusChanged(_Answer):
    """The neutral status of a commission; it follows from the commission and the calendar alone."""

    result: Literal["status"] = "status"
    notice: str
    reference: str
    status: Literal["commissioned", "running", "finished", "ended"]


class FiguresPublished(_Answer):
    """The figures of a quarter, for the town's steering. About nobody; there is never another answer for a quarter."""

    result: Literal["figures"] = "figures"
    notice: str
    figures: Figures


class StatementIssued(_Answer):
    """A document of your monthly statement (Jobcenter): a signed text, the same at each opening. About nobody."""

    result: Literal["statement"] = "statement"
    notice: str
    statement: str

    @property
    def content(self) -> BillingStatement:
        """Return what it says. Whether it is genuine is found by `python -m sdk check-statements`."""
        return read_statement(self.statement)


class CapacityQuery(_Answer):
    """You are asked how many places you keep (provider): once a week, whoever needs one. Answer by `offer_places`."""

    result: Literal["capacity_query"] = "capacity_query"
    notice: str
    week: str
    answer_by: date


class Empty(_Answer):
    """Nothing for you under this id: a heartbeat, no longer, never; all the same."""

    result: Literal["empty"] = "empty"


class Unavailable(_Answer):
    """The gate cannot reach its store now; ask again."""

    result: Literal["try_again"] = "try_again"


Event = Released | Retracted | StatusChanged | FiguresPublished | StatementIssued | CapacityQuery
"""What a handler is given."""

Answer = Event | Empty | Unavailable | Refused

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="result")])
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="result")])


def read_answer(plaintext: bytes) -> Answer:
    """Read the gate's answer to an opening."""
    try:
        return _ANSWER.validate_json(plaintext)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors(include_input=False)})
        raise UnreadableAnswer(f"an answer of a form that is not known here: {', '.join(fields) or 'body'}") from None


def read_event(plaintext: str) -> Event:
    """Read an event that the store kept."""
    return _EVENT.validate_json(plaintext)
