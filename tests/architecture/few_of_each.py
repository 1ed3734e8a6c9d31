"""A pytest plugin: a few tests of each file. Whether a service stands alone shows in the first as in the last."""

from collections import defaultdict
from pathlib import Path

import pytest

FEW = 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the first tests of each file, a case of each, and say to pytest that the rest was left out."""
    kept: dict[Path, dict[str, pytest.Item]] = defaultdict(dict)
    for item in items:
        function, of_file = item.nodeid.split("[", maxsplit=1)[0], kept[item.path]
        if len(of_file) < FEW:
            of_file.setdefault(function, item)
    left = {item.nodeid for of_file in kept.values() for item in of_file.values()}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in left])
    items[:] = [item for item in items if item.nodeid in left]
