"""How long each service takes to start, and what it weighs: `python -m bench.start`, on a stage as the demo has it."""

import time
from pathlib import Path

from ops.stage import Stage, is_ok, running_stage
from shared.topology import SERVICES


def main() -> None:
    """Start each service again and print the table."""
    print("| | s until it answers | s until it is ready | MB |\n|---|---|---|---|", flush=True)
    with running_stage("bench", tell=lambda _: None) as stage:
        for name in SERVICES:
            stage.kill(name)
            started = time.monotonic()
            stage.start(name)
            alive = _seconds_until(stage, name, "/health", started)
            ready = _seconds_until(stage, name, "/ready", started)
            print(f"| {name} | {alive:.2f} | {ready:.2f} | {_megabytes(stage.running[name].pid):.0f} |", flush=True)


def _seconds_until(stage: Stage, name: str, path: str, started: float) -> float:
    while not is_ok(stage.url(name) + path):
        time.sleep(0.01)
    return time.monotonic() - started


def _megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


if __name__ == "__main__":
    main()
