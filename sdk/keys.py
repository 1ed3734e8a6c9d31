"""The recipient's keys: made here, stay here. Seals commands for the gate, unseals its answers.

JWE compact, ECDH-ES on P-256 with A256GCM, as RFC 7516 and 7518 have it; any JOSE library can do the same.
"""

import json
import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any  # joserfc keeps headers and JWKs as dict[str, Any]

from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey

from sdk.errors import BadFile, UnknownKey, UnreadableAnswer

MAX_MESSAGE_BYTES = 262_144
"""What the broker takes at most (256 KiB); a larger message closes the channel."""

_ALGORITHMS = ("ECDH-ES", "A256GCM")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7638 with SHA-256; anything else is not repeated in an error


class _Registry(JWERegistry):
    # joserfc refuses more than 64 KiB of ciphertext; the wire allows as much as the broker does.
    max_ciphertext_length = MAX_MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What was inside a sealed message, with its protected header."""

    plaintext: bytes = field(repr=False)
    header: Mapping[str, Any]


class KeyRing:
    """The private keys that a recipient holds: one, or while it changes its key the old and the next one."""

    def __init__(self, *keys: ECKey) -> None:
        self._keys = {thumbprint(key): key for key in keys}
        self._path: Path | None = None

    @classmethod
    def read(cls, path: Path) -> "KeyRing":
        """Read a key file, a JWK set (`{"keys": [...]}`), or a folder with `*.key.json` in it."""
        ring = cls(*_private_keys_in(path))
        ring._path = path
        return ring

    def unseal(self, token: bytes) -> Unsealed:
        """Decrypt with the key that the answer names (`kid`); one that names none is tried with each."""
        kid = _kid_of(token)
        if kid is None:
            return self._try_each(token)
        return unseal(token, key=self._keys.get(kid) or self._look_again(kid))

    def _try_each(self, token: bytes) -> Unsealed:
        *others, last = self._keys.values()
        for key in others:
            with suppress(UnreadableAnswer):
                return unseal(token, key=key)
        return unseal(token, key=last)

    def _look_again(self, kid: str) -> ECKey:
        """Return a key that was put into the file or folder since it was read, or say what is missing."""
        if self._path is not None:
            self._keys = {thumbprint(key): key for key in _private_keys_in(self._path)}
        if kid not in self._keys:
            where = self._path or "what you hold"
            raise UnknownKey(
                f"an answer is sealed for your key {kid}, which is not in {where} (there: {', '.join(self._keys)}). "
                "Put that key's file back there, or have the gate's operator register the public half of one you hold "
                "(docs/partners.md, Changing your key); the notice stays in your inbox until then"
            )
        return self._keys[kid]


def make_key_pair(name: str, folder: Path, *, is_next: bool = False) -> tuple[Path, Path]:
    """Write `<name>.key.json` (private, mode 0600) and `<name>.public.json`; refuse to overwrite either.

    The next key of somebody who has one is `<name>.2.key.json`, and so on: the old one stays where it is.
    """
    if is_next:
        name = _next_name(name, folder)
    key = ECKey.generate_key("P-256")
    private, public = folder / f"{name}.key.json", folder / f"{name}.public.json"
    if taken := [path for path in (private, public) if path.exists()]:
        raise BadFile(f"{taken[0]} is there already; move it away first, or make the next one with --next")
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


def _private_keys_in(path: Path) -> list[ECKey]:
    if path.is_dir():
        files = sorted(path.glob("*.key.json"))
        if not files:
            raise BadFile(f"{path} holds no *.key.json")
        return [key for file in files for key in _private_keys_in(file)]
    held = read_json(path).get("keys")
    if not isinstance(held, list):
        return [read_private_key(path)]
    keys = [read_key(jwk if isinstance(jwk, dict) else {}, name=str(path)) for jwk in held]
    if not keys or not all(key.is_private for key in keys):
        raise BadFile(f"{path} must hold private keys, at least one")
    return keys


def _next_name(name: str, folder: Path) -> str:
    if not (folder / f"{name}.key.json").exists():
        raise BadFile(f"{folder / f'{name}.key.json'} is not there: the first key is made without --next")
    numbers = (number for number in count(2) if not (folder / f"{name}.{number}.key.json").exists())
    return f"{name}.{next(numbers)}"


def _kid_of(token: bytes) -> str | None:
    """Return the `kid` of a sealed message's protected header, if it has one that can be read."""
    header = token.split(b".", 1)[0]
    try:
        kid = json.loads(urlsafe_b64decode(header + b"=" * (-len(header) % 4))).get("kid")
    except (ValueError, AttributeError):
        return None
    return kid if isinstance(kid, str) and _THUMBPRINT.fullmatch(kid) else None


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
