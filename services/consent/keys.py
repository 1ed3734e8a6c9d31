"""The gate's own key and the recipients' public keys: what goes outside, or comes from there, is JWE."""

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey

from shared.topology import MAX_MESSAGE_BYTES

_ALGORITHMS = ("ECDH-ES", "A256GCM")
_CURVE = "P-256"
PUBLIC_FIELDS = ("kty", "crv", "x", "y")
"""All of a JWK that makes a public key."""


class UnreadableRequest(ValueError):
    """Raised when a request from outside is not sealed for the gate."""

    code = "unreadable_request"


class UnusableKey(ValueError):
    """Raised when a public key cannot be used; the text never holds the key."""

    code = "unusable_key"


class _Registry(JWERegistry):
    max_ciphertext_length = MAX_MESSAGE_BYTES  # joserfc stops at 64 KiB; the wire allows as much as the broker does


_REGISTRY = _Registry(algorithms=list(_ALGORITHMS))


def read_public_key(jwk: Mapping[str, Any]) -> ECKey:  # Any: a JWK
    """Return a recipient's public key; refuse a private one, any other curve, and one that is not to encrypt with.

    Nothing but the point is taken over: what else stands in a JWK can make each use of it fail later.
    """
    if "d" in jwk or jwk.get("crv", _CURVE) != _CURVE:
        raise UnusableKey("must be the public half of a key on P-256")
    if not _is_to_encrypt_with(jwk):
        raise UnusableKey("must be a key to encrypt with: not use, key_ops or alg of another kind")
    try:
        return ECKey.import_key({name: jwk[name] for name in PUBLIC_FIELDS})
    except (JoseError, ValueError, TypeError, KeyError):
        raise UnusableKey("is not an EC key in JWK form") from None


def try_public_key(jwk: Mapping[str, Any]) -> None:  # Any: a JWK
    """Seal something for a key before anything depends on it; raise UnusableKey."""
    try:
        seal_for(read_public_key(jwk), b"trial")
    except (JoseError, ValueError, TypeError):
        raise UnusableKey("cannot be encrypted with") from None


def _is_to_encrypt_with(jwk: Mapping[str, Any]) -> bool:  # Any: a JWK
    operations = jwk.get("key_ops", ["deriveKey"])
    derives = isinstance(operations, list) and not {"deriveKey", "deriveBits"}.isdisjoint(map(str, operations))
    return derives and jwk.get("use", "enc") == "enc" and str(jwk.get("alg", "ECDH-ES")).startswith("ECDH-ES")


class GateKey:
    """The gate's private key. Its public half is in every connection file."""

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        self._key = ECKey.import_key(dict(jwk))

    def public(self) -> dict[str, Any]:  # Any: a JWK
        """Return the public half."""
        return dict(self._key.as_dict(private=False))

    def unseal(self, token: bytes) -> bytes:
        """Return what a recipient sealed for the gate."""
        try:
            return decrypt_compact(token, self._key, registry=_REGISTRY).plaintext or b""
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise UnreadableRequest("is not sealed for the gate") from None


def seal_for(key: ECKey, plaintext: bytes) -> bytes:
    """Return an answer that only this recipient can read. `kid` tells it which of its keys to take (RFC 7638)."""
    protected = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key.thumbprint()}
    return encrypt_compact(protected, plaintext, key, registry=_REGISTRY).encode()
