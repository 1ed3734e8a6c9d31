"""The stories once more, with every service killed in the middle: they come out right all the same."""

import os
import random
import time
from pathlib import Path

import httpx2
import pytest

from ops.demo import play_all
from ops.stage import Stage, running_stage
from ops.story import Player
from ops.story_file import Story
from shared.topology import SERVICES
from tests.system.test_story import EXPECTED

KILL_EVERY = int(os.environ.get("GESEHEN_KILL_EVERY", "8"))
"""After how many steps a service is killed; a night can take every one."""

CALM = {"parked": 0, "unsent": 0, "unsent_too_long": 0, "waiting_too_long": 0}


def quiet(_text: str) -> None:
    """Print nothing."""


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a stage out of the checkout's own run folder, but for the broker that may lie unpacked there."""
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))


@pytest.mark.usefixtures("run_dir")
def test_killing_any_service_in_the_middle_still_ends_every_story_right() -> None:
    seed = int(os.environ.get("GESEHEN_KILL_SEED", random.SystemRandom().randrange(10**6)))
    print(f"GESEHEN_KILL_SEED={seed}")
    with running_stage("kill", tell=quiet) as stage:
        killer = Killer(stage, random.Random(seed))  # noqa: S311  chance, not a secret
        player = Player(stage, tell=quiet, patience_seconds=120, after_step=killer.after_step)

        counts = play_all(stage, player=player)

        assert killer.killed >= set(SERVICES)
        assert {name: counts[name] for name in EXPECTED} == EXPECTED, f"seed {seed}"
        assert every_readiness(stage) == dict.fromkeys(SERVICES, CALM)


class Killer:
    """Kills a service with -9 while what a step caused is still on its way, and starts it again: each several times."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self._turn = 0
        self.killed: set[str] = set()

    def after_step(self, _story: Story, _number: int) -> None:
        """Kill the next service in turn after every few steps, a moment after its answer."""
        self._turn += 1
        if self._turn % KILL_EVERY:
            return
        name = SERVICES[(self._turn // KILL_EVERY) % len(SERVICES)]
        time.sleep(self._chance.uniform(0, 0.05))
        self._stage.kill(name)
        self._stage.start(name)
        self.killed.add(name)


def every_readiness(stage: Stage) -> dict[str, dict[str, int]]:
    """Return the counts of every service once all are ready."""
    stage.wait_until_ready(*SERVICES)
    counts = {name: httpx2.get(f"{stage.url(name)}/ready", timeout=10).json()["counts"] for name in SERVICES}
    return {name: {one: found[one] for one in CALM} for name, found in counts.items()}  # emergencies are none of ours
