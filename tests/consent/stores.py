"""Databases for tests: a SQLite file a test; on PostgreSQL one database a run, emptied after each test.

PostgreSQL takes part when GESEHEN_TEST_POSTGRES_URL names a database of a server on which databases may be made.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, make_url, text

from services.consent.tables import metadata
from shared import migrations
from shared.database import open_engine
from tests.consent.gate import Store

FOLDER = Path("services/consent")
POSTGRES = "GESEHEN_TEST_POSTGRES_URL"


class SqliteStores:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._migrated = folder / "migrated.sqlite3"
        migrations.upgrade(FOLDER, f"sqlite:///{self._migrated}")

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[Store]:
        """Give an empty store in a folder."""
        shutil.copy(self._migrated, folder / "consent.sqlite3")
        yield Store(f"sqlite:///{folder / 'consent.sqlite3'}", f"sqlite:///{folder / 'keys.sqlite3'}")


class PostgresStores:
    """Two databases, emptied after each test."""

    def __init__(self, url: str) -> None:
        self._server = create_engine(url, isolation_level="AUTOCOMMIT")
        suffix = secrets.token_hex(6)
        self._names = [f"consent_{suffix}", f"keys_{suffix}"]
        with self._server.connect() as connection:
            for name in self._names:
                connection.execute(text(f'CREATE DATABASE "{name}"'))
        urls = [make_url(url).set(database=name).render_as_string(hide_password=False) for name in self._names]
        self._store = Store(*urls)
        migrations.upgrade(FOLDER, self._store.database_url)
        self._engines = [open_engine(url) for url in urls]

    @contextmanager
    def fresh(self, _folder: Path) -> Iterator[Store]:
        """Give the store, and empty it afterwards."""
        yield self._store
        for engine in self._engines:
            _empty(engine)

    def drop(self) -> None:
        """Take the databases away."""
        for engine in self._engines:
            engine.dispose()
        with self._server.connect() as connection:
            for name in self._names:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        self._server.dispose()


def _empty(engine: Engine) -> None:
    names = [name for name in inspect(engine).get_table_names() if name in {*metadata.tables, "person_key"}]
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY"))


@contextmanager
def postgres_stores() -> Iterator[PostgresStores]:
    """Give PostgreSQL databases, or skip."""
    url = os.environ.get(POSTGRES)
    if not url:
        pytest.skip(f"no PostgreSQL: {POSTGRES} is not set")
    stores = PostgresStores(url)
    try:
        yield stores
    finally:
        stores.drop()
