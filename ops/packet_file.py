"""A visit packet on a worker's machine: opened in memory alone, wiped when the visit is over or the packet's time is.

Outside of the seal stand random ids and the end of its time, so that it can be wiped without a passphrase. What is left
of a wiped packet is the same whatever happened at the door.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from ops.errors import OpsError
from ops.run_folder import write_private
from ops.worker_key import Damaged, OpenKey, header_of
from shared.contracts.envelope import Id
from shared.contracts.packet import Packet

_IDS: Final = TypeAdapter(tuple[Id, Id])
WIPED: Final = "gesehen.visit_packet.wiped.v1"
CLOCK_OFF_BY: Final = timedelta(minutes=10)
"""How much earlier than the service's this machine's clock may be; more would make a packet live longer."""


class PacketNotFound(OpsError):
    """Raised when there is no packet under that name."""

    code = "packet_not_found"


class PacketWiped(OpsError):
    """Raised when something is to be read of a packet of which nothing is left."""

    code = "packet_wiped"

    def __init__(self) -> None:
        super().__init__("the packet was wiped; nothing of it can be read any more")


class PacketExpired(OpsError):
    """Raised when the packet's time is over; it has been wiped then."""

    code = "packet_expired"

    def __init__(self) -> None:
        super().__init__("the packet's time is over; it has been wiped. What was noted is still there")


class ClockWrong(OpsError):
    """Raised when this machine's clock stands before the moment at which the packet was made."""

    code = "clock_wrong"

    def __init__(self) -> None:
        super().__init__("this machine's clock stands before the day the packet was made: set it right first")


@dataclass(frozen=True, slots=True)
class PacketFile:
    """The file as it lies there."""

    path: Path
    packet_id: str
    visit_id: str
    token: str | None
    expires_at: datetime | None = None
    is_over: bool = False
    """Whether the end was noted, and the packet wiped because of it."""

    @property
    def journal(self) -> Path:
        """Return where notes are kept."""
        return self.path.with_name(f"{self.path.name}.journal")

    @property
    def pages(self) -> Path:
        """Return where it is kept which pages were printed into files."""
        return self.path.with_name(f"{self.path.name}.pages")

    def open(self, key: OpenKey, *, now: datetime) -> Packet:
        """Return what is in it; after its time it is wiped instead."""
        self.end_in_time(now=now)
        if self.token is None:
            raise PacketWiped
        try:
            packet = Packet.model_validate_json(key.unseal(self.token))
        except ValidationError:
            raise Damaged("it is no visit packet that this tool knows") from None
        outside = (self.packet_id, self.visit_id, self.expires_at)
        if (packet.packet_id, packet.visit_id, packet.expires_at) != outside:
            raise Damaged("what stands outside of the seal is not what was sealed")
        if now < packet.issued_at - CLOCK_OFF_BY:
            raise ClockWrong
        return packet

    def end_in_time(self, *, now: datetime) -> None:
        """Wipe it if its time is over, and say so."""
        if self.expires_at is not None and now >= self.expires_at:
            self.wipe(is_over=False)
            raise PacketExpired

    def remember_page(self, page: Path) -> None:
        """Keep that the plan was printed into a file, for it to go with the packet."""
        known = _lines(self.pages)
        write_private(self.pages, "\n".join(dict.fromkeys([*known, str(page.absolute())])) + "\n")

    def wipe(self, *, is_over: bool) -> None:
        """Leave nothing of the packet but its ids, and nothing of the pages that were printed into files."""
        _shred(self.path)
        left = {"format": WIPED, "packet_id": self.packet_id, "visit_id": self.visit_id}
        write_private(self.path, json.dumps({**left, "is_over": is_over or self.is_over}) + "\n")
        for page in (*_lines(self.pages), str(self.pages)):
            _shred(Path(page))
            Path(page).unlink(missing_ok=True)
        _settle(self.path.parent)


def read(path: Path) -> PacketFile:
    """Read a packet's file, sealed or wiped."""
    try:
        text = path.read_text(encoding="ascii").removesuffix("\n")
    except OSError as error:
        raise PacketNotFound(f"{path.name} cannot be read: {error.strerror}") from None
    except ValueError:
        raise Damaged(f"{path.name} is no visit packet") from None
    return _wiped(path, text) if text.startswith("{") else _sealed(path, text)


def _sealed(path: Path, text: str) -> PacketFile:
    header = header_of(text)
    with suppress(KeyError, ValueError, TypeError, OverflowError, OSError):
        packet_id, visit_id = _ids_in(header)
        return PacketFile(path, packet_id, visit_id, text, expires_at=datetime.fromtimestamp(header["exp"], UTC))
    raise Damaged(f"{path.name} is no visit packet")


def _wiped(path: Path, text: str) -> PacketFile:
    with suppress(KeyError, ValueError, TypeError, RecursionError):
        left = json.loads(text)
        packet_id, visit_id = _ids_in(left)
        if left["format"] == WIPED:
            return PacketFile(path, packet_id, visit_id, None, is_over=left["is_over"] is True)
    raise Damaged(f"{path.name} is no visit packet")


def _ids_in(said: Mapping[str, Any]) -> tuple[str, str]:  # Any: JSON values
    return _IDS.validate_python((said["packet_id"], said["visit_id"]))


def _shred(path: Path) -> None:
    """Write over a file before it goes. A flash disk may keep the old bytes: docs/visits-offline.md says so."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
        file.truncate(0)
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
