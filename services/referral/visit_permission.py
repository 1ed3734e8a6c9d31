"""Who may do what to a visit: the rules of `visit_state.py` for a caller. A refusal is audited, then answered."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import Depends, Request

from services.referral import visiting
from services.referral.visit_state import VISIT_DONE_BY, VisitDeed
from services.referral.visit_store import lock_of
from shared.service import Service
from shared.web import Caller, Forbidden, Role, allow, refuse_unread_body

log = structlog.get_logger()

Anybody = Annotated[Caller, Depends(allow(*Role, decides_later=True))]


def may(deed: VisitDeed, role: Role) -> bool:
    """Say whether somebody with that role may do it."""
    return role.value in VISIT_DONE_BY[deed]


def allowed_at_visits(service: Service, deed: VisitDeed) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that lets in who may do it to the visit of the path; a refusal leaves a row."""

    async def check(request: Request, caller: Anybody) -> Caller:
        if may(deed, caller.role):
            await refuse_unread_body(request)
            return caller
        visit_id = request.path_params.get("visit_id")
        await service.writer.run(
            lambda work: visiting.audit(
                work, visit_id=visit_id, by=caller.caller_id, role=caller.role, deed=deed, was_refused=True
            ),
            locks=lambda session: lock_of(session, visit_id) if visit_id else set(),
        )
        log.warning("deed_refused", by=caller.caller_id, role=caller.role)
        raise Forbidden

    return check
