"""What a handler works with: one open transaction, the person keys, the time, the town, and a way to announce.

A handler loads, decides, saves and announces. It never commits and never publishes: the writer decides how many
handlers share a commit, and the relay publishes after it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import inspect
from sqlmodel import Session, SQLModel

from shared.contracts.envelope import CareEvent, canonical
from shared.contracts.town import ESSEN, Town
from shared.journal_file import Row
from shared.keys import PersonKeys
from shared.outbox import CARE, Outgoing, random_id


class UnitOfWork:
    """One open transaction of one service."""

    def __init__(
        self, session: Session, keys: PersonKeys, *, now: datetime, town: Town = ESSEN, chain: str | None = None
    ) -> None:
        self.session = session
        self.keys = keys
        self.now = now
        self.town = town
        self.correlation_id = chain
        """What led to this; set by who knows. Drawn at the first announcement otherwise."""
        self.outgoing: list[Outgoing] = []
        self.narrowed: list[Row] = []
        self.destroyed: list[str] = []

    def announce(self, event: CareEvent) -> None:
        """Tell the care circle; it is published after the commit, or never."""
        self._send(CARE, event.event_type, key_id=event.key_id, body=event.body())

    def notify(self, recipient_id: str, notice_id: str) -> None:
        """Tell a recipient that there is something to open. The notice holds its random id and nothing else."""
        self.outgoing.append(
            Outgoing(
                message_id=notice_id,
                destination=recipient_id,
                type="notice",
                correlation_id=notice_id,
                created_at=self.now,
                key_id=None,
                body=b"",
            )
        )

    def seal(self, key_id: str, where: str, value: Any) -> bytes:  # Any: a JSON value
        """Return a personal value sealed for its table, column and row."""
        return self.keys.seal(key_id, where, canonical(value))

    def unseal(self, key_id: str, where: str, sealed: bytes) -> Any:  # Any: a JSON value
        """Return a personal value; raise KeyDestroyed or UnreadableValue."""
        return json.loads(self.keys.unseal(key_id, where, sealed))

    def narrows(self, row: SQLModel) -> None:
        """Have a row that narrows what may be known, as it is now, in the journal before this work is committed.

        So call it after the last change of the row. A restored backup can then not bring back what it ended.
        """
        mapper = inspect(type(row))
        values = {column.columns[0].name: getattr(row, column.key) for column in mapper.column_attrs}
        self.narrows_values(str(mapper.local_table), values)

    def narrows_values(self, table: str, values: dict[str, Any]) -> None:  # Any: column values
        """Do the same with the values of a row."""
        self.narrowed.append((table, values))

    def destroys(self, *key_ids: str) -> None:
        """Destroy keys for ever: right before this work is committed, and again after any restore."""
        self.destroyed.extend(key_ids)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo everything of this block, announcements included, when it raises."""
        announced, narrowed, destroyed = len(self.outgoing), len(self.narrowed), len(self.destroyed)
        try:
            with self.session.begin_nested():
                yield
        except BaseException:
            del self.outgoing[announced:], self.narrowed[narrowed:], self.destroyed[destroyed:]
            raise

    def _send(self, destination: str, type_: str, *, key_id: str, body: bytes) -> None:
        self.correlation_id = self.correlation_id or random_id()
        self.outgoing.append(
            Outgoing(
                message_id=random_id(),
                destination=destination,
                type=type_,
                correlation_id=self.correlation_id,
                created_at=self.now,
                key_id=key_id,
                body=body,
            )
        )
