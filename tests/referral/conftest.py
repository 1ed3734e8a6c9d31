"""A running referral service for each test."""

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from tests.referral.builders import Desk, running_desk, two_desks


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a running referral service on fresh files."""
    with running_desk(tmp_path) as running:
        yield running


@pytest.fixture
def desks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """Return two instances of the service on one PostgreSQL, or skip."""
    try:
        server = request.getfixturevalue("postgres")
    except pytest.FixtureLookupError:  # this folder stands alone
        pytest.skip("no PostgreSQL")
    name = f"referral_{token_hex(4)}"
    with two_desks(tmp_path, server.url(name), server.url(f"{name}_keys")) as running:
        yield running


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Return one running service for all tests of a module that leave nothing behind."""
    with running_desk(tmp_path_factory.mktemp("referral")) as running:
        yield running
