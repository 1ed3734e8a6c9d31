"""A running intake service for each test, or one for the tests of a module that leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.builders import Intake, running_intake


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    """Return a running intake service on fresh files."""
    with running_intake(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    """Return a running intake service that the tests of a module share."""
    with running_intake(tmp_path_factory.mktemp("lasting")) as running:
        yield running
