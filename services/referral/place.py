"""Places without identity: what providers keep free, holds that end by themselves, and an order of waiting.

Nobody stands in any of it. Which referral has a place lies sealed in the referral, and is counted there.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from sqlmodel import Session, col, delete, select

from services.referral.errors import HoldNotFound, NoPlaceFree, OutOfOrder, WaitingNotFound
from services.referral.state import SkipReason
from services.referral.store import Referrals
from services.referral.tables import ContingentRow, HoldRow, OutOfOrderRow, WaitingRow
from shared.contracts.town import Town
from shared.keys import PersonKeys
from shared.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Free:
    """How many places of one service a provider has free."""

    recipient_id: str
    service: str
    free: int
    waiting: int
    valid_until: datetime


def take_offer(
    work: UnitOfWork, *, recipient_id: str, service: str, places: int, valid_until: datetime, offered_at: datetime
) -> None:
    """Note how many places a provider keeps, those that referrals have already among them. An older word is none."""
    row = _contingent(work.session, recipient_id, service)
    if row is None:
        row = ContingentRow(
            recipient_id=recipient_id, service=service, places=places, valid_until=valid_until, offered_at=offered_at
        )
    elif offered_at > row.offered_at:
        row.places, row.valid_until, row.offered_at = places, valid_until, offered_at
    work.session.add(row)


def capacity(session: Session, keys: PersonKeys, *, service: str | None, now: datetime, town: Town) -> list[Free]:
    """Return what is free, at all providers at once, as it is now. No provider learns that somebody asks."""
    found = select(ContingentRow).where(col(ContingentRow.valid_until) > now)
    if service is not None:
        found = found.where(ContingentRow.service == service)
    ordered = found.order_by(col(ContingentRow.service), col(ContingentRow.recipient_id))
    taken = _taken(session, keys, now=now, town=town)
    return [
        Free(
            row.recipient_id,
            row.service,
            free=_free(session, row, now=now, taken=taken(row.recipient_id, row.service)),
            waiting=len(waiting_order(session, row.recipient_id, row.service)),
            valid_until=row.valid_until,
        )
        for row in session.exec(ordered)
    ]


def waiting_order(session: Session, recipient_id: str, service: str) -> list[WaitingRow]:
    """Return who waits, the longest first."""
    found = select(WaitingRow).where(WaitingRow.recipient_id == recipient_id, WaitingRow.service == service)
    return list(session.exec(found.order_by(col(WaitingRow.since), col(WaitingRow.waiting_id))))


def wait(work: UnitOfWork, *, recipient_id: str, service: str) -> str:
    """Queue for a place; return the random id under which somebody waits."""
    waiting_id = token_urlsafe(16)
    work.session.add(WaitingRow(waiting_id=waiting_id, recipient_id=recipient_id, service=service, since=work.now))
    return waiting_id


def leave(work: UnitOfWork, *, waiting_id: str) -> None:
    """Wait no longer."""
    row = work.session.get(WaitingRow, waiting_id)
    if row is None:
        raise WaitingNotFound
    work.session.delete(row)


def hold(
    work: UnitOfWork,
    *,
    recipient_id: str,
    service: str,
    minutes: int,
    held_by: str,
    waiting_id: str | None = None,
    reason: SkipReason | None = None,
) -> HoldRow:
    """Keep a place free for a while. Whoever waits longest comes first; otherwise a reason is needed, and audited."""
    row = _contingent(work.session, recipient_id, service)  # locked: of claims at once one counts after the other
    taken = _taken(work.session, work.keys, now=work.now, town=work.town)(recipient_id, service)
    if row is None or _free(work.session, row, now=work.now, taken=taken) < 1:
        raise NoPlaceFree
    _take_turn(work, recipient_id, service, waiting_id=waiting_id, reason=reason, held_by=held_by)
    _forget_expired(work.session, now=work.now)
    held = HoldRow(
        hold_id=token_urlsafe(16),
        recipient_id=recipient_id,
        service=service,
        held_until=work.now + timedelta(minutes=minutes),
    )
    work.session.add(held)
    work.session.flush()
    return held


def claim(work: UnitOfWork, *, hold_id: str, recipient_id: str, service: str) -> None:
    """Turn a hold into a referral's place; the hold is gone with that."""
    contingent = _contingent(work.session, recipient_id, service)
    held = work.session.get(HoldRow, hold_id)
    fits = held is not None and (held.recipient_id, held.service) == (recipient_id, service)
    if held is None or contingent is None or not fits or held.held_until <= work.now:
        raise HoldNotFound
    work.session.delete(held)
    work.session.flush()


def _taken(session: Session, keys: PersonKeys, *, now: datetime, town: Town) -> Callable[[str, str], int]:
    """Return how many places of a provider's service are taken; what cannot be read may have one anywhere."""
    kept = Referrals(session, keys, town=town)
    referrals = [one.at(now) for one in kept.open()]
    held = Counter((one.recipient_id, one.service) for one in referrals if one.has_place)
    unreadable = kept.count_open() - len(referrals)
    return lambda recipient_id, service: held[recipient_id, service] + unreadable


def _contingent(session: Session, recipient_id: str, service: str) -> ContingentRow | None:
    found = select(ContingentRow).where(ContingentRow.recipient_id == recipient_id, ContingentRow.service == service)
    locked = found.with_for_update().execution_options(populate_existing=True)
    return session.exec(locked).one_or_none()


def _free(session: Session, row: ContingentRow, *, now: datetime, taken: int) -> int:
    """Return how many places nobody has: an offer that was made smaller leaves none, not less than none."""
    if row.valid_until <= now:
        return 0
    held = select(HoldRow).where(
        HoldRow.recipient_id == row.recipient_id, HoldRow.service == row.service, col(HoldRow.held_until) > now
    )
    return max(0, row.places - taken - len(session.exec(held).all()))


def _take_turn(
    work: UnitOfWork,
    recipient_id: str,
    service: str,
    *,
    waiting_id: str | None,
    reason: SkipReason | None,
    held_by: str,
) -> None:
    order = waiting_order(work.session, recipient_id, service)
    ids = [row.waiting_id for row in order]
    if waiting_id is not None and waiting_id not in ids:
        raise WaitingNotFound
    position = ids.index(waiting_id) + 1 if waiting_id is not None else None
    if order and position != 1:
        if reason is None:
            raise OutOfOrder
        work.session.add(
            OutOfOrderRow(
                entry_id=token_urlsafe(16),
                recipient_id=recipient_id,
                service=service,
                position=position,
                waiting=len(order),
                reason=reason,
                held_by=held_by,
                held_on=work.now.date(),
            )
        )
    if position is not None:
        work.session.delete(order[position - 1])


def _forget_expired(session: Session, *, now: datetime) -> None:
    session.exec(delete(HoldRow).where(col(HoldRow.held_until) <= now))
