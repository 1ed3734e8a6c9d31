"""Exports the heads of the ledger: one signed line each in a file that is meant to be copied elsewhere.

The file itself says what was exported last, so a restart, another instance or a lost file needs nothing else.
"""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlmodel import Session, select

from services.consent.heads import ExportedHead, HeadsRead, due_heads, read_heads, to_line
from services.consent.ledger import Head
from services.consent.settings import ConsentSettings
from services.consent.signing import PublicKeys, SigningKey
from services.consent.tables import LedgerHeadRow, LedgerRow
from shared.database import Database

log = structlog.get_logger()


class HeadExport:
    """Appends the heads that are due, at most every `HEADS_SECONDS`; the first time at once."""

    def __init__(
        self, settings: ConsentSettings, database: Database, key: SigningKey, *, clock: Callable[[], datetime]
    ) -> None:
        self._path = settings.heads_file()
        self._every = timedelta(seconds=settings.heads_seconds)
        self._database = database
        self._key = key
        self._clock = clock
        self._next_at: datetime | None = None
        self._read_up_to = 0
        self._last: dict[str, ExportedHead] = {}

    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return self._next_at is None or self._clock() >= self._next_at

    def export(self) -> int:
        """Append what is due and return how many lines that were; they are on the disk when this returns."""
        now = self._clock()
        self._catch_up()
        with self._database.read() as session:
            self._compare_with_last(session)
            rows = session.exec(select(LedgerHeadRow)).all()
        due = due_heads({row.recipient_id: Head(row.number, row.entry_hash) for row in rows}, self._last, at=now)
        if due:
            append_lines(self._path, [to_line(head, self._key) for head in due])
            log.info("ledger_heads_exported", count=len(due))
        self._next_at = now + self._every
        return len(due)

    def _catch_up(self) -> None:
        """Read what the file says beyond what is known of it: lines of this instance, and of others."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._read_up_to:  # another file: what it does not hold was not exported
            self._read_up_to, self._last = 0, {}
        if size == self._read_up_to:
            return
        with self._path.open("rb") as file:
            file.seek(self._read_up_to)
            written = file.read(size - self._read_up_to)
        whole = written[: written.rfind(b"\n") + 1]
        self._read_up_to += len(whole)
        found = read_heads(whole.decode("ascii", errors="replace").splitlines(), self._key.public)
        self._last |= {exported.recipient_id: exported for exported in found.heads}
        if found.forged_lines:
            log.error("exported_heads_forged", count=len(found.forged_lines))

    def _compare_with_last(self, session: Session) -> None:
        """Be loud when the ledger no longer holds what was exported last; `verify` finds all of it at any time."""
        for exported in self._last.values():
            row = session.get(LedgerRow, (exported.recipient_id, exported.head.number))
            if row is None or row.entry_hash != exported.head.entry_hash:
                log.error(
                    "ledger_contradicts_exported_head",
                    recipient_id=exported.recipient_id,
                    number=exported.head.number,
                )


def read_heads_file(path: Path, keys: PublicKeys) -> HeadsRead:
    """Return what a file of exported heads says; one that is not there says nothing."""
    if not path.exists():
        return HeadsRead()
    with path.open(encoding="ascii", errors="replace") as lines:
        return read_heads(lines, keys)


def append_lines(path: Path, lines: list[str]) -> None:
    """Append lines and return when they are on the disk. What a crash tore off stays a line of its own."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not path.exists()
    with open(path, "ab+", buffering=0, opener=_for_its_owner) as file:
        torn = _last_byte(file.fileno()) not in (b"", b"\n")
        left = ("\n" if torn else "").encode() + "".join(f"{line}\n" for line in lines).encode()
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _last_byte(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, 1, size - 1) if size else b""
