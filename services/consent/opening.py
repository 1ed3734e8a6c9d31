"""A recipient opens a notice: decided again now, written to the ledger, and only after the commit answered.

Runs under the person's row lock and the recipient's ledger lock, so a withdrawal that was acknowledged before this
began is always seen. Whatever may not be known, was never there, or cannot be read, is answered `empty`, all alike.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from services.consent import capacity_query, figures, ledger_store, release_store, statement, store
from services.consent.commissions import status_of
from services.consent.composition import Composed
from services.consent.ledger import Entry, EntryKind
from services.consent.notices import Reconsidered, may_stay, reconsider_all, told
from services.consent.release import adds_nothing, is_within
from services.consent.settings import ConsentSettings
from services.consent.tables import LedgerRow, ReleaseRow, SubjectRow, metadata
from shared.contracts.consent import ReferralOpened
from shared.database import touch
from shared.keys import KeyDestroyed
from shared.unit_of_work import UnitOfWork
from shared.writer import StoreUnavailable, Together, Writer

log = structlog.get_logger()

OpenAnswer = dict[str, Any]  # Any: JSON values

EMPTY: OpenAnswer = {"result": "empty"}


@dataclass(frozen=True, slots=True)
class Opening:
    """A recipient asks for what stands behind one of its notices."""

    recipient_id: str
    notice_id: str


class Openings:
    """Opens notices. Those that are asked for at the same time share what is read, and the commit."""

    def __init__(self, writer: Writer, settings: ConsentSettings) -> None:
        self._writer = writer
        self._together: Together[Opening, OpenAnswer] = Together(
            handle=partial(open_notices, settings=settings), locks=locks_for, apart=lambda asked: asked.notice_id
        )

    async def open(self, recipient_id: str, notice_id: str) -> OpenAnswer:
        """Return what the recipient is answered, committed; raise StoreUnavailable, the same for every id."""
        return await self._writer.run_together(self._together, Opening(recipient_id, notice_id), urgent=True)


def locks_for(session: Session, asked: Sequence[Opening]) -> set[str]:
    """Return the rows to lock before anything is read. What a release belongs to never changes.

    For a notice that stands for nothing as many are locked: neither time nor fault may tell it from another.
    """
    releases = release_store.named(session, {one.notice_id for one in asked})
    return {name for one in asked for name in (_person(one, releases), f"recipient:{one.recipient_id}")}


def _person(one: Opening, releases: dict[str, ReleaseRow]) -> str:
    release = releases.get(one.notice_id)
    if release is None or release.recipient_id != one.recipient_id:
        return f"person:-{one.recipient_id}"  # nobody's, and no other recipient's
    return f"person:{release.person_id or release.subject_id}"


def open_notices(asked: Sequence[tuple[UnitOfWork, Opening]], *, settings: ConsentSettings) -> list[OpenAnswer]:
    """Return what is answered to each, as of now; raise StoreUnavailable, the same for every id.

    Raises KeyDestroyed if a key is gone that one of several needs: then the writer has each opened alone.
    """
    work = asked[0][0]
    _try_stores(work, {one.recipient_id for _, one in asked})
    if len(asked) > 1:
        return _open_all(asked, settings)
    try:
        with work.attempt():
            return _open_all(asked, settings)
    except KeyDestroyed:  # answered after a commit, as every other empty one
        return [EMPTY]


def _open_all(asked: Sequence[tuple[UnitOfWork, Opening]], settings: ConsentSettings) -> list[OpenAnswer]:
    work = asked[0][0]
    releases = release_store.named(work.session, {one.notice_id for _, one in asked})
    recipients = store.recipients(work.session, {one.recipient_id for _, one in asked}, at=work.now)
    subjects = store.subjects(work.session, {release.subject_id for release in releases.values()})
    answers, waiting = dict.fromkeys(range(len(asked)), EMPTY), dict[int, _Found]()
    for number, (work, one) in enumerate(asked):
        release = releases.get(one.notice_id)
        if release is not None and release.recipient_id == one.recipient_id in recipients:
            subject = subjects.get(release.subject_id)
            if subject is not None:
                waiting[number] = _Found(work, release, subject)
    while waiting:
        these = _each_person_once(waiting)
        known = _reconsidered(these.values())
        for number, found in these.items():
            answers[number] = _open(found, known, settings)
    return list(answers.values())


@dataclass(frozen=True, slots=True)
class _Found:
    """A release that may be opened by who asks for it, if there is anything to be told by it."""

    work: UnitOfWork
    release: ReleaseRow
    subject: SubjectRow


def _each_person_once(waiting: dict[int, _Found]) -> dict[int, _Found]:
    """Take out the first opening of each person: the next one is decided by what this one left."""
    taken: dict[int, _Found] = {}
    persons: set[str] = set()
    for number, found in list(waiting.items()):
        person_id = found.release.person_id or f"of {number}"
        if person_id not in persons:
            persons.add(person_id)
            taken[number] = waiting.pop(number)
    return taken


def _reconsidered(opened: Iterable[_Found]) -> dict[str, dict[str, Reconsidered]]:
    """Bring those about whom content is asked for in line first: time alone may have ended an answer since."""
    contents = [found for found in opened if found.release.kind == release_store.CONTENT]
    works = {str(found.release.person_id): found.work for found in contents}
    return reconsider_all(works) if works else {}


def _open(found: _Found, known: dict[str, dict[str, Reconsidered]], settings: ConsentSettings) -> OpenAnswer:
    work, release, subject = found.work, found.release, found.subject
    if release.kind == release_store.STATUS:
        return _open_status(work, release, subject, settings)
    if release.kind == release_store.FIGURES:
        return _open_figures(work, release, subject)
    if release.kind == release_store.STATEMENT:
        return _open_statement(work, release, subject)
    if release.kind == release_store.CAPACITY_QUERY:
        return _open_capacity_query(work, release, subject)
    if release.kind == release_store.RETRACTION:
        return _open_retraction(work, release, subject)
    return _open_content(work, release, subject, known[str(release.person_id)].get(subject.subject_id))


def _try_stores(work: UnitOfWork, recipient_ids: set[str]) -> None:
    """See that database and key store are there before anything depends on the ids that were named.

    Otherwise a known id would be answered `try_again`, and an unknown one `empty`.
    """
    try:
        work.keys.look()
    except SQLAlchemyError as error:
        log.error("key_store_unavailable", exc_info=error)
        raise StoreUnavailable from None
    for recipient_id in sorted(recipient_ids):
        touch(work.session, metadata, f"recipient:{recipient_id}")  # locked by every opening anyway


def _open_content(work: UnitOfWork, release: ReleaseRow, subject: SubjectRow, found: Reconsidered | None) -> OpenAnswer:
    if found is None or subject.closed_at or release.state not in (release_store.WAITING, release_store.OPENED):
        return EMPTY
    person_id = str(release.person_id)
    composed, is_all = _to_be_told(work, release, found)
    if not composed.says_anything:
        return EMPTY
    entry = _enter_content(work, release, composed)
    release.told_entry = entry.number
    release.told = work.seal(person_id, f"release.told.{release.release_id}", composed.fields)
    work.session.add(release)
    if is_all:  # this told all that the others would
        release_store.void(work.session, found.releases)
    if subject.kind == store.REFERRAL and not subject.opened:
        subject.opened = True
        work.session.add(subject)
        work.announce(ReferralOpened(referral_id=subject.subject_id, person_id=person_id, at=work.now))
    return {
        "result": "released",
        "notice": release.release_id,
        "release_id": release.release_id,
        "sequence": entry.number,
        "released": composed.fields,
    }


def _to_be_told(work: UnitOfWork, release: ReleaseRow, found: Reconsidered) -> tuple[Composed, bool]:
    """Return what may be told now, and whether it is all of it.

    Opened again, a notice tells what the recipient holds already, as long as that may stay, unless there is more to
    tell than that. So a quiet hold, or a word that was given on one message, cannot be seen by opening again, and
    nothing that was told is forgotten before it is retracted.
    """
    stand, held = found.stand, release_store.last_opened(found.releases)
    if release.state != release_store.OPENED or held is None or not may_stay(work, held, stand):
        return stand.tell, True
    before = told(work, held)
    if before == stand.tell.fields or (
        not adds_nothing(stand.tell.fields, before) and is_within(before, stand.tell.fields)
    ):
        return stand.tell, True
    return Composed(before), adds_nothing(stand.tell.fields, before)


def _enter_content(work: UnitOfWork, release: ReleaseRow, composed: Composed) -> Entry:
    person_id, kind = str(release.person_id), EntryKind.RELEASED
    content: dict[str, Any] = {"released": composed.fields, **composed.grounds()}
    if release.told is not None:
        before = work.unseal(person_id, f"release.told.{release.release_id}", release.told)
        if before == composed.fields:
            kind, content = EntryKind.OPENED_AGAIN, {**content, "again_of": _first_entry(work, release)}
    return _enter(work, release, kind=kind, key_id=person_id, content=content)


def _first_entry(work: UnitOfWork, release: ReleaseRow) -> int:
    """Return the entry by which a release told last what it had not told before."""
    query = select(func.max(LedgerRow.number)).where(
        LedgerRow.recipient_id == release.recipient_id,
        LedgerRow.release_id == release.release_id,
        LedgerRow.kind == EntryKind.RELEASED.value,
    )
    return int(work.session.exec(query).one())


def _open_retraction(work: UnitOfWork, release: ReleaseRow, subject: SubjectRow) -> OpenAnswer:
    content = {"retracted": release.target_id}
    key_id = str(release.person_id or store.key_of(subject))
    erased = work.keys.is_destroyed(key_id)  # the recipient must delete all the same; nobody is left to read of it
    if work.keys.is_damaged(key_id):  # it is still the person's to read: under the key of what it is about
        key_id = store.key_of(subject)
    _enter(work, release, kind=EntryKind.RETRACTED, key_id=key_id, content=content, mute=erased)
    return {"result": "retracted", "notice": release.release_id, "release_id": release.target_id}


def _open_status(work: UnitOfWork, release: ReleaseRow, subject: SubjectRow, settings: ConsentSettings) -> OpenAnswer:
    status = status_of(subject, now=work.now, settings=settings)
    reference = store.reference_of(work, subject)
    content = {"reference": reference, "status": status.value}
    _enter(work, release, kind=EntryKind.STATUS, key_id=store.key_of(subject), content=content)
    return {"result": "status", "notice": release.release_id, **content}


def _open_figures(work: UnitOfWork, release: ReleaseRow, subject: SubjectRow) -> OpenAnswer:
    frozen = figures.published(work, subject)
    if frozen is None:
        return EMPTY
    content = {"figures": frozen}
    _enter(work, release, kind=EntryKind.FIGURES, key_id=store.key_of(subject), content=content)
    return {"result": "figures", "notice": release.release_id, **content}


def _open_statement(work: UnitOfWork, release: ReleaseRow, subject: SubjectRow) -> OpenAnswer:
    row = statement.document_of(work.session, subject)
    if row is None or release.state not in (release_store.WAITING, release_store.OPENED):
        return EMPTY
    content = {"number": row.number, "month": row.month, "statement_sha256": row.sha256}
    _enter(work, release, kind=EntryKind.STATEMENT, key_id=store.key_of(subject), content=content)
    return {"result": "statement", "notice": release.release_id, "statement": row.document}


def _open_capacity_query(work: UnitOfWork, release: ReleaseRow, subject: SubjectRow) -> OpenAnswer:
    if release.state not in (release_store.WAITING, release_store.OPENED):
        return EMPTY
    content = capacity_query.asked(work.session, subject)
    _enter(work, release, kind=EntryKind.CAPACITY_QUERY, key_id=store.key_of(subject), content=content)
    return {"result": "capacity_query", "notice": release.release_id, **content}


def _enter(
    work: UnitOfWork,
    release: ReleaseRow,
    *,
    kind: EntryKind,
    key_id: str,
    content: dict[str, Any],
    mute: bool = False,
) -> Entry:
    """Append to the recipient's chain, in this same transaction, and note that it was opened.

    `mute` leaves the commitment and no copy.
    """
    release.state = release_store.OPENED
    work.session.add(release)
    return ledger_store.append(
        work,
        recipient_id=release.recipient_id,
        kind=kind,
        release_id=release.release_id,
        key_id=key_id,
        content=content,
        mute=mute,
    )
