"""The ledger as the person reads it: in plain words everything that each recipient ever received, and when."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from services.consent.ledger import Entry, EntryKind, Fault, Head, commitment_of, find_fault
from services.consent.tables import LedgerHeadRow, LedgerRow, RecipientRow, SubjectRow
from shared.keys import KeyDestroyed, PersonKeys

_SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Received:
    """One thing that a recipient received."""

    recipient_id: str
    recipient_name: str
    number: int
    kind: EntryKind
    at: datetime
    release_id: str
    content: dict[str, Any]  # Any: JSON values


def received_about(session: Session, keys: PersonKeys, person_id: str) -> list[Received]:
    """Return everything that anybody received about a person, oldest first."""
    subjects = session.exec(select(SubjectRow.subject_id).where(SubjectRow.person_id == person_id)).all()
    names = {row.recipient_id: row.display_name for row in session.exec(select(RecipientRow))}
    query = select(LedgerRow).where(col(LedgerRow.key_id).in_([person_id, *subjects]))
    found = []
    for row in session.exec(query.order_by(col(LedgerRow.at), col(LedgerRow.number))):
        try:
            content = read_content(keys, row)
        except KeyDestroyed:
            continue
        found.append(
            Received(
                recipient_id=row.recipient_id,
                recipient_name=names.get(row.recipient_id, row.recipient_id),
                number=row.number,
                kind=EntryKind(row.kind),
                at=row.at,
                release_id=row.release_id,
                content=content,
            )
        )
    return found


def read_content(keys: PersonKeys, row: LedgerRow) -> dict[str, Any]:  # Any: JSON values
    """Return what an entry holds, after checking it against the commitment in the chain."""
    plain = keys.unseal(row.key_id, f"ledger.content.{row.recipient_id}.{row.number}", row.content)
    salt, content = plain[:_SALT_BYTES], plain[_SALT_BYTES:]
    if commitment_of(salt, content) != row.commitment:
        raise ValueError(f"entry {row.number} does not hold what was committed to")
    return dict(json.loads(content))


def in_plain_words(received: list[Received], zone: ZoneInfo) -> str:
    """Return the ledger as sentences, in the town's own time."""
    if not received:
        return "Nobody outside has received anything about you."
    return "\n".join(_sentence(item, zone) for item in received)


def verify(session: Session, recipient_id: str) -> Fault | None:
    """Return the first fault in a recipient's chain, or None if it is whole."""
    rows = session.exec(select(LedgerRow).where(LedgerRow.recipient_id == recipient_id).order_by(col(LedgerRow.number)))
    head = session.get(LedgerHeadRow, recipient_id)
    return find_fault((_entry(row) for row in rows), Head(head.number, head.entry_hash) if head else Head())


def _entry(row: LedgerRow) -> Entry:
    return Entry(
        recipient_id=row.recipient_id,
        number=row.number,
        previous_hash=row.previous_hash,
        kind=EntryKind(row.kind),
        release_id=row.release_id,
        at=row.at,
        commitment=row.commitment,
        entry_hash=row.entry_hash,
    )


def _sentence(item: Received, zone: ZoneInfo) -> str:
    when = item.at.astimezone(zone).strftime("%d %B %Y, %H:%M:%S")
    if item.kind is EntryKind.STATUS:
        status = item.content["status"]
        return f"{when}: {item.recipient_name} was told that its commission is {status}. Nothing about you."
    if item.kind is EntryKind.RETRACTED:
        return f"{when}: {item.recipient_name} was told to delete what it had received."
    again = " once more" if item.kind is EntryKind.OPENED_AGAIN else ""
    return f"{when}: {item.recipient_name} received{again} {_told(item.content['released'])}."


def _told(fields: dict[str, Any]) -> str:
    named = [f"your {name.replace('_', ' ')} ({_words(fields[name])})" for name in sorted(fields) if _is_about(name)]
    return ", ".join(named)


def _is_about(name: str) -> bool:
    return name not in {"type", "reference", "service"}


def _words(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {_words(item)}" for name, item in sorted(value.items()))
    return str(value).replace("_", " ") if isinstance(value, str) and " " not in value else str(value)
