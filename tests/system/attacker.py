"""Somebody who has taken everything that is left: every file, and every key that still exists.

Bodies are decrypted without asking whether they were changed or moved: what a key could ever open, it opens here.
"""

import base64
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from sqlmodel import Session, create_engine, text

from ops.stage import Stage
from services.consent.keys import GateKey, UnreadableRequest
from shared.topology import SERVICES
from shared.zone import read_zone_keys

NONCE, TAG = 12, 16
_WIRE = re.compile(rb'"data_base64":"([A-Za-z0-9+/=]+)"')
_JOURNAL = re.compile(rb'"([A-Za-z0-9+/]{40,}={0,2})"')
_JWE = re.compile(rb"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def files(stage: Stage) -> list[Path]:
    """Return every file of the care circle: databases, write-ahead logs, keys, journals, logs, the broker's queues."""
    folders = ("data", "keys", "journal", "broker", "logs")
    return [path for folder in folders for path in (stage.folder / folder).rglob("*") if path.is_file()]


def wrapped_keys(stage: Stage, service: str) -> dict[str, bytes]:
    """Return the wrapped keys that are still in a service's store."""
    with sqlite3.connect(f"file:{stage.folder}/data/{service}.keys.sqlite?mode=ro", uri=True) as connection:
        found = dict(connection.execute("SELECT key_id, wrapped FROM person_key WHERE wrapped IS NOT NULL"))
    connection.close()
    return found


def remaining_keys(stage: Stage) -> list[bytes]:
    """Return every key that still exists: master keys, what they unwrap, zone keys."""
    found = []
    for service in SERVICES:
        text_ = (stage.folder / "keys" / f"{service}.master.key").read_text(encoding="ascii")
        master = base64.b64decode(text_)
        found += [master, *(opened(master, wrapped) for wrapped in wrapped_keys(stage, service).values())]
    return [*found, *(key.key for key in read_zone_keys(stage.folder / "keys" / "zone-keys.json"))]


def opened(key: bytes, sealed: bytes) -> bytes:
    """Decrypt AES-GCM as what it is underneath, without its tag and its associated data."""
    counter = sealed[:NONCE] + (2).to_bytes(4, "big")
    return Cipher(AES(key), CTR(counter)).decryptor().update(sealed[NONCE:-TAG])


def sealed_bodies(stage: Stage) -> Iterator[bytes]:
    """Return every sealed value in a table, in a journal, or on its way through the broker."""
    for service in SERVICES:
        engine = create_engine(f"sqlite:///{stage.database(service)}")
        with Session(engine) as session:
            names = session.connection().execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
            for name in names.all():
                rows = session.connection().execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608  our own tables
                yield from (value for row in rows for value in row if isinstance(value, bytes))
        engine.dispose()
    for path in files(stage):
        raw = path.read_bytes()
        for pattern in (_WIRE, _JOURNAL) if path.suffix == ".journal" else (_WIRE,):
            yield from (base64.b64decode(found) for found in pattern.findall(raw) if len(found) % 4 == 0)


def readable(stage: Stage, gate_key: GateKey | None = None) -> bytes:
    """Return everything that can be read: all files as they are, and all that any remaining key opens."""
    keys = remaining_keys(stage)
    bodies = {body for body in sealed_bodies(stage) if len(body) > NONCE + TAG}
    plain = [path.read_bytes() for path in files(stage)]
    plain += [opened(key, body) for body in bodies for key in keys]
    return b"\n".join([*plain, *(_commands(stage, gate_key) if gate_key else ())])


def _commands(stage: Stage, gate_key: GateKey) -> Iterator[bytes]:
    for path in files(stage):
        for token in _JWE.findall(path.read_bytes()):
            try:
                yield gate_key.unseal(token)
            except UnreadableRequest:
                continue
