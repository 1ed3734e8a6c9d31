"""HTTP of billing: what each account holds and owes, and the vouchers that a Jobcenter disputes. About nobody."""

from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict

from services.consent import funding
from services.consent.settings import ConsentSettings
from shared.contracts.requests import Serial
from shared.service import Service
from shared.web import Caller, Role, allow

log = structlog.get_logger()

Lead = Annotated[Caller, Depends(allow(Role.LEAD))]
LeadOrOperator = Annotated[Caller, Depends(allow(Role.LEAD, Role.OPERATOR))]

Shown = dict[str, Any]  # Any: JSON values


class Settling(BaseModel):
    """How a dispute ends: the voucher stands, or the Jobcenter gets its unit back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Literal["stands", "credited"]


def add_billing_routes(router: APIRouter, service: Service, settings: ConsentSettings) -> None:
    """Add how billing is watched, and how disputes are settled."""

    @router.get("/billing", tags=["operation"])
    def accounts(_caller: LeadOrOperator) -> list[Shown]:
        """List accounts: how many units are funded, unspent, spent and not billed yet, billed, paid back and owed."""
        with service.database.read() as session:
            return list(funding.accounts(session, town=settings.town, now=service.clock()))

    @router.get("/billing/disputes", tags=["operation"])
    def disputes(_caller: LeadOrOperator) -> list[Shown]:
        """List the vouchers that a Jobcenter disputes and that nobody has settled: serials and reasons alone."""
        with service.database.read() as session:
            return list(funding.disputes(session))

    @router.post("/billing/disputes/{serial}/settling", tags=["operation"])
    async def settle(serial: Annotated[Serial, Path()], body: Settling, caller: Lead) -> Shown:
        """Settle a dispute: the next statement tells the Jobcenter."""
        await service.writer.run(
            lambda work: funding.settle(work, serial=serial, outcome=body.outcome, by=caller.caller_id),
            locks=lambda session: funding.lock_of_dispute(session, serial),
        )
        log.info("voucher_dispute_settled", serial=serial, outcome=body.outcome, by=caller.caller_id)
        return {"serial": serial, "outcome": body.outcome}
