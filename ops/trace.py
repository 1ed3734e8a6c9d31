"""Follows one chain of events through the logs of all services: `python -m ops.trace CHAIN`.

Every request of a human and every command from outside begins a chain (`correlation_id`); all that follows from it in
the care circle bears its id. What leaves to a recipient does not: no line says whom a fact was told. Without a chain
the latest ones are listed. Prints ids, types and times; reads log files only.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ops.errors import OpsError, report
from ops.operator_file import operator_file_of

LATEST: Final = 20
SHOWN: Final = ("type", "outcome", "reason", "error")
"""What is shown of a line besides its time, its service and its event."""

Line = dict[str, Any]  # Any: JSON values


class NothingLogged(OpsError):
    """Raised when no log line belongs to a chain."""

    code = "nothing_logged"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no line of that chain in {folder}/*.log; without a chain the latest ones are listed")


def lines_in(folder: Path) -> list[Line]:
    """Return the lines of all logs of a folder that belong to any chain, in the order of their time."""
    found = [line for path in sorted(folder.glob("*.log")) for line in _lines_of(path)]
    return sorted(found, key=lambda line: str(line["timestamp"]))


def of_chain(lines: Iterable[Line], chain: str) -> list[str]:
    """Return what is shown of a chain, a text for each line."""
    return [_shown(line) for line in lines if line["correlation_id"] == chain]


def latest(lines: Iterable[Line]) -> list[str]:
    """Return the chains that began last: when, with which event, who was reached, and the id."""
    chains: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        chains[line["correlation_id"]].append(line)
    return [_summary(chain, said) for chain, said in list(chains.items())[-LATEST:]]


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.trace", description=__doc__)
    parser.add_argument("chain", nargs="?", help="the correlation id of a log line; without it: the latest chains")
    parser.add_argument("--stage", default="demo", help="whose logs, while it runs (default: demo)")
    parser.add_argument(
        "--logs", type=Path, help="the folder of another installation's logs (*.log, a JSON object a line)"
    )
    said = parser.parse_args(arguments)
    try:
        folder = said.logs or operator_file_of(said.stage).parent / "logs"
        lines = lines_in(folder)
        shown = of_chain(lines, said.chain) if said.chain else latest(lines)
        if not shown:
            raise NothingLogged(folder)
    except OpsError as error:
        return report(error)
    print("\n".join(shown))
    return 0


def _lines_of(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:  # a last line half written, something of the interpreter's own
                continue
            if isinstance(line, dict) and "correlation_id" in line and "timestamp" in line:
                yield line


def _shown(line: Line) -> str:
    took = f"{line['took_ms']} ms" if "took_ms" in line else ""
    words = [str(line[name]) for name in SHOWN if name in line]
    return " ".join(
        [f"{_time(line)}  {line.get('service', '?'):<11} {line.get('event', '?'):<24}", *words, took]
    ).rstrip()


def _summary(chain: str, lines: Sequence[Line]) -> str:
    begun = str(next((line["type"] for line in lines if "type" in line), lines[0].get("event", "?")))
    services = " ".join(dict.fromkeys(str(line.get("service", "?")) for line in lines))
    return f"{_time(lines[0])}  {begun:<36} {services:<38} {chain}"


def _time(line: Line) -> str:
    return datetime.fromisoformat(str(line["timestamp"])).strftime("%H:%M:%S.%f")[:-3]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
