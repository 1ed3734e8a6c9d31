"""HTTP of assessment: translate in, call one handler, translate out."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel

from services.assessment import (
    __version__,
    absence,
    concern,
    contest,
    export,
    finding,
    handlers,
    statement,
    steps,
    store,
    telling,
    view,
)
from services.assessment.domain import Vocabulary
from services.assessment.form import (
    ApprovalBody,
    AttemptBody,
    AttendanceBody,
    CodeBody,
    ConfirmationBody,
    ContestedBody,
    CorrectionBody,
    FactBody,
    FirstStatementBody,
    MoveBody,
    NoteBody,
    StatementBody,
    TakingBody,
)
from services.assessment.planning import Answer
from services.assessment.teams import Teams
from services.assessment.view import CaseLine, CaseView
from shared.access import AccessExport
from shared.contracts.envelope import Id
from shared.repeat import RequestKey, lock_of, repeatable
from shared.service import Service
from shared.web import Caller, Role, allow

log = structlog.get_logger()

CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
EntryId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
PersonId = Annotated[Id, Path()]
Team = Annotated[Caller, Depends(allow(Role.ASSESSOR, Role.LEAD))]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]


Write = Callable[..., Awaitable[Answer]]
"""Runs a handler: its name in the log, the case, the caller, the handler, and what it takes."""


class Words(BaseModel):
    """The closed lists of words."""

    facts: dict[str, list[str]]
    recommendations: list[str]
    conclusions: list[str]


def routes(service: Service, *, vocabulary: Vocabulary, teams: Teams) -> APIRouter:
    """Return the routes of assessment."""
    router = APIRouter(tags=["assessment"])
    write = _writing(service)
    _show_cases(router, service, vocabulary)
    _work_on_cases(router, write, teams)
    _write_findings(router, write, vocabulary)
    _write_statements(router, write)
    _tell_the_person(router, service)
    return router


def _writing(service: Service) -> Write:
    async def write(
        event: str,
        case_id: str,
        caller: Caller,
        handler: Callable[..., Answer],
        *,
        key: str | None = None,
        body: BaseModel | None = None,
        **given: Any,
    ) -> Answer:  # Any: what the handler takes
        request = repeatable(key, sent_by=caller.caller_id, what=f"{event}|{case_id}", body=body)
        act = partial(handler, case_id=case_id, **given)
        answer = await service.writer.run(
            lambda work: handlers.once(work, case_id, request, lambda: act(work)),
            locks=lambda session: store.person_lock(session, case_id) | lock_of(request),
        )
        log.info(event, by=caller.caller_id, case_id=case_id)
        return answer

    return write


def _show_cases(router: APIRouter, service: Service, vocabulary: Vocabulary) -> None:
    @router.get("/vocabulary")
    def list_words(_caller: Team) -> Words:
        """List the words for findings, by life domain, for recommendations and for conclusions: there are no others."""
        return Words(
            facts={life_domain: sorted(codes) for life_domain, codes in vocabulary.facts.items()},
            recommendations=sorted(vocabulary.recommendations),
            conclusions=sorted(vocabulary.conclusions),
        )

    @router.get("/cases")
    def list_cases(_caller: Team) -> list[CaseLine]:
        """List open cases, and ended ones in which a talk is still owed, the most urgent first."""
        with service.database.read() as session:
            return [view.line(case) for case in store.open_cases(session)]

    @router.get("/overdue")
    def list_overdue(_caller: Team) -> list[CaseLine]:
        """List the cases whose next step should have been done before today."""
        today = service.clock().date()
        with service.database.read() as session:
            cases = store.open_cases(session)
        owed = [case for case in cases if case.next_step != steps.NextStep.NONE]
        return [view.line(case) for case in owed if steps.is_overdue(case.due_on, today=today)]

    @router.get("/cases/{case_id}", response_model_exclude_none=True)
    def show_case(case_id: CaseId, _caller: Team) -> CaseView:
        """Show a case with everything that stands written in it."""
        with service.database.read() as session:
            case = store.load_case(session, case_id)
            entries = store.entries_of(session, case_id)
            ids = [versions[-1].entry_id for versions in entries]
            contested = store.contested_by_person(session, service.keys, case, ids)
            tellings = store.open_tellings(session, case_id)
        return view.whole(service.keys, case, entries, contested, tellings)


def _work_on_cases(router: APIRouter, write: Write, teams: Teams) -> None:
    @router.post("/cases/{case_id}/taking")
    async def take_case(case_id: CaseId, body: TakingBody, caller: Team) -> Answer:
        """Take a case, or hand it over, to somebody who is there."""
        given = {**body.model_dump(), "teams": teams}
        return await write("case_taken", case_id, caller, absence.take_if_there, **given)

    @router.post("/cases/{case_id}/contact-attempts", status_code=201)
    async def record_contact_attempt(
        case_id: CaseId, body: AttemptBody, caller: Team, key: RequestKey = None
    ) -> Answer:
        """Write down that contact was tried."""
        given = {"channel": body.channel, "outcome": body.outcome, "by": caller.caller_id}
        return await write(
            "contact_tried", case_id, caller, handlers.record_contact_attempt, key=key, body=body, **given
        )

    @router.post("/cases/{case_id}/finishing")
    async def finish_case(case_id: CaseId, caller: Team) -> Answer:
        """Say that the team has nothing more to do here; a later deed takes it up again."""
        return await write("case_finished", case_id, caller, handlers.finish_case)

    @router.post("/cases/{case_id}/tellings/{telling_id}")
    async def tell_person(case_id: CaseId, telling_id: EntryId, caller: Team) -> Answer:
        """Record that the person was told what they had to hear."""
        given = {"telling_id": telling_id, "by": caller.caller_id}
        return await write("person_told", case_id, caller, telling.tell, **given)

    @router.post("/cases/{case_id}/attendance", status_code=201)
    async def record_attendance(case_id: CaseId, body: AttendanceBody, caller: Team, key: RequestKey = None) -> Answer:
        """Write down that the person came to a talk."""
        given = {"kind": body.kind, "attended_on": body.attended_on, "by": caller.caller_id}
        return await write("fact_recorded", case_id, caller, handlers.record_attendance, key=key, body=body, **given)


def _write_findings(router: APIRouter, write: Write, vocabulary: Vocabulary) -> None:
    def fact_in(body: CorrectionBody, caller: Caller) -> dict[str, Any]:  # Any: what the handlers of findings take
        return {
            "life_domain": body.life_domain,
            "fact": body.fact(),
            "contested": body.contested,
            "about_somebody_else": body.about is not None,
            "known_from": body.known_from,
            "vocabulary": vocabulary,
            "by": caller.caller_id,
        }

    def said_in(body: CodeBody, caller: Caller) -> dict[str, Any]:  # Any: what the handlers take
        return {
            "code": body.code,
            "derived_from": body.derived_from,
            "vocabulary": vocabulary,
            "by": caller.caller_id,
        }

    @router.post("/cases/{case_id}/facts", status_code=201)
    async def record_fact(case_id: CaseId, body: FactBody, caller: Team, key: RequestKey = None) -> Answer:
        """Write down a finding."""
        return await write(
            "fact_recorded", case_id, caller, finding.record_fact, key=key, body=body, **fact_in(body, caller)
        )

    @router.put("/cases/{case_id}/facts/{fact_id}")
    async def correct_fact(case_id: CaseId, fact_id: EntryId, body: CorrectionBody, caller: Team) -> Answer:
        """Correct a finding; the earlier versions stay with the team."""
        given = {"fact_id": fact_id, **fact_in(body, caller)}
        return await write("fact_corrected", case_id, caller, finding.correct_fact, **given)

    @router.post("/cases/{case_id}/facts/{fact_id}/confirmation")
    async def confirm_fact(case_id: CaseId, fact_id: EntryId, body: ConfirmationBody, caller: Team) -> Answer:
        """Confirm, as a second person, what a colleague found in safety or addiction."""
        given = {"fact_id": fact_id, "version": body.version, "by": caller.caller_id}
        return await write("fact_confirmed", case_id, caller, finding.confirm_fact, **given)

    @router.put("/cases/{case_id}/facts/{fact_id}/contested")
    async def mark_contested(case_id: CaseId, fact_id: EntryId, body: ContestedBody, caller: Team) -> Answer:
        """Mark as contested what the team found, or take that mark away; the person's own mark stays."""
        given = {"fact_id": fact_id, "contested": body.contested, "by": caller.caller_id}
        return await write("fact_marked", case_id, caller, contest.mark_contested, **given)

    @router.delete("/cases/{case_id}/facts/{fact_id}")
    async def remove_fact(case_id: CaseId, fact_id: EntryId, caller: Team) -> Answer:
        """Delete what was wrong: a finding, or anything else that has a fact_id or a statement_id."""
        given = {"fact_id": fact_id, "by": caller.caller_id}
        return await write("fact_removed", case_id, caller, finding.remove_fact, **given)

    @router.post("/cases/{case_id}/notes", status_code=201)
    async def write_note(case_id: CaseId, body: NoteBody, caller: Team, key: RequestKey = None) -> Answer:
        """Keep a private note."""
        given = {"text": body.text, "by": caller.caller_id}
        return await write("note_written", case_id, caller, finding.write_note, key=key, body=body, **given)

    @router.post("/cases/{case_id}/concerns", status_code=201)
    async def note_concern(case_id: CaseId, caller: Team, key: RequestKey = None) -> Answer:
        """Write down that there is a concern for a child."""
        return await write("note_written", case_id, caller, concern.note_concern, key=key, by=caller.caller_id)

    @router.post("/cases/{case_id}/concerns/{concern_id}/moves")
    async def move_on(case_id: CaseId, concern_id: EntryId, body: MoveBody, caller: Team) -> Answer:
        """Say what was done about it."""
        given = {"concern_id": concern_id, "move": body.move, "reason": body.reason, "by": caller.caller_id}
        return await write("note_written", case_id, caller, concern.move_on, **given)

    @router.post("/cases/{case_id}/recommendations", status_code=201)
    async def make_recommendation(case_id: CaseId, body: CodeBody, caller: Team) -> Answer:
        """Recommend something."""
        given = said_in(body, caller)
        return await write("recommendation_made", case_id, caller, finding.make_recommendation, **given)

    @router.post("/cases/{case_id}/conclusion", status_code=201)
    async def draw_conclusion(case_id: CaseId, body: CodeBody, caller: Team) -> Answer:
        """Say what is possible now."""
        given = said_in(body, caller)
        return await write("conclusion_drawn", case_id, caller, finding.draw_conclusion, **given)


