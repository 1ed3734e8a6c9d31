"""Heads of the ledger that were signed and exported: with them, even a chain that was made anew is found out.

Pure: which heads are due, how one is written in a line, what a file of them says. `head_export.py` writes the file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.consent.ledger import Head
from services.consent.signing import NotSigned, PublicKeys, SignedAs, SigningKey, is_complete

AT_LEAST_EVERY = timedelta(days=1)
"""Also a head that did not change is exported once a day: its silence is then dated as well."""


@dataclass(frozen=True, slots=True)
class ExportedHead:
    """The last entry of a recipient's chain at one moment."""

    recipient_id: str
    head: Head
    at: datetime


@dataclass(frozen=True, slots=True)
class HeadsRead:
    """What a file of exported heads says."""

    heads: tuple[ExportedHead, ...] = ()
    torn_lines: tuple[int, ...] = ()
    """Lines that a crash cut off. They say nothing; whoever cuts a line might as well have deleted it."""
    forged_lines: tuple[int, ...] = ()
    """Lines that are complete and yet were not signed by the gate."""

    def of(self, recipient_id: str) -> list[Head]:
        """Return every head that was exported of a recipient's chain."""
        return [exported.head for exported in self.heads if exported.recipient_id == recipient_id]

    def recipients(self) -> set[str]:
        """Return of whose chains a head was exported."""
        return {exported.recipient_id for exported in self.heads}


def due_heads(now_heads: Mapping[str, Head], last: Mapping[str, ExportedHead], *, at: datetime) -> list[ExportedHead]:
    """Return the heads to export: what changed since its last export, and what was not exported for a day."""
    return [
        ExportedHead(recipient_id, head, at)
        for recipient_id, head in sorted(now_heads.items())
        if recipient_id not in last or last[recipient_id].head != head or at - last[recipient_id].at >= AT_LEAST_EVERY
    ]


def to_line(exported: ExportedHead, key: SigningKey) -> str:
    """Return a head as one signed line (compact JWS)."""
    content = {
        "recipient_id": exported.recipient_id,
        "number": exported.head.number,
        "entry_hash": exported.head.entry_hash,
        "at": exported.at.astimezone(UTC).isoformat(),
    }
    return key.sign(content, signed_as=SignedAs.HEAD)


def from_line(line: str, keys: PublicKeys) -> ExportedHead:
    """Return the head that a line holds; raise NotSigned."""
    said = keys.read(line, signed_as=SignedAs.HEAD)
    return ExportedHead(
        recipient_id=str(said["recipient_id"]),
        head=Head(int(said["number"]), str(said["entry_hash"])),
        at=datetime.fromisoformat(str(said["at"])),
    )


def read_heads(lines: Iterable[str], keys: PublicKeys) -> HeadsRead:
    """Return what a file of exported heads says."""
    heads: list[ExportedHead] = []
    torn: list[int] = []
    forged: list[int] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            heads.append(from_line(text, keys))
        except NotSigned:
            (forged if is_complete(text) else torn).append(number)
    return HeadsRead(tuple(heads), tuple(torn), tuple(forged))
