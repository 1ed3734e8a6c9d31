"""Looks at all that runs and says what is wrong: one plain sentence for each problem, exit code 1 if there is any.

Asks each service for `/health` and `/ready`, the broker for names and counts (the monitoring account reads no
message), and the gate for its lines to recipients. Changes nothing.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from ops.errors import OpsError, report
from ops.gate import Gate
from ops.operator_file import OperatorFile, operator_file_of, read_operator_file
from shared.topology import CARE, GATE, RETRY_TIERS, events_queue, parked_queue, retry_queue

CONSUMERS_AFTER_SECONDS = 6.0
"""The broker refreshes its list of consumers every few seconds: after a restart it lags behind what is so."""

PARTS: Mapping[str, str] = {
    "database": "cannot write to its database",
    "broker_publishing": "cannot publish to the broker",
    "broker_consuming": "does not receive from the broker",
    "handlers_progress": "is stuck at a message",
    "no_message_waits_too_long": "keeps messages that wait too long for what has to come before them",
    "no_message_unsent_too_long": "keeps messages that have waited too long to leave",
    "journal": "cannot write its journal: it refuses withdrawals and erasures",
    "tokens": "cannot read its file of tokens",
    "care_watch": "watches over no case: what is overdue is told to nobody",
    "visit_timer": "ends no visits any more",
    "recipient_lines": "has no line to a recipient",
    "requests_progress": "is stuck at a recipient's request",
    "timers_progress": "does nothing by the calendar any more",
    "erasures_confirmed": "waits for an erasure to be confirmed for more than an hour: GET /erasures",
}


@dataclass(slots=True)
class Findings:
    """What was seen, line by line, and what is wrong with it."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Queues:
    """Who consumes, and how much waits, in the care circle."""

    consumers: Mapping[str, int]
    waiting: Mapping[str, int]

    def consumed(self, service: str) -> bool:
        """Say whether anybody is listed who consumes the events of a service."""
        return self.consumers.get(events_queue(service), 0) > 0


def examine(where: OperatorFile) -> Findings:
    """Look at everything once, and again at consumers whom the broker does not list yet."""
    found = Findings()
    queues = _queues_when_listed(where, found)
    found.lines.append(f"{'service':<12} {'health':<7} {'ready':<7} {'consumers':>9} {'waiting':>8} {'parked':>7}")
    for name in where.services:
        _examine_service(where, name, queues, found)
    _examine_lines(where, found)
    return found


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.doctor", description=__doc__)
    parser.add_argument("--stage", default="demo", help="which running stage to look at (default: demo)")
    parser.add_argument("--file", type=Path, help="look at another installation: its operator file")
    said = parser.parse_args(arguments)
    try:
        found = examine(read_operator_file(said.file or operator_file_of(said.stage)))
    except OpsError as error:
        return report(error)
    print("\n".join([*found.lines, "", *(found.problems or ["nothing is wrong"])]))
    return 1 if found.problems else 0


def _examine_service(where: OperatorFile, name: str, queues: Queues | None, found: Findings) -> None:
    url = where.services[name]
    health, ready = _get(f"{url}/health"), _get(f"{url}/ready")
    counts = ready.body.get("counts", {}) if ready else {}
    if health is None or ready is None:
        found.problems.append(f"{name} does not answer at {url}")
    consumers, waiting = _about_queue(name, queues, found)
    answers = "yes" if health and health.status == httpx2.codes.OK else "no"
    is_ready = "yes" if ready and ready.status == httpx2.codes.OK else "no"
    parked = counts.get("parked", "?")
    found.lines.append(f"{name:<12} {answers:<7} {is_ready:<7} {consumers:>9} {waiting:>8} {parked:>7}")
    parts = ready.body.get("parts", {}) if ready else {}
    found.problems += [f"{name} {PARTS.get(part, part)}" for part, works in parts.items() if not works]
    if counts.get("parked"):
        found.problems.append(f"{name} has parked {_messages(counts['parked'])}: python -m ops.parked list")


def _about_queue(name: str, queues: Queues | None, found: Findings) -> tuple[str, str]:
    if queues is None:
        return "?", "?"
    queue = events_queue(name)
    consumers = queues.consumers.get(queue, 0)
    waiting = sum(queues.waiting.get(one, 0) for one in (queue, *(retry_queue(name, tier) for tier in RETRY_TIERS)))
    if not consumers:
        found.problems.append(f"nobody consumes {queue}; {_wait(waiting)}")
    in_parking = queues.waiting.get(parked_queue(name), 0)
    if in_parking:
        found.problems.append(f"the broker gave up on {_messages(in_parking)} for {name}: in {parked_queue(name)}")
    return str(consumers), str(waiting)


def _queues_when_listed(where: OperatorFile, found: Findings) -> Queues | None:
    """Return the queues as soon as each service that is ready is listed as a consumer, at the latest after a while."""
    until = time.monotonic() + CONSUMERS_AFTER_SECONDS
    queues = _queues(where, found)
    while queues and any(_is_ready(where.services[name]) for name in where.services if not queues.consumed(name)):
        if time.monotonic() >= until:
            break
        time.sleep(0.5)
        queues = _queues(where, found)
    return queues


def _is_ready(url: str) -> bool:
    answer = _get(f"{url}/ready")
    return answer is not None and answer.status == httpx2.codes.OK


def _queues(where: OperatorFile, found: Findings) -> Queues | None:
    try:
        queues = where.broker.get(f"/api/queues/{CARE}?disable_stats=true&enable_queue_totals=true")
        consumers = where.broker.get(f"/api/consumers/{CARE}")
    except OpsError as error:
        found.problems.append(str(error))
        return None
    names = [str(one["queue"]["name"]) for one in consumers]
    return Queues(
        consumers={name: names.count(name) for name in names},
        waiting={str(one["name"]): int(one.get("messages", 0)) for one in queues},
    )


def _examine_lines(where: OperatorFile, found: Findings) -> None:
    try:
        recipients = Gate(where.services.get(GATE, ""), where.token).recipients()
    except OpsError as error:
        found.problems.append(str(error))
        return
    found.lines += ["", f"{'recipient':<40} line"]
    for one in recipients:
        found.lines.append(f"{one['recipient_id']:<40} {'up' if one['connected'] else 'down'}")
        if not one["connected"]:
            found.problems.append(f"the gate has no line to {one['recipient_id']}: it can neither be told nor ask")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Any  # JSON values


def _get(url: str) -> _Answer | None:
    try:
        with httpx2.Client(trust_env=False, timeout=10) as client:
            answer = client.get(url)
        return _Answer(answer.status_code, answer.json())
    except (httpx2.HTTPError, ValueError):
        return None


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _wait(count: int) -> str:
    return {0: "no message waits", 1: "1 message waits"}.get(count, f"{count} messages wait")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
