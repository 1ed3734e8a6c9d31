"""Checks the ledger from outside the service: `python -m services.consent.verify`. Reads only.

Prints a line per recipient and at last a line of JSON. Exit code 0 if all is whole, 1 if anything is not, 2 if it could
not be checked. Contents are compared as well if the store of person keys and the master key are given.
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from services.consent.head_export import read_heads_file
from services.consent.heads import HeadsRead
from services.consent.signing import PublicKeys
from services.consent.verification import Finding, recipients_in, verify_chain
from shared.database import open_read_only
from shared.keys import PersonKeys

WHOLE, BROKEN, UNCHECKED = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    said = _parser().parse_args(arguments)
    if not said.database or bool(said.key_store) != bool(said.master_key):
        return _unchecked("--database or DATABASE_URL is needed; --key-store and --master-key belong together")
    try:
        keys = PublicKeys(json.loads(said.signing_key.read_text(encoding="utf-8")))
        said.heads.stat()  # a file that is not there proves nothing
        exported = read_heads_file(said.heads, keys)  # before the database: what was exported was committed
        findings = _verify(said, exported)
    except (OSError, ValueError) as error:
        return _unchecked(f"a file cannot be used: {error}")
    except SQLAlchemyError as error:
        return _unchecked(f"the database cannot be read ({type(error).__name__})")
    return _report(findings, exported, contents_checked=bool(said.key_store))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.consent.verify", description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"), help="URL; else DATABASE_URL")
    parser.add_argument("--heads", type=Path, required=True, help="exported heads: best the copy kept elsewhere")
    parser.add_argument("--signing-key", type=Path, required=True, help="the gate's public key (JWK or JWK Set)")
    parser.add_argument("--key-store", help="URL of the store of person keys")
    parser.add_argument("--master-key", type=Path, help="file of the key that wraps them")
    return parser


def _verify(said: argparse.Namespace, exported: HeadsRead) -> list[Finding]:
    with ExitStack() as opened:
        keys = None
        if said.key_store:
            master_key = base64.b64decode(said.master_key.read_text(encoding="ascii").strip())
            keys = PersonKeys(open_read_only(said.key_store), master_key=master_key)
            opened.callback(keys.close)
        engine = open_read_only(said.database)
        opened.callback(engine.dispose)
        session = opened.enter_context(Session(engine))
        return [
            verify_chain(session, recipient_id, exported=exported, keys=keys)
            for recipient_id in recipients_in(session, exported)
        ]


def _report(findings: list[Finding], exported: HeadsRead, *, contents_checked: bool) -> int:
    for found in findings:
        state = f"BROKEN at entry {found.fault.number} ({found.fault.reason})" if found.fault else "whole"
        print(f"{found.recipient_id}: {state}, {found.entries} entries, {found.heads} exported heads")
    whole = all(found.whole for found in findings) and not exported.forged_lines
    summary = {
        "whole": whole,
        "recipients": len(findings),
        "broken": [found.recipient_id for found in findings if not found.whole],
        "entries": sum(found.entries for found in findings),
        "exported_heads": len(exported.heads),
        "torn_lines": list(exported.torn_lines),
        "forged_lines": list(exported.forged_lines),
        "contents_checked": contents_checked,
    }
    print(json.dumps(summary))
    return WHOLE if whole else BROKEN


def _unchecked(reason: str) -> int:
    print(f"not checked: {reason}", file=sys.stderr)
    return UNCHECKED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
