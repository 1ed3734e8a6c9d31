"""A worker's machine with a packet on it, as the tool sees it. Everybody in it is synthetic."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import ECKey
from joserfc.registry import HeaderParameter

from ops import packet_journal, visit_packet, worker_key
from ops.worker_key import OpenKey, WorkerKey
from shared.contracts.packet import JournalEntry, Packet, Permitted, Window

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WINDOW = Window(starts_at=NOON + timedelta(hours=2), ends_at=NOON + timedelta(hours=4))
PASSPHRASE = "synthetic passphrase"
WHERE, ASK_FOR = "Beispielstraße 7, 45127 Essen", "Klingel SYNTHETISCH"
VISIT, PACKET = "visit-0001", "packet-0001"
_REGISTRY = JWERegistry(
    header_registry={
        "packet_id": HeaderParameter("", "str"),
        "visit_id": HeaderParameter("", "str"),
        "exp": HeaderParameter("", "int"),
    },
    algorithms=["ECDH-ES", "A256GCM"],
)


@cache
def worker_key_file() -> str:
    """Return the text of a worker's key file; making one is slow on purpose."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "worker.key.json"
        worker_key.make(path, PASSPHRASE)
        return path.read_text()


@cache
def open_key() -> OpenKey:
    """Return that key with its private half."""
    return the_key().unlock(PASSPHRASE)


@cache
def the_key() -> WorkerKey:
    """Return that key as it lies on the disk."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "worker.key.json"
        path.write_text(worker_key_file())
        return worker_key.read(path)


def a_packet(**changes: Any) -> Packet:  # Any: fields of the packet
    """Return a valid packet."""
    values: dict[str, Any] = {
        "packet_id": PACKET,
        "visit_id": VISIT,
        "issued_at": NOON,
        "expires_at": NOON + timedelta(hours=28),
        "permission": Permitted(plan_sha256="a" * 64, window=WINDOW),
        "purpose": "get_to_know",
        "workers": ("outreach-0001", "outreach-0002"),
        "where": WHERE,
        "ask_for": ASK_FOR,
        "language": "de",
    }
    return Packet(**{**values, **changes})


def sealed(packet: Packet, key: ECKey | None = None, **header: Any) -> str:  # Any: what stands outside of the seal
    """Return a packet as the service seals it."""
    to = key or the_key().public
    protected = {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "kid": to.thumbprint(),
        "packet_id": packet.packet_id,
        "visit_id": packet.visit_id,
        "exp": int(packet.expires_at.timestamp()),
        **header,
    }
    return encrypt_compact(protected, packet.model_dump_json().encode(), to, registry=_REGISTRY)


@dataclass
class Machine:
    """A folder with the worker's key, a packet and a passphrase in a file, and a clock."""

    folder: Path
    now: datetime = NOON
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.packet.write_text(sealed(a_packet()) + "\n")
        (self.folder / "worker.key.json").write_text(worker_key_file())
        self.passphrase.write_text(PASSPHRASE + "\n")

    @property
    def packet(self) -> Path:
        """Return the packet's file."""
        return self.folder / "visit.packet"

    @property
    def passphrase(self) -> Path:
        """Return a file that holds the passphrase."""
        return self.folder / "passphrase"

    @property
    def journal(self) -> Path:
        """Return where notes are kept."""
        return self.folder / "visit.packet.journal"

    def run(self, command: str, *more: str, knows_passphrase: bool = True) -> int:
        """Run one command on the packet."""
        secret = ["--passphrase-file", str(self.passphrase)] if knows_passphrase else []
        return visit_packet.main([command, str(self.packet), *more, *secret], clock=lambda: self.now)

    def set_out(self) -> int:
        """Note, within the window, that the worker set out."""
        self.now = WINDOW.starts_at + timedelta(minutes=5)
        return self.run("note", "set-out")

    def noted(self) -> list[JournalEntry]:
        """Return what stands in the journal."""
        return list(packet_journal.read(self.journal, open_key()).entries)

    def everything(self) -> bytes:
        """Return every byte of the folder but the passphrase's file."""
        return b"\n".join(path.read_bytes() for path in self.folder.iterdir() if path != self.passphrase)

    def left(self) -> dict[str, Any]:  # Any: JSON values
        """Return what is left of a wiped packet."""
        found: dict[str, Any] = json.loads(self.packet.read_text())
        return found
