"""HTTP of home visits: plan one, record the person's word, set out, check out. A no is one request without a body."""

from collections.abc import Callable
from datetime import UTC
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import Session

from services.referral import visiting
from services.referral.store import Referrals
from services.referral.visit import GivenHow, Over, Plan, Purpose, Visit
from services.referral.visit_permission import allowed_at_visits
from services.referral.visit_shown import SearchShown, VisitShown
from services.referral.visit_state import VisitDeed
from services.referral.visit_store import Visits, lock_of
from shared.contracts.envelope import Id
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import NOT_BLANK, Caller, Forbidden, Role

R = TypeVar("R")

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=20)]
LONGEST_MINUTES = 6 * 60


class PlanVisit(BaseModel):
    """What for, who comes, when and where; how the person wants to be asked for, and in which language."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    purpose: Purpose = Field(repr=False)
    workers: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(min_length=1, max_length=2)
    from_at: AwareDatetime = Field(repr=False)
    until_at: AwareDatetime = Field(repr=False)
    where: str = Field(pattern=NOT_BLANK, max_length=300, repr=False)
    ask_for: str | None = Field(default=None, pattern=NOT_BLANK, max_length=100, repr=False)
    language: Language | None = Field(default=None, repr=False)

    def plan(self) -> Plan:
        """Return the plan, with a salt of its own."""
        return Plan(
            purpose=self.purpose,
            workers=tuple(self.workers),
            from_at=self.from_at.astimezone(UTC),
            until_at=self.until_at.astimezone(UTC),
            where=self.where,
            ask_for=self.ask_for,
            language=self.language,
            salt=visiting.new_salt(),
        )


class ProposeVisit(PlanVisit):
    """A visit in a case."""

    case_id: Id


class GivePermission(BaseModel):
    """The person's own word for one plan, as it was shown."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    plan_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    given_how: GivenHow = Field(repr=False)
    language: Language = Field(repr=False)


