"""The kit's tests run on both databases."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ops.postgres import Postgres
from shared.database import open_engine
from tests.shared.builders import Kit, empty, fresh_tables, out_of_reach, running_kit
from tests.shared.service_files import log_as_a_service


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def logs() -> None:
    log_as_a_service()


OpenEngine = Callable[[str], Engine]


@pytest.fixture
def engines() -> Iterator[OpenEngine]:
    """Open engines that are closed at the end of the test."""
    opened: list[Engine] = []

    def open_one(url: str) -> Engine:
        opened.append(open_engine(url))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Store:
    """Where one test's database and key store are."""

    url: str
    key_store_url: str
    folders: tuple[Path, ...]
    engines: OpenEngine
    postgres: Postgres | None = None

    def engine(self) -> Engine:
        """Open the database."""
        return self.engines(self.url)

    def key_engine(self) -> Engine:
        """Open the store of keys."""
        return self.engines(self.key_store_url)

    def out_of_reach(self) -> AbstractContextManager[None]:
        """Have the database refuse everybody who writes, during the block."""
        return out_of_reach(self.url, self.postgres)

    def bytes_at_rest(self) -> bytes:
        """Return everything that lies on the disk: tables, write-ahead logs, the key store."""
        files = [path for folder in self.folders for path in folder.rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in files)


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file with the service's tables, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "service.db"
    fresh_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_urls(postgres: Postgres) -> tuple[str, str]:
    """Make a database with the service's tables, and one for its keys."""
    fresh_tables(postgres.url("kit"))
    return postgres.url("kit"), postgres.url("kit_keys")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """Give an empty database with the service's tables, on each kind of database in turn."""
    return request.getfixturevalue(f"{request.param}_store")  # type: ignore[no-any-return]  # one of the two below


@pytest.fixture
def sqlite_store(tmp_path: Path, sqlite_file: Path, engines: OpenEngine) -> Store:
    """Give an empty database with the service's tables in files."""
    shutil.copy(sqlite_file, tmp_path / "service.db")
    return Store(f"sqlite:///{tmp_path}/service.db", f"sqlite:///{tmp_path}/keys.db", (tmp_path,), engines)


@pytest.fixture
def postgres_store(postgres: Postgres, postgres_urls: tuple[str, str], engines: OpenEngine) -> Store:
    """Give an empty database with the service's tables on PostgreSQL, where several instances may share it."""
    store = Store(*postgres_urls, (postgres.folder,), engines, postgres)
    for engine in (store.engine(), store.key_engine()):
        empty(engine)
    return store


@pytest.fixture
async def kit(store: Store) -> AsyncIterator[Kit]:
    """Run one instance."""
    async with running_kit(store.url, store.key_store_url) as running:
        yield running


@pytest.fixture
async def keeping_kit(store: Store, tmp_path: Path) -> AsyncIterator[Kit]:
    """Run one instance that keeps a journal, so that it can destroy keys."""
    async with running_kit(store.url, store.key_store_url, journal_in=tmp_path / "journal") as running:
        yield running


@pytest.fixture
async def kit_on_sqlite(sqlite_store: Store) -> AsyncIterator[Kit]:
    """Run one instance, the only one of its file."""
    async with running_kit(sqlite_store.url, sqlite_store.key_store_url) as running:
        yield running
