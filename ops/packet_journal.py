"""What a worker noted about a visit, sealed for themselves, one line each, all of one length.

To add a line needs no passphrase and no network: at a door there is time for neither.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ops.worker_key import Damaged, OpenKey, SealedForAnother, WorkerKey
from shared.contracts.packet import EntryKind, JournalEntry

_LENGTH: Final = 512
"""Longer than any entry: the length of a line must not tell what stands in it."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What can be read of a journal, and in which lines it cannot."""

    entries: tuple[JournalEntry, ...]
    damaged: tuple[int, ...]

    def has(self, kind: EntryKind) -> bool:
        """Say whether that was noted."""
        return any(entry.kind is kind for entry in self.entries)


def add(path: Path, entry: JournalEntry, key: WorkerKey) -> None:
    """Add an entry, and return once it is on the disk."""
    line = key.seal(entry.model_dump_json(exclude_none=True).encode().ljust(_LENGTH)) + "\n"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        size = os.fstat(handle).st_size
        is_torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # power was lost while the last line was written
        file.write((b"\n" if is_torn else b"") + line.encode())
        os.fsync(handle)


def read(path: Path, key: OpenKey) -> Notes:
    """Return everything that was noted, in order; a line that cannot be read keeps no other back."""
    entries: list[JournalEntry] = []
    damaged: list[int] = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            entries.append(JournalEntry.model_validate_json(key.unseal(line)))
        except (Damaged, SealedForAnother, ValidationError):
            damaged.append(number)
    return Notes(tuple(entries), tuple(damaged))


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
