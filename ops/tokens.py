"""Tokens for named people: `python -m ops.tokens FILE add|list|revoke`. A service keeps hashes, the person the token.

The file (`TOKENS_FILE` of a service) is replaced whole; a running service reads it again by itself. What somebody did
stands under their `caller_id` in logs, ledgers and audits, so each person gets one of their own, and never another's.
"""

import argparse
import hashlib
import json
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.errors import OpsError, TokensRefused, report
from ops.run_folder import write_private
from shared.web import Role

_CALLER_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")

Rows = list[dict[str, str]]


def add(path: Path, *, caller_id: str, role: Role) -> str:
    """Give somebody a token for a role; return it. It is shown this once, and stands nowhere else."""
    if not _CALLER_ID.fullmatch(caller_id):
        raise TokensRefused("caller_id must be 8 to 64 letters, digits, hyphens or underscores")
    rows = _read(path)
    if any((row["caller_id"], row["role"]) == (caller_id, role.value) for row in rows):
        raise TokensRefused("caller_id has a token for this role: revoke it first")
    token = secrets.token_urlsafe(24)
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    _write(path, [*rows, {"sha256": sha256, "role": role.value, "caller_id": caller_id}])
    return token


def revoke(path: Path, *, caller_id: str) -> int:
    """Take all tokens of somebody away; return how many there were. From the next request on they open nothing."""
    rows = _read(path)
    left = [row for row in rows if row["caller_id"] != caller_id]
    if len(left) == len(rows):
        raise TokensRefused("caller_id has no token in this file")
    _write(path, left)
    return len(rows) - len(left)


def listed(path: Path) -> Rows:
    """Return who holds a token for which role."""
    return [{"caller_id": row["caller_id"], "role": row["role"]} for row in _read(path)]


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.tokens", description=__doc__)
    parser.add_argument("file", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help="print a new token for somebody")
    adding.add_argument("--role", type=Role, choices=list(Role), required=True)
    adding.add_argument("--caller-id", required=True)
    commands.add_parser("list", help="who holds a token for which role")
    commands.add_parser("revoke", help="take somebody's tokens away").add_argument("--caller-id", required=True)
    said = parser.parse_args(arguments)
    try:
        if said.command == "add":
            print(add(said.file, caller_id=said.caller_id, role=said.role))
        elif said.command == "revoke":
            print(json.dumps({"revoked": revoke(said.file, caller_id=said.caller_id)}))
        else:
            for row in listed(said.file):
                print(json.dumps(row))
    except OpsError as error:
        return report(error)
    return 0


def _read(path: Path) -> Rows:
    if not path.parent.is_dir():  # a slip would give tokens that no service knows
        raise TokensRefused(f"there is no folder for {path.name}")
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["tokens"]
        return [{name: str(row[name]) for name in ("sha256", "role", "caller_id")} for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise TokensRefused(f"{path.name} is no file of tokens") from None


def _write(path: Path, rows: Rows) -> None:
    write_private(path, json.dumps({"tokens": rows}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
