"""A key per person: personal values are stored sealed, and erasing a person means destroying one key.

Wrapped keys lie in a store of their own, in no database backup; the master key wraps them and is given at start.
"""

import math
import os
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

_metadata = MetaData()
_keys = Table(
    "person_key",
    _metadata,
    Column("key_id", String(64), primary_key=True),
    Column("wrapped", LargeBinary, nullable=True),
    Column("destroyed_at", DateTime(timezone=True), nullable=True),
)
_WRAPPED = select(_keys.c.key_id, _keys.c.wrapped).where(
    _keys.c.key_id.in_(bindparam("key_ids", expanding=True)), _keys.c.wrapped.is_not(None)
)
_NONCE_BYTES = 12
_CACHED_KEYS = 50_000
_ASKED_AT_ONCE = 500
_TRUSTED_SECONDS = 1.0
"""How long a key that another instance may have destroyed meanwhile is used without looking."""


class KeyDestroyed(LookupError):
    """Raised when a person's key is gone: what it sealed can never be read again."""

    code = "key_destroyed"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the key {key_id} is destroyed or was never made")
        self.key_id = key_id


class KeyNeverMade(KeyDestroyed):
    """Raised when nobody destroyed the key, it just is not there: then the store of keys is the wrong one, or lost."""

    code = "key_never_made"


UNREADABLE = "unreadable-messages"
"""The key under which a message is kept whose person cannot be read from it, or whose person's key cannot be read."""


class UnreadableValue(ValueError):
    """Raised when a sealed value was changed, or moved from the place that it was sealed for."""

    code = "unreadable_value"

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} cannot be unsealed")


class PersonKeys:
    """Seals and unseals values under a key per person (AES-256-GCM; the place of the value is bound to it)."""

    def __init__(self, engine: Engine, *, master_key: bytes) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reads=True)
        self._is_file = engine.dialect.name == "sqlite"  # of one process: nobody else destroys keys in it
        self._trusted = math.inf if self._is_file else _TRUSTED_SECONDS
        self._master = AESGCM(master_key)
        self._cache: dict[str, tuple[AESGCM, float]] = {}
        self._lock = threading.Lock()

    def create_store(self) -> None:
        """Create the table of wrapped keys if it is missing."""
        try:
            _metadata.create_all(self._engine)
        except DBAPIError:
            if not inspect(self._engine).has_table(_keys.name):  # else another instance was faster
                raise

    def look(self) -> None:
        """Read from the store itself, past what is remembered; raise what the database raises if it cannot be read."""
        with self._reading.connect() as connection:
            connection.execute(select(_keys.c.key_id).limit(1)).first()

    def load(self, key_ids: Iterable[str]) -> None:
        """Read many keys from the store at once, so that each is at hand when it is needed; those that are not there,
        no more, or unreadable, are left to who asks for them.
        """
        now = monotonic()
        wanted = sorted({key_id for key_id in key_ids if self._cache.get(key_id, (None, 0.0))[1] <= now})
        for first in range(0, len(wanted), _ASKED_AT_ONCE):
            asked = wanted[first : first + _ASKED_AT_ONCE]
            with self._lock:
                with self._reading.connect() as connection:
                    rows = connection.execute(_WRAPPED, {"key_ids": asked}).all()
                for row in rows:
                    with suppress(UnreadableValue):
                        self._keep(row.key_id, AESGCM(unseal(self._master, row.key_id, row.wrapped)))

    def close(self) -> None:
        """Close the connections to the store."""
        self._engine.dispose()

    def seal(self, key_id: str, where: str, value: bytes) -> bytes:
        """Return the value sealed for one place; make the key at its first use, but never after it was destroyed."""
        return seal(self._key(key_id, create=True), where, value)

    def unseal(self, key_id: str, where: str, sealed: bytes) -> bytes:
        """Return the value; raise KeyDestroyed or UnreadableValue."""
        return unseal(self._key(key_id, create=False), where, sealed)

    def is_destroyed(self, key_id: str) -> bool:
        """Say whether a person's key was destroyed. One that cannot be read was not."""
        try:
            self._key(key_id, create=False)
        except (KeyNeverMade, UnreadableValue):
            return False
        except KeyDestroyed:
            return True
        return False

    def is_damaged(self, key_id: str) -> bool:
        """Say whether a person's key is there and cannot be read."""
        try:
            self._key(key_id, create=False)
        except UnreadableValue:
            return True
        except KeyDestroyed:
            return False
        return False

    def destroy(self, key_id: str) -> None:
        """Destroy a key for ever; a later use of the same id fails."""
        self.destroy_all([key_id])

    def destroy_all(self, key_ids: Iterable[str]) -> int:
        """Destroy keys for ever, those that were never made too; return how many had not been destroyed before."""
        with self._lock:
            alive = self._not_yet_destroyed(sorted(set(key_ids)))
            for key_id in alive:
                self._cache.pop(key_id, None)
                self._destroy(key_id)
            if alive and self._is_file:
                self._empty_log()
        return len(alive)

    def _not_yet_destroyed(self, key_ids: list[str]) -> list[str]:
        gone: set[str] = set()
        with self._reading.connect() as connection:
            for first in range(0, len(key_ids), _ASKED_AT_ONCE):
                asked = _keys.c.key_id.in_(key_ids[first : first + _ASKED_AT_ONCE])
                found = select(_keys.c.key_id).where(asked, _keys.c.destroyed_at.is_not(None))
                gone |= set(connection.execute(found).scalars())
        return [key_id for key_id in key_ids if key_id not in gone]

    def _destroy(self, key_id: str) -> None:
        gone = {"wrapped": None, "destroyed_at": datetime.now(UTC)}
        destroyed = update(_keys).where(_keys.c.key_id == key_id).values(**gone)
        try:
            with self._engine.begin() as connection:
                if connection.execute(destroyed).rowcount == 0:
                    connection.execute(insert(_keys).values(key_id=key_id, **gone))
        except IntegrityError:  # another instance has just made it
            with self._engine.begin() as connection:
                connection.execute(destroyed)

    def _empty_log(self) -> None:
        """Have SQLite cut its write-ahead log, in which the wrapped key would still stand."""
        connection = self._engine.raw_connection()  # without a transaction: inside one it is refused
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    def _key(self, key_id: str, *, create: bool) -> AESGCM:
        known, until = self._cache.get(key_id, (None, 0.0))
        if known is not None and monotonic() < until:
            return known
        with self._lock:
            self._cache.pop(key_id, None)
            return self._keep(key_id, AESGCM(self._load(key_id, create=create)))

    def _keep(self, key_id: str, key: AESGCM) -> AESGCM:
        if len(self._cache) >= _CACHED_KEYS:
            self._cache.clear()
        self._cache[key_id] = (key, monotonic() + self._trusted)
        return key

    def _load(self, key_id: str, *, create: bool) -> bytes:
        with self._reading.connect() as connection:
            row = connection.execute(select(_keys.c.wrapped).where(_keys.c.key_id == key_id)).one_or_none()
        if row is not None and row.wrapped is not None:
            return unseal(self._master, key_id, row.wrapped)
        if row is not None:
            raise KeyDestroyed(key_id)
        if not create:
            raise KeyNeverMade(key_id)
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
    except (InvalidTag, ValueError, TypeError):  # SQLite gives back whatever somebody wrote there
        raise UnreadableValue(where) from None
