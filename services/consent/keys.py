"""The gate's own key and the recipients' public keys: what goes outside, or comes from there, is JWE."""

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey

from shared.topology import MAX_MESSAGE_BYTES

_ALGORITHMS = ("ECDH-ES", "A256GCM")
_CURVE = "P-256"


class UnreadableRequest(ValueError):
    """Raised when a request from outside is not sealed for the gate."""

    code = "unreadable_request"


class UnusableKey(ValueError):
    """Raised when a public key cannot be used; the text never holds the key."""

    code = "unusable_key"


class _Registry(JWERegistry):
    max_ciphertext_length = MAX_MESSAGE_BYTES  # joserfc stops at 64 KiB; the wire allows as much as the broker does


_REGISTRY = _Registry(algorithms=list(_ALGORITHMS))


def read_public_key(jwk: Mapping[str, Any]) -> ECKey:
    """Return a recipient's public key; refuse a private one and any other curve."""
    try:
        key = ECKey.import_key(dict(jwk))
        fits = key.curve_name == _CURVE and not key.is_private
    except (JoseError, ValueError, TypeError, KeyError):
        raise UnusableKey("is not an EC key in JWK form") from None
    if not fits:
        raise UnusableKey("must be the public half of a key on P-256")
    return key


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
    """Return an answer that only this recipient can read."""
    protected = {"alg": "ECDH-ES", "enc": "A256GCM"}
    return encrypt_compact(protected, plaintext, key, registry=_REGISTRY).encode()
