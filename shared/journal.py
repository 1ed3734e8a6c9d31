"""The journal: what a restored backup must not bring back. Everything that narrows, and every destroyed key.

It lies outside what a restore overwrites. A line is on the disk before the transaction that it belongs to commits, and
the transaction itself records how far the database has come. At start the database is compared with the journal: what
it does not know, because a backup was put back or a crash came between, has its effect again; keys are destroyed
again in any case. A database that knows more than the journal holds is refused: then the journal is what was lost.
"""

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import structlog
from sqlalchemy import Column, Date, Integer, LargeBinary, MetaData, String, Table, and_, insert, select, text, update
from sqlalchemy.types import TypeEngine
from sqlmodel import Session

from shared.database import Database, Instant, insert_or_ignore
from shared.journal_file import SUFFIX, Content, JournalFile, Line, Row, read_file
from shared.keys import PersonKeys

log = structlog.get_logger()


class JournalMissing(RuntimeError):
    """Raised when the database has seen more of a journal than there is: it must not run without the rest."""

    code = "journal_missing"

    def __init__(self, journal_id: str, *, known: int, there: int | None) -> None:
        found = "is not there" if there is None else f"ends at {there}"
        super().__init__(
            f"the database knows line {known} of journal {journal_id}, which {found}: withdrawals and erasures could"
            " come undone. Put the journal folder back as it was; see docs/operations.md"
        )


class JournalNotOpen(RuntimeError):
    """Raised when something narrows before the journal was compared with the database."""

    code = "journal_not_open"


def journal_table(metadata: MetaData) -> Table:
    """Define how far a service's database has come in each journal, on its own metadata."""
    return Table(
        "journal_position",
        metadata,
        Column("journal_id", String(64), primary_key=True),
        Column("position", Integer, nullable=False),
    )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What had its effect again."""

    rows: int
    keys: int
    persons: frozenset[str] = frozenset()
    """Whom the rows were about: what follows from them has to be looked at anew."""


class Journal:
    """A service's journal: one folder, one file for each instance that runs at the same time."""

    def __init__(self, folder: Path, metadata: MetaData, *, service: str) -> None:
        self._folder = folder
        self._metadata = metadata
        self._service = service
        self._positions = metadata.tables["journal_position"]
        self._file: JournalFile | None = None
        self._unsure: list[int] = []
        self.is_behind = False
        """Whether keys were destroyed and no commit followed: then the database catches up first."""

    def open(self, database: Database, keys: PersonKeys) -> Replayed:
        """Take a file, and bring database and keys to where the journal is; raise JournalMissing or -Unreadable."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = JournalFile.claim(self._folder, service=self._service)
        try:
            return self.catch_up(database, keys)
        except BaseException:
            self.close()
            raise

    def catch_up(self, database: Database, keys: PersonKeys) -> Replayed:
        """Bring database and keys to where the journal is."""
        with database.write() as session:
            replayed = self._catch_up(session, keys)
            session.commit()
        self.committed()
        if replayed.rows or replayed.keys:
            log.warning("journal_replayed", rows=replayed.rows, keys=replayed.keys)
        return replayed

    def write(self, session: Session, rows: Sequence[Row], keys: Sequence[str], *, now: datetime) -> None:
        """Have a group's narrowing on the disk, as the last thing before its commit."""
        if self._file is None:
            raise JournalNotOpen(self._service)
        journal_id, number = self._file.journal_id, self._file.position + 1
        voids = [line for line in self._unsure if line > self._known(session, journal_id)]
        # The position first: an instance that starts now waits for this row, and sees line and commit or neither.
        moved = update(self._positions).where(self._positions.c.journal_id == journal_id)
        session.execute(moved.values(position=number))
        self._file.append([_as_json(row) for row in rows], keys, voids=voids, at=now.astimezone(UTC).isoformat())
        self._unsure.append(number)
        self.is_behind = bool(keys)

    def committed(self) -> None:
        """Take note that the group of the last line was committed."""
        self._unsure.clear()
        self.is_behind = False

    def is_writable(self) -> bool:
        """Say whether narrowing can be written, by trying: a full disk must be seen before somebody is refused."""
        return _can_write(self._folder)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._unsure = None, []

    def _known(self, session: Session, journal_id: str) -> int:
        if not self._unsure:
            return 0
        found = select(self._positions.c.position).where(self._positions.c.journal_id == journal_id)
        return int(session.execute(found).scalar_one())

    def _catch_up(self, session: Session, keys: PersonKeys) -> Replayed:
        if session.get_bind().dialect.name != "sqlite":
            session.execute(text("LOCK TABLE journal_position IN SHARE ROW EXCLUSIVE MODE"))
        found = session.execute(select(self._positions)).mappings()
        known = {str(row["journal_id"]): int(row["position"]) for row in found}
        there = self._contents()
        for journal_id, position in known.items():
            if journal_id not in there or len(there[journal_id].lines) < position:
                lines = len(there[journal_id].lines) if journal_id in there else None
                raise JournalMissing(journal_id, known=position, there=lines)
        behind = [line for one in there.values() for line in _unknown(one, known.get(one.journal_id, 0))]
        destroyed = keys.destroy_all(key for one in there.values() for line in one.lines for key in line.keys)
        rows = [row for line in sorted(behind, key=lambda line: line.at) for row in line.rows]
        for table, values in rows:
            self._merge(session, self._metadata.tables[table], values)
        for content in there.values():
            self._move(session, content.journal_id, len(content.lines))
        persons = frozenset(str(values["person_id"]) for _, values in rows if values.get("person_id"))
        return Replayed(len(rows), destroyed, persons)

    def _contents(self) -> dict[str, Content]:
        read = (read_file(path, service=self._service) for path in sorted(self._folder.glob(f"*{SUFFIX}")))
        return {content.journal_id: content for content in read}

    def _move(self, session: Session, journal_id: str, position: int) -> None:
        insert_or_ignore(session, self._positions, {"journal_id": journal_id, "position": position})
        moved = update(self._positions).where(self._positions.c.journal_id == journal_id)
        session.execute(moved.values(position=position))

    def _merge(self, session: Session, table: Table, written: dict[str, Any]) -> None:  # Any: JSON values
        """Write a row as the journal has it, whether the database knows it or not."""
        values = {name: _from_json(table.c[name].type, value) for name, value in written.items() if name in table.c}
        this = and_(*(column == values[column.name] for column in table.primary_key))
        if getattr(session.execute(update(table).where(this).values(**values)), "rowcount", 0) == 0:
            session.execute(insert(table).values(**values))


def _unknown(content: Content, position: int) -> Iterable[Line]:
    """Return the lines that the database has not seen, without those that never came to a commit."""
    voided = {number for line in content.lines for number in line.voids}
    return (line for line in content.lines[position:] if line.number not in voided)


def _as_json(row: Row) -> Row:
    table, values = row
    return table, {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:  # Any: column values
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date too


def _from_json(type_: TypeEngine[Any], value: Any) -> Any:  # Any: column values
    if value is None:
        return None
    if isinstance(type_, LargeBinary):
        return base64.b64decode(value)
    if isinstance(type_, Instant):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(type_, Date) else value


def _can_write(folder: Path) -> bool:
    probe = folder / f"probe-{token_hex(8)}"  # several instances may share the folder
    try:
        try:
            with probe.open("wb") as file:
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError:
        return False
    return True
