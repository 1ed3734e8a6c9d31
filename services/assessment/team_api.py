"""HTTP of teams: who is proposed for a case, and who is away."""

from datetime import date
from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel

from services.assessment import absence, store
from services.assessment.form import AbsenceBody, WantedBody
from services.assessment.planning import Answer
from services.assessment.teams import Proposal, Reason, Teams
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow

log = structlog.get_logger()

PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Team = Annotated[Caller, Depends(allow(Role.ASSESSOR, Role.LEAD))]


class ProposalLine(BaseModel):
    """Somebody who could take a case, and what speaks for and against it."""

    member_id: str
    team_id: str
    reasons: list[Reason]
    free: int


class AbsenceLine(BaseModel):
    """From when until when somebody is away, and who stands in."""

    from_on: date
    until_on: date
    deputy_id: str | None


class MemberLine(BaseModel):
    """Somebody of a team."""

    member_id: str
    team_id: str | None
    absences: list[AbsenceLine]


def team_routes(service: Service, *, teams: Teams) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["teams"])

    @router.post("/cases/{case_id}/assignment-proposals")
    async def propose(case_id: PathId, body: WantedBody, _caller: Team) -> list[ProposalLine]:
        """Say who could take a case, whoever fits best first, with reasons. Taking it is for a named human."""

        def act(work: UnitOfWork) -> list[Proposal]:
            store.load_owed_case(work.session, case_id)
            carried, absent = absence.carried(work), absence.absent(work)
            return teams.propose(language=body.language, profession=body.profession, carried=carried, absent=absent)

        return [
            ProposalLine(member_id=one.member_id, team_id=one.team_id, reasons=list(one.reasons), free=one.free)
            for one in await service.writer.run(act)
        ]

    @router.get("/members")
    def list_members(_caller: Team) -> list[MemberLine]:
        """List who works where, and who is away, or will be. Without a file of teams: who is away."""
        with service.database.read() as session:
            rows = absence.known(session, today=service.town.today(service.clock()))
        away = {name: [row for row in rows if row.member_id == name] for name in {row.member_id for row in rows}}
        return [
            MemberLine(
                member_id=member_id,
                team_id=teams.members[member_id].team_id if member_id in teams.members else None,
                absences=[AbsenceLine.model_validate(row, from_attributes=True) for row in away.get(member_id, [])],
            )
            for member_id in sorted({*teams.members, *away})
        ]

    @router.put("/members/{member_id}/absence")
    async def record_absence(member_id: PathId, body: AbsenceBody, caller: Team) -> Answer:
        """Write down that somebody is away; from the first day on their cases are the deputy's, or the team's."""
        act = partial(absence.record, member_id=member_id, teams=teams, **body.model_dump())
        answer = await service.writer.run(act, locks=lambda session: absence.locks_of(session, member_id))
        log.info("absence_recorded", by=caller.caller_id, member_id=member_id)
        return answer

    @router.delete("/members/{member_id}/absence/{from_on}")
    async def take_back_absence(member_id: PathId, from_on: date, caller: Team) -> Answer:
        """Take back the absence that begins on that day. Cases that were handed over stay where they are."""
        answer = await service.writer.run(partial(absence.take_back, member_id=member_id, from_on=from_on))
        log.info("absence_taken_back", by=caller.caller_id, member_id=member_id)
        return answer

    return router
