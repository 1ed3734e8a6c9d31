"""HTTP of outreach: translate in, call one handler, translate out."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Depends, Path

from services.intake import outreach, outreach_case, outreach_store, outreach_view, store
from services.intake.meeting_point import MeetingPoint
from services.intake.outreach_case import NewCase, Wish
from services.intake.outreach_form import HandOverBody, JoinThreadBody, MeetingBody, ThreadBody, ThreadCaseBody
from services.intake.outreach_view import ThreadLine, ThreadView
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow

log = structlog.get_logger()
R = TypeVar("R")

Answer = dict[str, str]
ThreadId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Outreach = Annotated[Caller, Depends(allow(Role.OUTREACH_WORKER))]
Lead = Annotated[Caller, Depends(allow(Role.LEAD))]
OutreachOrLead = Annotated[Caller, Depends(allow(Role.OUTREACH_WORKER, Role.LEAD))]


def outreach_routes(service: Service, *, meeting_points: tuple[MeetingPoint, ...], team_id: str) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["outreach"])
    points = frozenset(point.code for point in meeting_points)

    async def write(act: Callable[[UnitOfWork], R], *, case_id: str | None = None) -> R:
        return await service.writer.run(
            act, locks=lambda session: {outreach_store.LOCK} | store.person_lock(session, case_id or "")
        )

    @router.get("/meeting-points")
    def list_meeting_points(_caller: OutreachOrLead) -> tuple[MeetingPoint, ...]:
        """List where somebody can be met without an address."""
        return meeting_points

    @router.get("/threads")
    def list_threads(caller: OutreachOrLead) -> list[ThreadLine]:
        """List open threads, whoever is due first first: one's own, and to a lead all of them. Ids and days only."""
        own = None if caller.role is Role.LEAD else caller.caller_id
        with service.database.read() as session:
            found = outreach_store.open_threads(session, responsible_id=own)
        return [ThreadLine.of(thread, service.town, now=service.clock()) for thread in found]

    @router.post("/threads", status_code=201)
    async def open_thread(body: ThreadBody, caller: Outreach) -> Answer:
        """Begin a thread with its first contact; the same `contact_id` again begins no other."""
        answer = await write(
            partial(
                outreach.open_thread,
                contact_id=body.contact.contact_id,
                meeting=body.contact.value(),
                called=body.called,
                points=points,
                by=caller.caller_id,
            )
        )
        log.info("thread_opened", by=caller.caller_id, thread_id=answer["thread_id"])
        return answer

    @router.get("/threads/{thread_id}")
    def show_thread(thread_id: ThreadId, _caller: Outreach) -> ThreadView:
        """Show a thread with what was noted."""
        with service.database.read() as session:
            return outreach_view.show(session, service.keys, thread_id, service.town, now=service.clock())

    @router.post("/threads/{thread_id}/contacts", status_code=201)
    async def record_contact(thread_id: ThreadId, body: MeetingBody, caller: Outreach) -> Answer:
        """Write down a contact, also days later and more than once; whoever wants to be left alone is."""
        act = partial(
            outreach.record,
            thread_id=thread_id,
            contact_id=body.contact_id,
            meeting=body.value(),
            points=points,
            by=caller.caller_id,
        )
        answer = await write(act)
        log.info("contact_written_down", by=caller.caller_id, thread_id=answer["thread_id"], contact_id=body.contact_id)
        return answer

    @router.post("/threads/{thread_id}/hand-over")
    async def hand_over(thread_id: ThreadId, body: HandOverBody, caller: Lead) -> Answer:
        """Have another outreach worker be responsible."""
        workers = service.tokens.named(Role.OUTREACH_WORKER)
        answer = await write(partial(outreach.hand_over, thread_id=thread_id, to=body.to, workers=workers))
        log.info("thread_handed_over", by=caller.caller_id, thread_id=answer["thread_id"])
        return answer

    @router.post("/threads/{thread_id}/joining")
    async def join_threads(thread_id: ThreadId, body: JoinThreadBody, caller: Outreach) -> Answer:
        """Have two threads of one person be one."""
        other = body.other_thread_id
        answer = await write(partial(outreach.join, thread_id=thread_id, other_thread_id=other))
        log.info("threads_joined", by=caller.caller_id, thread_id=answer["thread_id"])
        return answer

    @router.post("/threads/{thread_id}/case", status_code=201)
    async def open_case(thread_id: ThreadId, body: ThreadCaseBody, caller: Outreach) -> Answer:
        """Open a case, or belong to the one that there is, because the person says so."""
        answer = await write(_deciding(thread_id, body, caller.caller_id, team_id=team_id), case_id=body.case_id)
        log.info("thread_became_case", by=caller.caller_id, thread_id=thread_id, case_id=answer["case_id"])
        return answer

    @router.delete("/threads/{thread_id}", status_code=204)
    async def forget_thread(thread_id: ThreadId, caller: OutreachOrLead) -> None:
        """Forget a thread because the person wants it: one step, and no reason."""
        await write(partial(outreach.forget, thread_id=thread_id))
        log.info("thread_forgotten", by=caller.caller_id, thread_id=thread_id)

    return router


def _deciding(thread_id: str, body: ThreadCaseBody, by: str, *, team_id: str) -> Callable[[UnitOfWork], Answer]:
    wish = Wish(body.wish.said, body.wish.language, by)
    if body.case_id is not None:
        return partial(outreach_case.move_to_case, thread_id=thread_id, wish=wish, case_id=body.case_id)
    new = NewCase(
        contact=body.contact_or_in_person().value(),
        identity=body.identity.value() if body.identity else None,
        shielded=body.shielded,
        team_id=team_id,
    )
    return partial(outreach_case.open_case, thread_id=thread_id, wish=wish, new=new)
