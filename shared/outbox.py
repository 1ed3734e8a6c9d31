"""The outbox: what a transaction announces is a row of that transaction, and is published after its commit.

Every row is published at least once, under one message id drawn once. Bodies lie sealed under the person's key.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlmodel import Session

from shared.database import Backlog, Instant
from shared.keys import UNREADABLE, KeyDestroyed, KeyNeverMade, PersonKeys, UnreadableValue

log = structlog.get_logger()

CARE = "care"
"""The destination of care events; any other destination is a recipient."""

CLAIM = timedelta(seconds=30)
"""How long a row belongs to the instance that took it; after that, another may publish it."""

ALARM_AFTER = timedelta(seconds=60)
"""A message that waits longer than this for the broker is an alarm."""

KEEP_SENT = timedelta(days=7)
"""How long sent rows are kept, so that a lost queue can be filled again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out. `body` is the event's JSON, or empty for a notice, whose id is all it says."""

    message_id: str
    destination: str
    type: str
    correlation_id: str
    created_at: datetime
    key_id: str | None
    body: bytes = field(repr=False)


def random_id() -> str:
    """Return a random id: 32 bytes, 43 characters, safe in a URL and in a log."""
    return secrets.token_urlsafe(32)


def outbox_table(metadata: MetaData) -> Table:
    """Define a service's outbox on its own metadata."""
    table = Table(
        "outbox",
        metadata,
        Column("seq", Integer, primary_key=True, autoincrement=True),
        Column("message_id", String(64), nullable=False, unique=True),
        Column("destination", String(100), nullable=False),
        Column("type", String(100), nullable=False),
        Column("correlation_id", String(64), nullable=False),
        Column("created_at", Instant, nullable=False),
        Column("key_id", String(64), nullable=True),
        Column("body", LargeBinary, nullable=False),
        Column("claimed_until", Instant, nullable=True),
        Column("sent_at", Instant, nullable=True),
    )
    Index(
        "outbox_unsent", table.c.seq, sqlite_where=table.c.sent_at.is_(None), postgresql_where=table.c.sent_at.is_(None)
    )
    return table


