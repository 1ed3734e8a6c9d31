"""Whose yes or ask is about to end: the care circle hears it once, in time, so that somebody asks the person anew."""

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from services.consent.domain import REMIND_BEFORE
from services.consent.tables import AnswerRow, GrantRow
from shared.contracts.consent import Awaited, PersonAwaited
from shared.unit_of_work import UnitOfWork


def due(work: UnitOfWork) -> list[tuple[str, str]]:
    """Return (grant, person) of which some word is about to end and nobody was reminded of that yet."""
    query = select(GrantRow, AnswerRow.expires_at).join(AnswerRow, col(AnswerRow.grant_id) == GrantRow.grant_id)
    ending = query.where(*_stands(), col(AnswerRow.expires_at) <= work.now + REMIND_BEFORE)
    rows = [(grant, expires_at) for grant, expires_at in work.session.exec(ending) if expires_at is not None]
    return sorted({(grant.grant_id, grant.person_id) for grant, at in rows if _is_news(grant, at)})


def remind(work: UnitOfWork, *, grant_id: str) -> None:
    """Say inside that a person should be asked anew: once for all words of a declaration that end within the time."""
    grant = work.session.get_one(GrantRow, grant_id)
    ends = work.session.exec(select(AnswerRow.expires_at).where(AnswerRow.grant_id == grant_id, *_stands())).all()
    due_at = min((at for at in ends if at is not None and _is_news(grant, at)), default=None)
    if due_at is None or due_at > work.now + REMIND_BEFORE:
        return
    grant.reminded_at = work.now
    work.session.add(grant)
    work.announce(
        PersonAwaited(item_id=grant_id, person_id=grant.person_id, awaited=Awaited.RENEWAL, due_at=due_at, at=work.now)
    )


def _stands() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(AnswerRow.ended_at).is_(None), col(AnswerRow.confirm_by).is_(None)


def _is_news(grant: GrantRow, expires_at: datetime) -> bool:
    """Say whether the end of a word lay too far ahead when a reminder went out last: words of one grant end apart."""
    return grant.reminded_at is None or expires_at > grant.reminded_at + REMIND_BEFORE
