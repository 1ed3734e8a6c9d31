"""A running referral service for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.referral.builders import Desk, running_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a running referral service on fresh files."""
    with running_desk(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Return one running service for all tests of a module that leave nothing behind."""
    with running_desk(tmp_path_factory.mktemp("referral")) as running:
        yield running