class Outbox:
    """Reads and writes a service's outbox rows inside a transaction that somebody else commits."""

    def __init__(self, metadata: MetaData, keys: PersonKeys) -> None:
        self._table = metadata.tables["outbox"]
        self._keys = keys

    def prepare(self, outgoing: Sequence[Outgoing], *, now: datetime) -> list[dict[str, object]]:
        """Return rows with sealed bodies, claimed by the instance that will publish them right after the commit."""
        return [
            {
                "message_id": item.message_id,
                "destination": item.destination,
                "type": item.type,
                "correlation_id": item.correlation_id,
                "created_at": item.created_at,
                "claimed_until": now + CLAIM,
                **self._sealed(item),
            }
            for item in outgoing
        ]

    def add(self, session: Session, rows: Sequence[dict[str, object]]) -> None:
        """Store prepared rows."""
        if rows:
            session.execute(insert(self._table), list(rows))

    def _sealed(self, item: Outgoing) -> dict[str, object]:
        """Return a body, sealed; a key that cannot be read must not keep anybody from hearing of a withdrawal."""
        if item.key_id is None:
            return {"key_id": None, "body": item.body}
        place = f"outbox.body.{item.message_id}"
        try:
            return {"key_id": item.key_id, "body": self._keys.seal(item.key_id, place, item.body)}
        except UnreadableValue:
            log.error("key_unreadable", message_id=item.message_id)
            return {"key_id": UNREADABLE, "body": self._keys.seal(UNREADABLE, place, item.body)}

    def claim(
        self,
        session: Session,
        *,
        now: datetime,
        limit: int,
        all_unsent: bool = False,
        except_for: Collection[str] = (),
    ) -> list[Outgoing]:
        """Take unsent rows whose claim has run out; `all_unsent` takes claimed ones too.

        Rows of the destinations in `except_for` stay. What was meant about an erased person is never taken again.
        """
        table = self._table
        wanted = table.c.sent_at.is_(None) if all_unsent else self._is_free(now, except_for)
        chosen = select(table.c.seq).where(wanted).order_by(table.c.seq).limit(limit).with_for_update(skip_locked=True)
        first = chosen.cte("first")  # as a plain subquery PostgreSQL may run it twice, and take more than the limit
        taken = (
            update(table)
            .where(table.c.seq.in_(select(first.c.seq)))
            .values(claimed_until=now + CLAIM)
            .returning(*table.c)
        )
        rows = sorted((dict(row) for row in session.execute(taken).mappings()), key=lambda row: int(row["seq"]))
        claimed, erased = [], []
        for row in rows:
            try:
                claimed.append(self._read(row))
            except (KeyNeverMade, UnreadableValue) as error:  # it stays unsent, and is counted so
                log.error("outbox_row_unreadable", message_id=row["message_id"], error=type(error).__name__)
            except KeyDestroyed:
                erased.append(row["message_id"])
        self.mark_sent(session, erased, now=now)
        return claimed

    def has_free(self, session: Session, *, now: datetime, except_for: Collection[str] = ()) -> bool:
        """Say whether there is anything that `claim` would take."""
        row = select(self._table.c.seq).where(self._is_free(now, except_for)).limit(1)
        return session.execute(row).first() is not None

    def free_all(self, session: Session) -> None:
        """End all claims: for the start of the only instance, when those who held them are dead."""
        table = self._table
        held = (table.c.sent_at.is_(None), table.c.claimed_until.is_not(None))
        session.execute(update(table).where(*held).values(claimed_until=None))

    def erased(self, outgoing: Iterable[Outgoing]) -> set[str]:
        """Return the ids of those messages that may no longer leave, because their person's key was destroyed."""
        return {item.message_id for item in outgoing if item.key_id and self._keys.is_destroyed(item.key_id)}

    def _is_free(self, now: datetime, except_for: Collection[str]) -> ColumnElement[bool]:
        table = self._table
        unclaimed = or_(table.c.claimed_until.is_(None), table.c.claimed_until < now)
        free = and_(table.c.sent_at.is_(None), unclaimed)
        return and_(free, table.c.destination.not_in(list(except_for))) if except_for else free

    def _read(self, row: dict[str, Any]) -> Outgoing:  # Any: each column has its own type
        names = ("message_id", "destination", "type", "correlation_id", "created_at", "key_id")
        body = bytes(row["body"])
        if row["key_id"]:
            body = self._keys.unseal(row["key_id"], f"outbox.body.{row['message_id']}", body)
        return Outgoing(**{name: row[name] for name in names}, body=body)

    def mark_sent(self, session: Session, message_ids: Iterable[str], *, now: datetime) -> None:
        """Record that the broker has confirmed these messages."""
        table = self._table
        ids = list(message_ids)
        if ids:
            session.execute(update(table).where(table.c.message_id.in_(ids)).values(sent_at=now))

    def release(self, session: Session, message_ids: Iterable[str], *, until: datetime) -> None:
        """Give back what could not be published, to be tried again from then on."""
        table = self._table
        session.execute(update(table).where(table.c.message_id.in_(list(message_ids))).values(claimed_until=until))

    def forget_sent(self, session: Session, *, now: datetime) -> int:
        """Delete sent rows that are older than the time that they are kept; return how many."""
        done = session.execute(delete(self._table).where(self._table.c.sent_at < now - KEEP_SENT))
        return int(getattr(done, "rowcount", 0))

    def count_late(self, session: Session, *, now: datetime) -> int:
        """Return how many messages have waited for the broker longer than the alarm time."""
        table = self._table
        late = table.c.sent_at.is_(None), table.c.created_at < now - ALARM_AFTER
        return int(session.execute(select(func.count()).select_from(table).where(*late)).scalar_one())

    def give_up(self, session: Session, destinations: Collection[str], *, now: datetime) -> None:
        """Count as sent what waits for destinations that are no more: nothing will ever take it there."""
        table = self._table
        meant = table.c.sent_at.is_(None), table.c.destination.in_(list(destinations))
        session.execute(update(table).where(*meant).values(sent_at=now))

    def backlog(self, session: Session) -> Backlog:
        """Return how many messages wait for the broker, and since when."""
        table = self._table
        asked = select(func.count(), func.min(table.c.created_at)).where(table.c.sent_at.is_(None))
        return Backlog(*session.execute(asked).one())
