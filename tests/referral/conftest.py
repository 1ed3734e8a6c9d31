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
