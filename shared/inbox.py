"""The inbox: each message has its effect once; what came too early waits; what cannot be handled is parked.

All of it happens inside the transaction of the handler, so a crash leaves either everything or nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, bindparam, delete, func, select, update
from sqlmodel import Session

from shared.database import Backlog, Instant, insert_all_or_ignore, insert_or_ignore, touch
from shared.keys import UNREADABLE, KeyDestroyed, KeyNeverMade, PersonKeys, UnreadableValue

log = structlog.get_logger()

ALARM_AFTER = timedelta(seconds=60)
"""A message that waits longer than this for its predecessor is an alarm."""


class TooEarly(Exception):
    """Raised by a handler whose message needs another one first. The message waits in the inbox.

    It is tried again when something about the same person was handled, or about `waits_for` if that is somebody else.
    """

    code = "too_early"

    def __init__(self, *about: str, waits_for: str | None = None) -> None:
        super().__init__(*about)
        self.waits_for = waits_for


def inbox_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Define a service's inbox and its parked messages on its own metadata."""
    inbox = Table(
        "inbox",
        metadata,
        Column("message_id", String(64), primary_key=True),
        Column("type", String(100), nullable=False),
        Column("received_at", Instant, nullable=False),
        Column("waiting_key", String(64), nullable=True, index=True),
        Column("waiting_body", LargeBinary, nullable=True),
    )
    parked = Table(
        "parked",
        metadata,
        Column("parked_id", String(64), primary_key=True),
        Column("message_id", String(64), nullable=True),
        Column("type", String(100), nullable=True),
        Column("reason", String(60), nullable=False),
        Column("parked_at", Instant, nullable=False),
        Column("key_id", String(64), nullable=True),
        Column("body", LargeBinary, nullable=False),
        Column("resolved_at", Instant, nullable=True),
        Column("resolution", String(200), nullable=True),
    )
    return inbox, parked


