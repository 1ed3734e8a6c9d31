"""Somebody who set out and does not check out is missed in time, though what noted it was killed right after."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ops.stage import Stage, running_stage
from ops.watch import Watch
from tests.evidence.conftest import Note
from tests.evidence.sizes import sized

MINUTE = timedelta(minutes=1)
GUARD_SECONDS = 6
SETTINGS = {"GUARD_MINUTES": str(GUARD_SECONDS / 60), "WATCH_SECONDS": "0.5"}
PLACE = "marked street 7, second courtyard"
PATIENCE_SECONDS = 240
KILLED = (("referral", "intake", "broker"), ("referral",), ("referral", "intake"))[: sized(1)]
"""The worst first: CI plays that alone, a night all three."""
RUNGS = ("responsible", "lead", "on_call")
NOTICES = {"language": "de", "text_version": "2026-1", "text_sha256": "0" * 64}


def quiet(_text: str) -> None:
    """Print nothing."""


@pytest.fixture(params=KILLED, ids="+".join)
def killed(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return what is killed right after somebody set out."""
    parts: tuple[str, ...] = request.param
    return parts


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: tuple[str, ...]) -> Iterator[Stage]:
    """Return everything running, with little patience for a missed check-out."""
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    with running_stage(f"guard-{len(killed)}", settings=SETTINGS, tell=quiet) as running:
        yield running


def ask(stage: Stage, role: str, method: str, path: str, body: Any = None) -> Any:  # Any: JSON
    """Ask the service that a path is of, as somebody."""
    service = "referral" if path.startswith("/visits") else "intake"
    headers = {"Authorization": f"Bearer {stage.tokens[role]}"}
    answer = httpx2.request(method, stage.url(service) + path, json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def until(says: Callable[[], Any], watch: Watch) -> Any:  # Any: what it says
    """Watch over the processes, as a stage that stays up does, until something is so; return it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        watch.look()
        try:
            found = says()
        except httpx2.HTTPError:
            found = None
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come about")


def somebody_out(stage: Stage, watch: Watch) -> tuple[str, datetime, datetime]:
    """Have an outreach worker set out on a permitted visit; return it, by when they check out, and its window's end."""
    case = ask(stage, "intake_worker", "POST", "/cases", {"origin": "street", "contact": {"channel": "in_person"}})
    ask(stage, "intake_worker", "POST", f"/cases/{case['case_id']}/notices", NOTICES)
    start = datetime.now(UTC) + timedelta(seconds=15)
    plan = {
        "case_id": case["case_id"],
        "purpose": "get_to_know",
        "workers": ["demo-outreach_worker"],
        "from_at": start.isoformat(),
        "until_at": (start + MINUTE).isoformat(),
        "where": PLACE,
    }
    visit = until(lambda: ask(stage, "assessor", "POST", "/visits", plan), watch)
    said = {"plan_sha256": visit["plan_sha256"], "given_how": "spoken", "language": "de"}
    ask(stage, "person_desk", "POST", f"/visits/{visit['visit_id']}/permission", said)
    until(lambda: "visit" in _next_steps(stage, case["case_id"]), watch)  # the permission is known to the watch
    path = f"/visits/{visit['visit_id']}/setting-out"
    out = ask(stage, "outreach_worker", "POST", path, {"minutes": 1})
    return visit["visit_id"], datetime.fromisoformat(out["due_at"]), start + MINUTE


def test_whoever_does_not_check_out_is_missed_in_time_whatever_is_killed(
    stage: Stage, killed: tuple[str, ...], note: Note
) -> None:
    watch = Watch(stage, tell=quiet, restart_command="restart")
    visit, due, ends = somebody_out(stage, watch)

    for part in killed:
        stage.broker.kill() if part == "broker" else stage.kill(part)
    alarms = until(lambda: _all_rungs(stage, visit), watch)

    # With the broker dead nobody may hear that somebody set out; the end of what was permitted is guarded all the same.
    earliest, latest = min(due, ends), ends if "broker" in killed else due
    after = {rung: timedelta(seconds=GUARD_SECONDS * times) for times, rung in enumerate(RUNGS)}
    told = {alarm["rung"]: datetime.fromisoformat(alarm["raised_at"]) for alarm in reversed(alarms)}
    assert set(told) == set(RUNGS)
    assert all(earliest + after[rung] <= told[rung] < latest + after[rung] + MINUTE for rung in RUNGS)
    assert PLACE not in str(alarms)
    assert ask(stage, "lead", "GET", f"/visits/{visit}")["where"] is None
    assert ask(stage, "lead", "POST", f"/visits/{visit}/search-for-worker")["where"] == PLACE
    ask(stage, "assessor", "POST", f"/visits/{visit}/check-out")
    if "broker" in killed:
        stage.broker.restart()
    until(lambda: not _alarms(stage, visit), watch)
    lying = [path.name for path in stage.folder.rglob("*") if path.is_file() and PLACE.encode() in path.read_bytes()]
    assert lying == []
    note(
        f"missed check-out told though {', '.join(killed)} died right after setting out, silent minutes",
        size=len(RUNGS),
        of="rungs",
        result=0,
        seed=None,
    )


def _next_steps(stage: Stage, case_id: str) -> set[str]:
    return {strand["step"] for strand in ask(stage, "lead", "GET", f"/care/{case_id}")["strands"]}


def _all_rungs(stage: Stage, visit: str) -> list[dict[str, Any]]:  # Any: JSON values
    alarms = _alarms(stage, visit)
    return alarms if any(alarm["rung"] == "on_call" for alarm in alarms) else []


def _alarms(stage: Stage, visit: str) -> list[dict[str, Any]]:  # Any: JSON values
    found = ask(stage, "lead", "GET", "/alarms")
    return [alarm for alarm in found if alarm["strand_key"] == f"referral.{visit}"]
