"""The gate's signature (Ed25519): under receipts, vouchers, statements, and heads of the ledger kept elsewhere.

A signature names what it is under (`typ`), so that a head can never be taken for a receipt. The file of the key is a
JWK or, after a change of keys, a JWK Set: first the private one that signs, then former ones, so that what they signed
stays verifiable.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry, deserialize_compact, extract_compact, serialize_compact

from shared.contracts.envelope import canonical

ALGORITHM = "EdDSA"
_CURVE = "Ed25519"
_PARTS = 3
_SIGNATURE_LETTERS = 86  # 64 bytes in base64url


class SignedAs(StrEnum):
    """What a signature is under."""

    RECEIPT = "consent-receipt"
    HEAD = "ledger-head"
    STATEMENT = "billing-statement"


class UnusableSigningKey(ValueError):
    """Raised when a file holds no key that can sign, or verify; the text never holds the key."""

    code = "unusable_signing_key"


class NotSigned(ValueError):
    """Raised when a text was not signed by one of the keys as what it is taken for."""

    code = "not_signed"

    def __init__(self) -> None:
        super().__init__("the signature is not one of ours under this")


class _Registry(JWSRegistry):
    """Knows EdDSA alone. joserfc warns that RFC 9864 renamed it; most verifiers know the old name only."""

    def get_alg(self, name: str) -> Any:  # Any: joserfc does not export its class of algorithms
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_REGISTRY = _Registry()

Keys = Mapping[str, Any]  # Any: a JWK or a JWK Set


class PublicKeys:
    """Verifies what the gate signed, now or with a former key."""

    def __init__(self, raw: Keys) -> None:
        self._keys = {key.thumbprint(): key for key in _keys_in(raw)}

    def read(self, token: str, *, signed_as: SignedAs) -> dict[str, Any]:  # Any: JSON values
        """Return what was signed; raise NotSigned."""
        try:
            header = extract_compact(token.encode()).headers()
            key = self._keys[str(header.get("kid"))]
            payload = deserialize_compact(token, key, registry=_REGISTRY).payload
            said = json.loads(payload)
        except (JoseError, ValueError, TypeError, LookupError, RecursionError):
            raise NotSigned from None
        if header.get("typ") != signed_as or not isinstance(said, dict):
            raise NotSigned
        return said

    def has_signed(self, text: bytes, signature: str) -> bool:
        """Whether a signature that stands beside its text is one of ours."""
        return any(_fits(key, text, signature) for key in self._keys.values())

    def as_dict(self) -> dict[str, Any]:  # Any: a JWK Set
        """Return the public halves, the newest first."""
        return {"keys": [_public(key) for key in self._keys.values()]}


class SigningKey:
    """The private key. Made by `ops`; its public half is given to anybody who wants to verify."""

    def __init__(self, raw: Keys) -> None:
        self._key = _keys_in(raw)[0]
        if not self._key.is_private:
            raise UnusableSigningKey("the first key must be a private one")
        self.public = PublicKeys(raw)

    def sign(self, content: Mapping[str, Any], *, signed_as: SignedAs) -> str:  # Any: JSON values
        """Return the content as a compact JWS."""
        header = {"alg": ALGORITHM, "kid": self._key.thumbprint(), "typ": signed_as.value}
        return serialize_compact(header, canonical(dict(content)), self._key, registry=_REGISTRY)

    def sign_text(self, text: bytes) -> str:
        """Return the bare signature (base64url) under a text, which must say itself what it is: no JWS begins so."""
        return urlsafe_b64encode(cast(Ed25519PrivateKey, self._key.private_key).sign(text)).decode().rstrip("=")


def content_of(token: str) -> dict[str, Any]:  # Any: JSON values
    """Return what a JWS says without verifying it: for what this service kept under its own seal."""
    return dict(json.loads(extract_compact(token.encode()).payload))


def is_complete(token: str) -> bool:
    """Whether a text has the length of a JWS: what a crash cut off has not."""
    parts = token.split(".")
    return len(parts) == _PARTS and len(parts[-1]) >= _SIGNATURE_LETTERS


def _fits(key: OKPKey, text: bytes, signature: str) -> bool:
    try:
        cast(Ed25519PublicKey, key.public_key).verify(urlsafe_b64decode(f"{signature}=="), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _keys_in(raw: Keys) -> list[OKPKey]:
    try:
        keys = [OKPKey.import_key(dict(jwk)) for jwk in raw.get("keys", [raw])]
        fits = bool(keys) and all(key.curve_name == _CURVE for key in keys)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise UnusableSigningKey("must be an Ed25519 key as a JWK, or a JWK Set of such") from None
    if not fits:
        raise UnusableSigningKey("must be a key on Ed25519")
    return keys


def _public(key: OKPKey) -> dict[str, Any]:  # Any: a JWK
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": ALGORITHM, "use": "sig"}
