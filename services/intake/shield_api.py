"""HTTP of the staff shield, and of a commission that moves to an earlier case: translate in, call one handler, out."""

from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path

from services.intake import handlers, merging, store
from services.intake.form import JoiningBody
from services.intake.handlers import Answer
from shared.service import Service
from shared.web import Caller, Role, allow

log = structlog.get_logger()

CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Worker = Annotated[Caller, Depends(allow(Role.INTAKE_WORKER))]
WorkerOrLead = Annotated[Caller, Depends(allow(Role.INTAKE_WORKER, Role.LEAD))]


def shield_routes(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["intake"])

    @router.post("/cases/{case_id}/shield")
    async def shield_case(case_id: CaseId, caller: WorkerOrLead) -> Answer:
        """Shield somebody who is, or is related to, Jobcenter staff. There is no way back."""
        act = partial(handlers.shield_case, case_id=case_id)
        answer = await service.writer.run(
            act, locks=lambda session: store.person_lock(session, case_id, *store.joined_case(session, case_id))
        )
        log.info("case_changed", by=caller.caller_id, case_id=case_id)
        return answer

    @router.post("/cases/{case_id}/joined-commission")
    async def join_commission(case_id: CaseId, body: JoiningBody, caller: Worker) -> Answer:
        """Move the commission of another case of the same person here, because the person wants it."""
        former = body.former_case_id
        act = partial(merging.join_commission, case_id=case_id, former_case_id=former)
        answer = await service.writer.run(act, locks=lambda session: store.person_lock(session, case_id, former))
        log.info("commission_joined", by=caller.caller_id, case_id=case_id, former_case_id=former)
        return answer

    return router
