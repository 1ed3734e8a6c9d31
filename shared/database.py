"""Databases as Gesehen needs them: exact on SQLite (one process per file), row locks on PostgreSQL."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Engine,
    Executable,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

# What PostgreSQL answers when it is the server's state, not the statement: connection, read-only after a failover,
# transaction undone, resources, object in use, operator, system, internal.
_SERVER_STATES = ("08", "25006", "40", "53", "55", "57", "58", "XX")
_FILE_CODES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}


class Instant(TypeDecorator[datetime]):
    """An aware UTC time. SQLite would give back a naive one; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Accept aware times only."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not a time")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def open_engine(url: str) -> Engine:
    """Return an engine whose errors never print values, and whose SQLite transactions are exact."""
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "reset", _end_sqlite)
    return engine


def open_read_only(url: str) -> Engine:
    """Return an engine that cannot write, for tools beside a running service: each transaction sees one state."""
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        path = Path(str(made.database)).resolve()
        quoted = made.set(database=f"file:{quote(str(path))}").update_query_dict({"mode": "ro", "uri": "true"})
        engine = create_engine(quoted, hide_parameters=True)
        event.listen(engine, "connect", lambda connection, _record: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return create_engine(made, hide_parameters=True, execution_options=options)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # Any: a driver's own connection
    connection.isolation_level = None  # the driver's own BEGIN is deferred and loses updates
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=10000",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:  # Any: SQLAlchemy's event passes its own connection
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _end_sqlite(connection: Any, _record: object, _state: object) -> None:  # Any: a driver's own connection
    if connection.in_transaction:  # its COMMIT failed, and SQLAlchemy takes it for ended
        connection.rollback()


def row_lock_table(metadata: MetaData) -> Table:
    """Define the table whose rows are locked before anything is read: `person:<id>`, then `recipient:<id>`."""
    return Table("row_lock", metadata, Column("name", String(100), primary_key=True))


class SchemaBehind(RuntimeError):
    """Raised when the database lacks what this version needs: its migrations did not run, or not to the end."""

    code = "schema_behind"

    def __init__(self, missing: list[str]) -> None:
        super().__init__(f"the database lacks {', '.join(missing)}; run the service's migrations")


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, and since when the oldest of it does."""

    count: int
    oldest_at: datetime | None

    def oldest_seconds(self, *, now: datetime) -> float:
        """Return the age of the oldest; zero if nothing waits."""
        return max((now - self.oldest_at).total_seconds(), 0.0) if self.oldest_at else 0.0


class Database:
    """One service's database."""

    def __init__(self, engine: Engine, metadata: MetaData) -> None:
        self.engine = engine
        self._metadata = metadata
        options: dict[str, Any] = {"reads": True}  # Any: each option has its own type
        if engine.dialect.name != "sqlite":  # SQLite's readers see one state anyway
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = engine.execution_options(**options)
        self._row_lock = metadata.tables["row_lock"]

    def check_schema(self) -> None:
        """Raise SchemaBehind if a table or column is missing; what is there besides disturbs nobody."""
        found = inspect(self.engine).get_multi_columns()  # of all tables at once
        there = {name: {column["name"] for column in columns} for (_, name), columns in found.items()}
        missing: list[str] = []
        for table in self._metadata.sorted_tables:
            if table.name not in there:
                missing.append(table.name)
            else:
                missing += [str(column) for column in table.columns if column.name not in there[table.name]]
        if missing:
            raise SchemaBehind(missing)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading: it sees one committed state and takes no write lock."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session

    def write(self) -> Session:
        """Open a session for writing. Only the service's writer does."""
        return Session(self.engine, expire_on_commit=False)

    def lock(self, session: Session, names: set[str]) -> None:
        """Lock rows in the order of their names; SQLite already holds its one write lock."""
        if not names or self.engine.dialect.name == "sqlite":
            return
        ordered = sorted(names)
        missing = postgresql.insert(self._row_lock).on_conflict_do_nothing()
        session.execute(missing, [{"name": name} for name in ordered])
        locked = select(self._row_lock.c.name).where(self._row_lock.c.name.in_(ordered))
        session.execute(locked.order_by(self._row_lock.c.name).with_for_update()).all()
        session.expire_all()  # what was read to find the locks may have changed while waiting for them


def touch(session: Session, metadata: MetaData, name: str) -> None:
    """Write a row that says nothing, so that a store that cannot be written fails here, whatever comes after."""
    session.execute(_touching(metadata.tables["row_lock"], session.get_bind().dialect.name), {"name": name})


@cache
def _touching(table: Table, dialect: str) -> Executable:
    row = _insert(table, dialect)
    return row.on_conflict_do_update(index_elements=["name"], set_={"name": row.excluded.name})


def is_out_of_reach(error: DBAPIError) -> bool:
    """Say whether the store failed (connection, disk, lock), and not the statement that was put to it."""
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _FILE_CODES
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_SERVER_STATES)
    return isinstance(error, OperationalError)


def insert_or_ignore(session: Session, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row unless its key exists; say whether it was inserted."""
    statement = _insert_unless_there(table, session.get_bind().dialect.name)
    return session.execute(statement, values).first() is not None


def insert_all_or_ignore(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> Sequence[Any]:
    """Insert rows, but for those whose key exists; return the keys (of one column) of those that were inserted."""
    if not rows:
        return []
    statement = _insert_unless_there(table, session.get_bind().dialect.name)
    return session.connection().execute(statement, list(rows)).scalars().all()


@cache
def _insert_unless_there(table: Table, dialect: str) -> Executable:
    # The row itself is asked for: the number of rows is not told by every driver.
    return _insert(table, dialect).on_conflict_do_nothing().returning(*table.primary_key)


def _insert(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
