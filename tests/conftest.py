"""What tests of any part may use: a private PostgreSQL cluster, started on first use, one per test session."""

from collections.abc import Iterator

import pytest

from ops.postgres import Postgres, find_postgres, private_postgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Give a cluster of our own, or skip where no server is installed."""
    if find_postgres() is None:
        pytest.skip("no PostgreSQL server is installed, so this runs on SQLite only")
    with private_postgres(tmp_path_factory.mktemp("postgres"), durable=False) as cluster:
        yield cluster
