"""Watches over the processes of a stage that stays up: an end that nobody asked for is said aloud, and the process is
started again, as Compose and systemd do. One that ends again and again is left alone, and that is said too.

Another shell may ask for a start (`python -m ops.demo --restart intake`): it leaves a request in the stage's folder,
and the stage itself starts the process, so that it ends with the stage like every other.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ops import processes
from ops.errors import OpsError
from ops.operator_file import operator_file_of
from ops.run_folder import private_folder
from ops.stage import Stage

Tell = Callable[[str], None]

PATIENCE_SECONDS: Final = 30.0
MOST_ENDS: Final = 5
"""A process that ends more often than this within `ENDS_SECONDS` is not started again by itself."""
ENDS_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1


class NothingByThatName(OpsError):
    """Raised when a stage is asked to start what it does not have."""

    code = "nothing_by_that_name"

    def __init__(self, name: str, stage: str) -> None:
        super().__init__(f"the stage {stage} has no process {name}")


class NotTaken(OpsError):
    """Raised when a stage did not do what it was asked for."""

    code = "not_taken"

    def __init__(self, name: str, stage: str) -> None:
        super().__init__(
            f"{name} was not started again in {PATIENCE_SECONDS:.0f} seconds; the stage {stage} does so once its "
            "stories are over: see what its own shell says"
        )


class Watch:
    """Looks again and again; remembers of whose end it has told, and when each process ended."""

    def __init__(self, stage: Stage, *, tell: Tell, restart_command: str) -> None:
        self._stage = stage
        self._tell = tell
        self._restart_command = restart_command
        self._told: set[int] = set()
        self._ends: dict[str, list[float]] = {}

    def look(self) -> None:
        """Tell of each process that has ended since, and start it again; start again what was asked for."""
        for name, process in list(self._stage.running.items()):
            code = process.poll()
            if code is not None and process.pid not in self._told:
                self._told.add(process.pid)
                self._after_end(name, code)
        for request in sorted(requests_folder(self._stage.folder).glob("[a-z]*")):
            self._restart(request)

    def _after_end(self, name: str, code: int) -> None:
        now = time.monotonic()
        ends = [at for at in self._ends.get(name, []) if now - at < ENDS_SECONDS]
        self._ends[name] = [*ends, now]
        if len(ends) < MOST_ENDS:
            self._stage.start(name)
            self._tell(f"\n{name} has ended ({_how(code)}) and was started again")
        else:
            self._tell(
                f"\n{name} has ended ({_how(code)}), again and again; start it with: {self._restart_command} {name}"
            )

    def _restart(self, request: Path) -> None:
        name = request.name
        if name in self._stage.running:
            processes.stop(self._stage.running[name])
            self._stage.start(name)
            self._tell(f"\n{name} was started again")
        request.unlink(missing_ok=True)


def ask_for_restart(stage: str, name: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask a running stage to start one of its processes again; return when it has."""
    folder = operator_file_of(stage).parent
    if not (folder / "logs" / f"{name}.log").exists():
        raise NothingByThatName(name, stage)
    request = private_folder(requests_folder(folder)) / name
    request.touch(mode=0o600)
    until = time.monotonic() + seconds
    while request.exists():
        if time.monotonic() > until:
            request.unlink(missing_ok=True)
            raise NotTaken(name, stage)
        time.sleep(_LOOK_SECONDS)


def requests_folder(folder: Path) -> Path:
    """Return where a stage looks for requests."""
    return folder / "restart"


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
