"""Databases for tests: a SQLite file a test; on PostgreSQL one database a run, emptied after each test."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, inspect, make_url, text

from services.consent.tables import metadata
from shared import migrations
from shared.database import open_engine
from tests.consent.surroundings import Store

FOLDER = Path("services/consent")


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
        self._server = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)  # tests restart the server
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
    with engine.begin() as connection:  # a few rows each: TRUNCATE would make new files for every one of them
        connection.execute(text("; ".join(f"DELETE FROM {name}" for name in names)))  # noqa: S608  our own tables
