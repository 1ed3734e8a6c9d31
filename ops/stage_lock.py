"""Who runs a stage: a file that the system locks and lets go of, however the launcher ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.errors import OpsError
from ops.run_folder import stage_folder, stage_path


class StageBusy(OpsError):
    """Raised when a stage of that name runs already: its folder is not ours to wipe."""

    code = "stage_busy"

    def __init__(self, name: str) -> None:
        super().__init__(f"the stage {name} runs already in another shell; end it there, or choose another --stage")


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """Hold the stage's lock; raise StageBusy if somebody else does."""
    stage_folder(name)
    with lock_file(name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageBusy(name) from None
        yield


def is_running(name: str) -> bool:
    """Tell whether somebody holds the lock of a stage; a launcher that was killed holds none."""
    path = lock_file(name)
    if not path.exists():
        return False
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def lock_file(name: str) -> Path:
    """Return the file that a stage locks while it runs (`ops.bootstrap` looks at it too)."""
    return stage_path(name).with_name(f"{name}.lock")
