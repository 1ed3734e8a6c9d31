"""What one service alone is started with: `python -m ops.service_files SERVICE FOLDER`, for developing and trying out.

Makes its keys, `service.env`, and a token for each role, which it prints; a second run changes nothing that is there.
Run `set -a; . FOLDER/service.env; set +a`, then migrate and start it as its README says. A broker is not needed.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ops import signing_key, stage_secrets, tokens, zone_keys
from ops.run_folder import private_folder, write_private
from shared.topology import GATE, SERVICES
from shared.web import Role


def make(service: str, folder: Path) -> dict[str, str]:
    """Make the files; return the tokens by role, as far as they are new."""
    private_folder(folder)
    stage_secrets.make_master_key(folder / "master.key")
    zone_keys.rotate(folder / "zone-keys.json", today=datetime.now(UTC).date())
    values = {
        "DATABASE_URL": f"sqlite:///{folder.absolute() / service}.sqlite3",
        "KEY_STORE_URL": f"sqlite:///{folder.absolute() / 'keys.sqlite3'}",
        "JOURNAL_FOLDER": folder.absolute() / "journal",
        "MASTER_KEY_FILE": folder.absolute() / "master.key",
        "ZONE_KEYS_FILE": folder.absolute() / "zone-keys.json",
        "TOKENS_FILE": folder.absolute() / "tokens.json",
    }
    if service == GATE:
        stage_secrets.make_gate_key(folder)
        signing_key.make(folder)
        values |= {
            "GATE_KEY_FILE": folder.absolute() / "gate.key.json",
            "SIGNING_KEY_FILE": folder.absolute() / signing_key.FILE,
            "HEADS_FOLDER": folder.absolute() / "heads",
        }
    write_private(folder / "service.env", "".join(f"{name}='{value}'\n" for name, value in values.items()))
    known = {row["role"] for row in tokens.listed(folder / "tokens.json")}
    new = [role for role in Role if role.value not in known]
    return {
        role.value: tokens.add(folder / "tokens.json", caller_id=f"try-out-{role.value}", role=role) for role in new
    }


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.service_files", description=__doc__)
    parser.add_argument("service", choices=list(SERVICES))
    parser.add_argument("folder", type=Path)
    said = parser.parse_args(arguments)
    for role, token in make(said.service, said.folder).items():
        print(f"{role:14} {token}")
    print(f"set -a; . {said.folder / 'service.env'}; set +a")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
