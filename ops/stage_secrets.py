"""The secrets of a stage: master keys, the gate's key, role tokens. Files that only their owner may read."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from ops.run_folder import write_private
from shared.topology import SERVICES

ROLES = ("intake_worker", "assessor", "outreach_worker", "lead", "person_desk", "operator")


def make_master_keys(folder: Path) -> None:
    """Give each service a master key of its own: 32 random bytes in base64."""
    for service in SERVICES:
        make_master_key(folder / f"{service}.master.key")


def make_master_key(path: Path) -> None:
    """Make the key that wraps the person keys of one service, if there is none."""
    if not path.exists():
        write_private(path, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")


def make_gate_key(folder: Path) -> dict[str, Any]:  # Any: a JWK
    """Make the gate's key pair (EC P-256, JWK) if there is none; return the public half."""
    path = folder / "gate.key.json"
    if not path.exists():
        key = ECKey.generate_key("P-256")
        write_private(path, json.dumps(key.as_dict(private=True)) + "\n")
    private = ECKey.import_key(json.loads(path.read_text(encoding="utf-8")))
    public = dict(private.as_dict(private=False))
    write_private(folder / "gate.public.json", json.dumps(public) + "\n")
    return public


def make_tokens(folder: Path) -> dict[str, str]:
    """Make a token per role: the services get hashes, the people the tokens. Return role -> token."""
    people = folder / "tokens.json"
    if not people.exists():
        write_private(people, json.dumps({role: secrets.token_urlsafe(24) for role in ROLES}, indent=2) + "\n")
    tokens: dict[str, str] = json.loads(people.read_text(encoding="utf-8"))
    hashed = [
        {"sha256": hashlib.sha256(token.encode()).hexdigest(), "role": role, "caller_id": f"demo-{role}"}
        for role, token in tokens.items()
    ]
    write_private(folder / "tokens.sha256.json", json.dumps({"tokens": hashed}, indent=2) + "\n")
    return tokens
