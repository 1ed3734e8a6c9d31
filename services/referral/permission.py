"""Who may do what to a referral: the rules of `state.py` for a caller. A refusal is audited before it is answered."""

from collections.abc import Awaitable, Callable
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request
from sqlmodel import Session

from services.referral.state import DONE_BY, SET_BY, Deed, News, Setter
from services.referral.store import Referrals
from services.referral.tables import RefusalRow
from shared.contracts.envelope import Id
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Forbidden, Role, allow, refuse_unread_body

log = structlog.get_logger()

SETTERS: Final = MappingProxyType(
    {Role.ASSESSOR: Setter.TEAM, Role.LEAD: Setter.TEAM, Role.PERSON_DESK: Setter.PERSON_DESK}
)

Anybody = Annotated[Caller, Depends(allow(*Role, decides_later=True))]


def may(deed: News | Deed, role: Role) -> bool:
    """Say whether somebody with that role may do it."""
    setters = SET_BY[deed] if isinstance(deed, News) else DONE_BY[deed]
    return SETTERS.get(role) in setters


def allowed_to(service: Service, deed: News | Deed) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that lets in who may do it to the referral of the path; a refusal leaves a row."""

    async def check(request: Request, referral_id: Id, caller: Anybody) -> Caller:
        if may(deed, caller.role):
            await refuse_unread_body(request)
            return caller
        await service.writer.run(
            lambda work: _refuse(work, referral_id, caller, deed),
            locks=lambda session: _lock(session, service, referral_id),
        )
        raise Forbidden

    return check


def allowed_at_places(service: Service, deed: Deed) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that lets in who may do it to a place; a refusal leaves a row."""

    async def check(request: Request, caller: Anybody) -> Caller:
        if may(deed, caller.role):
            await refuse_unread_body(request)
            return caller
        await service.writer.run(lambda work: _refuse(work, None, caller, deed))
        raise Forbidden

    return check


def _refuse(work: UnitOfWork, referral_id: str | None, caller: Caller, deed: News | Deed) -> None:
    is_known = referral_id is not None and Referrals(work.session, work.keys).person_of(referral_id) is not None
    work.session.add(
        RefusalRow(
            refusal_id=token_urlsafe(16),
            referral_id=referral_id if is_known else None,
            refused_id=caller.caller_id,
            role=caller.role,
            deed=deed,
            refused_at=work.now,
        )
    )
    log.warning("deed_refused", by=caller.caller_id, role=caller.role)


def _lock(session: Session, service: Service, referral_id: str) -> set[str]:
    person_id = Referrals(session, service.keys).person_of(referral_id)
    return {f"person:{person_id}"} if person_id else set()
