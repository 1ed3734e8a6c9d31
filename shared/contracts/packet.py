"""What one worker takes along to an agreed visit, and what they note there without network.

The packet is the least that the visit needs. It never leaves the care circle: it is sealed for one worker's key.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.contracts.envelope import Code, Id

FORMAT: Final = "gesehen.visit_packet.v1"
LONGEST: Final = timedelta(hours=72)
AFTER_THE_WINDOW: Final = timedelta(hours=24)
EARLY: Final = timedelta(minutes=30)
"""How long before its window whoever visits may set out."""
MOST_ENTRIES: Final = 50

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class _Sealed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Window(_Sealed):
    """From when until when the person lets somebody come."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self

    def lets_set_out(self, at: datetime) -> bool:
        """Say whether whoever visits may set out at that moment, to be there in it."""
        return self.starts_at - EARLY <= at < self.ends_at


class Permitted(_Sealed):
    """The person's own permission for this one visit: for which plan, by its hash, and for when."""

    plan_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    window: Window


class Packet(_Sealed):
    """Everything that a worker needs at the door, and nothing of why the person is known."""

    format: Literal["gesehen.visit_packet.v1"] = FORMAT
    packet_id: Id
    visit_id: Id
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    permission: Permitted
    purpose: Code = Field(repr=False)
    workers: tuple[Id, ...] = Field(min_length=1, max_length=5)
    where: Text = Field(repr=False)
    ask_for: Text | None = Field(default=None, repr=False)
    language: Text | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _expires(self) -> Self:
        if not self.issued_at < self.expires_at <= end_of_packet(self.issued_at, self.permission.window):
            raise ValueError("expires_at must follow issued_at by 72 hours at most, and the window's end by 24")
        return self


def end_of_packet(issued_at: datetime, window: Window) -> datetime:
    """Return until when a packet can be read: 72 hours, and never later than a day after the visit's window.

    After the window nobody may set out any more; a day is enough for a visit that has begun to come to its end.
    """
    return min(issued_at + LONGEST, window.ends_at + AFTER_THE_WINDOW)


class EntryKind(StrEnum):
    """What can be noted: the worker set out, or it is over.

    There is no other end: whether the person said no at the door, was not there or let somebody in stands nowhere.
    """

    SET_OUT = "set_out"
    OVER = "over"


class JournalEntry(BaseModel):
    """One thing that a worker noted without network. Its id makes that it has its effect once."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    entry_id: Id
    packet_id: Id
    visit_id: Id
    kind: EntryKind = Field(repr=False)
    at: AwareDatetime | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _tells_no_end(self) -> Self:
        # The time of an end tells a no at the door (two minutes) from a visit (an hour).
        if (self.at is not None) is not (self.kind is EntryKind.SET_OUT):
            raise ValueError("at goes with set_out, and with nothing else")
        return self


class Journal(BaseModel):
    """What is handed in after the visit, as often as it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    entries: tuple[JournalEntry, ...] = Field(min_length=1, max_length=MOST_ENTRIES)


class Settlement(StrEnum):
    """What became of an entry: it had its effect, it was known, or the visit was over before it was heard."""

    TAKEN = "taken"
    KNOWN = "known"
    AFTER_THE_END = "after_the_end"


class SettledEntry(BaseModel):
    """What became of one entry that was handed in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    entry_id: Id
    settled: Settlement


class SettledJournal(BaseModel):
    """What became of each entry, in the order in which they were handed in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    entries: tuple[SettledEntry, ...]
