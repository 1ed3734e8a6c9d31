"""Sees to it that no thread is overdue in silence, and that nobody is kept for ever who is not met any more.

It goes by days that lie in clear, and opens nothing: a thread whose key is damaged is called for, and forgotten, like
any other. Who is told, and when, is the care watch's ladder.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete
from sqlmodel import Session, col, select

from services.intake import outreach, outreach_store
from services.intake.care import ORDINARY, Call, Ladder, Rung
from services.intake.outreach_store import WARNING, Thread, ThreadAlarm, ThreadContact
from services.intake.thread import LATE, State, is_to_be_forgotten, is_warned_of
from shared.contracts.care import end_of
from shared.database import Database
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

FORGOTTEN_SOON: Final = Call(WARNING, Rung.LEAD)
"""A level of its own, told once; looking in vain does not settle it, only meeting the person does."""

ANY_PLAN: Final = 0
"""The number under which it is told: it has nothing to do with when somebody looks again."""


@dataclass(frozen=True, slots=True)
class ThreadDue:
    """Somebody has to be told of a thread, and has not been."""

    thread_id: str
    number: int
    call: Call


class ThreadWatch:
    """Looks at every open thread."""

    def __init__(self, database: Database, *, forget_after: timedelta, ordinary: Ladder = ORDINARY) -> None:
        self._database = database
        self._ordinary = ordinary
        self.forget_after = forget_after

    def overdue(self, *, now: datetime) -> list[ThreadDue]:
        """Return of which threads somebody has to be told, and has not been."""
        with self._database.read() as session:
            told = _told(session)
            due = [one for thread in outreach_store.open_threads(session) for one in self._due(thread, now=now)]
        return [one for one in due if _name(one) not in told]

    def has_to_forget(self, *, now: datetime) -> bool:
        """Say whether there is something to forget, or to remove."""
        with self._database.read() as session:
            return bool(
                to_be_forgotten(session, now=now, forget_after=self.forget_after)
                or _left_over(session)
                or _removable(session, now=now)
            )

    def _due(self, thread: Thread, *, now: datetime) -> list[ThreadDue]:
        calls = self._ordinary.calls(end_of(thread.look_again_on), now=now) if thread.look_again_on else ()
        due = [ThreadDue(thread.thread_id, thread.number, call) for call in calls]
        if thread.last_met_at and is_warned_of(thread.last_met_at, now=now, forget_after=self.forget_after):
            due.append(ThreadDue(thread.thread_id, ANY_PLAN, FORGOTTEN_SOON))
        return due


def raise_alarms(work: UnitOfWork, due: Iterable[ThreadDue]) -> list[ThreadAlarm]:
    """Tell whoever has to be told, unless somebody has acted or another instance has told them."""
    raised, told = [], _told(work.session)
    for one in due:
        thread = work.session.get(Thread, one.thread_id)
        is_over = thread is None or thread.state != State.OPEN or one.number not in (thread.number, ANY_PLAN)
        if is_over or _name(one) in told:
            continue
        alarm = ThreadAlarm(
            alarm_id=random_id(),
            thread_id=one.thread_id,
            number=one.number,
            level=one.call.level,
            rung=one.call.rung.value,
            raised_at=work.now,
        )
        work.session.add(alarm)
        raised.append(alarm)
    work.session.flush()
    return raised


def to_be_forgotten(session: Session, *, now: datetime, forget_after: timedelta) -> list[Thread]:
    """Return the threads of people whom nobody has met for so long that nothing may be kept of them."""
    warned = {alarm.thread_id: alarm.raised_at for alarm, _ in outreach_store.standing_alarms(session) if _warns(alarm)}
    return [
        thread
        for thread in outreach_store.open_threads(session)
        if thread.last_met_at is not None
        and is_to_be_forgotten(
            thread.last_met_at, warned_at=warned.get(thread.thread_id), now=now, forget_after=forget_after
        )
    ]


def forget(work: UnitOfWork, *, forget_after: timedelta) -> int:
    """Forget the threads whose time is over; remove what has ended weeks ago. Return how many were forgotten.

    A restored backup brings back the words of a thread that has ended, as the journal says: they go again.
    """
    over = to_be_forgotten(work.session, now=work.now, forget_after=forget_after)
    for thread in (*over, *_left_over(work.session)):
        outreach.end(work, thread)
    work.session.flush()
    for thread in _removable(work.session, now=work.now):
        for table in (ThreadContact, ThreadAlarm):
            work.session.execute(delete(table).where(col(table.thread_id) == thread.thread_id))
        work.session.delete(thread)
    return len(over)


def _left_over(session: Session) -> list[Thread]:
    has_words = select(ThreadContact.thread_id).where(col(ThreadContact.content).is_not(None))
    ended = select(Thread).where(Thread.state == State.ENDED, col(Thread.thread_id).in_(has_words))
    return list(session.exec(ended))


def _removable(session: Session, *, now: datetime) -> list[Thread]:
    return list(session.exec(select(Thread).where(Thread.state == State.ENDED, col(Thread.closed_at) < now - LATE)))


def _warns(alarm: ThreadAlarm) -> bool:
    return alarm.level == WARNING


def _told(session: Session) -> set[tuple[str, int, int]]:
    return {(alarm.thread_id, alarm.number, alarm.level) for alarm, _ in outreach_store.standing_alarms(session)}


def _name(due: ThreadDue) -> tuple[str, int, int]:
    return (due.thread_id, due.number, due.call.level)
