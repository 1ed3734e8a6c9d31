"""What a recipient holds: the rules that make any order and any repetition of answers end in the same place.

- A retraction is a tombstone by release id; it may come before its content, which is then never held.
- Of each (type, reference) the highest sequence counts, also after it was retracted: an older one never comes back.
- An answer that changes nothing is no event. One that does is kept until the handler has taken it.

One store per recipient account, one process per store. What is retracted or replaced is overwritten in the file.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sdk.errors import BadFile
from sdk.events import (
    CapacityQuery,
    Event,
    FiguresPublished,
    Released,
    Retracted,
    StatementIssued,
    StatusChanged,
    read_event,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshot (
    type TEXT, reference TEXT, sequence INTEGER NOT NULL, release_id TEXT NOT NULL,
    event TEXT,  -- absent once retracted; the sequence stays
    PRIMARY KEY (type, reference));
CREATE TABLE IF NOT EXISTS tombstone (release_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS status (reference TEXT PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS figures (quarter TEXT PRIMARY KEY, event TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS statement (number INTEGER PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS capacity_query (week TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS unhandled (
    number INTEGER PRIMARY KEY AUTOINCREMENT, notice TEXT NOT NULL UNIQUE, event TEXT NOT NULL,
    release_id TEXT,  -- of content only: what retracts it
    subject TEXT);    -- of content and status: what a newer one of the same subject replaces
"""

_STATUS_ORDER = ("commissioned", "running", "finished", "ended")


