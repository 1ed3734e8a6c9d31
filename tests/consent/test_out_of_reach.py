"""While a store is out of reach, every id is answered alike: nobody learns by it whether something waits."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, make_url, text

from services.consent.answering import TRY_AGAIN
from services.consent.opening import EMPTY
from shared.contracts.categories import Category
from shared.outbox import random_id
from tests.consent.builders import CLINIC, a_conclusion, an_identity
from tests.consent.gate import Answer, Gate, a_gate_with_recipients
from tests.consent.stores import PostgresStores
from tests.consent.wire import Wire

CONCLUSION = Category.CONCLUSION


def every_kind_of_notice(gate: Gate) -> list[str]:
    """Return notices of every kind: with content, void, a retraction, a status, another's, and one that is none."""
    told, other = gate.a_person(), gate.a_person()
    gate.hear(a_conclusion(told), a_conclusion(other), an_identity(other))
    gate.grant(told, CONCLUSION)
    opened = gate.notices()[-1]
    gate.open(opened)
    gate.withdraw(told)
    retraction = gate.notices()[-1]
    gate.grant(told, CONCLUSION)
    gate.withdraw(told)
    void = gate.notices()[-1]
    gate.grant(other, CONCLUSION)
    gate.agree(other, gate.a_referral_of(other), Category.IDENTITY)
    return [gate.notices()[-1], opened, void, retraction, gate.notices()[0], gate.notices(CLINIC)[-1], random_id()]


def all_answers(gate: Gate, notices: list[str]) -> list[Answer]:
    """Open all of them, one after the other."""
    wire = Wire(gate)
    return [wire.open(notice) for notice in notices]


@contextmanager
def key_store_away(gate: Gate) -> Iterator[None]:
    """Have the store of keys out of reach, while some keys are still remembered."""
    engine = gate.service.keys._engine
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE person_key RENAME TO person_key_away"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE person_key_away RENAME TO person_key"))


def test_while_the_key_store_is_away_every_notice_is_answered_alike(gate: Gate) -> None:
    notices = every_kind_of_notice(gate)

    with key_store_away(gate):
        answers = all_answers(gate, notices)

    assert answers == [TRY_AGAIN] * len(notices)
    assert {answer["result"] for answer in all_answers(gate, notices)} >= {"released", "retracted", "status", "empty"}


def test_while_the_key_store_is_away_a_withdrawal_beside_an_opening_is_still_taken(gate: Gate) -> None:
    notices, person = every_kind_of_notice(gate), gate.a_person()
    gate.grant(person, CONCLUSION)

    async def both() -> int:
        wire, run = Wire(gate), gate.service.writer.run
        answering = wire._answering
        opening = asyncio.create_task(answering.to_open("jobcenter-essen", b'{"open": "%s"}' % notices[0].encode()))
        touched = await run(lambda work: 1, urgent=True)
        assert await opening == TRY_AGAIN
        return touched

    with key_store_away(gate):
        assert asyncio.run(both()) == 1


@contextmanager
def read_only(gate: Gate) -> Iterator[None]:
    """Have PostgreSQL refuse to write, as after a failover."""
    engine: Engine = gate.service.database.engine
    name = make_url(gate.settings.database_url).database

    def each(statements: str) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET default_transaction_read_only = off"))
            connection.execute(text(statements))
        engine.dispose()

    each(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        yield
    finally:
        each(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


@pytest.fixture
def postgres_gate(two_databases: PostgresStores, tmp_path: Path) -> Iterator[Gate]:
    """Return a gate on PostgreSQL."""
    with two_databases.fresh(tmp_path) as store, a_gate_with_recipients(tmp_path, store) as running:
        yield running


def test_while_the_database_is_read_only_every_notice_is_answered_alike(postgres_gate: Gate) -> None:
    notices = every_kind_of_notice(postgres_gate)

    with read_only(postgres_gate):
        answers = all_answers(postgres_gate, notices)

    assert answers == [TRY_AGAIN] * len(notices)


@contextmanager
def file_read_only(gate: Gate) -> Iterator[None]:
    """Have SQLite refuse to write, on every connection that is opened from now on."""

    def refuse(connection: object, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]  # a driver's own connection

    engine = gate.service.database.engine
    engine.dispose()
    event.listen(engine, "connect", refuse)
    try:
        yield
    finally:
        event.remove(engine, "connect", refuse)
        engine.dispose()


def test_while_the_file_is_read_only_every_notice_is_answered_alike(sqlite_gate: Gate) -> None:
    notices = every_kind_of_notice(sqlite_gate)

    with file_read_only(sqlite_gate):
        answers = all_answers(sqlite_gate, notices)

    assert answers == [TRY_AGAIN] * len(notices)


def test_while_the_database_is_down_every_notice_is_answered_alike(postgres_gate: Gate) -> None:
    notices = every_kind_of_notice(postgres_gate)
    engine = postgres_gate.service.database.engine
    engine.dispose()
    event.listen(engine, "do_connect", _refuse_to_connect)
    try:
        answers = all_answers(postgres_gate, notices)
    finally:
        event.remove(engine, "do_connect", _refuse_to_connect)

    assert answers == [TRY_AGAIN] * len(notices)


def _refuse_to_connect(*_arguments: object) -> None:
    raise OSError(os.strerror(111))


def test_an_unknown_notice_is_written_down_nowhere(gate: Gate) -> None:
    notices = every_kind_of_notice(gate)
    unknown = [random_id() for _ in range(3)]

    answers = all_answers(gate, unknown)

    with gate.service.database.read() as session:
        locks = {name for (name,) in session.execute(text("SELECT name FROM row_lock"))}
    assert answers == [EMPTY] * 3
    assert not any(one in name for name in locks for one in [*notices, *unknown])
