"""Exact on SQLite, row locks on PostgreSQL, times with a zone, and errors without values."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Table, event, insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlmodel import Session

from shared.database import Database, Instant, insert_or_ignore, is_out_of_reach, row_lock_table
from tests.shared.builders import MARKER, NOON, Base, Tally, add
from tests.shared.conftest import OpenEngine, Store

THREADS, TIMES = 8, 50


@pytest.fixture
def database(store: Store) -> Database:
    return Database(store.engine(), Base.metadata)


def count_up(database: Database) -> None:
    """Load, add one, save, many times, as one of several instances would."""
    for _ in range(TIMES):
        with database.write() as session:
            database.lock(session, {"person:1"})
            add(session, "visits")
            session.commit()


def impatient(database: Database) -> None:
    """Do not wait ten seconds for a lock that the test itself holds."""
    if database.engine.dialect.name == "sqlite":
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=100"))


def value_of(session: Session, name: str) -> int:
    """Return what was counted."""
    return session.get_one(Tally, name).value


def run_in_threads(work: Callable[[], None], threads: int = THREADS) -> None:
    """Run the same thing at once."""
    with ThreadPoolExecutor(threads) as pool:
        [done.result() for done in [pool.submit(work) for _ in range(threads)]]


def test_none_of_400_concurrent_changes_of_one_person_is_lost(database: Database) -> None:
    run_in_threads(partial(count_up, database))

    with database.read() as session:
        assert value_of(session, "visits") == THREADS * TIMES


def test_locks_taken_in_any_order_never_block_each_other_for_ever(database: Database) -> None:
    def lock_both(names: list[str]) -> None:
        for _ in range(TIMES):
            with database.write() as session:
                database.lock(session, set(names))
                session.commit()

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(lock_both, names) for names in (["a", "b", "c"], ["c", "b"], ["c", "a"], ["b", "a"])]

    assert [one.exception() for one in done] == [None] * 4


def test_a_reader_sees_one_committed_state(database: Database) -> None:
    with database.write() as session:
        session.add_all([Tally(name="a"), Tally(name="b")])
        session.commit()

    with database.read() as reader:
        before = value_of(reader, "a")
        with database.write() as writer:
            add(writer, "a")
            add(writer, "b")
            writer.commit()
        after = value_of(reader, "b")

    assert (before, after) == (0, 0)


def test_a_reader_holds_up_no_writer(database: Database) -> None:
    with database.read() as reader:
        reader.connection()
        with database.write() as writer:
            add(writer, "a")
            writer.commit()

    with database.read() as reader:
        assert value_of(reader, "a") == 1


def test_a_row_is_inserted_once(database: Database) -> None:
    with database.write() as session:
        values = {"name": "person:1"}
        inserted = [insert_or_ignore(session, Base.metadata.tables["row_lock"], values) for _ in range(2)]

    assert inserted == [True, False]


def test_a_time_comes_back_aware_and_in_utc(database: Database) -> None:
    table = Table("moment", MetaData(), Column("at", Instant))
    row_lock_table(table.metadata)
    eastern = NOON.astimezone(timezone(timedelta(hours=9)))

    with database.engine.connect() as connection:
        table.create(connection)
        connection.execute(insert(table), [{"at": eastern}, {"at": None}])
        read = connection.execute(select(table.c.at)).scalars().all()

    assert read == [NOON, None]
    assert read[0].utcoffset() == timedelta()


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    table = Table("moment", MetaData(), Column("at", Instant))

    with database.engine.connect() as connection, pytest.raises(StatementError, match="without a zone"):
        connection.execute(select(table.c.at).where(table.c.at == datetime(2026, 3, 2, 12)))  # noqa: DTZ001


def test_an_error_of_the_database_shows_no_value(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(insert(Base.metadata.tables["row_lock"]).values(name=MARKER))
        with pytest.raises(DBAPIError) as raised:
            connection.execute(insert(Base.metadata.tables["row_lock"]).values(name=MARKER))

    assert MARKER not in str(raised.value).split("DETAIL")[0]
    assert not is_out_of_reach(raised.value)


def test_a_commit_that_was_refused_leaves_nothing_behind(database: Database) -> None:
    broken = text("INSERT INTO remark (remark_id, tally) VALUES ('r-1', 'unheard of')")
    with database.write() as session:
        session.execute(broken)
        with pytest.raises(DBAPIError):
            session.commit()

    with database.write() as session:
        add(session, "a")
        session.commit()

    with database.read() as session:
        assert value_of(session, "a") == 1


def test_a_database_that_is_out_of_reach_is_told_from_a_mistake(database: Database, store: Store) -> None:
    impatient(database)

    with store.out_of_reach(), pytest.raises(DBAPIError) as raised, database.engine.begin():
        pytest.fail("it could be reached")

    assert is_out_of_reach(raised.value)


def test_a_file_has_no_more_than_one_writer_and_is_synced_at_each_commit(tmp_path: Path, engines: OpenEngine) -> None:
    engine = engines(f"sqlite:///{tmp_path}/one.db")
    names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")

    with engine.connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    assert pragmas == ["wal", 2, 1, 1]
