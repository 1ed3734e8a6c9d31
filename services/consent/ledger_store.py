"""Appends to a chain of the ledger inside an open unit of work; the caller holds the lock of that chain."""

from typing import Any

from services.consent.ledger import Entry, EntryKind, Head, commit_to, next_entry
from services.consent.tables import LedgerHeadRow, LedgerRow
from shared.contracts.envelope import canonical
from shared.unit_of_work import UnitOfWork


def append(
    work: UnitOfWork,
    *,
    recipient_id: str,
    kind: EntryKind,
    release_id: str,
    key_id: str,
    content: dict[str, Any],  # Any: JSON values
    mute: bool = False,
) -> Entry:
    """Append an entry to a recipient's chain, in this same transaction: before anybody is answered.

    `mute` leaves the commitment and no copy: for a person whose key is destroyed.
    """
    head_row = work.session.get(LedgerHeadRow, recipient_id) or LedgerHeadRow(
        recipient_id=recipient_id, number=0, entry_hash=Head().entry_hash
    )
    plain = canonical(content)
    salt, commitment = commit_to(plain)
    entry = next_entry(
        Head(head_row.number, head_row.entry_hash),
        recipient_id=recipient_id,
        kind=kind,
        release_id=release_id,
        at=work.now,
        key_id=key_id,
        commitment=commitment,
    )
    head_row.number, head_row.entry_hash = entry.number, entry.entry_hash
    work.session.add(head_row)
    place = f"ledger.content.{recipient_id}.{entry.number}"
    sealed = b"" if mute else work.keys.seal(key_id, place, salt + plain)
    work.session.add(
        LedgerRow(
            recipient_id=recipient_id,
            number=entry.number,
            previous_hash=entry.previous_hash,
            kind=entry.kind.value,
            release_id=entry.release_id,
            at=entry.at,
            commitment=entry.commitment,
            entry_hash=entry.entry_hash,
            key_id=entry.key_id,
            content=sealed,
        )
    )
    return entry
