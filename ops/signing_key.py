"""The key that signs receipts and heads of the ledger: Ed25519. `python -m ops.signing_key rotate FILE` changes it.

The file is a JWK Set: first the private key that signs, then the public halves of former ones, so that what they signed
can still be verified. Beside it lies the public file, for anybody. The gate reads the key at its start.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from ops.errors import KeyFileRefused, OpsError, report
from ops.run_folder import write_private

FILE, PUBLIC_FILE = "signing.key.json", "signing.public.json"


def make(folder: Path) -> Path:
    """Make the key if there is none; return its file."""
    path = folder / FILE
    if not path.exists():
        rotate(path)
    return path


def rotate(path: Path) -> list[str]:
    """Put a new key before those that are there, of which the public half stays; return their ids, the newest first."""
    try:
        former = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"keys": []}
        public = [_public(OKPKey.import_key(jwk)) for jwk in former.get("keys", [former])]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, JoseError):
        raise KeyFileRefused(f"{path.name} is no file of signing keys") from None
    new = OKPKey.generate_key("Ed25519")
    _write(path, [dict(new.as_dict(private=True)), *public])
    _write(path.with_name(PUBLIC_FILE), [_public(new), *public])
    return [new.thumbprint(), *(str(key["kid"]) for key in public)]


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.signing_key", description=__doc__)
    parser.add_argument("command", choices=["rotate"])
    parser.add_argument("file", type=Path)
    said = parser.parse_args(arguments)
    try:
        if not said.file.parent.is_dir():
            raise KeyFileRefused(f"there is no folder for {said.file.name}")
        print(json.dumps({"signing_keys": rotate(said.file)}))
    except OpsError as error:
        return report(error)
    return 0


def _public(key: OKPKey) -> dict[str, Any]:  # Any: a JWK
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": "EdDSA", "use": "sig"}


def _write(path: Path, keys: list[dict[str, Any]]) -> None:  # Any: JWKs
    write_private(path, json.dumps({"keys": keys}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
