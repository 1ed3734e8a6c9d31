"""What the gate says to a recipient, as it travels: the notice in the clear, everything else sealed as JWE.

Field by field like everything that leaves. What a released answer holds is in `released.py`.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from shared.contracts.published import PublishedFigures
from shared.contracts.requests import CommandId, NoticeId

FreshId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""A random id of constant size, so that no two notices differ in length."""


Jws = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$")]


class Said(BaseModel):
    """A word of the gate: exactly these fields, no more."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_serialization_defaults_required=True
    )


class Notice(Said):
    """There may be something to open. The same for content, retraction, status and heartbeat; only the id differs."""

    specversion: Literal["1.0"] = "1.0"
    id: FreshId
    type: Literal["org.gesehen.notice.v1"] = "org.gesehen.notice.v1"
    source: Literal["urn:gesehen:gate"] = "urn:gesehen:gate"


class FieldFault(Said):
    """A field that was refused, and why; never its value."""

    field: str
    reason: str


class ReleasedAnswer(Said):
    """A full snapshot of what the person released; a later sequence of the same type and reference replaces it."""

    result: Literal["released"] = "released"
    notice: NoticeId
    release_id: NoticeId
    sequence: Annotated[int, Field(ge=1)]
    released: dict[str, JsonValue] = Field(repr=False)


class RetractedAnswer(Said):
    """What came under this release id is to be dropped; it may not have come yet."""

    result: Literal["retracted"] = "retracted"
    notice: NoticeId
    release_id: NoticeId


class Status(StrEnum):
    """Where a commission stands: it follows from the commission and the calendar alone."""

    COMMISSIONED = "commissioned"
    RUNNING = "running"
    FINISHED = "finished"
    ENDED = "ended"


class StatusAnswer(Said):
    """The neutral status of a commission."""

    result: Literal["status"] = "status"
    notice: NoticeId
    reference: str = Field(repr=False)
    status: Status


class FiguresAnswer(Said):
    """The figures of a quarter, for the town's steering. About nobody, and never another answer for that quarter."""

    result: Literal["figures"] = "figures"
    notice: NoticeId
    figures: PublishedFigures


class StatementAnswer(Said):
    """A document of the monthly statement, the same at each opening: a JWS (EdDSA, `typ` `billing-statement`)."""

    result: Literal["statement"] = "statement"
    notice: NoticeId
    statement: Jws


class CapacityQueryAnswer(Said):
    """A provider is asked how many places it keeps, once a week, whoever needs one. The answer is `offer_places`."""

    result: Literal["capacity_query"] = "capacity_query"
    notice: NoticeId
    week: Annotated[str, Field(pattern=r"^[0-9]{4}-W[0-9]{2}$")]
    answer_by: date


class EmptyAnswer(Said):
    """Nothing under this id: a heartbeat, no longer allowed, never there; all the same."""

    result: Literal["empty"] = "empty"


class TryAgain(Said):
    """The gate cannot reach its store now; the same request will do later."""

    result: Literal["try_again"] = "try_again"


class RefusedOpening(Said):
    """The request was malformed; each error names a field and the reason."""

    result: Literal["refused"] = "refused"
    errors: tuple[FieldFault, ...]


class ReceivedReply(Said):
    """The gate has the command and will not lose it."""

    result: Literal["received"] = "received"
    command_id: CommandId


class RefusedReply(Said):
    """The gate did not take the command; the id is null where it could not be read."""

    result: Literal["refused"] = "refused"
    command_id: CommandId | None
    errors: tuple[FieldFault, ...]


ANSWERS: tuple[type[Said], ...] = (
    ReleasedAnswer,
    RetractedAnswer,
    StatusAnswer,
    EmptyAnswer,
    TryAgain,
    RefusedOpening,
    FiguresAnswer,
    StatementAnswer,
    CapacityQueryAnswer,
)
"""What an opening can be answered."""

REPLIES: tuple[type[Said], ...] = (ReceivedReply, RefusedReply, TryAgain)
"""What a command can be answered."""
