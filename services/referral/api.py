"""HTTP to handler, for the team: ask for help, see where each referral stands, take an appointment, close the loop."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlmodel import Session

from services.referral import __version__, export, handlers
from services.referral.directory import Directory, Provider, RecipientId
from services.referral.domain import overdue as late
from services.referral.permission import allowed_to
from services.referral.shown import ReferralLine, ReferralShown, Requested
from services.referral.state import Deed, News, Reopening
from services.referral.store import Referrals
from shared.access import AccessExport
from shared.contracts.consent import Outcome, ProviderAnswer
from shared.contracts.envelope import Code, Id
from shared.service import Service
from shared.web import Caller, Role, allow

log = structlog.get_logger()

PersonId = Annotated[Id, Path()]
Team = Annotated[Caller, Depends(allow(Role.ASSESSOR, Role.LEAD))]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]


class RequestReferral(BaseModel):
    """Which help is asked for, for whom, and where."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    case_id: Id
    recipient_id: RecipientId
    service: Code
    hold_id: Id | None = None


class HandOver(BaseModel):
    """Who is responsible from now on."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    responsible_id: Id


class ProviderSaid(BaseModel):
    """What a provider said by telephone, say: an appointment goes with its offer, an outcome with the end."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    answer: ProviderAnswer
    appointment_at: AwareDatetime | None = None
    outcome: Outcome | None = None


class Reopen(BaseModel):
    """Why the same help is asked for once more."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: Reopening


def routes(service: Service, directory: Directory) -> APIRouter:
    """Return the routes of this service."""
    router = APIRouter(tags=["referral"])
    taking, closing = allowed_to(service, News.APPOINTMENT_TAKEN), allowed_to(service, News.CLOSED)
    noting = allowed_to(service, Deed.NOTE_ANSWER)
    handing, reopening = allowed_to(service, Deed.HAND_OVER), allowed_to(service, Deed.REOPEN)

    def person_of_case(session: Session, case_id: str) -> set[str]:
        return _lock(Referrals(session, service.keys).person_of_case(case_id))

    def person_of(session: Session, referral_id: str) -> set[str]:
        return _lock(Referrals(session, service.keys).person_of(referral_id))

    @router.get("/providers")
    def providers(_caller: Team) -> list[Provider]:
        """List where help can be asked for."""
        return list(directory.providers)

    @router.post("/referrals", status_code=201)
    async def request_referral(request: RequestReferral, caller: Team) -> Requested:
        """Ask for help at a provider. Nothing leaves by this: the person decides what the provider may know."""
        referral = await service.writer.run(
            lambda work: handlers.request_referral(
                work, directory=directory, responsible_id=caller.caller_id, **request.model_dump()
            ),
            locks=lambda session: person_of_case(session, request.case_id),
        )
        return Requested(referral_id=referral.referral_id, needed=list(referral.needed))

    @router.get("/referrals")
    def listed(_caller: Team, case_id: Id | None = None) -> list[ReferralLine]:
        """List referrals, oldest first; of one case if it is named."""
        with service.database.read() as session:
            referrals = Referrals(session, service.keys, town=service.town)
            found = referrals.of_case(case_id) if case_id else referrals.all()
        return [ReferralLine.of(referral) for referral in found]

    @router.get("/referrals/{referral_id}")
    def shown(referral_id: Id, _caller: Team) -> ReferralShown:
        """Show a referral with its history and what the provider said."""
        with service.database.read() as session:
            return ReferralShown.of(Referrals(session, service.keys, town=service.town).get(referral_id))

    @router.post("/referrals/{referral_id}/answers", status_code=201)
    async def note_answer(
        referral_id: Id, said: ProviderSaid, caller: Annotated[Caller, Depends(noting)]
    ) -> ReferralShown:
        """Write down what the provider said otherwise than through the gate."""
        noted = await service.writer.run(
            lambda work: handlers.note_answer(work, referral_id=referral_id, by=caller.caller_id, **dict(said)),
            locks=lambda session: person_of(session, referral_id),
        )
        return ReferralShown.of(noted)

    @router.post("/referrals/{referral_id}/appointment")
    async def take_appointment(referral_id: Id, _caller: Annotated[Caller, Depends(taking)]) -> ReferralShown:
        """Record that the person takes the appointment on offer."""
        taken = await service.writer.run(
            lambda work: handlers.take_appointment(work, referral_id=referral_id),
            locks=lambda session: person_of(session, referral_id),
        )
        return ReferralShown.of(taken)

    @router.post("/referrals/{referral_id}/hand-over")
    async def hand_over(
        referral_id: Id, request: HandOver, _caller: Annotated[Caller, Depends(handing)]
    ) -> ReferralShown:
        """Make somebody else responsible."""
        handed = await service.writer.run(
            lambda work: handlers.hand_over(
                work,
                referral_id=referral_id,
                responsible_id=request.responsible_id,
                team=service.tokens.named(Role.ASSESSOR, Role.LEAD),
            ),
            locks=lambda session: person_of(session, referral_id),
        )
        return ReferralShown.of(handed)

    @router.post("/referrals/{referral_id}/closing")
    async def close_referral(referral_id: Id, _caller: Annotated[Caller, Depends(closing)]) -> ReferralShown:
        """Close the loop."""
        closed = await service.writer.run(
            lambda work: handlers.close_referral(work, referral_id=referral_id),
            locks=lambda session: person_of(session, referral_id),
        )
        return ReferralShown.of(closed)

    @router.post("/referrals/{referral_id}/re-opening", status_code=201)
    async def reopen(referral_id: Id, request: Reopen, caller: Annotated[Caller, Depends(reopening)]) -> Requested:
        """Ask for the same help once more, as a referral of its own."""
        anew = await service.writer.run(
            lambda work: handlers.reopen(
                work,
                directory=directory,
                referral_id=referral_id,
                because=request.reason,
                responsible_id=caller.caller_id,
            ),
            locks=lambda session: person_of(session, referral_id),
        )
        return Requested(referral_id=anew.referral_id, needed=list(anew.needed))

    @router.get("/overdue")
    def overdue(_caller: Team) -> list[ReferralLine]:
        """List the referrals whose next step is overdue, the longest first."""
        with service.database.read() as session:
            still_open = Referrals(session, service.keys, town=service.town).open()
        return [ReferralLine.of(referral) for referral in late(still_open, now=service.clock())]

    @router.get("/persons/{person_id}/export", tags=["person"])
    def export_person(person_id: PersonId, caller: PersonDesk) -> AccessExport:
        """Return everything that this service keeps about a person (Art. 15 and 20 GDPR, § 83 SGB X)."""
        with service.database.read() as session:
            records = export.kept(session, service.keys, person_id)
        log.info("access_given", by=caller.caller_id, person_id=person_id, records=len(records))
        return AccessExport.of(service.name, __version__, person_id, records, at=service.clock())

    return router


def _lock(person_id: str | None) -> set[str]:
    return {f"person:{person_id}"} if person_id else set()
