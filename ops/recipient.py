"""Who may be given credentials: a recipient with a registered public key and a secrecy commitment, nobody else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ops.errors import RegistrationInvalid
from shared.topology import is_recipient_id


@dataclass(frozen=True, slots=True)
class SecrecyCommitment:
    """The record that a recipient was bound to secrecy: who signed, when, and where the paper is."""

    signed_on: date
    signed_by: str
    document: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What the operator has on a recipient before it gets an account."""

    recipient_id: str
    public_key: Mapping[str, str]
    secrecy_commitment: SecrecyCommitment


def read_registration(path: Path) -> Registration:
    """Read a registration file; what else it holds is for others."""
    return registration(_object_in(path))


def read_public_key(path: Path, *, field: str) -> Mapping[str, str]:
    """Read a file with a public key."""
    return public_key(_object_in(path), field=field)


def registration(said: Mapping[str, Any]) -> Registration:  # Any: untrusted JSON, checked here field by field
    """Check a registration field by field."""
    return Registration(
        recipient_id=recipient_id(said.get("recipient_id")),
        public_key=public_key(said.get("public_key"), field="public_key"),
        secrecy_commitment=_commitment(said.get("secrecy_commitment")),
    )


def recipient_id(said: object) -> str:
    """Check a name that is to become a vhost and an account."""
    if not isinstance(said, str) or not is_recipient_id(said):
        raise RegistrationInvalid("recipient_id", "must be 3 to 40 of a-z, 0-9 and -, and no name of our own")
    return said


def public_key(said: object, *, field: str) -> Mapping[str, str]:
    """Check a public key: a JWK on the curve P-256 without its private half."""
    if not isinstance(said, Mapping):
        raise RegistrationInvalid(field, "is missing: register the public key that the owner made")
    if "d" in said:
        raise RegistrationInvalid(f"{field}.d", "is the private half, which must never leave its owner")
    for name, wanted in {"kty": "EC", "crv": "P-256"}.items():
        if said.get(name) != wanted:
            raise RegistrationInvalid(f"{field}.{name}", f"must be {wanted}")
    point = {name: str(said.get(name, "")) for name in ("kty", "crv", "x", "y")}
    try:
        ECKey.import_key({**point})
    except (JoseError, ValueError):
        raise RegistrationInvalid(field, "is no point on the curve P-256") from None
    return MappingProxyType(point)


def _object_in(path: Path) -> Mapping[str, Any]:  # Any: untrusted JSON
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RegistrationInvalid(path.name, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise RegistrationInvalid(path.name, "is not a JSON file") from None
    if not isinstance(said, dict):
        raise RegistrationInvalid(path.name, "must hold one JSON object")
    return said


def _commitment(said: object) -> SecrecyCommitment:
    field = "secrecy_commitment"
    if not isinstance(said, Mapping):
        raise RegistrationInvalid(field, "is missing: nobody gets credentials who was not bound to secrecy")
    return SecrecyCommitment(
        signed_on=_day(said.get("signed_on"), field=f"{field}.signed_on"),
        signed_by=_text(said.get("signed_by"), field=f"{field}.signed_by"),
        document=_text(said.get("document"), field=f"{field}.document"),
    )


def _day(said: object, *, field: str) -> date:
    try:
        return date.fromisoformat(said) if isinstance(said, str) else _missing(field)
    except ValueError:
        raise RegistrationInvalid(field, "must be a day like 2026-01-31") from None


def _text(said: object, *, field: str) -> str:
    return said.strip() if isinstance(said, str) and said.strip() else _missing(field)


def _missing(field: str) -> Any:  # Any: never returns
    raise RegistrationInvalid(field, "is missing")
