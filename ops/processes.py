"""Start and end processes so that none outlives us: not after Ctrl-C, an error, or `kill -9` of the launcher."""

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from ops.errors import DiskFull, NoLoopback, PortBusy

LOCALHOST = "127.0.0.1"
# Below the range from which the system takes the ports of outgoing connections, so that none is lost to one of them.
PORTS = range(20_000, 32_000)
PRIVATE = 0o077
"""The umask of all that is started: what it writes can be read by its owner only."""


def start(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own (Ctrl-C does not reach it) that gets SIGTERM when its starter dies.

    The kernel watches the starting *thread*: start from one that lives as long as the process shall.
    """
    guard = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    log.touch(mode=0o600)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - commands are ours, never input
            [*guard, *map(str, command)],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=PRIVATE,
        )


def stop(process: subprocess.Popen[bytes], *, patience: float = 20) -> None:
    """Ask a process to end, insist after a while, and take what is left of its session along."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        pass
    finally:  # also when a second Ctrl-C interrupts the waiting
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its session at once, as `kill -9` does."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def termination_as_exit() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that `with` and `finally` clean up. Leaves foreign handlers alone."""
    ours = (signal.SIGTERM, signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    replaced = [number for number in ours if signal.getsignal(number) is signal.SIG_DFL]
    for number in replaced:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


def free_ports(count: int) -> list[int]:
    """Return distinct ports on 127.0.0.1 that nobody listens on now."""
    candidates = random.SystemRandom().sample(PORTS, len(PORTS))
    _ensure_loopback()
    free = list(itertools.islice(filter(is_free, candidates), count))
    if len(free) < count:
        raise PortBusy(PORTS[0], "anything")
    return free


def _ensure_loopback() -> None:
    """Refuse to go on where 127.0.0.1 cannot be reached; binding to it may work all the same."""
    with socket.socket() as server, socket.socket() as caller:
        try:
            server.bind((LOCALHOST, 0))
            server.listen()
            caller.settimeout(5)
            caller.connect(server.getsockname())
        except OSError as error:
            raise NoLoopback(error.strerror or type(error).__name__) from None


def is_free(port: int) -> bool:
    """Tell whether a port on 127.0.0.1 can be bound, as a server would bind it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
    return True


def ensure_disk(folder: Path, *, needed_mb: int) -> None:
    """Refuse to start what would soon stop for want of space."""
    free_mb = shutil.disk_usage(folder).free // 1024**2
    if free_mb < needed_mb:
        raise DiskFull(folder, free_mb=free_mb, needed_mb=needed_mb)


def last_lines(*logs: Path, count: int = 10) -> str:
    """Return what logs tell about a failure: the first lines marked as errors, else the last lines."""
    lines = [line for log in logs if log.exists() for line in _telling(log, count=count)]
    return "\n".join(f"  {line[:240]}" for line in lines) or "  (empty)"


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return what a process of ours is started with: of the shell only what no service reads its settings from."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG", "TZ") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **own}


def _telling(log: Path, *, count: int) -> list[str]:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return [line for line in lines if "[error]" in line][:count] or lines[-count:]


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
