"""Reads and writes what can be opened: each release is one notice. It decides nothing."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from services.consent.tables import ReleaseRow, SubjectRow
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

CONTENT, RETRACTION, STATUS = "content", "retraction", "status"
FIGURES, STATEMENT, CAPACITY_QUERY = "figures", "statement", "capacity_query"
WAITING, OPENED, RETRACTED, VOID = "waiting", "opened", "retracted", "void"


def add_release(work: UnitOfWork, subject: SubjectRow, *, kind: str, target_id: str | None = None) -> ReleaseRow:
    """Record something to be opened and send its notice, which says its id and nothing else."""
    release = ReleaseRow(
        release_id=random_id(),
        recipient_id=subject.recipient_id,
        subject_id=subject.subject_id,
        person_id=subject.person_id,
        kind=kind,
        state=WAITING,
        created_at=work.now,
        target_id=target_id,
    )
    work.session.add(release)
    work.notify(subject.recipient_id, release.release_id)
    return release


def void(session: Session, releases: Iterable[ReleaseRow]) -> None:
    """Void those of the releases that nobody has opened: there is nothing more to be told by them."""
    for release in releases:
        if release.state == WAITING:
            release.state = VOID
            session.add(release)


def retract(work: UnitOfWork, subject: SubjectRow, release: ReleaseRow) -> None:
    """Take back what was opened, by a notice that looks like any other."""
    release.state = RETRACTED
    work.session.add(release)
    add_release(work, subject, kind=RETRACTION, target_id=release.release_id)


def send_afresh(work: UnitOfWork, release: ReleaseRow) -> None:
    """Send another notice in the place of one that nobody opened; the old one opens nothing any more."""
    subject = work.session.get(SubjectRow, release.subject_id)
    void(work.session, [release])
    if subject is not None:
        add_release(work, subject, kind=release.kind, target_id=release.target_id)


def releases_of(session: Session, *person_ids: str) -> dict[str, list[ReleaseRow]]:
    """Return the content releases about persons by subject, oldest first."""
    found: dict[str, list[ReleaseRow]] = defaultdict(list)
    for row in session.exec(_RELEASES, params={"person_ids": list(person_ids)}):
        found[row.subject_id].append(row)
    return found


def named(session: Session, release_ids: Iterable[str]) -> dict[str, ReleaseRow]:
    """Return the releases by these ids, as far as there are any."""
    rows = session.exec(_NAMED, params={"release_ids": list(release_ids)})
    return {row.release_id: row for row in rows}


def last_opened(releases: Iterable[ReleaseRow]) -> ReleaseRow | None:
    """Return the release that a recipient holds: the one that was opened last and is not retracted."""
    opened = [row for row in releases if row.state == OPENED and row.told_entry is not None]
    return max(opened, key=lambda row: row.told_entry or 0, default=None)


_RELEASES = (
    select(ReleaseRow)
    .where(col(ReleaseRow.person_id).in_(bindparam("person_ids", expanding=True)), ReleaseRow.kind == CONTENT)
    .order_by(col(ReleaseRow.created_at), col(ReleaseRow.release_id))
)
_NAMED = select(ReleaseRow).where(col(ReleaseRow.release_id).in_(bindparam("release_ids", expanding=True)))
