"""A key per person: personal values are stored sealed, and erasing a person means destroying one key.

Wrapped keys lie in a store of their own, in no database backup; the master key wraps them and is given at start.
"""

import os
import secrets
import threading
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, DateTime, Engine, LargeBinary, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

_metadata = MetaData()
_keys = Table(
    "person_key",
    _metadata,
    Column("key_id", String(64), primary_key=True),
    Column("wrapped", LargeBinary, nullable=True),
    Column("destroyed_at", DateTime(timezone=True), nullable=True),
)
_NONCE_BYTES = 12
_CACHED_KEYS = 50_000


class KeyDestroyed(LookupError):
    """Raised when a person's key is gone: what it sealed can never be read again."""

    code = "key_destroyed"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the key {key_id} is destroyed or was never made")


class UnreadableValue(ValueError):
    """Raised when a sealed value was changed, or moved from the place that it was sealed for."""

    code = "unreadable_value"

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} cannot be unsealed")


class PersonKeys:
    """Seals and unseals values under a key per person (AES-256-GCM; the place of the value is bound to it)."""

    def __init__(self, engine: Engine, *, master_key: bytes) -> None:
        self._engine = engine
        self._master = AESGCM(master_key)
        self._cache: dict[str, AESGCM] = {}
        self._lock = threading.Lock()

    def create_store(self) -> None:
        """Create the table of wrapped keys if it is missing."""
        _metadata.create_all(self._engine)

    def seal(self, key_id: str, where: str, value: bytes) -> bytes:
        """Return the value sealed for one place; make the key at its first use, but never after it was destroyed."""
        return seal(self._key(key_id, create=True), where, value)

    def unseal(self, key_id: str, where: str, sealed: bytes) -> bytes:
        """Return the value; raise KeyDestroyed or UnreadableValue."""
        return unseal(self._key(key_id, create=False), where, sealed)

    def destroy(self, key_id: str) -> None:
        """Destroy a key for ever; a later use of the same id fails."""
        with self._lock:
            self._cache.pop(key_id, None)
            gone = {"wrapped": None, "destroyed_at": datetime.now(UTC)}
            with self._engine.begin() as connection:
                done = connection.execute(update(_keys).where(_keys.c.key_id == key_id).values(**gone))
                if done.rowcount == 0:
                    connection.execute(insert(_keys).values(key_id=key_id, **gone))

    def _key(self, key_id: str, *, create: bool) -> AESGCM:
        cached = self._cache.get(key_id)
        if cached is not None:
            return cached
        with self._lock:
            key = AESGCM(self._load(key_id, create=create))
            if len(self._cache) >= _CACHED_KEYS:
                self._cache.clear()
            self._cache[key_id] = key
            return key

    def _load(self, key_id: str, *, create: bool) -> bytes:
        with self._engine.begin() as connection:
            row = connection.execute(select(_keys.c.wrapped).where(_keys.c.key_id == key_id)).one_or_none()
        if row is not None and row.wrapped is not None:
            return unseal(self._master, key_id, row.wrapped)
        if row is not None or not create:
            raise KeyDestroyed(key_id)
        fresh = secrets.token_bytes(32)
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_keys).values(key_id=key_id, wrapped=seal(self._master, key_id, fresh)))
        except IntegrityError:  # another instance was faster
            return self._load(key_id, create=False)
        return fresh


def seal(key: AESGCM, where: str, value: bytes) -> bytes:
    """Return nonce and ciphertext; `where` must be the same at unsealing."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, value, where.encode())


def unseal(key: AESGCM, where: str, sealed: bytes) -> bytes:
    """Return the value, or raise UnreadableValue, which names the place only."""
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], where.encode())
    except (InvalidTag, ValueError):
        raise UnreadableValue(where) from None
