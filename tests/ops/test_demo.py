"""What stops a start is one plain line, no traceback."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from ops import processes
from ops.demo import main
from ops.errors import NoLoopback
from ops.run_folder import stage_folder


class Disk(NamedTuple):
    """A disk as `shutil` describes it."""

    total: int
    used: int
    free: int


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of what was said as an error."""
    return capsys.readouterr().err.strip().splitlines()


def test_a_run_folder_below_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path / "file" / "run"))

    assert main(["--once"]) == 1

    [line] = lines_of(capsys)
    assert line.startswith("run_folder_unusable: cannot make the folder ")


def test_a_disk_without_room_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(1, 1, 0))

    assert main(["--once"]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip().startswith("disk_full: only 0 MB free at ")


def test_a_write_that_fails_is_said_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    (tmp_path / "stage" / "story.lock").mkdir(parents=True)

    assert main(["--once"]) == 1
    assert lines_of(capsys) == [f"cannot_write: Is a directory ({tmp_path / 'stage' / 'story.lock'})"]


def test_a_machine_without_loopback_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOCALHOST", "192.0.2.1")  # an address that no machine has

    with pytest.raises(NoLoopback, match=r"bring the loopback interface up"):
        processes.free_ports(1)


def test_what_a_process_writes_is_its_owners_alone(tmp_path: Path) -> None:
    command = ["sh", "-c", "touch here; mkdir there"]

    processes.start(command, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path, log=tmp_path / "log").wait()

    assert [(tmp_path / name).stat().st_mode & 0o077 for name in ("here", "there", "log")] == [0, 0, 0]


def test_the_folder_of_a_stage_and_those_above_are_their_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path / "run"))

    made = [stage_folder("demo"), tmp_path / "run" / "stage", tmp_path / "run"]

    assert [folder.stat().st_mode & 0o077 for folder in made] == [0, 0, 0]
