"""The key of the care circle's wire: event bodies are sealed with it, so the broker's operator reads envelopes only.

A zone key is used for a day and destroyed after seven; `ops.zone_keys` writes the file, the services only read it.
"""

import base64
import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.keys import UnreadableValue, seal, unseal

LOOK_SECONDS = 1.0
"""How soon a change of the file is noticed; looking more often would cost more than unsealing."""


class ZoneKeyGone(LookupError):
    """Raised when a body was sealed with a zone key that is not, or no longer, in the file."""

    code = "zone_key_gone"


class ZoneKeysUnreadable(OSError):
    """Raised when the file of the zone keys is missing or damaged: nothing is sealed or read until it is mended."""

    code = "zone_keys_unreadable"


@dataclass(frozen=True, slots=True)
class ZoneKey:
    """One day's key."""

    kid: str
    created_on: date
    key: bytes


def read_zone_keys(path: Path) -> list[ZoneKey]:
    """Return the keys of a zone key file, oldest first; raise ZoneKeysUnreadable."""
    try:
        items = json.loads(path.read_text(encoding="utf-8"))["zone_keys"]
        keys = [ZoneKey(item["kid"], date.fromisoformat(item["created_on"]), _key_bytes(item["key"])) for item in items]
    except (OSError, ValueError, KeyError, TypeError) as error:  # its text could hold a key
        raise ZoneKeysUnreadable(f"the file of the zone keys cannot be read ({type(error).__name__})") from None
    return sorted(keys, key=lambda key: key.created_on)


def _key_bytes(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    AESGCM(key)  # refuses a key of the wrong length
    return key


class ZoneKeys:
    """Seals with the newest key that has begun, unseals with any that still exists; follows changes of the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._look_again = 0.0
        self._keys: dict[str, AESGCM] = {}
        self._ordered: list[ZoneKey] = []

    def seal(self, where: str, body: bytes) -> tuple[str, bytes]:
        """Return the id of the key used and the sealed body."""
        self._follow()
        today = datetime.now(UTC).date()
        begun = [key for key in self._ordered if key.created_on <= today]
        if not begun:
            raise ZoneKeyGone("no zone key has begun yet")
        kid = begun[-1].kid
        return kid, seal(self._keys[kid], where, body)

    def unseal(self, kid: str, where: str, sealed: bytes) -> bytes:
        """Return the body; raise ZoneKeyGone or UnreadableValue."""
        self._follow()
        key = self._keys.get(kid)
        if key is None:
            raise ZoneKeyGone("the body was sealed with a zone key that is gone")
        return unseal(key, where, sealed)

    def _follow(self) -> None:
        if monotonic() < self._look_again:
            return
        try:
            state = os.stat(self._path)
        except OSError:
            raise ZoneKeysUnreadable("the file of the zone keys is not there") from None
        seen = (state.st_mtime_ns, state.st_ino)
        if seen != self._read_at:
            self._ordered = read_zone_keys(self._path)
            self._keys = {key.kid: AESGCM(key.key) for key in self._ordered}
            self._read_at = seen
        self._look_again = monotonic() + LOOK_SECONDS


__all__ = ["UnreadableValue", "ZoneKey", "ZoneKeyGone", "ZoneKeys", "ZoneKeysUnreadable", "read_zone_keys"]
