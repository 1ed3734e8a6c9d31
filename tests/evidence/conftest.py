"""The evidence ends with one table: what was claimed, at which size, from which seed, with which result."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.sizes import SEED

Note = Callable[..., None]
_PROPERTY = "evidence"


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Give a function that puts a line into the table."""

    def put(claim: str, *, size: int, of: str, result: int | str, seed: int | None = SEED) -> None:
        row = {"claim": claim, "size": size, "of": of, "seed": seed, "result": result}
        record_property(_PROPERTY, json.dumps(row))

    return put


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the lines of the tests that passed, from whichever process they ran in."""
    if report.when == "call" and report.passed:
        _collected.extend(json.loads(str(value)) for name, value in report.user_properties if name == _PROPERTY)


_collected: list[dict[str, Any]] = []


def _shown(result: int | str) -> str:
    return f"{result:,}" if isinstance(result, int) else result


def _together(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add up the parts of one claim: their sizes, and their counts."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        kept = found.setdefault((row["claim"], row["of"]), {**row, "size": 0, "result": 0})
        kept["size"] += row["size"]
        kept["result"] = kept["result"] + row["result"] if isinstance(row["result"], int) else row["result"]
    return list(found.values())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, and leave it where the documentation takes it from."""
    if not _collected or hasattr(config, "workerinput"):
        return
    rows = sorted(_together(_collected), key=lambda row: str(row["claim"]))
    lines = ["| claim | size | seed | result |", "|---|---|---|---|"]
    lines += [
        f"| {r['claim']} | {r['size']:,} {r['of']} | {'' if r['seed'] is None else r['seed']} | {_shown(r['result'])} |"
        for r in rows
    ]
    terminalreporter.section("evidence")
    terminalreporter.write_line("\n".join(lines))
    folder = Path(".run")
    folder.mkdir(exist_ok=True)
    (folder / "evidence.md").write_text("\n".join(lines) + "\n")
