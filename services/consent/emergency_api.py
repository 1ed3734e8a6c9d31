"""HTTP of the team: what is told in an emergency, who stands for it, and that the person is told."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path

from services.consent import emergency, emergency_view
from services.consent.emergency_domain import EmergencyRecipient, chain_of
from services.consent.emergency_form import EmergencyTold, PersonTold, RequestKey, Reviewed
from services.consent.head_export import read_heads_file
from services.consent.settings import ConsentSettings
from services.consent.signing import PublicKeys
from services.consent.verification import verify_chain
from shared.contracts.envelope import Id
from shared.service import Service
from shared.web import Caller, Role, allow

EmergencyId = Annotated[Id, Path()]
Key = Annotated[RequestKey | None, Header(alias="Idempotency-Key")]
Team = Annotated[Caller, Depends(allow(Role.ASSESSOR, Role.LEAD))]
Lead = Annotated[Caller, Depends(allow(Role.LEAD))]
LeadOrOperator = Annotated[Caller, Depends(allow(Role.LEAD, Role.OPERATOR))]
Operator = Annotated[Caller, Depends(allow(Role.OPERATOR))]

Shown = dict[str, Any]  # Any: JSON values


def add_emergency_routes(router: APIRouter, service: Service, settings: ConsentSettings, keys: PublicKeys) -> None:
    """Add what the team can do in an emergency."""

    @router.post("/emergencies", status_code=201, tags=["emergency"])
    async def tell(told: EmergencyTold, caller: Team, request_key: Key = None) -> Shown:
        """Enter what is told into the ledger, then return it, to be handed over by phone or in person."""
        disclosure = told.disclosure()
        return await service.writer.run(
            lambda work: emergency.disclose(
                work,
                disclosure,
                by=caller.caller_id,
                request_key=request_key,
                index_key=settings.index_key(),
            ),
            locks=lambda _: emergency.locks_for(disclosure, request_key=request_key),
            urgent=True,
        )

    @router.get("/emergencies", tags=["emergency"])
    def emergencies(_caller: LeadOrOperator) -> list[Shown]:
        """List ids, times, states and what is overdue; nothing of what was told."""
        with service.database.read() as session:
            return emergency_view.listed(session, service.keys, now=service.clock())

    @router.get("/emergencies/{emergency_id}", tags=["emergency"])
    async def show(emergency_id: EmergencyId, _caller: Team) -> Shown:
        """Return what was told and why, for who confirms or reviews it."""
        return await service.writer.run(partial(emergency_view.shown, emergency_id=emergency_id))

    @router.post("/emergencies/{emergency_id}/second-person", tags=["emergency"])
    async def confirm(emergency_id: EmergencyId, caller: Team) -> Shown:
        """Stand for it as the second person, in one's own name."""
        return await service.writer.run(
            partial(emergency.confirm, emergency_id=emergency_id, by=caller.caller_id),
            locks=lambda session: emergency.person_lock(session, emergency_id),
        )

    @router.post("/emergencies/{emergency_id}/review", tags=["emergency"])
    async def review(emergency_id: EmergencyId, reviewed: Reviewed, caller: Lead) -> Shown:
        """Say whether it was justified; by a lead who had no part in it."""
        return await service.writer.run(
            partial(emergency.review, emergency_id=emergency_id, outcome=reviewed.outcome, by=caller.caller_id),
            locks=lambda session: emergency.person_lock(session, emergency_id),
        )

    @router.post("/emergencies/{emergency_id}/person-told", tags=["emergency"])
    async def person_told(emergency_id: EmergencyId, told: PersonTold, caller: Team) -> Shown:
        """Record that the person knows of it."""
        return await service.writer.run(
            partial(
                emergency.tell_person,
                emergency_id=emergency_id,
                told_on=told.told_on,
                language=told.language,
                by=caller.caller_id,
                zone=settings.zone(),
            ),
            locks=lambda session: emergency.person_lock(session, emergency_id),
        )

    @router.get("/emergencies/ledger/{recipient}/verification", tags=["operation"])
    def verify(recipient: EmergencyRecipient, _caller: Operator) -> Shown:
        """Check the chain of an emergency recipient, also against exported heads: whole, or the first fault."""
        exported = read_heads_file(settings.heads_file(), keys)  # before the ledger: it was committed first
        with service.database.read() as session:
            fault = verify_chain(session, chain_of(recipient), exported=exported, keys=service.keys).fault
        found = {"number": fault.number, "reason": fault.reason} if fault else None
        return {"recipient": recipient.value, "whole": fault is None, "fault": found}
