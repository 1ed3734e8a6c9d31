"""A running gate for each test, on SQLite and, where there is one, on PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.categories import Category
from tests.consent.builders import a_conclusion
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.kept import Copy, Kept, fill, kept_by
from tests.consent.stores import PostgresStores, SqliteStores
from tests.consent.surroundings import Store

POSTGRES_URL = "GESEHEN_TEST_POSTGRES_URL"


@pytest.fixture(scope="session")
def sqlite_stores(tmp_path_factory: pytest.TempPathFactory) -> SqliteStores:
    """Return where SQLite stores come from."""
    return SqliteStores(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """Return a database of a server on which databases may be made: one that is named, else the checkout's own."""
    named = os.environ.get(POSTGRES_URL)
    if named:
        return named
    try:
        return str(request.getfixturevalue("postgres").url("consent_tests"))
    except pytest.FixtureLookupError:  # this folder stands alone
        pytest.skip(f"no PostgreSQL: {POSTGRES_URL} is not set")


@pytest.fixture(scope="session")
def two_databases(postgres_url: str) -> Iterator[PostgresStores]:
    """Return where PostgreSQL stores come from, or skip."""
    stores = PostgresStores(postgres_url)
    yield stores
    stores.drop()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Return an empty store of each kind of database."""
    name = "sqlite_stores" if request.param == "sqlite" else "two_databases"
    stores: SqliteStores | PostgresStores = request.getfixturevalue(name)
    with stores.fresh(tmp_path) as fresh:
        yield fresh


@pytest.fixture
def gate(store: Store, tmp_path: Path) -> Iterator[Gate]:
    """Return a running gate that knows a Jobcenter and a clinic."""
    with a_gate_with_recipients(tmp_path, store) as running:
        yield running


@pytest.fixture
def notice(gate: Gate) -> str:
    """Return a notice about one conclusion, which waits to be opened."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, Category.CONCLUSION)
    return gate.notices()[-1]


@pytest.fixture(scope="module")
def unmoved_gate(sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """Return one gate for all tests of a module: for what is refused, and leaves nothing behind."""
    folder = tmp_path_factory.mktemp("unmoved")
    with sqlite_stores.fresh(folder) as fresh, a_gate_with_recipients(folder, fresh) as running:
        yield running


@pytest.fixture
def sqlite_gate(sqlite_stores: SqliteStores, tmp_path: Path) -> Iterator[Gate]:
    """Return the same, on SQLite alone: for what does not depend on the database."""
    with sqlite_stores.fresh(tmp_path) as fresh, a_gate_with_recipients(tmp_path, fresh) as running:
        yield running


@pytest.fixture(scope="session")
def sealed(sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Return a whole ledger of which the heads were exported. Nobody writes to it: tests take copies."""
    folder = tmp_path_factory.mktemp("sealed")
    with sqlite_stores.fresh(folder) as fresh, a_gate_with_recipients(folder, fresh) as gate:
        fill(gate)
        yield kept_by(gate)


@pytest.fixture(scope="session")
def copy(sealed: Kept) -> Copy:
    """Return a ledger to be tampered with."""
    return Copy(sealed)