class SetOut(BaseModel):
    """In how many minutes whoever sets out will have checked out; without, soon after the planned time."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES, strict=True)] | None = None


def visit_routes(service: Service) -> APIRouter:
    """Return the routes of home visits."""
    router = APIRouter(tags=["visit"])
    proposing, looking, changing, permitting, setting_out, checking_out, refusing, calling_off, searching = (
        Depends(allowed_at_visits(service, deed))
        for deed in (
            VisitDeed.PROPOSE,
            VisitDeed.LOOK,
            VisitDeed.CHANGE_PLAN,
            VisitDeed.PERMIT,
            VisitDeed.SET_OUT,
            VisitDeed.CHECK_OUT,
            VisitDeed.SAY_NO,
            VisitDeed.CALL_OFF,
            VisitDeed.SEARCH,
        )
    )

    async def write(visit_id: str, handler: Callable[[UnitOfWork], R]) -> R:
        return await service.writer.run(handler, locks=lambda session: lock_of(session, visit_id))

    def team() -> frozenset[str]:
        return service.tokens.named(Role.OUTREACH_WORKER, Role.ASSESSOR)

    @router.post("/visits", status_code=201)
    async def propose(request: ProposeVisit, caller: Annotated[Caller, proposing]) -> VisitShown:
        """Plan a visit. Nobody comes by this: it takes the person's permission."""

        def locks(session: Session) -> set[str]:
            person_id = Referrals(session, service.keys).person_of_case(request.case_id)
            return {f"person:{person_id}"} if person_id else set()

        visit = await service.writer.run(
            lambda work: visiting.propose(
                work, case_id=request.case_id, plan=request.plan(), team=team(), by=caller.caller_id
            ),
            locks=locks,
        )
        return VisitShown.of(visit, to=caller.caller_id)

    @router.get("/visits")
    def listed(caller: Annotated[Caller, looking], case_id: Id | None = None) -> list[VisitShown]:
        """List the visits that are not over: of a case if it is named, else those of whoever asks."""
        with service.database.read() as session:
            visits = Visits(session, service.keys)
            found = visits.readable(visits.open_rows(case_id))
        return [VisitShown.of(one, to=caller.caller_id) for one in found if case_id or _is_of(one, caller.caller_id)]

    @router.get("/visits/{visit_id}")
    def shown(visit_id: Id, caller: Annotated[Caller, looking]) -> VisitShown:
        """Show a visit; where it is, to its own workers alone."""
        with service.database.read() as session:
            return VisitShown.of(Visits(session, service.keys).get(visit_id), to=caller.caller_id)

    @router.put("/visits/{visit_id}/plan")
    async def change_plan(visit_id: Id, request: PlanVisit, caller: Annotated[Caller, changing]) -> VisitShown:
        """Plan it anew: a permission for the former plan is void."""
        changed = await write(
            visit_id,
            lambda work: visiting.change_plan(work, visit_id=visit_id, plan=request.plan(), team=team()),
        )
        return VisitShown.of(changed, to=caller.caller_id)

    @router.post("/visits/{visit_id}/permission")
    async def permit(visit_id: Id, request: GivePermission, caller: Annotated[Caller, permitting]) -> VisitShown:
        """Record that the person says yes to this plan, once."""
        agreed = await write(
            visit_id,
            lambda work: visiting.permit(work, visit_id=visit_id, by=caller.caller_id, **dict(request)),
        )
        return VisitShown.of(agreed, to=caller.caller_id)

    @router.post("/visits/{visit_id}/setting-out")
    async def set_out(
        visit_id: Id, caller: Annotated[Caller, setting_out], request: SetOut | None = None
    ) -> VisitShown:
        """Check in: the permission is spent, and whoever goes is guarded until they check out."""
        minutes = request.minutes if request else None
        under_way = await write(
            visit_id,
            lambda work: visiting.set_out(
                work, visit_id=visit_id, by=caller.caller_id, role=caller.role, minutes=minutes
            ),
        )
        if under_way is None:  # the visit of others
            raise Forbidden
        return VisitShown.of(under_way, to=caller.caller_id)

    @router.post("/visits/{visit_id}/check-out")
    async def check_out(visit_id: Id, caller: Annotated[Caller, checking_out]) -> VisitShown:
        """Whoever visited is safe; a colleague may say so for them, after a call."""
        ended = await write(visit_id, lambda work: visiting.check_out(work, visit_id=visit_id))
        return VisitShown.of(ended, to=caller.caller_id)

    @router.post("/visits/{visit_id}/no")
    @router.post("/visits/{visit_id}/revocation")
    async def say_no(visit_id: Id, caller: Annotated[Caller, refusing]) -> VisitShown:
        """The person says no, at the door or at any time before and after: no body, no reason, no second step."""
        ended = await write(visit_id, lambda work: visiting.say_no(work, visit_id=visit_id, by=caller.caller_id))
        return VisitShown.of(ended, to=caller.caller_id)

    @router.post("/visits/{visit_id}/calling-off")
    async def call_off(visit_id: Id, caller: Annotated[Caller, calling_off]) -> VisitShown:
        """The team does not come."""
        ended = await write(visit_id, lambda work: visiting.call_off(work, visit_id=visit_id))
        return VisitShown.of(ended, to=caller.caller_id)

    @router.post("/visits/{visit_id}/search-for-worker")
    async def search(visit_id: Id, caller: Annotated[Caller, searching]) -> SearchShown:
        """Show a lead where somebody is of whom word is overdue; that they looked is kept."""
        plan = await write(
            visit_id,
            lambda work: visiting.search(work, visit_id=visit_id, by=caller.caller_id, role=caller.role),
        )
        return SearchShown.of(visit_id, plan)

    return router


def _is_of(visit: Visit, caller_id: str) -> bool:
    return not isinstance(visit, Over) and caller_id in visit.plan.workers