def _write_statements(router: APIRouter, write: Write) -> None:
    @router.post("/cases/{case_id}/statements", status_code=201)
    async def draft_statement(
        case_id: CaseId, body: FirstStatementBody, caller: Team, key: RequestKey = None
    ) -> Answer:
        """Write a draft that the person is to read."""
        about = body.about is not None
        given = {
            "text": body.text,
            "derived_from": body.derived_from,
            "about_somebody_else": about,
            "by": caller.caller_id,
        }
        return await write("statement_drafted", case_id, caller, statement.draft_statement, key=key, body=body, **given)

    @router.put("/cases/{case_id}/statements/{statement_id}")
    async def redraft_statement(case_id: CaseId, statement_id: EntryId, body: StatementBody, caller: Team) -> Answer:
        """Write another draft, which needs an approval of its own."""
        said = {"text": body.text, "derived_from": body.derived_from}
        given = {"statement_id": statement_id, **said, "by": caller.caller_id}
        return await write("statement_drafted", case_id, caller, statement.redraft_statement, **given)

    @router.post("/cases/{case_id}/statements/{statement_id}/approval")
    async def approve_statement(case_id: CaseId, statement_id: EntryId, body: ApprovalBody, caller: Team) -> Answer:
        """Record that the person approved exactly this text."""
        given = {"statement_id": statement_id, "text_sha256": body.text_sha256, "by": caller.caller_id}
        return await write("statement_approved", case_id, caller, statement.approve_statement, **given)


def _tell_the_person(router: APIRouter, service: Service) -> None:
    @router.get("/persons/{person_id}/export", tags=["person"])
    def export_person(person_id: PersonId, caller: PersonDesk) -> AccessExport:
        """Return everything that this service keeps about a person (Art. 15 and 20 GDPR, § 83 SGB X)."""
        with service.database.read() as session:
            records = export.kept(session, service.keys, person_id)
        log.info("access_given", by=caller.caller_id, person_id=person_id, records=len(records))
        return AccessExport.of(service.name, __version__, person_id, records, at=service.clock())
