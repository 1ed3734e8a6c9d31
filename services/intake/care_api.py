"""HTTP of the care watch and of acute need: translate in, call one handler, translate out."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Depends, Path

from services.intake import acute, alarm, care_store, care_view, store
from services.intake.acute import NeedKind, NeedOutcome
from services.intake.alarm import Scope
from services.intake.care import Rung
from services.intake.care_store import AcuteNeed
from services.intake.care_view import AlarmLine, CareLine, NeedLine
from services.intake.form import Body
from shared.contracts.envelope import Id
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow

log = structlog.get_logger()
R = TypeVar("R")

PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
CareCircle = Annotated[Caller, Depends(allow(Role.INTAKE_WORKER, Role.ASSESSOR, Role.LEAD))]
OrOutreach = Annotated[Caller, Depends(allow(Role.INTAKE_WORKER, Role.ASSESSOR, Role.LEAD, Role.OUTREACH_WORKER))]


class NeedBody(Body):
    """Somebody needs help now."""

    case_id: Id
    kind: NeedKind


class OutcomeBody(Body):
    """What came of it."""

    outcome: NeedOutcome


def care_routes(service: Service, *, acknowledge_within: timedelta, forget_after: timedelta) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["care"])

    async def write(act: Callable[[UnitOfWork], R], *, case_id: str) -> R:
        return await service.writer.run(act, locks=lambda session: store.person_lock(session, case_id))

    async def write_need(act: Callable[[UnitOfWork], AcuteNeed], *, need_id: str) -> NeedLine:
        return _shown(await service.writer.run(act, locks=lambda session: care_store.need_lock(session, need_id)))

    def _shown(need: AcuteNeed) -> NeedLine:
        with service.database.read() as session:
            person_id = store.load_case(session, need.case_id).person_id
        return NeedLine.of(service.keys, need, person_id, now=service.clock())

    @router.get("/care")
    def list_care(_caller: CareCircle) -> list[CareLine]:
        """List every open case with what it needs next, the most urgent first. No name, no contact.

        A case that has ended is listed as long as something is owed in it.
        """
        with service.database.read() as session:
            return care_view.care_lines(session, service.keys, now=service.clock())

    @router.get("/care/{case_id}")
    def show_care(case_id: PathId, _caller: CareCircle) -> CareLine:
        """Show every strand of one case. A case that has ended has one only if something is owed all the same."""
        with service.database.read() as session:
            store.load_case(session, case_id)
            found = care_view.care_lines(session, service.keys, now=service.clock(), case_id=case_id)
        return found[0] if found else CareLine(case_id=case_id, next=None, strands=[])

    @router.get("/alarms")
    def list_alarms(caller: OrOutreach, rung: Rung | None = None) -> list[AlarmLine]:
        """List what is overdue and whom it has reached, the oldest first, until somebody acts.

        An outreach worker sees the alarms of threads, a lead those of cases as well, everybody else of cases only.
        """
        scope = _scope(caller)
        with service.database.read() as session:
            return alarm.alarm_lines(session, service.keys, scope, forget_after=forget_after, rung=rung)

    @router.post("/alarms/{alarm_id}/seen", status_code=204)
    async def see_alarm(alarm_id: PathId, caller: OrOutreach) -> None:
        """Say that a human has seen an alarm. It goes on climbing until somebody acts on the step."""
        await service.writer.run(partial(alarm.see, scope=_scope(caller), alarm_id=alarm_id, by=caller.caller_id))
        log.info("alarm_seen", alarm_id=alarm_id, by=caller.caller_id)

    @router.post("/acute-needs", status_code=201)
    async def report_need(body: NeedBody, caller: OrOutreach) -> NeedLine:
        """Report that somebody needs help now. Whoever is responsible is told at once."""
        by, kind, case_id = caller.caller_id, body.kind, body.case_id
        need = await write(
            partial(acute.report, case_id=case_id, kind=kind, by=by, within=acknowledge_within), case_id=case_id
        )
        log.error("acute_need_reported", need_id=need.need_id, case_id=case_id, by=by)
        return _shown(need)

    @router.get("/acute-needs")
    def list_needs(_caller: CareCircle) -> list[NeedLine]:
        """List who needs help now: those that nobody has acknowledged first."""
        with service.database.read() as session:
            return care_view.need_lines(session, service.keys, now=service.clock())

    @router.post("/acute-needs/{need_id}/acknowledgement")
    async def acknowledge_need(need_id: PathId, caller: OrOutreach) -> NeedLine:
        """Say that you see to it: you, by name, owe help within hours."""
        shown = await write_need(partial(acute.acknowledge, need_id=need_id, by=caller.caller_id), need_id=need_id)
        log.info("acute_need_acknowledged", need_id=need_id, by=caller.caller_id)
        return shown

    @router.post("/acute-needs/{need_id}/settling")
    async def settle_need(need_id: PathId, body: OutcomeBody, caller: OrOutreach) -> NeedLine:
        """Say what came of it."""
        act = partial(acute.settle, need_id=need_id, outcome=body.outcome, by=caller.caller_id)
        shown = await write_need(act, need_id=need_id)
        log.info("acute_need_settled", need_id=need_id, by=caller.caller_id)
        return shown

    return router


def _scope(caller: Caller) -> Scope:
    return Scope(
        cases=caller.role is not Role.OUTREACH_WORKER,
        threads=caller.role in (Role.OUTREACH_WORKER, Role.LEAD),
        own_id=caller.caller_id,
    )
