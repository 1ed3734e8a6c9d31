"""One file of a journal: lines that are only ever added, each synced before its transaction commits.

A line is a checksum and JSON: what one commit narrows (`rows`), which keys it destroys (`keys`), and which earlier
lines never came to a commit (`voids`). The first line says whose journal it is. A file belongs to the instance that
holds its lock; what lies behind the last line break was never acknowledged to anybody.
"""

import fcntl
import json
import os
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from shared.contracts.envelope import canonical

SUFFIX = ".journal"
_VERSION = 1

Row = tuple[str, dict[str, Any]]  # Any: JSON values
"""A table's name, and the values of one of its rows."""


class JournalUnreadable(RuntimeError):
    """Raised when a journal holds anything that cannot be read: then nobody knows what must not stand again."""

    code = "journal_unreadable"

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path.name}, line {line}: {reason}; the service does not start without its whole journal")


@dataclass(frozen=True, slots=True)
class Line:
    """What one commit narrowed."""

    number: int
    at: str
    rows: tuple[Row, ...] = field(repr=False)
    keys: tuple[str, ...]
    voids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: its id, its whole lines, and how many bytes these are."""

    journal_id: str
    lines: tuple[Line, ...]
    whole_bytes: int


def read_file(path: Path, *, service: str) -> Content:
    """Read a file up to its last line break; raise JournalUnreadable."""
    raw = path.read_bytes()
    whole = raw.rfind(b"\n") + 1
    first, *others = raw[:whole].split(b"\n")[:-1] or [b""]
    head = _read_line(path, 0, first)
    if (head.get("service"), head.get("version")) != (service, _VERSION):
        raise JournalUnreadable(path, 0, "is the journal of another service or version")
    lines = tuple(_line(path, number, line) for number, line in enumerate(others, start=1))
    return Content(str(head["journal"]), lines, whole)


class JournalFile:
    """The file that this instance adds to."""

    def __init__(self, descriptor: int, content: Content) -> None:
        self._descriptor = descriptor
        self._whole_bytes = content.whole_bytes
        self.journal_id = content.journal_id
        self.position = len(content.lines)

    @classmethod
    def claim(cls, folder: Path, *, service: str) -> Self:
        """Take over a file that no living instance holds, and cut off what was torn; else begin a new one."""
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                content = read_file(path, service=service)
            except BlockingIOError:
                os.close(descriptor)
                continue
            except BaseException:
                os.close(descriptor)
                raise
            return cls(descriptor, content)._cut()
        return cls._begin(folder, service)

    def append(self, rows: Sequence[Row], keys: Sequence[str], *, voids: Sequence[int], at: str) -> int:
        """Add a line and have the disk confirm it; return its number. What fails half-way is cut off the next time."""
        self._cut()
        said = {"n": self.position + 1, "at": at, "rows": list(rows), "keys": list(keys), "voids": list(voids)}
        line = _framed(said)
        _write(self._descriptor, line)
        os.fsync(self._descriptor)
        self._whole_bytes += len(line)
        self.position += 1
        return self.position

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _cut(self) -> Self:
        if os.fstat(self._descriptor).st_size > self._whole_bytes:
            os.ftruncate(self._descriptor, self._whole_bytes)
            os.fsync(self._descriptor)
        return self

    @classmethod
    def _begin(cls, folder: Path, service: str) -> Self:
        """Begin a file. It gets its name only when its first line is on the disk."""
        journal_id = secrets.token_hex(16)
        draft = folder / f"{journal_id}.draft"
        descriptor = os.open(draft, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        head = _framed({"journal": journal_id, "service": service, "version": _VERSION})
        _write(descriptor, head)
        os.fsync(descriptor)
        draft.rename(folder / f"{journal_id}{SUFFIX}")
        sync_folder(folder)
        return cls(descriptor, Content(journal_id, (), len(head)))


def sync_folder(folder: Path) -> None:
    """Have the disk confirm which files a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]


def _framed(said: dict[str, Any]) -> bytes:  # Any: JSON values
    text = canonical(said)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read_line(path: Path, number: int, line: bytes) -> dict[str, Any]:  # Any: JSON values
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        raise JournalUnreadable(path, number, "is damaged")
    return dict(json.loads(text))


def _line(path: Path, number: int, line: bytes) -> Line:
    said = _read_line(path, number, line)
    if said["n"] != number:
        raise JournalUnreadable(path, number, "is out of order")
    rows = tuple((str(table), dict(values)) for table, values in said["rows"])
    return Line(number, said["at"], rows, tuple(said["keys"]), tuple(said["voids"]))
