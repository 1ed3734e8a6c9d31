"""How far erasures are: who has confirmed, which are overdue, and when nothing readable can be left anywhere."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, col, select

from services.consent.tables import ErasureConfirmationRow, ErasureRow
from shared.contracts.assessment import AssessmentErasureConfirmed
from shared.contracts.intake import IntakeErasureConfirmed
from shared.contracts.referral import ReferralErasureConfirmed
from shared.inbox import TooEarly
from shared.receiver import Handlers
from shared.topology import SERVICES
from shared.unit_of_work import UnitOfWork

LOUD_AFTER = timedelta(seconds=60)
"""An erasure that somebody has not confirmed by then is an error in the log."""

NOT_READY_AFTER = timedelta(hours=1)
"""After this long the gate says that it is not ready."""


class ErasureState(StrEnum):
    """How far an erasure is."""

    REQUESTED = "requested"
    KEYS_DESTROYED = "keys_destroyed"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure, without a word about whose it is."""

    erasure_id: str
    requested_at: datetime
    last_confirmed_at: datetime
    completed_at: datetime | None
    waits_for: tuple[str, ...]

    @property
    def state(self) -> ErasureState:
        """How far it is."""
        if self.waits_for:
            return ErasureState.REQUESTED
        return ErasureState.COMPLETE if self.completed_at else ErasureState.KEYS_DESTROYED

    def is_overdue(self, *, at: datetime, after: timedelta = LOUD_AFTER) -> bool:
        """Whether somebody should have confirmed it by now."""
        return bool(self.waits_for) and at - self.requested_at > after

    def may_be_read(self, zone_keys_of: list[date]) -> bool:
        """Whether a zone key that sealed messages before the last confirmation still exists: then so may a body."""
        return any(day <= self.last_confirmed_at.date() for day in zone_keys_of)


CONFIRMATIONS: dict[type[IntakeErasureConfirmed | AssessmentErasureConfirmed | ReferralErasureConfirmed], str] = {
    IntakeErasureConfirmed: "intake",
    AssessmentErasureConfirmed: "assessment",
    ReferralErasureConfirmed: "referral",
}


def subscriptions() -> Handlers:
    """Return which handler takes which confirmation."""
    return {event: partial(confirm, service=service) for event, service in CONFIRMATIONS.items()}


def confirm(
    work: UnitOfWork,
    event: IntakeErasureConfirmed | AssessmentErasureConfirmed | ReferralErasureConfirmed,
    *,
    service: str,
) -> None:
    """Take note that a service has destroyed its keys of the person."""
    if work.session.get(ErasureRow, event.erasure_id) is None:
        raise TooEarly(event.erasure_id)
    if work.session.get(ErasureConfirmationRow, (event.erasure_id, service)) is None:
        at = work.now
        work.session.add(ErasureConfirmationRow(erasure_id=event.erasure_id, service=service, confirmed_at=at))


def all_erasures(session: Session) -> list[Erasure]:
    """Return all erasures, oldest first."""
    return _read(session, true())


def open_erasures(session: Session) -> list[Erasure]:
    """Return the erasures that are not complete, oldest first."""
    return _read(session, col(ErasureRow.completed_at).is_(None))


def look_after(work: UnitOfWork, *, zone_keys_of: list[date]) -> list[Erasure]:
    """Complete the erasures of which nothing can be read any more; return those that are overdue."""
    overdue = []
    for erasure in open_erasures(work.session):
        if erasure.state is ErasureState.KEYS_DESTROYED and not erasure.may_be_read(zone_keys_of):
            row = work.session.get_one(ErasureRow, erasure.erasure_id)
            row.completed_at = work.now
            work.session.add(row)
        if erasure.is_overdue(at=work.now):
            overdue.append(erasure)
    return overdue


def _read(session: Session, chosen: ColumnElement[bool]) -> list[Erasure]:
    rows = session.exec(
        select(ErasureRow).where(chosen).order_by(col(ErasureRow.requested_at), ErasureRow.erasure_id)
    ).all()
    confirmed: dict[str, dict[str, datetime]] = {}
    words = select(ErasureConfirmationRow).join(
        ErasureRow, col(ErasureRow.erasure_id) == ErasureConfirmationRow.erasure_id
    )
    for word in session.exec(words.where(chosen)):
        confirmed.setdefault(word.erasure_id, {})[word.service] = word.confirmed_at
    return [_erasure(row, confirmed.get(row.erasure_id, {})) for row in rows]


def _erasure(row: ErasureRow, confirmed: dict[str, datetime]) -> Erasure:
    return Erasure(
        erasure_id=row.erasure_id,
        requested_at=row.requested_at,
        last_confirmed_at=max(confirmed.values(), default=row.requested_at),
        completed_at=row.completed_at,
        waits_for=tuple(service for service in SERVICES if service not in confirmed),
    )
