"""An acute need that nobody acknowledges makes no silent minute, though broker and intake die meanwhile."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ops.stage import Stage, running_stage
from ops.watch import Watch
from tests.evidence.conftest import Note

MINUTE = timedelta(minutes=1)
WITHIN_SECONDS = 6
SETTINGS = {"ACKNOWLEDGE_MINUTES": str(WITHIN_SECONDS / 60), "WATCH_SECONDS": "0.5"}


def quiet(_text: str) -> None:
    """Print nothing."""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Return everything running, with little patience for acute need."""
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    with running_stage("acute", settings=SETTINGS, tell=quiet) as running:
        yield running


def ask(stage: Stage, method: str, path: str, body: Any = None) -> Any:  # Any: JSON
    """Ask intake as its worker."""
    headers = {"Authorization": f"Bearer {stage.tokens['intake_worker']}"}
    answer = httpx2.request(method, stage.url("intake") + path, json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def alarms_once_on_call(stage: Stage, watch: Watch) -> list[dict[str, Any]]:
    """Watch over the processes, as a stage that stays up does, until whoever is on call was told."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        watch.look()
        try:
            alarms: list[dict[str, Any]] = ask(stage, "GET", "/alarms")
        except httpx2.HTTPError:
            alarms = []
        if any(alarm["rung"] == "on_call" for alarm in alarms):
            return alarms
        time.sleep(0.2)
    raise AssertionError("nobody on call was told")


def test_neither_a_dead_broker_nor_a_dead_intake_makes_a_silent_minute(stage: Stage, note: Note) -> None:
    case = ask(stage, "POST", "/cases", {"origin": "street", "contact": {"channel": "in_person"}})
    need = ask(stage, "POST", "/acute-needs", {"case_id": case["case_id"], "kind": "danger_to_life"})
    watch = Watch(stage, tell=quiet, restart_command="restart")

    stage.broker.kill()
    stage.kill("intake")
    alarms = alarms_once_on_call(stage, watch)

    due = datetime.fromisoformat(need["acknowledge_by"])
    owed = {"responsible": due - timedelta(seconds=WITHIN_SECONDS), "lead": due, "on_call": due + timedelta(seconds=6)}
    told = {alarm["rung"]: datetime.fromisoformat(alarm["raised_at"]) for alarm in reversed(alarms)}
    assert set(told) == set(owed)
    assert all(timedelta(0) <= told[rung] - at < MINUTE for rung, at in owed.items())
    note(
        "acute need told though broker and intake die, silent minutes", size=len(owed), of="rungs", result=0, seed=None
    )
