"""Persons to be reconsidered because a recipient ended, changed, or came back: queued in a table, worked off in groups.

One row a person, written in the transaction of the change itself, and each worked off under that person's row lock.
So a recipient with a hundred thousand persons stops nobody, and a restart loses none. Doing one twice changes nothing.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import ColumnElement, and_, func, insert, literal, union, update
from sqlalchemy import select as select_row
from sqlmodel import Session, col, select

from services.consent import answer_store, inquiries, inquiry_store, release_store, store
from services.consent.domain import Ending, Word
from services.consent.notices import NOT_CLEARED, reconsider
from services.consent.recipient_tables import ReconsiderationRow
from services.consent.tables import AnswerRow, GrantRow, ReleaseRow, SubjectRow
from shared.contracts.consent import ReferralNotCleared
from shared.keys import KeyDestroyed, UnreadableValue
from shared.unit_of_work import UnitOfWork
from shared.writer import StoreUnavailable, Writer

log = structlog.get_logger()

ENDED, CHANGED, RETURNED = "ended", "changed", "returned"
GROUP = 50
LONGEST_PAUSE = timedelta(hours=1)


def queue(work: UnitOfWork, recipient_id: str, *, cause: str) -> None:
    """Queue every person who has a subject at a recipient, or ever said a word to it."""
    work.session.flush()
    subjects = select(SubjectRow.person_id).where(SubjectRow.recipient_id == recipient_id)
    said = select(GrantRow.person_id).where(GrantRow.recipient_id == recipient_id)
    persons = union(subjects.where(col(SubjectRow.person_id).is_not(None)), said).subquery()
    columns = ("recipient_id", "person_id", "cause", "queued_at", "not_before", "attempts")
    table = ReconsiderationRow.metadata.tables["reconsideration"]
    now = literal(work.now, table.c.queued_at.type)
    every = select_row(literal(recipient_id), persons.c.person_id, literal(cause), now, now, literal(0))
    every = every.order_by(persons.c.person_id)
    work.session.execute(insert(table).from_select(columns, every))


def end_open_words(work: UnitOfWork, recipient_id: str) -> None:
    """End every yes and ask towards a recipient that could still count: each has a time, a no has none."""
    theirs = select(GrantRow.grant_id).where(GrantRow.recipient_id == recipient_id)
    still = col(AnswerRow.ended_at).is_(None), col(AnswerRow.expires_at).is_not(None)
    over = update(AnswerRow).where(*still, col(AnswerRow.grant_id).in_(theirs))
    work.session.execute(over.values(ended_at=work.now, ended_by=Ending.EXPIRED.value))


def waiting(session: Session, *, cause: str | None = None) -> dict[str, int]:
    """Return for each recipient how many persons are still to be reconsidered."""
    query = select(ReconsiderationRow.recipient_id, func.count()).group_by(ReconsiderationRow.recipient_id)
    if cause is not None:
        query = query.where(ReconsiderationRow.cause == cause)
    return dict(session.exec(query).all())


async def work_off(writer: Writer) -> int:
    """Work off one group; return how many it were. Withdrawals and openings go between."""
    due = await writer.run(_due)
    await asyncio.gather(*(_work_off(writer, number, person_id) for number, person_id in due))
    return len(due)


async def _work_off(writer: Writer, number: int, person_id: str) -> None:
    try:
        await writer.run(partial(settle, number=number), locks=lambda _: {f"person:{person_id}"})
    except StoreUnavailable:
        raise
    except Exception as error:  # it stays queued, and stops nobody else
        log.error("reconsideration_failed", number=number, exc_info=error)
        await writer.run(partial(_postpone, number=number))


def settle(work: UnitOfWork, *, number: int) -> None:
    """Bring one person in line with what became of the recipient, and take the row out of the queue."""
    row = work.session.get(ReconsiderationRow, number)
    if row is None:
        return
    if row.cause == ENDED:
        _end_answers(work, row)
    with suppress(KeyDestroyed), work.attempt():  # of an erased person nothing can be read, nor told
        _bring_in_line(work, row)
    work.session.delete(row)


def _bring_in_line(work: UnitOfWork, row: ReconsiderationRow) -> None:
    if row.cause == ENDED:
        _close_subjects(work, row)
    try:
        with work.attempt():
            reconsider(work, row.person_id)
    except UnreadableValue:
        if row.cause != ENDED:
            raise
        log.error("person_unreadable", number=row.number)  # the ending itself is done, and must not wait for this
    if row.cause == RETURNED:
        _send_afresh(work, row)


def _end_answers(work: UnitOfWork, row: ReconsiderationRow) -> None:
    """End every yes and ask towards the recipient for ever; a no stays a no, as nobody took it back."""
    standing = and_(col(AnswerRow.ended_at).is_(None), col(AnswerRow.given_at) <= row.queued_at, _is_towards(row))
    query = select(AnswerRow.answer_id).join(GrantRow, col(GrantRow.grant_id) == col(AnswerRow.grant_id))
    ending = set(work.session.exec(query.where(standing)))
    with suppress(KeyDestroyed, UnreadableValue):  # what cannot be read ends too, whatever word it was
        said = answer_store.answers_of(work, row.person_id)
        ending -= {answer.answer_id for answer in said if answer.word is Word.NO}
    answer_store.end_answers(work, ending, ending=Ending.EXPIRED)


def _is_towards(row: ReconsiderationRow) -> ColumnElement[bool]:
    return and_(col(GrantRow.recipient_id) == row.recipient_id, col(GrantRow.person_id) == row.person_id)


def _close_subjects(work: UnitOfWork, row: ReconsiderationRow) -> None:
    """Ask the person nothing more for an ended recipient, and say inside that no help will come from there."""
    releases = release_store.releases_of(work.session, row.person_id)
    asked = inquiry_store.inquiries_of(work, row.person_id)
    for subject in store.subjects_of(work.session, row.person_id):
        if subject.recipient_id != row.recipient_id:
            continue
        release_store.void(work.session, releases.get(subject.subject_id, []))
        inquiries.put(work, subject, None, known=asked.get(subject.subject_id, []))
        if subject.kind == store.REFERRAL and not subject.closed_at and subject.clearance != NOT_CLEARED:
            subject.clearance = NOT_CLEARED
            work.session.add(subject)
            work.announce(ReferralNotCleared(referral_id=subject.subject_id, person_id=row.person_id, at=work.now))


def _send_afresh(work: UnitOfWork, row: ReconsiderationRow) -> None:
    """Send fresh notices for what waited while the recipient was away: its inbox may have gone with its vhost."""
    waited = select(ReleaseRow).where(
        ReleaseRow.recipient_id == row.recipient_id,
        ReleaseRow.person_id == row.person_id,
        ReleaseRow.state == release_store.WAITING,
        col(ReleaseRow.created_at) <= row.queued_at,
    )
    for release in work.session.exec(waited.order_by(col(ReleaseRow.created_at), ReleaseRow.release_id)).all():
        release_store.send_afresh(work, release)


def _due(work: UnitOfWork) -> list[tuple[int, str]]:
    query = select(ReconsiderationRow.number, ReconsiderationRow.person_id)
    due = query.where(col(ReconsiderationRow.not_before) <= work.now)
    found = work.session.exec(due.order_by(col(ReconsiderationRow.number)).limit(GROUP)).all()
    return [(number, person_id) for number, person_id in found if number is not None]


def _postpone(work: UnitOfWork, *, number: int) -> None:
    row = work.session.get(ReconsiderationRow, number)
    if row is not None:
        row.attempts += 1
        row.not_before = work.now + min(timedelta(seconds=2 ** min(row.attempts, 12)), LONGEST_PAUSE)
        work.session.add(row)
