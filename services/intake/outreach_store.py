"""The tables of outreach: threads, their contacts, and who was told that one is overdue.

What was said and done lies sealed: under a key of the thread's own as long as it is nobody's, and under the person's
once it has become a case. In clear are ids, who is responsible, and the days that the timer goes by.
"""

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import LargeBinary, delete, update
from sqlmodel import Field, Session, col, select

from services.intake import care_store
from services.intake.store import Base
from services.intake.thread import Done, Meeting, State, ThreadNotFound
from shared.database import Instant
from shared.keys import PersonKeys

LOCK = "outreach"
"""One row to lock for whatever is written about threads: there are few, and one may lead to another."""

WARNING = -1
"""The level of the alarm that a thread will be forgotten soon; only a meeting settles it."""

metadata = care_store.metadata
"""All tables of intake, these included."""


class Thread(Base, table=True):
    """A thread. One that has ended is an id that tells nothing, and is removed after some weeks."""

    thread_id: str = Field(primary_key=True, max_length=64)
    state: str = Field(max_length=20, index=True)
    responsible_id: str = Field(max_length=64)
    opened_at: datetime = Field(sa_type=Instant)
    last_contact_at: datetime | None = Field(default=None, sa_type=Instant)
    last_met_at: datetime | None = Field(default=None, sa_type=Instant)
    look_again_on: date | None = None
    number: int = 1
    """Of the plan: each new day, and whoever is responsible anew, is the next one."""
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    joined_thread_id: str | None = Field(default=None, index=True, max_length=64)
    person_id: str | None = Field(default=None, index=True, max_length=64)
    called: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    wish: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)

    @property
    def key_id(self) -> str:
        """The id of the key that its words lie under."""
        return self.person_id or self.thread_id


class ThreadContact(Base, table=True):
    """One contact. Without words it is known to have been sent, and nothing else."""

    __tablename__ = "thread_contact"

    contact_id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(foreign_key="thread.thread_id", index=True, max_length=64)
    recorded_at: datetime = Field(sa_type=Instant)
    recorded_by: str = Field(max_length=64)
    content: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)


class ThreadAlarm(Base, table=True):
    """Somebody was told of a thread: once for each number of its plan and level of the ladder."""

    __tablename__ = "thread_alarm"

    alarm_id: str = Field(primary_key=True, max_length=64)
    thread_id: str = Field(foreign_key="thread.thread_id", index=True, max_length=64)
    number: int
    level: int
    rung: str = Field(max_length=20)
    raised_at: datetime = Field(sa_type=Instant)
    seen_at: datetime | None = Field(default=None, sa_type=Instant)
    seen_by: str | None = Field(default=None, max_length=64)
    settled_at: datetime | None = Field(default=None, index=True, sa_type=Instant)


def load(session: Session, thread_id: str) -> Thread:
    """Return a thread, or the one that it was joined to; raise ThreadNotFound."""
    thread = session.get(Thread, thread_id)
    if thread is not None and thread.joined_thread_id is not None and thread.state == State.JOINED:
        thread = session.get(Thread, thread.joined_thread_id)
    if thread is None:
        raise ThreadNotFound
    return thread


def open_threads(session: Session, *, responsible_id: str | None = None) -> list[Thread]:
    """Return the open threads, whoever is due first first; those of one worker if named."""
    found = select(Thread).where(Thread.state == State.OPEN).order_by(col(Thread.look_again_on), Thread.thread_id)
    if responsible_id is not None:
        found = found.where(Thread.responsible_id == responsible_id)
    return list(session.exec(found))


def joined_to(session: Session, thread_id: str) -> list[Thread]:
    """Return the threads that were joined to this one."""
    return list(session.exec(select(Thread).where(Thread.joined_thread_id == thread_id)))


def contacts_of(session: Session, thread_id: str) -> list[ThreadContact]:
    """Return the contacts of a thread in the order in which they came here."""
    found = select(ThreadContact).where(ThreadContact.thread_id == thread_id)
    return list(session.exec(found.order_by(col(ThreadContact.recorded_at), ThreadContact.contact_id)))


def standing_alarms(session: Session, thread_id: str | None = None) -> list[tuple[ThreadAlarm, Thread]]:
    """Return the alarms after which nobody has acted yet, the oldest first; of one thread if named."""
    found = select(ThreadAlarm, Thread).join(Thread).where(col(ThreadAlarm.settled_at).is_(None))
    if thread_id is not None:
        found = found.where(ThreadAlarm.thread_id == thread_id)
    order = (col(ThreadAlarm.raised_at), col(ThreadAlarm.level), ThreadAlarm.alarm_id)
    return [(alarm, thread) for alarm, thread in session.exec(found.order_by(*order))]


def settle(session: Session, thread_id: str, *, now: datetime, from_level: int = 0) -> None:
    """Settle what was told of a thread from a level on: somebody has acted."""
    unsettled = (col(ThreadAlarm.thread_id) == thread_id, col(ThreadAlarm.settled_at).is_(None))
    higher = col(ThreadAlarm.level) >= from_level
    session.execute(update(ThreadAlarm).where(*unsettled, higher).values(settled_at=now))


def forget_alarms(session: Session, thread_id: str) -> None:
    """Delete what was told of a thread."""
    session.execute(delete(ThreadAlarm).where(col(ThreadAlarm.thread_id) == thread_id))


def content_place(contact_id: str) -> str:
    """Name the place that a contact is sealed for."""
    return f"thread_contact.content.{contact_id}"


def called_place(thread_id: str) -> str:
    """Name the place that what somebody wants to be called is sealed for."""
    return f"thread.called.{thread_id}"


def wish_place(thread_id: str) -> str:
    """Name the place that the wish for a case is sealed for."""
    return f"thread.wish.{thread_id}"


def as_value(meeting: Meeting) -> dict[str, Any]:  # Any: a JSON value
    """Return a contact as it is sealed."""
    return {
        "met_at": meeting.met_at.astimezone(UTC).isoformat(),
        "point": meeting.point,
        "done": sorted(meeting.done),
        "note": meeting.note,
        "look_again_on": meeting.look_again_on.isoformat() if meeting.look_again_on else None,
    }


def meeting_of(keys: PersonKeys, key_id: str, contact: ThreadContact) -> Meeting | None:
    """Unseal a contact; None if its words were wiped. Raises UnreadableValue or KeyDestroyed."""
    if contact.content is None:
        return None
    value = json.loads(keys.unseal(key_id, content_place(contact.contact_id), contact.content))
    return Meeting(
        met_at=datetime.fromisoformat(value["met_at"]),
        point=value["point"],
        done=frozenset(Done(code) for code in value["done"]),
        note=value["note"],
        look_again_on=date.fromisoformat(value["look_again_on"]) if value["look_again_on"] else None,
    )


def called_of(keys: PersonKeys, thread: Thread) -> str | None:
    """Unseal what somebody wants to be called, if they said so. Raises UnreadableValue or KeyDestroyed."""
    if thread.called is None:
        return None
    return str(json.loads(keys.unseal(thread.key_id, called_place(thread.thread_id), thread.called)))
