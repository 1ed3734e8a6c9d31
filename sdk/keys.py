"""The recipient's key: made here, stays here. Seals commands for the gate, unseals its answers.

JWE compact, ECDH-ES on P-256 with A256GCM, as RFC 7516 and 7518 have it; any JOSE library can do the same.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any  # joserfc keeps headers and JWKs as dict[str, Any]

from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey

from sdk.errors import BadFile, UnreadableAnswer

MAX_MESSAGE_BYTES = 262_144
"""What the broker takes at most (256 KiB); a larger message closes the channel."""

_ALGORITHMS = ("ECDH-ES", "A256GCM")


class _Registry(JWERegistry):
    # joserfc refuses more than 64 KiB of ciphertext; the wire allows as much as the broker does.
    max_ciphertext_length = MAX_MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What was inside a sealed message, with its protected header."""

    plaintext: bytes = field(repr=False)
    header: Mapping[str, Any]


def make_key_pair(name: str, folder: Path) -> tuple[Path, Path]:
    """Write `<name>.key.json` (private, mode 0600) and `<name>.public.json`; refuse to overwrite either."""
    key = ECKey.generate_key("P-256")
    private, public = folder / f"{name}.key.json", folder / f"{name}.public.json"
    if taken := [path for path in (private, public) if path.exists()]:
        raise BadFile(f"{taken[0]} is there already; move it away first")
    folder.mkdir(parents=True, exist_ok=True)
    _write_new(private, key.as_dict(private=True), mode=0o600)
    _write_new(public, key.as_dict(private=False), mode=0o644)
    return private, public


def read_private_key(path: Path) -> ECKey:
    """Read the recipient's own key."""
    key = read_key(read_json(path), name=str(path))
    if not key.is_private:
        raise BadFile(f"{path} holds the public half only; the private one is needed here")
    return key


def read_key(jwk: Mapping[str, Any], *, name: str) -> ECKey:
    """Read a JWK; `name` is how an error calls it."""
    try:
        key = ECKey.import_key(dict(jwk))
        curve = key.curve_name
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadFile(f"{name} is not an EC key in JWK form") from None  # the cause would quote the key
    if curve != "P-256":
        raise BadFile(f"{name} must be on the curve P-256")
    return key


def seal(plaintext: bytes, *, to: ECKey) -> bytes:
    """Encrypt for the holder of the key."""
    protected = {"alg": "ECDH-ES", "enc": "A256GCM"}
    return encrypt_compact(protected, plaintext, to, registry=_Registry(algorithms=_ALGORITHMS)).encode()


def unseal(token: bytes, *, key: ECKey) -> Unsealed:
    """Decrypt what was sealed for this key."""
    try:
        opened = decrypt_compact(token, key, registry=_Registry(algorithms=_ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise UnreadableAnswer(f"an answer could not be decrypted ({type(error).__name__})") from None
    return Unsealed(plaintext=opened.plaintext or b"", header=opened.protected)


def thumbprint(key: ECKey) -> str:
    """Return the key's RFC 7638 thumbprint, to be read out when the public half is registered."""
    return key.thumbprint()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file; the error names the file only."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise BadFile(f"{path} is not JSON") from None
    if not isinstance(value, dict):
        raise BadFile(f"{path} is not a JSON object")
    return value


def _write_new(path: Path, jwk: Mapping[str, Any], *, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(jwk, file, indent=2)
        file.write("\n")
