"""Whose yes or ask is about to end: the care circle hears it once, in time, so that somebody asks the person anew."""

from sqlalchemy import func
from sqlmodel import col, select

from services.consent.domain import REMIND_BEFORE
from services.consent.tables import AnswerRow, GrantRow
from shared.contracts.consent import Awaited, PersonAwaited
from shared.unit_of_work import UnitOfWork


def due(work: UnitOfWork) -> list[tuple[str, str]]:
    """Return (grant, person) of which some word is about to end and nobody was reminded yet."""
    query = (
        select(GrantRow.grant_id, GrantRow.person_id)
        .join(AnswerRow, col(AnswerRow.grant_id) == GrantRow.grant_id)
        .where(
            col(GrantRow.reminded_at).is_(None),
            col(AnswerRow.ended_at).is_(None),
            col(AnswerRow.confirm_by).is_(None),
            col(AnswerRow.expires_at) <= work.now + REMIND_BEFORE,
        )
        .distinct()
    )
    return [(grant_id, person_id) for grant_id, person_id in work.session.exec(query)]


def remind(work: UnitOfWork, *, grant_id: str) -> None:
    """Say inside that a person should be asked anew, once per declaration."""
    grant = work.session.get_one(GrantRow, grant_id)
    first = select(func.min(AnswerRow.expires_at)).where(
        AnswerRow.grant_id == grant_id, col(AnswerRow.ended_at).is_(None), col(AnswerRow.confirm_by).is_(None)
    )
    due_at = work.session.exec(first).one()
    if grant.reminded_at is not None or due_at is None:
        return
    grant.reminded_at = work.now
    work.session.add(grant)
    work.announce(
        PersonAwaited(item_id=grant_id, person_id=grant.person_id, awaited=Awaited.RENEWAL, due_at=due_at, at=work.now)
    )
