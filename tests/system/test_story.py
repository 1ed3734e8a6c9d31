"""The stories as a whole, everything real; with every service killed in the middle in `tests/evidence`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.run_folder import CHECKOUT
from ops.story_file import StoryInvalid, read_stories
from shared.town import USUAL

pytestmark = pytest.mark.system

EXPECTED = {"notices": 25, "opened": 23, "disclosed_fields": 15, "withheld_fields": 33, "leaks": 0}
"""What the stories come to, however they are played: 48 marked fields, of which somebody outside got fifteen."""


OF_ANOTHER_TOWN = {"notices": 3, "opened": 3, "disclosed_fields": 3, "leaks": 0}


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a stage out of the checkout's own run folder, but for the broker that may lie unpacked there."""
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))


@pytest.mark.usefixtures("run_dir")
def test_make_story_ends_with_its_counts_and_leaves_nothing_running() -> None:
    command = [sys.executable, "-m", "ops.demo", "--once"]

    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)

    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    counts = json.loads(ended.stdout.strip().splitlines()[-1])
    assert {name: counts[name] for name in EXPECTED} == EXPECTED
    assert counts["events"] > 0
    assert processes_mentioning(os.environ["GESEHEN_RUN_DIR"]) == []


@pytest.mark.usefixtures("run_dir")
def test_the_stories_of_another_town_come_out_right_in_its_folder_alone() -> None:
    command = [sys.executable, "-m", "ops.demo", "--once", "--town", str(USUAL.parent / "musterstadt")]

    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)

    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    counts = json.loads(ended.stdout.strip().splitlines()[-1])
    assert {name: counts[name] for name in OF_ANOTHER_TOWN} == OF_ANOTHER_TOWN


def processes_mentioning(text: str) -> list[str]:
    """Return the command lines and environments of processes that belong to a run folder."""
    found = subprocess.run(["ps", "axeww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    own = str(os.getpid())
    return [line[:200] for line in found.splitlines() if text in line and "ps axeww" not in line and own not in line]


def test_a_story_with_an_unknown_word_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1-bad.toml"
    path.write_text('title = "x"\nabout = "x"\n[[step]]\nsay = "x"\nexpects = {}\n', encoding="utf-8")

    with pytest.raises(StoryInvalid):
        read_stories(tmp_path)
