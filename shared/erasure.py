"""Erasing a person in one service (Art. 17 GDPR): rows deleted, keys destroyed, the same again after any restore.

The record that a person was erased goes into the journal before the keys are destroyed. A restored backup brings rows
of that person back, but not this record's mark that they were wiped: so they are wiped again at the next start.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Column, ColumnElement, MetaData, String, Table, delete, insert, select, update
from sqlmodel import Session

from shared.contracts.consent import PersonErased
from shared.contracts.envelope import CareEvent
from shared.database import Instant
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

KIT = frozenset({"outbox", "inbox", "parked", "row_lock", "journal_position", "erased", "figures_counted"})
"""Tables whose rows go as they always go; bodies in them are unreadable with the key, figures are about nobody."""


def erased_table(metadata: MetaData) -> Table:
    """Define the record of erased persons on a service's own metadata: ids and times."""
    return Table(
        "erased",
        metadata,
        Column("erasure_id", String(64), primary_key=True),
        Column("person_id", String(64), nullable=False, unique=True),
        Column("erased_at", Instant, nullable=False),
        Column("wiped_at", Instant, nullable=True),
    )


@dataclass(frozen=True, slots=True)
class Erased:
    """That a person was erased."""

    erasure_id: str
    person_id: str
    erased_at: datetime


@dataclass(frozen=True, slots=True)
class Erasing:
    """How one service erases: which keys are the person's beside their own, what is wiped, what is announced."""

    metadata: MetaData
    keys_of: Callable[[UnitOfWork, str], Set[str]]
    wipe: Callable[[UnitOfWork, str], None]
    announce: Callable[[Erased, UnitOfWork], CareEvent]

    def hear(self, work: UnitOfWork, event: PersonErased) -> None:
        """Erase the person whom the gate names, and confirm it; again if it is heard again."""
        self.erase(work, Erased(event.erasure_id, event.person_id, event.erased_at))

    def erase(self, work: UnitOfWork, erased: Erased) -> None:
        """Erase a person. Keys are destroyed right before the commit, what is announced leaves after it."""
        table = self._table
        if work.session.execute(select(table).where(table.c.erasure_id == erased.erasure_id)).first() is None:
            values = {
                "erasure_id": erased.erasure_id,
                "person_id": erased.person_id,
                "erased_at": erased.erased_at,
                "wiped_at": None,
            }
            work.session.execute(insert(table).values(**values))
            work.narrows_values(table.name, values)
            work.destroys(erased.person_id, *sorted(self.keys_of(work, erased.person_id)))
        self._wipe(work, erased)

    def again(self, work: UnitOfWork) -> int:
        """Wipe whom a restored backup brought back; return how many."""
        found = work.session.execute(select(self._table).where(self._table.c.wiped_at.is_(None))).mappings().all()
        for row in found:
            self._wipe(work, Erased(row["erasure_id"], row["person_id"], row["erased_at"]))
        return len(found)

    def locks_for_again(self, session: Session) -> set[str]:
        """Return the rows to lock for that."""
        persons = select(self._table.c.person_id).where(self._table.c.wiped_at.is_(None))
        return {f"person:{person_id}" for person_id in session.execute(persons).scalars()}

    @property
    def _table(self) -> Table:
        return self.metadata.tables["erased"]

    def _wipe(self, work: UnitOfWork, erased: Erased) -> None:
        self.wipe(work, erased.person_id)
        wiped = update(self._table).where(self._table.c.erasure_id == erased.erasure_id)
        work.session.execute(wiped.values(wiped_at=work.now))
        work.announce(self.announce(erased, work))
        log.info("person_erased", erasure_id=erased.erasure_id)


def delete_rows(work: UnitOfWork, metadata: MetaData, person_id: str, *, keep: Set[str] = frozenset()) -> None:
    """Delete a person's rows in every table that names persons, and the rows that refer to those."""
    work.session.flush()
    for table in reversed(metadata.sorted_tables):
        theirs = rows_of(table, person_id)
        if theirs is not None and table.name not in KIT | keep:
            work.session.execute(delete(table).where(theirs))
    work.session.expire_all()


def rows_of(table: Table, person_id: str) -> ColumnElement[Any] | None:
    """Return which rows of a table are a person's: by the person's id, or by the rows that they refer to."""
    if "person_id" in table.c:
        return table.c.person_id == person_id
    for key in table.foreign_keys:
        theirs = None if key.column.table is table else rows_of(key.column.table, person_id)
        if theirs is not None:
            return key.parent.in_(select(key.column).where(theirs))
    return None
