"""Eight people, from the first word to the last, each with what every observer saw: everything real, all providers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops.demo import PEOPLE
from ops.run_folder import CHECKOUT
from ops.story_file import read_stories
from tests.evidence.conftest import Note

WHO = ("hungry", "rough", "debts", "depression", "addiction", "papers", "staff", "nothing")


def test_there_is_a_story_for_each_of_the_eight() -> None:
    names = [story.name for story in read_stories(PEOPLE)]

    assert [next(who for who in WHO if who in name) for name in names] == list(WHO)


def test_every_story_says_at_its_end_what_every_observer_saw() -> None:
    desks = {item["recipient_id"] for item in json.loads((PEOPLE / "recipients.json").read_text())["recipients"]}

    seen = [{desk for step in story.steps[-2:] for desk in step.get("heard", {})} for story in read_stories(PEOPLE)]

    assert seen == [desks] * len(WHO)


def test_every_story_comes_out_right_and_nothing_leaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: Note
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    command = [sys.executable, "-m", "ops.demo", "--once", "--people"]

    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=900, check=False)

    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    counts = json.loads(ended.stdout.strip().splitlines()[-1])
    assert (counts["leaks"], counts["disclosed_fields"], counts["opened"]) == (0, 20, 13)
    note("eight people, what every observer saw", size=len(WHO), of="stories", result=counts["leaks"], seed=None)
