"""Emergencies as those see them who have to look after them: states and what is overdue; for the team what was told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from services.consent import ledger_view
from services.consent.emergency_domain import REVIEW_WITHIN, EmergencyRecipient, Progress, State, chain_of
from services.consent.errors import EmergencyNotFound
from services.consent.tables import EmergencyRow, LedgerRow
from shared.keys import PersonKeys
from shared.unit_of_work import UnitOfWork

Shown = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Overdue:
    """What somebody should have done by now."""

    reviews: tuple[str, ...]
    tellings: tuple[str, ...]
    unannounced: tuple[tuple[str, str], ...]
    """Overdue reviews that the team has not heard of, each with its person."""


def load(session: Session, emergency_id: str) -> EmergencyRow:
    """Return an emergency; raise EmergencyNotFound."""
    row = session.get(EmergencyRow, emergency_id)
    if row is None:
        raise EmergencyNotFound
    return row


def progress_of(row: EmergencyRow) -> Progress:
    """Return what has happened since somebody was told."""
    return Progress(row.told_at, row.confirmed_at, row.reviewed_at, row.person_told_at)


def summary(row: EmergencyRow, keys: PersonKeys, *, now: datetime) -> Shown:
    """Return ids, times and states, and nothing of what was told, to whom or why."""
    progress = progress_of(row)
    state = progress.state(at=now)
    return {
        "emergency_id": row.emergency_id,
        "person_id": row.person_id,
        "assessor_id": row.assessor_id,
        "second_person_id": row.confirmed_by or row.second_person_id,
        "state": state.value,
        "told_at": _text(row.told_at),
        "confirmed_at": _text(row.confirmed_at),
        "review_due_at": _text(progress.review_due_at),
        "review_overdue": state is State.REVIEW_OVERDUE,
        "reviewed_by": row.reviewed_by,
        "reviewed_at": _text(row.reviewed_at),
        "outcome": row.outcome,
        "tell_person_by": _text(progress.telling_due_at),
        "person_told_at": _text(row.person_told_at),
        "person_told_overdue": _telling_is_overdue(row, keys, now=now),
    }


def listed(session: Session, keys: PersonKeys, *, now: datetime) -> list[Shown]:
    """Return all emergencies, the newest first."""
    rows = session.exec(select(EmergencyRow).order_by(col(EmergencyRow.told_at).desc(), EmergencyRow.emergency_id))
    return [summary(row, keys, now=now) for row in rows]


def shown(work: UnitOfWork, *, emergency_id: str) -> Shown:
    """Return an emergency with what was told and why: for who confirms or reviews it."""
    row = load(work.session, emergency_id)
    if work.keys.is_destroyed(row.person_id):  # the person was erased: that it happened is all that can be looked at
        return {
            **summary(row, work.keys, now=work.now),
            "recipient": row.recipient,
            "message": None,
            "why": None,
            "person_told": None,
        }
    why = work.unseal(row.person_id, f"emergency.why.{emergency_id}", row.why)
    told = row.person_told and work.unseal(row.person_id, f"emergency.person_told.{emergency_id}", row.person_told)
    return {
        **summary(row, work.keys, now=work.now),
        "recipient": row.recipient,
        "message": message_of(work, row),
        "why": why,
        "person_told": told or None,
    }


def message_of(work: UnitOfWork, row: EmergencyRow) -> Shown:
    """Return the very message that was entered into the ledger."""
    chain = chain_of(EmergencyRecipient(row.recipient))
    entry = work.session.get_one(LedgerRow, (chain, row.entry))
    return dict(ledger_view.read_content(work.keys, entry)["told"])


def overdue(session: Session, keys: PersonKeys, *, now: datetime) -> Overdue:
    """Return what is overdue now. Who was erased can no longer be told; a review is due all the same."""
    open_ones = or_(col(EmergencyRow.confirmed_at).is_(None), col(EmergencyRow.person_told_at).is_(None))
    old = select(EmergencyRow).where(open_ones, col(EmergencyRow.told_at) <= now - REVIEW_WITHIN)
    rows = session.exec(old.order_by(col(EmergencyRow.told_at))).all()
    reviews = [row for row in rows if progress_of(row).state(at=now) is State.REVIEW_OVERDUE]
    return Overdue(
        reviews=tuple(row.emergency_id for row in reviews),
        tellings=tuple(row.emergency_id for row in rows if _telling_is_overdue(row, keys, now=now)),
        unannounced=tuple(
            (row.emergency_id, row.person_id)
            for row in reviews
            if row.overdue_announced_at is None and not keys.is_destroyed(row.person_id)
        ),
    )


def _telling_is_overdue(row: EmergencyRow, keys: PersonKeys, *, now: datetime) -> bool:
    return progress_of(row).telling_is_overdue(at=now) and not keys.is_destroyed(row.person_id)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
