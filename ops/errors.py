"""What can go wrong before the services run: one class per reason that an operator can act on."""

import sys
from pathlib import Path


class OpsError(Exception):
    """Base of all errors of the launcher, the private broker and provisioning."""

    code = "ops_error"


def report(error: OpsError) -> int:
    """Say on standard error why a command ends; return its exit code."""
    print(f"{error.code}: {error}", file=sys.stderr)
    return 1


class BrokerBinaryMissing(OpsError):
    """Raised when no RabbitMQ is installed and none could be unpacked."""

    code = "broker_binary_missing"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no RabbitMQ to start: {reason}\n"
            "Two ways out:\n"
            "  - install RabbitMQ (Debian: apt-get install rabbitmq-server); its own node is left alone\n"
            "  - use a broker that runs already: set GESEHEN_BROKER_URL and GESEHEN_BROKER_ADMIN_URL"
            " (docs/operations.md; docker-compose.yml starts one)"
        )


class KeyFileRefused(OpsError):
    """Raised when keys are to be rotated in a file that is none, or in a folder that is not there."""

    code = "key_file_refused"


class TokensRefused(OpsError):
    """Raised when a token cannot be given or taken away; names the field or the file, and why."""

    code = "tokens_refused"


class DiskFull(OpsError):
    """Raised when too little space is left to start something that writes."""

    code = "disk_full"

    def __init__(self, folder: Path, *, free_mb: int, needed_mb: int) -> None:
        super().__init__(f"only {free_mb} MB free at {folder}, at least {needed_mb} MB are needed")


class PortBusy(OpsError):
    """Raised when a port that we were told to use is taken."""

    code = "port_busy"

    def __init__(self, port: int, purpose: str) -> None:
        super().__init__(f"port {port} on 127.0.0.1, meant for {purpose}, is in use by another process")


class NodeDidNotBoot(OpsError):
    """Raised when the private broker ended or was not ready in time; everything that it started has been ended."""

    code = "node_did_not_boot"

    def __init__(self, reason: str, *, log: Path, last_lines: str) -> None:
        super().__init__(f"the private broker did not start: {reason}\nLast lines of {log}:\n{last_lines}")


class ForeignBroker(OpsError):
    """Raised when something is asked of a broker that we did not start which we do only to our own."""

    code = "foreign_broker"


class ManagementRefused(OpsError):
    """Raised when the management API answers with an error."""

    code = "management_refused"

    def __init__(self, *, method: str, path: str, status: int, reason: str) -> None:
        super().__init__(f"the broker's management API answered {status} to {method} {path}: {reason}")


class ManagementOutOfReach(OpsError):
    """Raised when nobody answers at the address of the management API."""

    code = "management_out_of_reach"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no answer from the broker's management API at {url} ({reason})")


class RegistrationInvalid(OpsError):
    """Raised when a recipient may not be given credentials. Names the field, never its value."""

    code = "registration_invalid"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class GateRefused(OpsError):
    """Raised when the gate refuses what an operator asks; names field and reason, never the value."""

    code = "gate_refused"

    def __init__(self, *, method: str, path: str, status: int, said: str) -> None:
        super().__init__(f"the gate answered {status} to {method} {path}: {said}")
        self.status = status


class GateOutOfReach(OpsError):
    """Raised when nobody answers at the gate's address: it was told nothing."""

    code = "gate_out_of_reach"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no answer from the gate at {url} ({reason}); it was told nothing, run the command again")


class RunFolderUnusable(OpsError):
    """Raised when the run folder, or something in it, cannot be made."""

    code = "run_folder_unusable"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot make the folder {path}: {reason}; name another one with GESEHEN_RUN_DIR")


class StageNotRunning(OpsError):
    """Raised when a command is meant for a stage that does not run."""

    code = "stage_not_running"

    def __init__(self, name: str, *, otherwise: str = "name another with --stage") -> None:
        super().__init__(f"no stage {name} runs here; start it (`make demo`), or {otherwise}")


class NoLoopback(OpsError):
    """Raised when this machine has no 127.0.0.1 to listen on."""

    code = "no_loopback"

    def __init__(self, reason: str) -> None:
        super().__init__(f"nothing can listen on 127.0.0.1 ({reason}); bring the loopback interface up")
