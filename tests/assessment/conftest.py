"""A running assessment service for each test, or one for the tests of a module that leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assessment.builders import Assessment, running_assessment


@pytest.fixture
def assessment(tmp_path: Path) -> Iterator[Assessment]:
    """Return a running assessment service on fresh files."""
    with running_assessment(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assessment]:
    """Return a running assessment service that the tests of a module share."""
    with running_assessment(tmp_path_factory.mktemp("lasting")) as running:
        yield running
