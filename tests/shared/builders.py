"""A small service's worth of kit: its own tables, keys, outbox, inbox and writer, on either database."""

import asyncio
import base64
import json
import secrets
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, ForeignKey, Table, delete, event, text
from sqlalchemy import table as sql_table
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, select

from ops.postgres import Postgres
from shared.contracts.intake import CaseOpened, Channel, Contact, Origin
from shared.database import Database, open_engine
from shared.inbox import Inbox, Parking
from shared.journal import Journal
from shared.keys import PersonKeys
from shared.outbox import Outbox, Outgoing, random_id
from shared.tables import add_kit_tables
from shared.unit_of_work import UnitOfWork
from shared.writer import Writer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MARKER = "Marker-7f3a-Weißdornweg"
MASTER_KEY = bytes(range(32))


class Base(SQLModel, registry=registry()):
    """The tables of the made-up service."""


class Tally(Base, table=True):
    """Something that is counted, so that a lost or doubled effect shows."""

    name: str = Field(primary_key=True)
    value: int = 0


class Remark(Base, table=True):
    """Something that has to belong to a tally, which the database checks at the commit only."""

    remark_id: str = Field(primary_key=True)
    tally: str = Field(
        sa_column_args=[ForeignKey("tally.name", deferrable=True, initially="DEFERRED")],
    )


add_kit_tables(Base.metadata)


@dataclass(slots=True)
class Clock:
    """The time, which passes when the test says so."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)


@dataclass(slots=True)
class Kit:
    """The parts of one instance of the service."""

    database: Database
    keys: PersonKeys
    journal: Journal
    outbox: Outbox
    inbox: Inbox
    parking: Parking
    writer: Writer
    clock: Clock
    handed_over: list[Outgoing] = field(default_factory=list)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file."""
        return self.database.engine.dialect.name == "sqlite"

    def table(self, name: str) -> Table:
        """Return a table of the kit."""
        return Base.metadata.tables[name]

    def tallies(self) -> dict[str, int]:
        """Return what was counted."""
        with self.database.read() as session:
            return {row.name: row.value for row in session.exec(select(Tally))}

    def unsent(self) -> int:
        """Return how many messages wait to be published."""
        with self.database.read() as session:
            return self.outbox.backlog(session).count

    async def close(self) -> None:
        """Stop the instance."""
        await self.writer.stop()
        self.journal.close()
        self.database.engine.dispose()
        self.keys.close()

    async def claim(self, *, limit: int = 1000, **options: object) -> list[Outgoing]:
        """Take messages as a relay does."""
        return await self.writer.run(
            lambda work: self.outbox.claim(work.session, now=work.now, limit=limit, **options)  # type: ignore[arg-type]  # options are claim's own
        )


def open_kit(url: str, key_store_url: str, *, clock: Clock | None = None, journal_in: Path | None = None) -> Kit:
    """Start an instance on databases whose tables exist. Without a folder for its journal nothing can narrow."""
    clock = clock or Clock()
    database = Database(open_engine(url), Base.metadata)
    if database.engine.dialect.name == "sqlite":  # do not wait ten seconds for a lock that the test holds
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=300"))
    keys = PersonKeys(open_engine(key_store_url), master_key=MASTER_KEY)
    keys.create_store()
    outbox = Outbox(Base.metadata, keys)
    journal = Journal(journal_in or Path("nowhere"), Base.metadata, service="test")
    if journal_in is not None:
        try:
            journal.open(database, keys)
        except BaseException:
            database.engine.dispose()
            keys.close()
            raise
    writer = Writer(database, keys, outbox, journal, clock=clock)
    kit = Kit(database, keys, journal, outbox, Inbox(Base.metadata, keys), Parking(Base.metadata, keys), writer, clock)
    writer.on_commit(kit.handed_over.extend)
    writer.start()
    return kit


@asynccontextmanager
async def running_kit(
    url: str, key_store_url: str, *, clock: Clock | None = None, journal_in: Path | None = None
) -> AsyncIterator[Kit]:
    """Run an instance during the block."""
    kit = open_kit(url, key_store_url, clock=clock, journal_in=journal_in)
    try:
        yield kit
    finally:
        await kit.close()


def fresh_tables(url: str) -> None:
    """Make the service's tables."""
    engine = open_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


def empty(engine: Engine) -> None:
    """Empty all tables that there are; for PostgreSQL."""
    with engine.begin() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        for table in tables:
            connection.execute(delete(sql_table(table)))


@contextmanager
def out_of_reach(url: str, postgres: Postgres | None) -> Iterator[None]:
    """Have the database refuse everybody who writes."""
    if postgres is not None:
        postgres.stop()
        try:
            yield
        finally:
            postgres.start()
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


@asynccontextmanager
async def busy(writer: Writer) -> AsyncIterator[None]:
    """Keep the writer busy during the block, so that everything handed in meanwhile makes one group."""
    started, go_on = threading.Event(), threading.Event()

    def hold(_work: UnitOfWork) -> None:
        started.set()
        go_on.wait(10)

    held = asyncio.create_task(writer.run(hold))
    await asyncio.to_thread(started.wait, 10)
    try:
        yield
    finally:
        await asyncio.sleep(0)  # tasks of the block hand in
        go_on.set()
        await held


async def until(says_yes: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait until something is so, at most for a while."""
    async with asyncio.timeout(seconds):
        while not says_yes():
            await asyncio.sleep(0.02)


def count(name: str, *, by: int = 1) -> Callable[[UnitOfWork], int]:
    """Return a handler that counts, the way a handler must: load, decide, save."""

    def handler(work: UnitOfWork) -> int:
        return add(work.session, name, by=by)

    return handler


def add(session: Session, name: str, *, by: int = 1) -> int:
    """Count up; return the new value."""
    tally = session.get(Tally, name) or Tally(name=name)
    tally.value += by
    session.add(tally)
    session.flush()
    return tally.value


def a_case(**changes: object) -> CaseOpened:
    """Return a care event of a person with a marker in their contact."""
    values: dict[str, object] = {
        "case_id": random_id(),
        "person_id": random_id(),
        "origin": Origin.STREET,
        "opened_at": NOON,
        "first_contact_by": date(2026, 3, 5),
        "contact": Contact(channel=Channel.LETTER, address=MARKER),
    }
    return CaseOpened.model_validate(values | changes)


def an_outgoing(**changes: object) -> Outgoing:
    """Return a message for the care circle."""
    values: dict[str, object] = {
        "message_id": random_id(),
        "destination": "care",
        "type": "intake.case_opened.v1",
        "correlation_id": random_id(),
        "created_at": NOON,
        "key_id": "person-1",
        "body": MARKER.encode(),
    }
    return Outgoing(**(values | changes))  # type: ignore[arg-type]  # a builder takes any field


def write_zone_keys(path: Path, **days: date) -> None:
    """Write a zone key file with these keys (id = day on which it begins), as rotation does: by replacing it."""
    keys = [
        {"kid": kid, "created_on": day.isoformat(), "key": base64.b64encode(_key_of(path, kid)).decode()}
        for kid, day in days.items()
    ]
    draft = path.with_name("draft")
    draft.write_text(json.dumps({"zone_keys": keys}))
    draft.replace(path)


def _key_of(path: Path, kid: str) -> bytes:
    """Return the same bytes for the same key id each time."""
    store = path.with_name(f"zone-key-{kid}")
    if not store.exists():
        store.write_bytes(secrets.token_bytes(32))
    return store.read_bytes()