class Store:
    """The held releases of one recipient, in one SQLite file (WAL, synchronous FULL, mode 0600)."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(self.path, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=5000"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise BadFile(f"the store {self.path} cannot be opened: {type(error).__name__}") from None

    def apply(self, event: Event) -> Event | None:
        """Keep what the event changes, durably; return what the handler has to hear of it, if anything."""
        with self._transaction():
            effect = self._effect_of(event)
            if effect is not None:
                self._queue(effect, notice=event.notice)
        if effect is not None:
            self._forget_old_pages()
        return effect

    def unhandled(self, notice: str | None = None) -> list[tuple[str, Event]]:
        """Return what no handler has taken yet, oldest first, with the notice that brought it."""
        rows = self._database.execute(
            "SELECT notice, event FROM unhandled WHERE ?1 IS NULL OR notice = ?1 ORDER BY number", (notice,)
        )
        return [(row[0], read_event(row[1])) for row in rows]

    def handled(self, notice: str) -> None:
        """Record that the handler has taken what the notice brought."""
        self._database.execute("DELETE FROM unhandled WHERE notice = ?", (notice,))
        self._forget_old_pages()

    def held(self) -> list[Released]:
        """Return what may be known now, by type and reference."""
        rows = self._database.execute("SELECT event FROM snapshot WHERE event IS NOT NULL ORDER BY type, reference")
        return [Released.model_validate_json(row[0]) for row in rows]

    def statuses(self) -> dict[str, str]:
        """Return the status of each commission by its reference."""
        return dict(self._database.execute("SELECT reference, status FROM status ORDER BY reference").fetchall())

    def figures(self) -> list[FiguresPublished]:
        """Return the figures of each quarter, the oldest first."""
        rows = self._database.execute("SELECT event FROM figures ORDER BY quarter")
        return [FiguresPublished.model_validate_json(row[0]) for row in rows]

    def statements(self) -> list[str]:
        """Return the documents of the monthly statements, as they were signed, the first one first."""
        return [row[0] for row in self._database.execute("SELECT token FROM statement ORDER BY number")]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _queue(self, effect: Event, *, notice: str) -> None:
        subject, release_id = _subject(effect), effect.release_id if isinstance(effect, Released) else None
        # A handler that has not taken the former one yet must not get it after this one.
        self._database.execute("DELETE FROM unhandled WHERE subject = ?", (subject,))
        if isinstance(effect, Retracted):
            self._database.execute("DELETE FROM unhandled WHERE release_id = ?", (effect.release_id,))
        self._database.execute(
            "INSERT OR REPLACE INTO unhandled (notice, event, release_id, subject) VALUES (?, ?, ?, ?)",
            (notice, effect.model_dump_json(), release_id, subject),
        )

    def _effect_of(self, event: Event) -> Event | None:
        match event:
            case Released():
                return self._keep(event)
            case Retracted():
                return self._retract(event)
            case StatusChanged():
                return self._note_status(event)
            case FiguresPublished():
                return self._keep_figures(event)
            case StatementIssued():
                return self._keep_statement(event)
            case CapacityQuery():
                return self._note_query(event)

    def _keep(self, event: Released) -> Event | None:
        before = self._database.execute(
            "SELECT sequence, release_id, event FROM snapshot WHERE type = ? AND reference = ?",
            (event.type, event.reference),
        ).fetchone()
        if before is not None and before[0] >= event.sequence:
            return None
        retracted = self._is_retracted(event.release_id)
        self._database.execute(
            "INSERT OR REPLACE INTO snapshot (type, reference, sequence, release_id, event) VALUES (?, ?, ?, ?, ?)",
            (
                event.type,
                event.reference,
                event.sequence,
                event.release_id,
                None if retracted else event.model_dump_json(),
            ),
        )
        earlier = None if before is None or before[2] is None else Released.model_validate_json(before[2])
        if retracted:
            # The retraction overtook its content; what that content replaces goes with it.
            return None if earlier is None else Retracted(notice=event.notice, release_id=earlier.release_id)
        is_same = earlier is not None and (earlier.release_id, earlier.released) == (event.release_id, event.released)
        return None if is_same else event

    def _retract(self, event: Retracted) -> Event | None:
        added = self._database.execute("INSERT OR IGNORE INTO tombstone VALUES (?)", (event.release_id,))
        if added.rowcount == 0:
            return None
        self._database.execute("UPDATE snapshot SET event = NULL WHERE release_id = ?", (event.release_id,))
        return event

    def _note_status(self, event: StatusChanged) -> Event | None:
        before = self._database.execute("SELECT status FROM status WHERE reference = ?", (event.reference,)).fetchone()
        # A status only ever moves on, so one that was overtaken changes nothing.
        if before is not None and _STATUS_ORDER.index(before[0]) >= _STATUS_ORDER.index(event.status):
            return None
        self._database.execute("INSERT OR REPLACE INTO status VALUES (?, ?)", (event.reference, event.status))
        return event

    def _keep_figures(self, event: FiguresPublished) -> Event | None:
        values = (event.figures.quarter, event.model_dump_json())
        added = self._database.execute("INSERT OR IGNORE INTO figures VALUES (?, ?)", values)
        return event if added.rowcount else None  # a quarter is published once

    def _keep_statement(self, event: StatementIssued) -> Event | None:
        values = (event.content.number, event.statement)
        added = self._database.execute("INSERT OR IGNORE INTO statement VALUES (?, ?)", values)
        return event if added.rowcount else None  # a document never changes

    def _note_query(self, event: CapacityQuery) -> Event | None:
        newest = self._database.execute("SELECT max(week) FROM capacity_query").fetchone()[0]
        if newest is not None and newest >= event.week:
            return None
        self._database.execute("INSERT INTO capacity_query VALUES (?)", (event.week,))
        return event

    def _is_retracted(self, release_id: str) -> bool:
        found = self._database.execute("SELECT 1 FROM tombstone WHERE release_id = ?", (release_id,)).fetchone()
        return found is not None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _forget_old_pages(self) -> None:
        # secure_delete overwrites the page, but the log keeps its former version until it is truncated.
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _subject(event: Event) -> str | None:
    match event:
        case Released():
            return f"{event.type} {event.reference}"
        case StatusChanged():
            return f"status {event.reference}"
        case FiguresPublished():
            return f"figures {event.figures.quarter}"
        case StatementIssued():
            return f"statement {event.content.number}"
        case CapacityQuery():
            return "capacity query"
        case Retracted():
            return None
