"""What the gate knows of a person: the newest version of each fact, and its marks, which no version weakens."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from services.consent.domain import KnownFact
from services.consent.table_base import columns
from services.consent.tables import FactRow
from shared.contracts.assessment import marked
from shared.contracts.categories import Category
from shared.contracts.envelope import Disclosable
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

# Asked at every event, so they are built once; where nothing is changed, no row is made an object of the ORM.
_OF_PERSONS = col(FactRow.person_id).in_(bindparam("person_ids", expanding=True))
_FACTS = select_columns(
    *columns(FactRow, "fact_id", "person_id", "version", "category", "professional", "content", "about", "contest"),
    *columns(FactRow, "first_recorded_at", "first_received_at", "recorded_at", "received_at"),
).where(_OF_PERSONS, col(FactRow.content).is_not(None))
_ROWS = select(FactRow).where(_OF_PERSONS | col(FactRow.fact_id).in_(bindparam("fact_ids", expanding=True)))

Rows = dict[str, dict[str, FactRow]]
"""Rows of facts by the person whom they belong to, and by the fact's id."""


def rows_of(session: Session, person_ids: Iterable[str], fact_ids: Iterable[str]) -> Rows:
    """Return all rows of these persons, forgotten facts included, and those by these ids, whomever they belong to."""
    found: Rows = {person_id: {} for person_id in person_ids}
    for row in session.exec(_ROWS, params={"person_ids": list(found), "fact_ids": list(fact_ids)}):
        found.setdefault(row.person_id, {})[row.fact_id] = row
    return found


def save_fact(
    work: UnitOfWork,
    event: Disclosable,
    *,
    fact_id: str,
    version: int,
    recorded_at: datetime,
    only_for: str | None,
    rows: Rows | None = None,
) -> None:
    """Keep the newest version of a fact; an older one only tells when it was first recorded, and what never weakens.

    `rows` is what `rows_of` says of this person and this fact, if that was asked already.
    """
    person_id = event.key_id
    rows = rows_of(work.session, [person_id], [fact_id]) if rows is None else rows
    if any(fact_id in theirs for owner, theirs in rows.items() if owner != person_id):
        return  # a fact never changes hands
    mine = rows[person_id]
    row = mine.get(fact_id) or _new_row(work, person_id=person_id, fact_id=fact_id, professional=event.professional)
    mine[fact_id] = row
    if version == 1:
        row.first_recorded_at = recorded_at
    _keep_strictest(work, row, event)
    if version > row.version:
        row.version, row.recorded_at, row.received_at = version, recorded_at, work.now
        row.category = work.seal(person_id, f"fact.category.{fact_id}", event.category().value)
        row.content = work.seal(
            person_id, f"fact.content.{fact_id}", {"content": event.content(), "only_for": only_for}
        )
    work.session.add(row)
    _spread_origin(work, mine.values())


def remove_fact(work: UnitOfWork, *, person_id: str, fact_id: str, version: int) -> None:
    """Forget a fact that was wrong; a late older version does not bring it back."""
    row = work.session.get(FactRow, fact_id)
    row = row or _new_row(work, person_id=person_id, fact_id=fact_id, professional=True)
    if row.person_id == person_id and version > row.version:
        row.version, row.category, row.content = version, b"", None
        work.session.add(row)


def facts_of(work: UnitOfWork, person_id: str) -> list[KnownFact]:
    """Return everything that the gate knows of a person now. What cannot be read is not known, and stops nothing."""
    return facts_of_all(work, [person_id])[person_id]


def facts_of_all(work: UnitOfWork, person_ids: Iterable[str]) -> dict[str, list[KnownFact]]:
    """Return the same for several persons, by person."""
    found: dict[str, list[KnownFact]] = {person_id: [] for person_id in person_ids}
    for row in work.session.execute(_FACTS, {"person_ids": list(found)}):
        try:
            found[row.person_id].append(_known_fact(work, row))
        except UnreadableValue:
            log.error("fact_unreadable", fact_id=row.fact_id)
    return found


def mark_contested(work: UnitOfWork, fact_id: str, *, contested: bool) -> int:
    """Keep that the person contests a fact, or no longer does; return how often that has changed.

    It belongs to the fact: no version, order or repetition of versions changes it.
    """
    row = work.session.get_one(FactRow, fact_id)
    number = _contest_of(work, row)["number"] + 1
    place = f"fact.contest.{fact_id}"
    row.contest = work.seal(row.person_id, place, {"contested": contested, "number": number})
    work.session.add(row)
    work.narrows(row)
    return int(number)


def _known_fact(work: UnitOfWork, row: Row[Any]) -> KnownFact:
    sealed = work.unseal(row.person_id, f"fact.content.{row.fact_id}", row.content or b"")
    contested_by_person = bool(_contest_of(work, row)["contested"])
    return KnownFact(
        fact_id=row.fact_id,
        version=row.version,
        category=Category(work.unseal(row.person_id, f"fact.category.{row.fact_id}", row.category)),
        professional=row.professional,
        content=marked(sealed["content"], contested=contested_by_person),
        only_for=sealed["only_for"],
        about_id=None if row.about is None else work.unseal(row.person_id, f"fact.about.{row.fact_id}", row.about),
        contested_by_person=contested_by_person,
        first_recorded_at=row.first_recorded_at,
        first_received_at=row.first_received_at,
        recorded_at=row.recorded_at,
        received_at=row.received_at,
    )


def _contest_of(work: UnitOfWork, row: FactRow | Row[Any]) -> dict[str, Any]:
    if row.contest is None:
        return {"contested": False, "number": 0}
    return dict(work.unseal(row.person_id, f"fact.contest.{row.fact_id}", row.contest))


def _new_row(work: UnitOfWork, *, person_id: str, fact_id: str, professional: bool) -> FactRow:
    return FactRow(
        fact_id=fact_id,
        person_id=person_id,
        version=0,
        category=b"",
        professional=professional,
        first_received_at=work.now,
        derived_from=[],  # said here because pydantic takes its time to find out how to ask `list` for it
    )


def _keep_strictest(work: UnitOfWork, row: FactRow, event: Disclosable) -> None:
    """Whatever one version said, in whatever order they come: a professional's, resting on others, about another."""
    row.professional = row.professional or event.professional
    row.derived_from = sorted({*row.derived_from, *event.sources})
    if event.about is not None and row.about is None:
        row.about = work.seal(row.person_id, f"fact.about.{row.fact_id}", event.about)


def _spread_origin(work: UnitOfWork, rows: Iterable[FactRow]) -> None:
    """Make professional what rests on a professional's fact, or on one that nobody here knows (§ 76 SGB X).

    Once made it stays so: that the unknown one turns out to be nobody's secret weakens nothing.
    """
    free = {row.fact_id: row for row in rows if not row.professional}
    while bound := [row for row in free.values() if not set(row.derived_from) <= free.keys()]:
        for row in bound:
            row.professional = True
            work.session.add(free.pop(row.fact_id))


def forget_facts(work: UnitOfWork, person_id: str) -> None:
    """Delete what the gate knows of a person: the case has ended and no answer lets anybody know it.

    Ids and versions stay, so that a message that was held up on its way brings nothing back.
    """
    forgotten = update(FactRow).where(col(FactRow.person_id) == person_id)
    work.session.execute(forgotten.values(category=b"", content=None))
