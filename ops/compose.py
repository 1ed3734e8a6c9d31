"""Makes what `docker-compose.yml` mounts: `python -m ops.compose FOLDER`, run by its job `prepare` before all else.

One folder is one volume, and a volume is mounted into one container only: no service sees another's password or key.
A second run changes nothing but the broker's definitions, which follow the topology.
"""

import argparse
import base64
import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ops import signing_key, stage_secrets
from ops.accounts import Accounts
from ops.broker import all_definitions
from ops.run_folder import write_private
from shared.topology import CARE, GATE, MAX_MESSAGE_BYTES, PROVISIONER, SERVICES, Version

BROKER: Final = "broker:5672"
MANAGEMENT: Final = "broker:15672"
STAGE: Final = "compose"  # what `ops.provision --stage` is told in the container `operate`
BROKER_VERSION: Final[Version] = (4, 1, 0)
SERVICE_UID: Final = 10001  # the user of the images of services and operations
ANYBODY: Final = 0o444  # other images have users of their own; the volume is what keeps everybody else out
OWNER_ONLY: Final = 0o600
CONFIG: Final[Mapping[str, str | int]] = {
    "load_definitions": "/config/definitions.json",
    "max_message_size": MAX_MESSAGE_BYTES,
    "disk_free_limit.absolute": "1GB",
}


def prepare(root: Path) -> None:
    """Write all volumes; passwords, keys and tokens are made once."""
    operator = root / "operator"
    accounts = Accounts(operator / "stage" / STAGE / "accounts.json")
    stage_secrets.make_tokens(operator)
    tokens = (operator / "tokens.sha256.json").read_text(encoding="utf-8")
    for service in SERVICES:
        _keep(root / service / "master.key", base64.b64encode(secrets.token_bytes(32)).decode())
        _put(root / service / "tokens.json", tokens)
        _put(root / service / "env" / "BROKER_URL", _url(accounts, service, f"/{CARE}"))
    stage_secrets.make_gate_key(root / GATE)
    _put(operator / "gate.public.json", (root / GATE / "gate.public.json").read_text(encoding="utf-8"))
    signing_key.make(root / GATE)
    public = (root / GATE / signing_key.PUBLIC_FILE).read_text(encoding="utf-8")
    _put(operator / signing_key.PUBLIC_FILE, public)
    admin = f"http://{PROVISIONER}:{accounts.password(PROVISIONER)}@{MANAGEMENT}"
    _put(operator / "env" / "GESEHEN_BROKER_ADMIN_URL", admin)
    _put(root / GATE / "env" / "RECIPIENTS_BROKER_URL", _url(accounts, GATE, ""))
    password = _keep(root / "database" / "password", secrets.token_urlsafe(24))
    _put(root / GATE / "pgpass", f"*:*:*:consent:{password}")
    definitions = all_definitions(accounts, [], version=BROKER_VERSION, with_provisioner=True)
    _put(root / "broker" / "definitions.json", json.dumps(definitions, indent=2))
    _put(root / "broker" / "rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in CONFIG.items()))
    _hand_over(root)


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.compose", description=__doc__)
    parser.add_argument("folder", type=Path)
    prepare(parser.parse_args(arguments).folder)
    return 0


def _url(accounts: Accounts, service: str, vhost: str) -> str:
    return f"amqp://{service}:{accounts.password(service)}@{BROKER}{vhost}"


def _put(path: Path, text: str) -> None:
    write_private(path, text + "\n" if not text.endswith("\n") else text)


def _keep(path: Path, text: str) -> str:
    if not path.exists():
        _put(path, text)
    return path.read_text(encoding="utf-8").strip()


def _hand_over(root: Path) -> None:
    """Let each container's user read its own volume; only the operator may write, when a recipient is added."""
    for volume in ("broker", "database"):
        for path in _all_in(root / volume):
            path.chmod(0o755 if path.is_dir() else ANYBODY)
    for volume in (*SERVICES, "operator"):
        for path in _all_in(root / volume):
            path.chmod(0o700 if path.is_dir() else OWNER_ONLY)
            if os.geteuid() == 0:
                os.chown(path, SERVICE_UID, SERVICE_UID)


def _all_in(folder: Path) -> list[Path]:
    return [folder, *folder.rglob("*")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