class Inbox:
    """Decides, inside a transaction, whether a message still has to have its effect."""

    def __init__(self, metadata: MetaData, keys: PersonKeys) -> None:
        self._inbox = table = metadata.tables["inbox"]
        self._keys = keys
        # Asked for every message, so it is built once, and put to the connection rather than through the ORM.
        self._waiting = select(table).where(table.c.waiting_key == bindparam("key_id")).order_by(table.c.received_at)
        waits = table.c.waiting_key.in_(bindparam("key_ids", expanding=True))
        self._keys_waiting = select(table.c.waiting_key).where(waits).distinct()

    def first_times(self, session: Session, messages: Mapping[str, str], *, now: datetime) -> set[str]:
        """Record messages, given as id and type; return the ids of those that were not recorded before."""
        rows = [{"message_id": id_, "type": type_, "received_at": now} for id_, type_ in messages.items()]
        return set(insert_all_or_ignore(session, self._inbox, rows))

    def lock(self, session: Session, key_id: str) -> None:
        """Lock whom a message waits for, so that what it waits for either is there already or wakes it."""
        touch(session, self._inbox.metadata, f"person:{key_id}")

    def let_wait(self, session: Session, *, message_id: str, key_id: str, body: bytes) -> None:
        """Keep a message until another one of the same person has been handled."""
        sealed = self._keys.seal(key_id, f"inbox.waiting_body.{message_id}", body)
        row = update(self._inbox).where(self._inbox.c.message_id == message_id)
        session.execute(row.values(waiting_key=key_id, waiting_body=sealed))

    def waiting(self, session: Session, key_id: str) -> list[tuple[str, str, bytes]]:
        """Return (message id, type, body) of what waits under this key, oldest first."""
        rows = session.connection().execute(self._waiting, {"key_id": key_id}).mappings()
        found = []
        for row in list(rows):
            try:
                body = self._keys.unseal(key_id, f"inbox.waiting_body.{row['message_id']}", row["waiting_body"])
            except (KeyNeverMade, UnreadableValue) as error:  # it goes on waiting, and alarms
                log.error("waiting_message_unreadable", message_id=row["message_id"], error=type(error).__name__)
            except KeyDestroyed:
                self.settle(session, message_id=row["message_id"])
            else:
                found.append((row["message_id"], row["type"], body))
        return found

    def waited_for(self, session: Session, key_ids: Collection[str]) -> list[str]:
        """Return those of the keys under which anything waits."""
        return list(session.connection().execute(self._keys_waiting, {"key_ids": list(key_ids)}).scalars())

    def settle(self, session: Session, *, message_id: str) -> None:
        """Record that a waiting message has had its effect."""
        row = update(self._inbox).where(self._inbox.c.message_id == message_id)
        session.execute(row.values(waiting_key=None, waiting_body=None))

    def forget(self, session: Session, *, message_id: str) -> None:
        """Take a message out of the record: it had no effect after all, and may be handled again."""
        session.execute(delete(self._inbox).where(self._inbox.c.message_id == message_id))

    def count_waiting(self, session: Session, *, now: datetime) -> int:
        """Return how many messages have waited longer than the alarm time. An erased person's will not be missed."""
        table = self._inbox
        late = table.c.waiting_key.is_not(None), table.c.received_at < now - ALARM_AFTER
        counted = select(table.c.waiting_key, func.count()).where(*late).group_by(table.c.waiting_key)
        return sum(int(count) for key_id, count in session.execute(counted) if not self._keys.is_destroyed(key_id))

    def backlog(self, session: Session) -> Backlog:
        """Return how many messages wait for another one, and since when; an erased person's will not be missed."""
        key_id = self._inbox.c.waiting_key
        asked = select(key_id, func.count(), func.min(self._inbox.c.received_at)).where(key_id.is_not(None))
        rows = [row for row in session.execute(asked.group_by(key_id)) if not self._keys.is_destroyed(row[0])]
        return Backlog(sum(row[1] for row in rows), min((row[2] for row in rows), default=None))


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message. Without a key id it could not be read, and its body is as it came from the broker."""

    parked_id: str
    message_id: str | None
    type: str | None
    key_id: str | None
    body: bytes = field(repr=False)


class Parking:
    """Messages that no retry can help. They are kept, counted, shown without values, and handled again or dropped."""

    def __init__(self, metadata: MetaData, keys: PersonKeys) -> None:
        self._table = metadata.tables["parked"]
        self._keys = keys

    def park(
        self,
        session: Session,
        *,
        parked_id: str,
        message_id: str | None,
        type_: str | None,
        reason: str,
        key_id: str | None,
        body: bytes,
        now: datetime,
    ) -> None:
        """Keep a message, once: under the person's key where it could be read, under a key of its own where not."""
        sealed = self._keys.seal(key_id or UNREADABLE, f"parked.body.{parked_id}", body)
        values = {"parked_id": parked_id, "message_id": message_id, "type": type_, "reason": reason, "parked_at": now}
        insert_or_ignore(session, self._table, {**values, "key_id": key_id, "body": sealed})

    def listed(self, session: Session) -> list[dict[str, object]]:
        """Return what is parked: ids, type, reason and time, never a value."""
        table = self._table
        asked = select(*self._facts()).where(table.c.resolved_at.is_(None)).order_by(table.c.parked_at)
        return [dict(row) for row in session.execute(asked).mappings()]

    def shown(self, session: Session, parked_id: str) -> dict[str, object] | None:
        """Return the same of one message, and what was done with it; None if there is none by that id."""
        table = self._table
        asked = select(*self._facts(), table.c.resolved_at, table.c.resolution).where(table.c.parked_id == parked_id)
        row = session.execute(asked).mappings().one_or_none()
        return dict(row) if row else None

    def _facts(self) -> tuple[Column[Any], ...]:  # Any: each column has its own type
        table = self._table
        return table.c.parked_id, table.c.message_id, table.c.type, table.c.reason, table.c.parked_at

    def backlog(self, session: Session) -> Backlog:
        """Return how many messages are parked, and since when."""
        table = self._table
        asked = select(func.count(), func.min(table.c.parked_at)).where(table.c.resolved_at.is_(None))
        return Backlog(*session.execute(asked).one())

    def take(self, session: Session, parked_id: str) -> Parked | None:
        """Return one parked message, or None if there is none by that id; raise KeyDestroyed or UnreadableValue."""
        table = self._table
        asked = select(table).where(table.c.parked_id == parked_id, table.c.resolved_at.is_(None))
        row = session.execute(asked).mappings().one_or_none()
        if row is None:
            return None
        body = self._keys.unseal(row["key_id"] or UNREADABLE, f"parked.body.{parked_id}", bytes(row["body"]))
        return Parked(parked_id, row["message_id"], row["type"], row["key_id"], body)

    def resolve(self, session: Session, parked_id: str, *, resolution: str, now: datetime) -> bool:
        """Record what was done with a parked message; its body goes. Return False if none is parked by that id."""
        row = update(self._table).where(self._table.c.parked_id == parked_id, self._table.c.resolved_at.is_(None))
        done = session.execute(row.values(resolved_at=now, resolution=resolution, body=b""))
        return bool(getattr(done, "rowcount", 0))
