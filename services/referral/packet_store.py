"""Workers' public keys, which packets were made, and which notes were heard, as they are read and written.

What a note says lies under its visit's own key and goes with it. That it was heard stays, so that it is heard once.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session, col, select

from services.referral.errors import NoteChanged, NoWorkerKey, PacketNotFound
from services.referral.tables import NoteRow, PacketRow, WorkerKeyRow
from services.referral.visit_store import key_id
from shared.contracts.envelope import canonical
from shared.contracts.packet import JournalEntry
from shared.keys import KeyDestroyed, KeyNeverMade, PersonKeys, UnreadableValue

log = structlog.get_logger()


class Packets:
    """Reads and writes in a session that somebody else opened and commits."""

    def __init__(self, session: Session, keys: PersonKeys) -> None:
        self._session = session
        self._keys = keys

    def set_key(self, worker_id: str, jwk: Mapping[str, str], *, now: datetime) -> datetime:
        """Keep a worker's public key from now on, and return since when; the same one again changes nothing."""
        row = self._session.get(WorkerKeyRow, worker_id)
        text = canonical(dict(jwk)).decode()
        if row is None or row.jwk != text:
            row = self._session.merge(WorkerKeyRow(worker_id=worker_id, jwk=text, since=now))
            self._session.flush()
        return row.since

    def key_of(self, worker_id: str) -> Mapping[str, str]:
        """Return a worker's public key or raise NoWorkerKey."""
        row = self._session.get(WorkerKeyRow, worker_id)
        if row is None:
            raise NoWorkerKey
        jwk: Mapping[str, str] = json.loads(row.jwk)
        return jwk

    def add(self, row: PacketRow) -> None:
        """Keep that a packet was made; the worker's former one of that visit ends by it."""
        living = select(PacketRow).where(
            PacketRow.visit_id == row.visit_id, PacketRow.worker_id == row.worker_id, col(PacketRow.ended_at).is_(None)
        )
        for former in self._session.exec(living):
            former.ended_at = row.issued_at
            self._session.add(former)
        self._session.add(row)
        self._session.flush()

    def packet(self, packet_id: str, *, visit_id: str, worker_id: str) -> PacketRow:
        """Return a worker's packet of a visit, living or not, or raise PacketNotFound."""
        row = self._session.get(PacketRow, packet_id)
        if row is None or (row.visit_id, row.worker_id) != (visit_id, worker_id):
            raise PacketNotFound
        return row

    def has_heard(self, entry: JournalEntry) -> bool:
        """Say whether a note was heard before; raise NoteChanged if it said something else.

        Of a note whose visit is over only the id is left, and that is random.
        """
        row = self._session.get(NoteRow, entry.entry_id)
        if row is None:
            return False
        if row.packet_id != entry.packet_id or self._said(row) not in (None, _text(entry)):
            raise NoteChanged
        return True

    def keep_heard(self, entry: JournalEntry, *, is_sealed: bool, has_ended: bool) -> None:
        """Keep that a note was heard, and what it says as long as its visit's key is there."""
        place = _place(entry.entry_id)
        kept = self._keys.seal(key_id(entry.visit_id), place, _text(entry)) if is_sealed else None
        self._session.add(
            NoteRow(
                entry_id=entry.entry_id,
                visit_id=entry.visit_id,
                packet_id=entry.packet_id,
                has_ended=has_ended,
                kept=kept,
            )
        )
        self._session.flush()

    def is_ended_by_note(self, visit_id: str) -> bool:
        """Say whether a note has ended the visit."""
        found = select(NoteRow.entry_id).where(NoteRow.visit_id == visit_id, NoteRow.has_ended)
        return self._session.exec(found).first() is not None

    def _said(self, row: NoteRow) -> bytes | None:
        try:
            return _unsealed(self._keys, row)
        except UnreadableValue:  # one damaged note keeps no other back
            log.error("note_unreadable", entry_id=row.entry_id)
            return None


def note_kept(keys: PersonKeys, row: Any) -> Any:  # Any: a row of the table, and JSON values
    """Return what a note says; None once its visit is over."""
    said = _unsealed(keys, row)
    return None if said is None else json.loads(said)


def _unsealed(keys: PersonKeys, row: Any) -> bytes | None:  # Any: a row of the table, however it was read
    try:
        return None if row.kept is None else keys.unseal(key_id(row.visit_id), _place(row.entry_id), bytes(row.kept))
    except KeyNeverMade:
        raise
    except KeyDestroyed:
        return None


def _text(entry: JournalEntry) -> bytes:
    return canonical(entry.model_dump(mode="json", exclude_none=True))


def _place(entry_id: str) -> str:
    return f"visit_note.kept.{entry_id}"
