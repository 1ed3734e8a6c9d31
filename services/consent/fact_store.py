"""What the gate knows of a person: the newest version of each fact, sealed. It decides nothing."""

from datetime import datetime

import structlog
from sqlalchemy import update
from sqlmodel import col, select

from services.consent.domain import KnownFact
from services.consent.tables import FactRow
from shared.contracts.categories import Category
from shared.contracts.envelope import Disclosable
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()


def save_fact(
    work: UnitOfWork, event: Disclosable, *, fact_id: str, version: int, recorded_at: datetime, only_for: str | None
) -> None:
    """Keep the newest version of a fact; an older one only tells when the fact was first recorded."""
    person_id = event.key_id
    row = work.session.get(FactRow, fact_id)
    if row is not None and row.person_id != person_id:
        return  # a fact never changes hands
    first = recorded_at if version == 1 else (row.first_recorded_at if row else None)
    if row is None:
        row = FactRow(
            fact_id=fact_id,
            person_id=person_id,
            version=0,
            category=b"",
            professional=event.professional,
            first_received_at=work.now,
        )
    row.first_recorded_at = first
    if version > row.version:
        row.version, row.recorded_at, row.received_at = version, recorded_at, work.now
        row.professional = row.professional or event.professional  # the origin of a fact never weakens (§ 76 SGB X)
        row.category = work.seal(person_id, f"fact.category.{fact_id}", event.category().value)
        row.content = work.seal(
            person_id, f"fact.content.{fact_id}", {"content": event.content(), "only_for": only_for}
        )
    work.session.add(row)


def remove_fact(work: UnitOfWork, *, person_id: str, fact_id: str, version: int) -> None:
    """Forget a fact that was wrong; a late older version does not bring it back."""
    row = work.session.get(FactRow, fact_id)
    if row is None:
        row = FactRow(
            fact_id=fact_id, person_id=person_id, version=0, category=b"", professional=True, first_received_at=work.now
        )
    if row.person_id == person_id and version > row.version:
        row.version, row.category, row.content = version, b"", None
        work.session.add(row)


def facts_of(work: UnitOfWork, person_id: str) -> list[KnownFact]:
    """Return everything that the gate knows of a person now. What cannot be read is not known, and stops nothing."""
    rows = work.session.exec(select(FactRow).where(FactRow.person_id == person_id, col(FactRow.content).is_not(None)))
    found = []
    for row in rows:
        try:
            found.append(_known_fact(work, row))
        except UnreadableValue:
            log.error("fact_unreadable", fact_id=row.fact_id)
    return found


def _known_fact(work: UnitOfWork, row: FactRow) -> KnownFact:
    sealed = work.unseal(row.person_id, f"fact.content.{row.fact_id}", row.content or b"")
    return KnownFact(
        fact_id=row.fact_id,
        version=row.version,
        category=Category(work.unseal(row.person_id, f"fact.category.{row.fact_id}", row.category)),
        professional=row.professional,
        content=sealed["content"],
        only_for=sealed["only_for"],
        first_recorded_at=row.first_recorded_at,
        first_received_at=row.first_received_at,
        recorded_at=row.recorded_at,
        received_at=row.received_at,
    )


def forget_facts(work: UnitOfWork, person_id: str) -> None:
    """Delete what the gate knows of a person: the case has ended and no answer lets anybody know it.

    Ids and versions stay, so that a message that was held up on its way brings nothing back.
    """
    forgotten = update(FactRow).where(col(FactRow.person_id) == person_id)
    work.session.execute(forgotten.values(category=b"", content=None))
