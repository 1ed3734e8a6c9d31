"""The ledger: everything that a recipient ever received, hash-chained per recipient, written before the answer leaves.

An entry holds a commitment (SHA-256 over 32 random bytes and the content), so the chain still verifies after the
person's key is destroyed; beside it lies the content itself, sealed under that key: this is what the person reads.
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from shared.contracts.envelope import canonical

GENESIS = "0" * 64
"""What the first entry of a chain names as its predecessor."""


class EntryKind(StrEnum):
    """What a recipient received."""

    RELEASED = "released"
    OPENED_AGAIN = "opened_again"
    RETRACTED = "retracted"
    STATUS = "status"
    EMERGENCY = "emergency"
    STATEMENT = "statement"
    FIGURES = "figures"
    CAPACITY_QUERY = "capacity_query"


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a recipient's chain."""

    number: int = 0
    entry_hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of a recipient's chain."""

    recipient_id: str
    number: int
    previous_hash: str
    kind: EntryKind
    release_id: str
    at: datetime
    key_id: str
    commitment: str
    entry_hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain is broken, and how."""

    number: int
    reason: str


def commit_to(content: bytes) -> tuple[bytes, str]:
    """Return a random salt and the commitment to the content under it."""
    salt = secrets.token_bytes(32)
    return salt, commitment_of(salt, content)


def commitment_of(salt: bytes, content: bytes) -> str:
    """Return the commitment to a content: without the salt nobody can guess the content from it."""
    return hashlib.sha256(salt + content).hexdigest()


def next_entry(
    head: Head, *, recipient_id: str, kind: EntryKind, release_id: str, at: datetime, key_id: str, commitment: str
) -> Entry:
    """Return the entry that follows the head."""
    number, previous = head.number + 1, head.entry_hash
    draft = Entry(recipient_id, number, previous, kind, release_id, at, key_id, commitment, entry_hash="")
    return replace(draft, entry_hash=_hash(draft))


def find_fault(entries: Iterable[Entry], head: Head, exported: Iterable[Head] = ()) -> Fault | None:
    """Return the first place where a chain was edited, cut or reordered; None if it is whole up to the head.

    A chain that was made anew from its first entry on is whole in itself: only a head that was exported before tells.
    """
    promised: defaultdict[int, set[str]] = defaultdict(set)
    for once in exported:
        promised[once.number].add(once.entry_hash)
    number, previous = 0, GENESIS
    for entry in entries:
        if entry.number != number + 1:
            return Fault(number + 1, "missing_entry")
        if entry.previous_hash != previous:
            return Fault(entry.number, "broken_link")
        if entry.entry_hash != _hash(entry):
            return Fault(entry.number, "changed_entry")
        if promised.get(entry.number, {entry.entry_hash}) != {entry.entry_hash}:
            return Fault(entry.number, "not_as_exported")
        number, previous = entry.number, entry.entry_hash
    if (number, previous) != (head.number, head.entry_hash):
        return Fault(number + 1, "truncated")
    return None if max(promised, default=0) <= number else Fault(number + 1, "shorter_than_exported")


def _hash(entry: Entry) -> str:
    instant = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    link = [entry.recipient_id, entry.number, entry.previous_hash, entry.kind.value, entry.release_id, instant]
    return hashlib.sha256(canonical([*link, entry.key_id, entry.commitment])).hexdigest()
