"""A running assessment service for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assessment.builders import Assessment, running_assessment


@pytest.fixture
def assessment(tmp_path: Path) -> Iterator[Assessment]:
    """Return a running assessment service on fresh files."""
    with running_assessment(tmp_path) as running:
        yield running
