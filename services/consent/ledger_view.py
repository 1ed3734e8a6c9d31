"""The ledger as the person reads it: in plain words everything that each recipient ever received, and when."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from services.consent.emergency_domain import EmergencyRecipient, chain_of
from services.consent.ledger import EntryKind, commitment_of
from services.consent.recipient_tables import RecipientRow
from services.consent.release import names_told
from services.consent.tables import LedgerRow, SubjectRow
from shared.keys import KeyDestroyed, PersonKeys, UnreadableValue

_SALT_BYTES = 32
_EMERGENCY_NAMES = {chain_of(one): f"the {one.value.replace('_', ' ')}" for one in EmergencyRecipient}


class NotWhatWasCommitted(ValueError):
    """Raised when an entry's content is not the one that the chain committed to."""

    code = "not_what_was_committed"

    def __init__(self, number: int) -> None:
        super().__init__(f"entry {number} does not hold what was committed to")


@dataclass(frozen=True, slots=True)
class Received:
    """One thing that a recipient received."""

    recipient_id: str
    recipient_name: str
    number: int
    kind: EntryKind
    at: datetime
    release_id: str
    content: dict[str, Any] | None  # Any: JSON values; None if nobody can read it any more


def received_about(session: Session, keys: PersonKeys, person_id: str) -> list[Received]:
    """Return everything that anybody received about a person, oldest first."""
    subjects = session.exec(select(SubjectRow.subject_id).where(SubjectRow.person_id == person_id)).all()
    names = {row.recipient_id: row.display_name for row in session.exec(select(RecipientRow))} | _EMERGENCY_NAMES
    query = select(LedgerRow).where(col(LedgerRow.key_id).in_([person_id, *subjects]))
    found = []
    for row in session.exec(query.order_by(col(LedgerRow.at), col(LedgerRow.number))):
        found.append(
            Received(
                recipient_id=row.recipient_id,
                recipient_name=names.get(row.recipient_id, row.recipient_id),
                number=row.number,
                kind=EntryKind(row.kind),
                at=row.at,
                release_id=row.release_id,
                content=readable_content(keys, row),
            )
        )
    return found


def read_content(keys: PersonKeys, row: LedgerRow) -> dict[str, Any]:  # Any: JSON values
    """Return what an entry holds; raise NotWhatWasCommitted if the chain committed to something else."""
    plain = keys.unseal(row.key_id, f"ledger.content.{row.recipient_id}.{row.number}", row.content)
    salt, content = plain[:_SALT_BYTES], plain[_SALT_BYTES:]
    if commitment_of(salt, content) != row.commitment:
        raise NotWhatWasCommitted(row.number)
    return dict(json.loads(content))


def readable_content(keys: PersonKeys, row: LedgerRow) -> dict[str, Any] | None:  # Any: JSON values
    """Return what an entry holds, or None if nobody can read it any more."""
    try:
        return read_content(keys, row)
    except (KeyDestroyed, UnreadableValue, NotWhatWasCommitted):
        return None


def in_plain_words(received: list[Received], zone: ZoneInfo) -> str:
    """Return the ledger as sentences, in the town's own time."""
    if not received:
        return "Nobody outside has received anything about you."
    return "\n".join(_sentence(item, zone) for item in received)


def _sentence(item: Received, zone: ZoneInfo) -> str:
    when = item.at.astimezone(zone).strftime("%d %B %Y, %H:%M:%S %Z")
    if item.content is None:
        return f"{when}: {item.recipient_name} received something that nobody can read here any more."
    if item.kind is EntryKind.EMERGENCY:
        return f"{when}: in an emergency, {item.recipient_name} was told {_told_in_emergency(item.content)}."
    if item.kind is EntryKind.STATUS:
        status = item.content["status"]
        said = f"was told the neutral status '{status}' of its commission. Nothing about you"
        return f"{when}: {item.recipient_name} {said}."
    if item.kind is EntryKind.RETRACTED:
        return f"{when}: {item.recipient_name} was told to delete what it had received."
    again = " once more" if item.kind is EntryKind.OPENED_AGAIN else ""
    return f"{when}: {item.recipient_name} received{again} {_told(item.content['released'])}."


def _told(fields: dict[str, Any]) -> str:
    named = [name for name in names_told(fields) if name != "reason"]
    return ", ".join(f"your {name.replace('_', ' ')} ({_words(fields[name])})" for name in named)


def _told_in_emergency(content: dict[str, Any]) -> str:
    told = _told(content["told"]) or "that there is a danger, and nothing that is recorded about you"
    return f"{told}; reason: {_words(content['told']['reason'])}; by {content['by']}"


def _words(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {_words(item)}" for name, item in sorted(value.items()))
    return str(value).replace("_", " ") if isinstance(value, str) and " " not in value else str(value)
