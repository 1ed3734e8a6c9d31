"""A running intake service for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.builders import Intake, running_intake


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    """Return a running intake service on fresh files."""
    with running_intake(tmp_path) as running:
        yield running
