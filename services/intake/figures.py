"""How many persons came in a quarter, and by which way: for the town's steering, never by person."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from services.intake.store import Case, metadata
from shared.contracts.intake import IntakeFiguresCounted
from shared.figures import Counted, Counts, Span
from shared.keys import PersonKeys


def first_at(session: Session) -> datetime | None:
    """Return when the first case was opened."""
    return session.exec(select(Case.opened_at).order_by(col(Case.opened_at)).limit(1)).first()


def count(session: Session, _keys: PersonKeys, span: Span) -> Counts:
    """Count persons whose case was opened; one whose commission moved to an earlier case was not new."""
    opened = (col(Case.opened_at) >= span.begins_at, col(Case.opened_at) < span.ends_at)
    query = select(Case.origin, func.count()).where(*opened, col(Case.joined_case_id).is_(None))
    return {"came_by": dict(session.exec(query.group_by(Case.origin)).all())}


FIGURES = Counted(IntakeFiguresCounted, metadata, first_at, count)
