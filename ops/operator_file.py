"""What an operator needs to look at all that runs: addresses, a token, the monitoring account. One private file.

A stage leaves it in its folder while it runs; for any other installation it is written by hand (docs/operations.md).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ops.errors import OpsError, StageNotRunning
from ops.management import Management
from ops.run_folder import stage_path, write_private
from ops.stage_lock import is_running

NAME: Final = "operator.json"


class OperatorFileInvalid(OpsError):
    """Raised when the file is missing or not what it should be; names the file and the field."""

    code = "operator_file_invalid"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True)
class OperatorFile:
    """Where everything is, and as whom an operator asks."""

    services: Mapping[str, str]  # name -> base URL
    token: str = field(repr=False)
    broker: Management
    metrics: Mapping[str, str] = field(default_factory=dict)
    """Name to the page that Prometheus reads, as far as there is one."""

    def write(self, path: Path) -> None:
        """Write it so that only its owner may read it."""
        broker = {"url": self.broker.url, "user": self.broker.user, "password": self.broker.password}
        said: dict[str, object] = {"services": dict(self.services), "operator_token": self.token, "management": broker}
        said |= {"metrics": dict(self.metrics)} if self.metrics else {}
        write_private(path, json.dumps(said, indent=2) + "\n")


def read_operator_file(path: Path) -> OperatorFile:
    """Read the file; an error names the field."""
    said = _object_in(path)
    try:
        broker = said["management"]
        services = {str(name): str(url) for name, url in said["services"].items()}
        metrics = {str(name): str(url) for name, url in said.get("metrics", {}).items()}
        return OperatorFile(services, str(said["operator_token"]), Management(**broker), metrics)
    except KeyError as error:
        raise OperatorFileInvalid(path, f"{error.args[0]} is missing") from None
    except (AttributeError, TypeError):
        raise OperatorFileInvalid(path, "needs services (name: URL), operator_token, management") from None


def operator_file_of(stage: str) -> Path:
    """Return where a running stage has left the file; raise StageNotRunning if there is none that runs."""
    path = stage_path(stage) / NAME
    if not (path.exists() and is_running(stage)):
        raise StageNotRunning(stage)
    return path


def _object_in(path: Path) -> dict[str, Any]:  # Any: JSON values
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OperatorFileInvalid(path, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise OperatorFileInvalid(path, "is not a JSON file") from None
    if not isinstance(said, dict):
        raise OperatorFileInvalid(path, "must hold one JSON object")
    return said
