"""Steering figures at the gate: collected from the services, protected once, frozen, released to the town's steering.

A quarter is published when all who count have told it, and never again: what comes later about it changes nothing. It
goes into the journal, so that a restored backup cannot publish another version. The counts are forgotten by then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session, select

from services.consent import release_store, store
from services.consent.domain import RecipientRole
from services.consent.figure_tables import FigureCountRow, FigurePublicationRow
from services.consent.protection import MINIMUM, STEP, places, protect
from services.consent.tables import SubjectRow
from shared.contracts.figures import PRODUCERS, TABLES, FigureCell, FiguresCounted, FixedTable, Quarter, due_quarters
from shared.contracts.published import PublishedFigures, PublishedRow, PublishedTable
from shared.contracts.town import Town
from shared.keys import KeyDestroyed, UnreadableValue
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

LATE_AFTER = timedelta(days=3)
"""So long after a quarter could be counted it is said loudly who has not told it."""

Missing = dict[str, list[str]]
"""By quarter, which services have not told what they counted; none, if what one of them told cannot be read."""


def know_count(work: UnitOfWork, event: FiguresCounted) -> None:
    """Keep what a service counted of a quarter; the first word stands."""
    producer = event.event_type.partition(".")[0]
    if work.session.get(FigurePublicationRow, event.quarter) is not None:
        return
    known = work.session.get(FigureCountRow, (event.quarter, producer))
    if known is not None and known.count_id != event.count_id:
        log.error("figures_counted_twice", quarter=event.quarter, producer=producer)
    if known is not None and _cells(work, known) is not None:
        return
    cells = [cell.model_dump(mode="json") for cell in event.cells]
    row = known or FigureCountRow(
        quarter=event.quarter, producer=producer, count_id="", received_at=work.now, cells=b""
    )
    row.count_id, row.received_at = event.count_id, work.now
    row.cells = work.seal(event.count_id, _place(event.quarter, producer), cells)
    work.session.add(row)


def publish(work: UnitOfWork, *, secret: bytes) -> list[str]:
    """Publish each quarter of which everything is told, once; return which."""
    told: dict[str, list[FigureCountRow]] = {}
    for row in work.session.exec(select(FigureCountRow).order_by(FigureCountRow.quarter, FigureCountRow.producer)):
        told.setdefault(row.quarter, []).append(row)
    done = set(work.session.exec(select(FigurePublicationRow.quarter)))
    published = []
    for quarter, rows in told.items():
        if quarter in done or not Quarter.read(quarter).is_due(work.now, work.town):
            continue
        cells = {row.producer: _cells(work, row) for row in rows}
        if set(cells) < set(PRODUCERS) or None in cells.values():
            continue
        counts = {name: found for name, found in cells.items() if found is not None}
        _freeze(work, quarter, counts, secret=secret)
        work.destroys(*(row.count_id for row in rows))
        published.append(quarter)
    return published


def release(work: UnitOfWork) -> int:
    """Send a notice of each published quarter to each steering recipient that was sent none; return how many."""
    quarters = set(work.session.exec(select(FigurePublicationRow.quarter)))
    sent = 0
    for recipient in store.active_recipients(work.session, at=work.now):
        if recipient.role != RecipientRole.STEERING:
            continue
        subjects = select(SubjectRow).where(
            SubjectRow.recipient_id == recipient.recipient_id, SubjectRow.kind == store.FIGURES
        )
        for quarter in sorted(quarters - {row.service for row in work.session.exec(subjects)}):
            subject = _subject(work, recipient.recipient_id, quarter)
            work.session.add(subject)
            release_store.add_release(work, subject, kind=release_store.FIGURES)
            sent += 1
    return sent


def published(work: UnitOfWork, subject: SubjectRow) -> dict[str, Any] | None:  # Any: JSON values
    """Return the figures that a release is about, as they were frozen."""
    row = work.session.get(FigurePublicationRow, store.reference_of(work, subject))
    return None if row is None else dict(row.figures)


def listed(session: Session, *, now: datetime, town: Town) -> list[dict[str, Any]]:  # Any: JSON values
    """Return every quarter that was told or is awaited: when it was published, or who has not told it."""
    told: dict[str, set[str]] = {}
    for row in session.exec(select(FigureCountRow)):
        told.setdefault(row.quarter, set()).add(row.producer)
    done = {row.quarter: row.published_at for row in session.exec(select(FigurePublicationRow))}
    return [
        {
            "quarter": quarter,
            "published_at": done[quarter].isoformat() if quarter in done else None,
            "waits_for": [] if quarter in done else sorted(set(PRODUCERS) - told.get(quarter, set())),
        }
        for quarter in sorted({*told, *done, *_expected({*told, *done}, now=now, town=town)})
    ]


def missing(session: Session, *, now: datetime, town: Town) -> Missing:
    """Return what should have been published by now and is not, with those who have not told it."""
    found = {one["quarter"]: one for one in listed(session, now=now, town=town)}
    late = _expected(set(found), now=now - LATE_AFTER, town=town)
    return {quarter: found[quarter]["waits_for"] for quarter in late if found[quarter]["published_at"] is None}


def _expected(quarters: set[str], *, now: datetime, town: Town) -> list[str]:
    """Return every quarter since the first one of which anything was told."""
    if not quarters:
        return []
    return [str(quarter) for quarter in due_quarters(Quarter.read(min(quarters)), now, town)]


def _freeze(work: UnitOfWork, quarter: str, cells: Mapping[str, list[FigureCell]], *, secret: bytes) -> None:
    tables = []
    for table in TABLES:
        counts = _counts(table, cells[table.producer])
        place = places(secret, quarter=quarter, table=table.name)
        shown = protect(counts, is_whole=table.is_whole, place=place)
        rows = tuple(PublishedRow(row=row, about=about) for row, about in shown.rows.items())
        tables.append(PublishedTable(table=table.name, rows=rows, total=shown.total))
    figures = PublishedFigures(
        quarter=quarter,
        published_on=work.town.today(work.now),
        minimum=MINIMUM,
        rounded_to=STEP,
        tables=tuple(tables),
    )
    frozen = figures.model_dump(mode="json", exclude_none=True)
    row = FigurePublicationRow(quarter=quarter, published_at=work.now, figures=frozen)
    work.session.add(row)
    work.narrows(row)
    log.info("figures_published", quarter=quarter)


def _counts(table: FixedTable, cells: list[FigureCell]) -> dict[str, int]:
    """Return the counts of a table in its own order; what is no row of it, or was not told, is nobody."""
    told = {cell.row: cell.count for cell in cells if cell.table == table.name}
    return {row: told.get(row, 0) for row in table.rows}


def _cells(work: UnitOfWork, row: FigureCountRow) -> list[FigureCell] | None:
    """Return what was told, or None if it cannot be read: then it has to be announced again."""
    try:
        read = work.unseal(row.count_id, _place(row.quarter, row.producer), row.cells)
    except (UnreadableValue, KeyDestroyed):
        log.error("figure_count_unreadable", quarter=row.quarter, producer=row.producer)
        return None
    return [FigureCell(**cell) for cell in read]


def _subject(work: UnitOfWork, recipient_id: str, quarter: str) -> SubjectRow:
    """Return what the release of a quarter is about: of the recipient and the quarter, and of no person."""
    subject_id = random_id()
    return SubjectRow(
        subject_id=subject_id,
        recipient_id=recipient_id,
        kind=store.FIGURES,
        reference_index=f"figures {quarter}",
        reference=work.seal(subject_id, f"subject.reference.{subject_id}", quarter),
        service=quarter,
        needed=[],
        received_on=work.town.today(work.now),
    )


def _place(quarter: str, producer: str) -> str:
    return f"figure_count.cells.{quarter}.{producer}"
