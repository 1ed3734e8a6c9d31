"""A worker's key for visit packets: made on their own machine, its private half under a passphrase.

`scrypt` makes the passphrase dear to guess, AES-256-GCM seals the key. What is sealed for the worker is JWE (ECDH-ES on
P-256 with A256GCM). Nothing here asks for the passphrase where the public half is enough.
"""

import json
import os
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final  # joserfc keeps headers and JWKs as dict[str, Any]

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey
from joserfc.registry import HeaderParameter

from ops.errors import KeyFileRefused, OpsError

FORMAT: Final = "gesehen.worker_key.v1"
SHORTEST_PASSPHRASE: Final = 12
_COST: Final = {"n": 2**17, "r": 8, "p": 1}  # 128 MB and half a second for each guess
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_HEADERS: Final = {
    "packet_id": HeaderParameter("Which packet", "str"),
    "visit_id": HeaderParameter("Of which visit", "str"),
    "exp": HeaderParameter("Until when it can be read", "int"),
}
_REGISTRY: Final = JWERegistry(header_registry=_HEADERS, algorithms=["ECDH-ES", "A256GCM"])


class PassphraseRefused(OpsError):
    """Raised when a passphrase does not open the key, or is too short to protect a new one."""

    code = "passphrase_refused"


class Damaged(OpsError):
    """Raised when something that was sealed for a worker was changed since, or is no such thing."""

    code = "damaged"


class SealedForAnother(OpsError):
    """Raised when something was sealed for another key than the one at hand."""

    code = "sealed_for_another"


@dataclass(frozen=True, slots=True)
class WorkerKey:
    """A key file: the public half in clear, the private one sealed."""

    public: ECKey
    salt: bytes = field(repr=False)
    sealed: bytes = field(repr=False)

    @property
    def thumbprint(self) -> str:
        """Return the name of the key (RFC 7638)."""
        return self.public.thumbprint()

    def seal(self, plaintext: bytes) -> str:
        """Return it so that only the worker can read it."""
        protected = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": self.thumbprint}
        return encrypt_compact(protected, plaintext, self.public, registry=_REGISTRY)

    def unlock(self, passphrase: str) -> "OpenKey":
        """Return the key with its private half."""
        nonce, sealed = self.sealed[:_NONCE_BYTES], self.sealed[_NONCE_BYTES:]
        try:
            private = AESGCM(_stretch(passphrase, self.salt)).decrypt(nonce, sealed, self.thumbprint.encode())
            return OpenKey(ECKey.import_key(json.loads(private)))
        except (InvalidTag, ValueError, JoseError):
            raise PassphraseRefused("the passphrase is wrong, or the key file was changed") from None


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A worker's private key, while a command runs."""

    private: ECKey = field(repr=False)

    def unseal(self, token: str) -> bytes:
        """Return what was sealed for this key; any byte that was changed makes it fail."""
        if header_of(token).get("kid") != self.private.thumbprint():
            raise SealedForAnother("it was sealed for another key")
        try:
            return decrypt_compact(token, self.private, registry=_REGISTRY).plaintext or b""
        except (JoseError, ValueError, TypeError, KeyError):
            raise Damaged("it was changed since it was sealed; nothing of it can be read") from None


def make(path: Path, passphrase: str) -> WorkerKey:
    """Write a new key file that only its owner may read; never over one that is there."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise PassphraseRefused(f"the passphrase must have at least {SHORTEST_PASSPHRASE} characters")
    key = ECKey.generate_key("P-256")
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    private = json.dumps(key.as_dict(private=True)).encode()
    sealed = nonce + AESGCM(_stretch(passphrase, salt)).encrypt(nonce, private, key.thumbprint().encode())
    said = {"format": FORMAT, "public": _public(key), "salt": _text(salt), "sealed": _text(sealed)}
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyFileRefused(f"{path.name} cannot be made: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps(said, indent=2) + "\n")
    return WorkerKey(key, salt, sealed)


def read(path: Path) -> WorkerKey:
    """Read a key file; the private half stays sealed."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise KeyError
        public = ECKey.import_key({name: said["public"][name] for name in ("kty", "crv", "x", "y")})
        return WorkerKey(public, b64decode(said["salt"]), b64decode(said["sealed"]))
    except OSError as error:
        raise KeyFileRefused(f"{path.name} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, JoseError, RecursionError):
        raise KeyFileRefused(f"{path.name} is no key file of a worker") from None


def public_jwk(key: WorkerKey) -> Mapping[str, Any]:
    """Return the half that is handed in."""
    return _public(key.public)


def header_of(token: str) -> Mapping[str, Any]:
    """Return what stands outside of the seal; nothing of it is proven before the rest is opened."""
    first = token.split(".", 1)[0]
    with suppress(ValueError, RecursionError):
        header = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
        if isinstance(header, dict):
            return header
    raise Damaged("it is not what the service sealed; nothing of it can be read")


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_COST).derive(passphrase.encode())


def _public(key: ECKey) -> dict[str, Any]:
    return {name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")}


def _text(value: bytes) -> str:
    return b64encode(value).decode()
