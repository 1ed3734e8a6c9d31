"""The quiet signal: a person who is under pressure has every yes held. Nothing more leaves, nothing is retracted, and
nobody outside can see it. Only the person lifts it, and not where the pressure is.
"""

from datetime import datetime
from secrets import token_urlsafe

from sqlmodel import col, select

from services.consent import store
from services.consent.domain import Place
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.notices import reconsider
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import HoldRow
from shared.unit_of_work import UnitOfWork


def hold(work: UnitOfWork, *, person_id: str, recipient_id: str | None = None) -> None:
    """Hold everything towards one recipient, or towards all. A second signal changes nothing."""
    store.load_person(work.session, person_id)
    if recipient_id is not None and work.session.get(RecipientRow, recipient_id) is None:
        raise RecipientNotFound  # a slip of the pen must not look like a hold
    for each in (person_id, *store.other_ids(work, person_id)):
        if any(row.recipient_id == recipient_id for row in _standing(work, each)):
            continue
        _keep(work, each, recipient_id, since=work.now)
        reconsider(work, each)


def take_along(work: UnitOfWork, *, former_id: str, person_id: str) -> None:
    """Hold towards whomever a human held under another id, before what they said under this one is reconsidered."""
    known = {row.recipient_id for row in _standing(work, person_id)}
    for former in _standing(work, former_id):
        if former.recipient_id not in known:
            _keep(work, person_id, former.recipient_id, since=former.since)
    work.session.flush()


def lift(work: UnitOfWork, *, person_id: str, place: Place) -> int:
    """Lift all holds of a person; return how many there were."""
    store.load_person(work.session, person_id)
    if place is not Place.ELSEWHERE:
        raise NotAcceptable(("place", "must be elsewhere: not at the Jobcenter, nor on its devices"))
    standing = _standing(work, person_id)
    for row in standing:
        row.ended_at = work.now
        work.session.add(row)
        work.narrows(row)  # so that a restored backup does not hold for ever what the person lifted
    reconsider(work, person_id)
    return len(standing)


def _keep(work: UnitOfWork, person_id: str, recipient_id: str | None, *, since: datetime) -> None:
    row = HoldRow(hold_id=token_urlsafe(16), person_id=person_id, recipient_id=recipient_id, since=since)
    work.session.add(row)
    work.narrows(row)


def _standing(work: UnitOfWork, person_id: str) -> list[HoldRow]:
    query = select(HoldRow).where(HoldRow.person_id == person_id, col(HoldRow.ended_at).is_(None))
    return list(work.session.exec(query))
