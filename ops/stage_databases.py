"""The databases of a stage, brought to the newest state before the services start."""

import sys
from collections.abc import Mapping
from pathlib import Path

from ops import processes
from ops.errors import OpsError
from ops.run_folder import CHECKOUT


class NotMigrated(OpsError):
    """Raised when a database could not be set up; the error in its log says why."""

    code = "not_migrated"

    def __init__(self, service: str, log: Path) -> None:
        super().__init__(f"the database of {service} could not be migrated: {_error_in(log)} (all of it: {log})")


def migrate(databases: Mapping[str, str], *, logs: Path) -> None:
    """Migrate all, given by address, at once; raise NotMigrated for the first that fails."""
    logs_of = {service: logs / f"{service}.migration.log" for service in databases}
    running = {
        service: processes.start(
            [sys.executable, "-m", "shared.migrations", f"services/{service}"],
            env=processes.environment({"DATABASE_URL": url}),
            cwd=CHECKOUT,
            log=logs_of[service],
        )
        for service, url in databases.items()
    }
    failed = [service for service, process in running.items() if process.wait() != 0]
    if failed:
        raise NotMigrated(failed[0], logs_of[failed[0]])


def _error_in(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if "Error" in line]
    return lines[-1] if lines else "its log is empty"
