"""A stage that stays up tells of every end that nobody asked for, and starts again what it is asked to."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import processes, provision
from ops.errors import StageNotRunning
from ops.operator_file import NAME
from ops.run_folder import stage_folder, stage_path
from ops.stage_lock import lock_file, only_one
from ops.watch import MOST_ENDS, NothingByThatName, NotTaken, Watch, ask_for_restart


class SmallStage:
    """A stage with one process that does nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "logs").mkdir()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.start("intake")

    def start(self, name: str) -> None:
        """Start it, or another in its place."""
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        self.running[name] = processes.start(command, env={}, cwd=self.folder, log=self.folder / "logs" / f"{name}.log")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStage]:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    made = SmallStage(stage_folder("small"))
    yield made
    for process in made.running.values():
        processes.kill(process)


@pytest.fixture
def lock(stage: SmallStage) -> Iterator[None]:
    """Hold the stage's lock, as its launcher does."""
    (stage.folder / NAME).touch()
    with only_one("small"):
        yield


def watching(stage: SmallStage, told: list[str]) -> Watch:
    return Watch(stage, tell=told.append, restart_command="restart")  # type: ignore[arg-type]  # as much of a stage as is used


def test_a_killed_service_is_told_once_and_started_again(stage: SmallStage) -> None:
    told: list[str] = []
    watch = watching(stage, told)
    watch.look()

    processes.kill(stage.running["intake"])
    watch.look()
    watch.look()

    assert told == ["\nintake has ended (signal 9) and was started again"]
    assert stage.running["intake"].poll() is None


def test_one_that_ends_again_and_again_is_left_alone_with_the_command_that_starts_it(stage: SmallStage) -> None:
    told: list[str] = []
    watch = watching(stage, told)

    for _ in range(MOST_ENDS + 1):
        processes.kill(stage.running["intake"])
        watch.look()
    watch.look()

    assert len(told) == MOST_ENDS + 1
    assert told[-1] == "\nintake has ended (signal 9), again and again; start it with: restart intake"
    assert stage.running["intake"].poll() is not None


@pytest.mark.usefixtures("lock")
def test_another_shell_has_a_killed_service_started_again(stage: SmallStage) -> None:
    told: list[str] = []
    watch = watching(stage, told)
    processes.kill(stage.running["intake"])
    watch.look()
    asking = threading.Thread(target=ask_for_restart, args=("small", "intake"))
    asking.start()

    while asking.is_alive():
        watch.look()

    assert stage.running["intake"].poll() is None
    assert told[1:] == ["\nintake was started again"]


@pytest.mark.usefixtures("lock")
def test_a_stage_that_does_not_take_the_request_is_not_waited_for_and_does_not_find_it_later(stage: SmallStage) -> None:
    before = stage.running["intake"].pid
    with pytest.raises(NotTaken):
        ask_for_restart("small", "intake", seconds=0)

    watching(stage, []).look()

    assert stage.running["intake"].pid == before


@pytest.mark.usefixtures("lock")
def test_what_the_stage_does_not_have_is_not_asked_for() -> None:
    with pytest.raises(NothingByThatName):
        ask_for_restart("small", "nosuch")


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("name", ["small", "nosuch"])
def test_a_stage_that_does_not_run_is_said_and_no_folder_is_made_for_it(name: str) -> None:
    with pytest.raises(StageNotRunning):
        ask_for_restart(name, "intake")

    assert not stage_path("nosuch").exists()


def test_a_launcher_that_was_killed_leaves_no_running_stage(stage: SmallStage) -> None:
    (stage.folder / NAME).touch()
    lock_file("small").touch()

    with pytest.raises(StageNotRunning):
        ask_for_restart("small", "intake")


def test_a_command_for_a_stage_that_does_not_run_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))

    assert provision.main(["remove-recipient", "lvr-klinik", "--stage", "nosuch"]) == 1

    assert capsys.readouterr().err.startswith("stage_not_running: no stage nosuch runs here")
    assert not (tmp_path / "stage").exists()
