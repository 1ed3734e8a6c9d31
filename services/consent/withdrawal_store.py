"""Keeps what a person took back, also where nothing stood: an older paper that comes later must not open it.

It decides nothing, and says so for ever: in the journal too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe

import structlog
from sqlmodel import col, select

from services.consent.tables import WithdrawalRow
from shared.contracts.categories import Category
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a person took back, and when. None means all of it."""

    recipient_id: str | None
    purpose: str | None
    categories: frozenset[Category] | None
    at: datetime

    def covers(self, recipient_id: str, purpose: str, category: Category) -> bool:
        """Say whether a word to this question was meant."""
        return (
            self.recipient_id in (None, recipient_id)
            and self.purpose in (None, purpose)
            and (self.categories is None or category in self.categories)
        )


def keep(
    work: UnitOfWork,
    *,
    person_id: str,
    recipient_id: str | None,
    purpose: str | None,
    categories: frozenset[Category] | None,
) -> None:
    """Keep that a person takes something back now; said again, it counts from the last time on."""
    row = _said_before(work, person_id, TakenBack(recipient_id, purpose, categories, work.now))
    if row is None:
        row = WithdrawalRow(
            withdrawal_id=token_urlsafe(16),
            person_id=person_id,
            recipient_id=recipient_id,
            purpose=purpose,
            at=work.now,
        )
        row.categories = _sealed(work, row, categories)
    row.at = work.now
    work.session.add(row)
    work.narrows(row)


def taken_back(work: UnitOfWork, person_ids: Collection[str]) -> list[TakenBack]:
    """Return all that persons ever took back. Where nobody can read what was meant, everything was."""
    rows = select(WithdrawalRow).where(col(WithdrawalRow.person_id).in_(list(person_ids)))
    return [TakenBack(row.recipient_id, row.purpose, _categories(work, row), row.at) for row in work.session.exec(rows)]


def _said_before(work: UnitOfWork, person_id: str, said: TakenBack) -> WithdrawalRow | None:
    rows = select(WithdrawalRow).where(
        WithdrawalRow.person_id == person_id,
        WithdrawalRow.recipient_id == said.recipient_id,
        WithdrawalRow.purpose == said.purpose,
    )
    return next((row for row in work.session.exec(rows) if _categories(work, row) == said.categories), None)


def _sealed(work: UnitOfWork, row: WithdrawalRow, categories: frozenset[Category] | None) -> bytes | None:
    if categories is None:
        return None
    try:
        return work.seal(row.person_id, _place(row), sorted(category.value for category in categories))
    except UnreadableValue:  # a withdrawal depends on no key: then all of it is meant
        log.error("withdrawal_kept_as_everything", withdrawal_id=row.withdrawal_id)
        return None


def _categories(work: UnitOfWork, row: WithdrawalRow) -> frozenset[Category] | None:
    if row.categories is None:
        return None
    try:
        return frozenset(Category(name) for name in work.unseal(row.person_id, _place(row), row.categories))
    except ValueError:  # UnreadableValue is one
        log.error("withdrawal_unreadable", withdrawal_id=row.withdrawal_id)
        return None


def _place(row: WithdrawalRow) -> str:
    return f"withdrawal.categories.{row.withdrawal_id}"
