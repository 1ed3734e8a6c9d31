"""What a request about a thread may bring, field by field, and nothing else."""

from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.intake.form import NO_CONTROL, Body, ContactBody, Day, IdentityBody, only_text
from services.intake.thread import Done, Meeting, Said
from shared.contracts.envelope import Code, Id
from shared.contracts.intake import Channel
from shared.web import NOT_BLANK

T = TypeVar("T")

Called = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=NO_CONTROL)]
Note = Annotated[str, StringConstraints(max_length=500, pattern=NOT_BLANK)]


Moment = Annotated[AwareDatetime, only_text("timezone_aware", "a time is written as text")]


class MeetingBody(Body):
    """A contact, or a look in vain. Whoever writes it down gives it an id, so that it can be sent twice, and late."""

    contact_id: Id
    met_at: Moment
    point: Code
    done: frozenset[Done] = Field(min_length=1)
    note: Note | None = None
    look_again_on: Day | None = None

    def value(self) -> Meeting:
        """Return it in the words of the rules."""
        met_at: datetime = self.met_at
        look_again_on: date | None = self.look_again_on
        return Meeting(met_at, self.point, self.done, self.note, look_again_on)


class ThreadBody(Body):
    """Somebody was met for the first time: what they want to be called, if they say so, and the contact itself."""

    called: Called | None = None
    contact: MeetingBody


class HandOverBody(Body):
    """Who is responsible from now on."""

    to: Id


class JoinThreadBody(Body):
    """Which other thread is of the same person."""

    other_thread_id: Id


class WishBody(Body):
    """How the person said that they want a case."""

    said: Said
    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=20)


class ThreadCaseBody(Body):
    """The person wants a case: a new one, or the one that they have already."""

    wish: WishBody
    case_id: Id | None = None
    contact: ContactBody | None = None
    identity: IdentityBody | None = None
    shielded: bool = Field(default=False, strict=True)

    @field_validator("contact", "identity", "shielded")
    @classmethod
    def _of_a_new_case(cls, value: T, info: ValidationInfo) -> T:
        if value and info.data.get("case_id") is not None:
            raise PydanticCustomError("not_beside_case_id", "a case that there is keeps what it has")
        return value

    def contact_or_in_person(self) -> ContactBody:
        """Return how they may be reached; who tells nothing is found where they were met."""
        return self.contact or ContactBody(channel=Channel.IN_PERSON)
