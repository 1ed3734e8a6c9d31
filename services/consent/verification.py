"""Whether the ledger is whole: each recipient's chain, against the heads that were exported, and what entries hold.

Reads only, and needs no key: chains and heads can be checked by anybody who may read the table. Whoever has the
persons' keys can also compare what the entries hold with what the chain committed to.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Select
from sqlmodel import Session, col, func, select

from services.consent.heads import HeadsRead
from services.consent.ledger import Entry, EntryKind, Fault, Head, find_fault
from services.consent.ledger_view import readable_content
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import LedgerHeadRow, LedgerRow
from shared.keys import PersonKeys

ROWS_AT_ONCE = 1000

_LINK = (
    LedgerRow.recipient_id,
    LedgerRow.number,
    LedgerRow.previous_hash,
    LedgerRow.kind,
    LedgerRow.release_id,
    LedgerRow.at,
    LedgerRow.key_id,
    LedgerRow.commitment,
    LedgerRow.entry_hash,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a recipient's chain."""

    recipient_id: str
    entries: int
    heads: int
    """How many exported heads it was compared with."""
    fault: Fault | None

    @property
    def whole(self) -> bool:
        """Whether nothing was found wrong."""
        return self.fault is None


def recipients_in(session: Session, exported: HeadsRead) -> list[str]:
    """Return whose chains there are, or were: whoever is registered, has entries or a head, or had one exported."""
    found = set(exported.recipients())
    for column in (RecipientRow.recipient_id, LedgerHeadRow.recipient_id, LedgerRow.recipient_id):
        found |= {str(name) for name in session.exec(select(column).distinct())}
    return sorted(found)


def verify_chain(
    session: Session, recipient_id: str, *, exported: HeadsRead, keys: PersonKeys | None = None
) -> Finding:
    """Return the first fault in a recipient's chain or, with the keys, in what its entries hold."""
    heads = exported.of(recipient_id)
    count = select(func.count()).select_from(LedgerRow).where(LedgerRow.recipient_id == recipient_id)
    fault = _fault_of_chain(session, recipient_id, heads)
    if fault is None and keys is not None:
        fault = _fault_of_contents(session, recipient_id, keys)
    return Finding(recipient_id, session.exec(count).one(), len(heads), fault)


def _fault_of_chain(session: Session, recipient_id: str, heads: list[Head]) -> Fault | None:
    last = session.get(LedgerHeadRow, recipient_id)
    head = Head(last.number, last.entry_hash) if last else Head()
    try:
        with closing(_entries(session, recipient_id)) as entries:
            return find_fault(entries, head, heads)
    except (ValueError, TypeError):  # a value that no entry ever had, as SQLite takes any
        return Fault(0, "unreadable_entry")


def _entries(session: Session, recipient_id: str) -> Generator[Entry]:
    query = _of(select(*_LINK), recipient_id)  # type: ignore[call-overload]  # too many columns
    with session.execute(query) as rows:
        for row in rows:
            known = row.kind in EntryKind.__members__.values()
            yield Entry(
                recipient_id=row.recipient_id,
                number=row.number,
                previous_hash=row.previous_hash,
                kind=EntryKind(row.kind) if known else EntryKind.RELEASED,
                release_id=row.release_id,
                at=row.at,
                key_id=row.key_id,
                commitment=row.commitment,
                entry_hash=row.entry_hash if known else "",
            )


def _fault_of_contents(session: Session, recipient_id: str, keys: PersonKeys) -> Fault | None:
    with session.scalars(_of(select(LedgerRow), recipient_id)) as rows:
        for row in rows:
            if not keys.is_destroyed(row.key_id) and readable_content(keys, row) is None:
                return Fault(row.number, "changed_content")
    return None


def _of(query: Select, recipient_id: str) -> Select:  # type: ignore[type-arg]  # rows of either shape
    ordered = query.where(col(LedgerRow.recipient_id) == recipient_id).order_by(col(LedgerRow.number))
    return ordered.execution_options(yield_per=ROWS_AT_ONCE)
