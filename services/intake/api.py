"""HTTP of intake: translate in, call one handler, translate out."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from services.intake import __version__, domain, export, handlers, store
from services.intake.form import ContactBody, IdentityBody, NoticesBody, OpenCaseBody
from services.intake.handlers import Answer
from services.intake.store import Case
from shared.access import AccessExport
from shared.contracts.envelope import Id
from shared.contracts.intake import Contact, Identity, Origin
from shared.repeat import Repeatable, RequestKey, lock_of, repeatable
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow

log = structlog.get_logger()

CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Worker = Annotated[Caller, Depends(allow(Role.INTAKE_WORKER))]
WorkerOrLead = Annotated[Caller, Depends(allow(Role.INTAKE_WORKER, Role.LEAD))]
PersonId = Annotated[Id, Path()]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]
WhoMustReachThem = Annotated[Caller, Depends(allow(Role.INTAKE_WORKER, Role.ASSESSOR))]


class CaseLine(BaseModel):
    """A case in a list: ids and what comes next, no name."""

    case_id: str
    person_id: str
    origin: Origin
    opened_at: datetime
    responsible_id: str
    next_step: domain.NextStep
    due_on: date


class GivenNotices(BaseModel):
    """That the three notices were given."""

    notice_id: str
    given_at: datetime
    given_by: str
    language: str
    text_version: str
    text_sha256: str

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:  # Any: pydantic's own signature
        """Show no field when printed: the language belongs to the person."""
        return ()


class CaseView(CaseLine):
    """A case with what intake alone holds."""

    first_contact_by: date
    ended_at: datetime | None
    shielded_at: datetime | None
    identity: Identity | None = Field(repr=False)
    contact: Contact = Field(repr=False)
    notices: list[GivenNotices]


def routes(service: Service, *, team_id: str) -> APIRouter:
    """Return the routes of intake."""
    router = APIRouter(tags=["intake"])

    async def write(
        event: str,
        caller: Caller,
        act: Callable[[UnitOfWork], Answer],
        *,
        case_id: str = "",
        request: Repeatable | None = None,
    ) -> Answer:
        answer = await service.writer.run(
            lambda work: handlers.once(work, request, lambda: act(work)),
            locks=lambda session: store.person_lock(session, case_id) | lock_of(request),
        )
        log.info(event, by=caller.caller_id, case_id=case_id or answer["case_id"])
        return answer

    @router.post("/cases", status_code=201)
    async def open_case(body: OpenCaseBody, caller: WorkerOrLead, key: RequestKey = None) -> Answer:
        """Open a case that no Jobcenter knows of."""
        origin, contact = Origin(body.origin.value), body.contact.value()
        identity = body.identity.value() if body.identity else None

        def act(work: UnitOfWork) -> Answer:
            return handlers.open_case(
                work, origin=origin, contact=contact, identity=identity, team_id=team_id, shielded=body.shielded
            )

        request = repeatable(key, sent_by=caller.caller_id, what="case_opened", body=body)
        return await write("case_opened", caller, act, request=request)

    @router.get("/cases")
    def list_cases(_caller: WorkerOrLead) -> list[CaseLine]:
        """List open cases, the most urgent first."""
        with service.database.read() as session:
            return [_line(case) for case in store.open_cases(session)]

    @router.get("/overdue")
    def list_overdue(_caller: WorkerOrLead) -> list[CaseLine]:
        """List open cases whose next step should have been done before today."""
        today = service.clock().date()
        with service.database.read() as session:
            cases = store.open_cases(session)
        return [_line(case) for case in cases if domain.is_overdue(case.due_on, today=today)]

    @router.get("/cases/{case_id}")
    def show_case(case_id: CaseId, _caller: Worker) -> CaseView:
        """Show a case with identity and contact."""
        with service.database.read() as session:
            case = store.load_case(session, case_id)
            notices = store.notices_of(session, case_id)
        given = [
            GivenNotices(
                notice_id=notice.notice_id,
                given_at=notice.given_at,
                given_by=notice.given_by,
                **store.proof_of(service.keys, case, notice),
            )
            for notice in notices
        ]
        return CaseView(
            **_line(case).model_dump(),
            first_contact_by=case.first_contact_by,
            ended_at=case.ended_at,
            shielded_at=case.shielded_at,
            identity=store.identity_of(service.keys, case),
            contact=store.contact_of(service.keys, case),
            notices=given,
        )

    @router.get("/cases/{case_id}/contact", response_model_exclude_none=True)
    def show_contact(case_id: CaseId, _caller: WhoMustReachThem) -> Contact:
        """Show how the person may be reached: an assessor needs that and no name."""
        with service.database.read() as session:
            case = store.load_case(session, case_id)
        return store.contact_of(service.keys, case)

    @router.put("/cases/{case_id}/identity")
    async def record_identity(case_id: CaseId, body: IdentityBody, caller: Worker) -> Answer:
        """Keep who the person is."""
        identity = body.value()
        act = _with(handlers.record_identity, case_id=case_id, identity=identity)
        return await write("identity_recorded", caller, act, case_id=case_id)

    @router.put("/cases/{case_id}/contact")
    async def record_contact(case_id: CaseId, body: ContactBody, caller: Worker) -> Answer:
        """Keep how the person may be reached from now on."""
        act = _with(handlers.record_contact, case_id=case_id, contact=body.value())
        return await write("contact_recorded", caller, act, case_id=case_id)

    @router.post("/cases/{case_id}/notices", status_code=201)
    async def give_notices(case_id: CaseId, body: NoticesBody, caller: Worker) -> Answer:
        """Record that the three notices were given."""
        act = _with(handlers.give_notices, case_id=case_id, proof=body.model_dump(), given_by=caller.caller_id)
        return await write("notices_given", caller, act, case_id=case_id)

    @router.post("/cases/{case_id}/reviews")
    async def review_case(case_id: CaseId, caller: WorkerOrLead) -> Answer:
        """Record that somebody made sure that the case is in good hands; it comes up again later."""
        return await write("case_reviewed", caller, _with(handlers.review_case, case_id=case_id), case_id=case_id)

    @router.post("/cases/{case_id}/end")
    async def end_case(case_id: CaseId, caller: WorkerOrLead) -> Answer:
        """End a case."""
        return await write("case_ended", caller, _with(handlers.end_case, case_id=case_id), case_id=case_id)

    @router.get("/persons/{person_id}/export", tags=["person"])
    def export_person(person_id: PersonId, caller: PersonDesk) -> AccessExport:
        """Return everything that this service keeps about a person (Art. 15 and 20 GDPR, § 83 SGB X)."""
        with service.database.read() as session:
            records = export.kept(session, service.keys, person_id)
        log.info("access_given", by=caller.caller_id, person_id=person_id, records=len(records))
        return AccessExport.of(service.name, __version__, person_id, records, at=service.clock())

    return router


def _with(handler: Callable[..., Answer], **arguments: object) -> Callable[[UnitOfWork], Answer]:
    return partial(handler, **arguments)


def _line(case: Case) -> CaseLine:
    return CaseLine(
        case_id=case.case_id,
        person_id=case.person_id,
        origin=Origin(case.origin),
        opened_at=case.opened_at,
        responsible_id=case.responsible_id,
        next_step=domain.NextStep(case.next_step),
        due_on=case.due_on,
    )
