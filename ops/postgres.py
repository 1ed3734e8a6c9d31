"""A private PostgreSQL cluster for tests and measurements: own folder, port and password; gone when it stops.

Only installed binaries are used, and never a cluster that runs already. Client programs of the same installation do
the rest, so no driver is needed here.
"""

import os
import pwd
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops.errors import OpsError
from ops.processes import LOCALHOST, free_ports, kill, last_lines, start, termination_as_exit
from ops.run_folder import write_private

INSTALLED: Final = (
    "usr/lib/postgresql/*/bin",  # Debian
    "usr/pgsql-*/bin",  # RPM
    "usr/local/bin",  # the container image
    "opt/homebrew/opt/postgresql*/bin",
)
USER: Final = "gesehen"
BOOT_SECONDS: Final = 30
UNPRIVILEGED: Final = "nobody"  # PostgreSQL refuses root
_END_WITH_STARTER: Final = ("--pdeathsig", "INT")


class PostgresMissing(OpsError):
    """Raised when no PostgreSQL is installed."""

    code = "postgres_missing"

    def __init__(self) -> None:
        super().__init__("no PostgreSQL server is installed (Debian: apt-get install postgresql)")


class PostgresDidNotStart(OpsError):
    """Raised when the private cluster could not be made or started; nothing of it is left running."""

    code = "postgres_did_not_start"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the private PostgreSQL did not start: {reason}")


def find_postgres(root: Path = Path("/")) -> Path | None:
    """Return the folder with the programs of the newest installed server, or None."""
    found = [programs for pattern in INSTALLED for programs in root.glob(pattern) if (programs / "initdb").exists()]
    return max(found, key=_version, default=None)


@contextmanager
def private_postgres(folder: Path, *, durable: bool = True) -> Iterator["Postgres"]:
    """Give a cluster that ends with the block, however the block ends. `durable=False` skips the disk's syncs."""
    programs = find_postgres()
    if programs is None:
        raise PostgresMissing
    with termination_as_exit(), tempfile.TemporaryDirectory(prefix="gesehen-pg-") as reachable:
        # A folder of root's is closed to the user that root has to step down to.
        home = Path(reachable) if os.geteuid() == 0 else folder
        cluster = Postgres(programs, home / "postgres", port=free_ports(1)[0], durable=durable)
        try:
            cluster.create()
            yield cluster
        finally:
            cluster.stop()


@dataclass(slots=True)
class Postgres:
    """One cluster with any number of databases."""

    programs: Path
    folder: Path
    port: int
    durable: bool = True
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    _server: subprocess.Popen[bytes] | None = None
    _names: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """Return the address of a database, password included; make it if it was not asked for before."""
        if name not in self._names:
            self._run("createdb", *self._place(), name)
            self._names.add(name)
        return f"postgresql+psycopg://{USER}:{self.password}@{LOCALHOST}:{self.port}/{name}"

    def create(self) -> None:
        """Make an empty cluster and start it."""
        self.folder.mkdir(mode=0o700, parents=True)
        write_private(self.folder / "password", self.password)
        for path in (self.folder.parent, self.folder, self.folder / "password"):
            self._give_away(path)
        options = ("--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
        self._run("initdb", *options, "--pwfile", self.folder / "password", "--pgdata", self.folder / "data")
        self.start()

    def start(self) -> None:
        """Start with the data that is there; return when it answers."""
        settings = {
            "listen_addresses": LOCALHOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
            "fsync": "on" if self.durable else "off",
            "max_wal_size": "256MB",
        }
        command = (str(self.programs / "postgres"), "-D", str(self.folder / "data"))
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = self.folder / "server.log"
        self._server = start([*_as(UNPRIVILEGED), *command, *flags], env=self._environment(), cwd=self.folder, log=log)
        self._wait_until_it_answers(log)

    def stop(self) -> None:
        """End it as a power failure would; what was committed is there after the next start."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGQUIT)
        try:
            self._server.wait(10)
        finally:
            kill(self._server)
            self._server = None

    def _wait_until_it_answers(self, log: Path) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while self._run("pg_isready", *self._place(), "--quiet", check=False) != 0:
            ended = self._server is None or self._server.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                raise PostgresDidNotStart(f"last lines of {log}:\n{last_lines(log)}")
            time.sleep(0.05)

    def _place(self) -> tuple[str, ...]:
        return ("--host", LOCALHOST, "--port", str(self.port), "--username", USER)

    def _environment(self) -> Mapping[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(self.folder), "PGPASSWORD": self.password}

    def _run(self, program: str, *arguments: str | Path, check: bool = True) -> int:
        command = [*_as(UNPRIVILEGED), str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(  # noqa: S603 - commands are ours, never input
            command, env=self._environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise PostgresDidNotStart(f"{program} failed: {done.stderr.strip()}")
        return done.returncode

    def _give_away(self, path: Path) -> None:
        if os.geteuid() == 0:
            other = pwd.getpwnam(UNPRIVILEGED)
            os.chown(path, other.pw_uid, other.pw_gid)


def _as(user: str) -> Sequence[str]:
    """Return what has to stand before a command so that root steps down for it."""
    if os.geteuid() != 0:
        return ()
    # Stepping down undoes the request to end with the starter, so it is made again.
    return ("setpriv", "--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups", *_END_WITH_STARTER)


def _version(programs: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in programs.parent.name.removeprefix("pgsql-").split(".") if part.isdigit())
