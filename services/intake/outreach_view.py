"""What is shown of a thread: in lists ids and days, and to an outreach worker what was noted."""

from datetime import date, datetime
from typing import Self

import structlog
from pydantic import BaseModel, Field
from sqlmodel import Session

from services.intake import outreach_store, store
from services.intake.outreach_store import Thread, ThreadContact
from services.intake.thread import Done, Meeting, State
from shared.contracts.care import end_of
from shared.contracts.town import Town
from shared.keys import KeyDestroyed, KeyNeverMade, PersonKeys, UnreadableValue

log = structlog.get_logger()


class ThreadLine(BaseModel):
    """A thread in a list: ids and days."""

    thread_id: str
    state: State
    responsible_id: str
    opened_on: date
    look_again_on: date | None
    overdue: bool

    @classmethod
    def of(cls, thread: Thread, town: Town, *, now: datetime) -> Self:
        """Return it as it is shown."""
        return cls(
            thread_id=thread.thread_id,
            state=State(thread.state),
            responsible_id=thread.responsible_id,
            opened_on=town.today(thread.opened_at),
            look_again_on=thread.look_again_on,
            overdue=thread.look_again_on is not None and end_of(thread.look_again_on) <= now,
        )


class ContactLine(BaseModel):
    """One contact."""

    contact_id: str
    recorded_by: str
    met_at: datetime
    point: str = Field(repr=False)
    done: list[Done] = Field(repr=False)
    note: str | None = Field(repr=False)


class ThreadView(ThreadLine):
    """A thread with what was noted, in the order in which it happened. `unreadable` counts what nobody can read."""

    called: str | None = Field(repr=False)
    contacts: list[ContactLine] = Field(repr=False)
    unreadable: int
    case_id: str | None


def show(session: Session, keys: PersonKeys, thread_id: str, town: Town, *, now: datetime) -> ThreadView:
    """Return a thread. Once it is a case its words are the person's: they stand in their access export."""
    thread = outreach_store.load(session, thread_id)
    shown: list[ContactLine] = []
    called, unreadable = None, 0
    if thread.state == State.OPEN:
        rows = outreach_store.contacts_of(session, thread.thread_id)
        lines = [_line(row, _readable(keys, thread, row)) for row in rows]
        shown = sorted((line for line in lines if line is not None), key=lambda line: (line.met_at, line.contact_id))
        called = _called(keys, thread)
        unreadable = len(rows) - len(shown)
    case = store.case_of_person(session, thread.person_id) if thread.person_id else None
    return ThreadView(
        **ThreadLine.of(thread, town, now=now).model_dump(),
        called=called,
        contacts=shown,
        unreadable=unreadable,
        case_id=case.case_id if case else None,
    )


def _line(row: ThreadContact, meeting: Meeting | None) -> ContactLine | None:
    if meeting is None:
        return None
    return ContactLine(
        contact_id=row.contact_id,
        recorded_by=row.recorded_by,
        met_at=meeting.met_at,
        point=meeting.point,
        done=sorted(meeting.done),
        note=meeting.note,
    )


def _readable(keys: PersonKeys, thread: Thread, row: ThreadContact) -> Meeting | None:
    try:
        return outreach_store.meeting_of(keys, thread.key_id, row)
    except KeyNeverMade:  # the store of keys is the wrong one: that is not to be taken for an empty thread
        raise
    except (UnreadableValue, KeyDestroyed):
        log.error("contact_unreadable", contact_id=row.contact_id)
        return None


def _called(keys: PersonKeys, thread: Thread) -> str | None:
    try:
        return outreach_store.called_of(keys, thread)
    except KeyNeverMade:
        raise
    except (UnreadableValue, KeyDestroyed):
        log.error("called_unreadable", thread_id=thread.thread_id)
        return None
