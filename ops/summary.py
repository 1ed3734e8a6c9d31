"""What came of the stories, counted from the outside and from the tables: one JSON object."""

import sqlite3
import time
from typing import Any, Final

import httpx2

from ops.leaks import Mark
from ops.processes import LOCALHOST
from ops.stage import Stage
from ops.story import Player
from shared.outbox import CARE
from shared.topology import SERVICES

QUIET_SECONDS: Final = 20.0


def summarise(player: Player) -> dict[str, int]:
    """Wait until nothing moves any more, ask for everything again as each recipient could, and count."""
    stage = player.stage
    _wait_until_quiet(stage)
    leaks: list[tuple[str, Mark]] = []
    disclosed: set[Mark] = set()
    for desk in stage.desks():
        received = player.received(desk)
        disclosed |= set(player.knowledge.found_in(_answers(received)))
        leaks += [(desk, mark) for mark in player.knowledge.leaks_in(desk, received, now=False)]
        asked = _ask_for_everything(stage, desk, received)
        leaks += [(f"{desk}, asked again", mark) for mark in player.knowledge.leaks_in(desk, asked, now=True)]
    logs = [stage.folder / "logs", stage.folder / "broker", stage.folder / "outside"]
    leaks += [(path.name, mark) for path, mark in player.knowledge.leaks_in_logs(logs)]
    for service, port in stage.metrics_ports.items():
        page = httpx2.get(f"http://{LOCALHOST}:{port}/metrics", timeout=30).raise_for_status().text
        leaks += [(f"the metrics of {service}", mark) for mark in player.knowledge.found_in(page)]
    for where, mark in leaks:
        player.tell(f"LEAK: {mark.category} of {mark.person} in {where}")
    return {
        "events": sum(_count(stage, service, f"FROM outbox WHERE destination = '{CARE}'") for service in SERVICES),
        "notices": _count(stage, "consent", f"FROM outbox WHERE destination <> '{CARE}'"),
        "opened": _count(stage, "consent", "FROM release WHERE state IN ('opened', 'retracted')"),
        "disclosed_fields": len(disclosed),
        "withheld_fields": len(set(player.knowledge.marks.values()) - disclosed),
        "leaks": len(leaks),
    }


def _answers(received: list[dict[str, Any]]) -> list[Any]:  # Any: JSON values
    return [entry["body"] for entry in received if entry["kind"] == "answer"]


def _ask_for_everything(stage: Stage, desk: str, received: list[dict[str, Any]]) -> list[Any]:  # Any: JSON values
    """Open every notice again that ever came, those of the other desks too, and some that never were."""
    own = [entry["body"]["id"] for entry in received if entry["kind"] == "notice"]
    foreign = [
        entry["body"]["id"]
        for other in stage.desks()
        if other != desk
        for entry in httpx2.get(f"{stage.url(other)}/received", timeout=30).json()
        if entry["kind"] == "notice"
    ]
    found = []
    for notice in [*own, *foreign, "A" * 43, "0"]:
        answer = httpx2.post(f"{stage.url(desk)}/reopen", json={"notice": notice}, timeout=30).json()
        if notice not in own and answer.get("result") not in ("empty", "refused"):
            raise AssertionError(f"{desk} was answered {answer.get('result')} for a notice that is not its own")
        found.append(answer)
    return found


def _wait_until_quiet(stage: Stage) -> None:
    until = time.monotonic() + QUIET_SECONDS
    quiet = 0
    while quiet < 3 and time.monotonic() < until:  # noqa: PLR2004  three looks in a row
        unsent = sum(_count(stage, service, "FROM outbox WHERE sent_at IS NULL") for service in SERVICES)
        waiting = sum(
            httpx2.get(f"{stage.url(desk)}/unopened", timeout=30).json()["count"] or 0 for desk in stage.desks()
        )
        quiet = quiet + 1 if unsent == waiting == 0 else 0
        time.sleep(0.2)


def _count(stage: Stage, service: str, rest: str) -> int:
    """Count rows in a service's SQLite file, which tools may read while the service writes."""
    connection = sqlite3.connect(f"file:{stage.database(service)}?mode=ro", uri=True)
    try:
        return int(connection.execute(f"SELECT count(*) {rest}").fetchone()[0])
    finally:
        connection.close()
