"""Check a receipt offline: `python verify_receipt.py receipt.txt signing.public.json`. Needs `cryptography` alone.

Prints what the receipt says. Exit code 0 only if it is, letter by letter, what one of these keys signed as a receipt.
"""

import json
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def decode(text: str) -> bytes:
    """Return what is written in base64url; there is one way only to write it."""
    found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(found).rstrip(b"=").decode() != text:
        raise ValueError("is not base64url")
    return found


def check(receipt: str, key: str) -> str:
    """Return what a receipt says, or raise an error if this key did not sign it."""
    header, payload, signature = receipt.split(".")
    if (json.loads(decode(header))["alg"], json.loads(decode(header))["typ"]) != ("EdDSA", "consent-receipt"):
        raise ValueError("is no receipt")
    Ed25519PublicKey.from_public_bytes(decode(key)).verify(decode(signature), f"{header}.{payload}".encode())
    return json.dumps(json.loads(decode(payload)), indent=2, ensure_ascii=False)


if __name__ == "__main__":
    written, public = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:3])
    for jwk in json.loads(public).get("keys", [json.loads(public)]):
        with suppress(InvalidSignature, ValueError, KeyError, TypeError):
            print(check(written.strip(), jwk["x"]))
            sys.exit(0)
    sys.exit("NOT GENUINE: none of these keys signed this receipt")
