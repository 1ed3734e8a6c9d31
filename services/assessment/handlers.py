"""What happens to a case in assessment: it is opened, taken, contact is tried, talks are held, it ends.

Each handler loads, decides, saves and announces inside one unit of work. It never commits and never publishes.
What the team finds out is written down by `finding` and `statement`.
"""

from collections.abc import Callable
from datetime import date, timedelta

import structlog
from sqlmodel import Session

from services.assessment import domain, steps, store, telling
from services.assessment.announcement import announce
from services.assessment.domain import Kind, NobodyHasTakenIt
from services.assessment.planning import (
    Answer,
    announce_step,
    check_nothing_owed,
    go_on,
    never_announced,
    plan,
    step_of,
)
from services.assessment.steps import ContactOutcome, Progress
from services.assessment.store import AnsweredRequest, Case
from shared.contracts.assessment import AssessmentFinished, AssessmentWorkDone, AttendanceKind, CaseTaken
from shared.contracts.intake import CaseEnded, CaseOpened, Channel, NoticesGiven
from shared.inbox import TooEarly
from shared.keys import UnreadableValue
from shared.repeat import Repeatable
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

INSTANT = timedelta(microseconds=1)
"""The shortest time there is between two hand-overs of a case, whatever the clock says."""

UNITS_OF_A_TALK = 1
"""A first talk costs what any other does, and as much as other work of that length: the price tells no kind."""

TALKED_BEFORE = timedelta(days=28)
"""A talk may have been held so long before the case was opened, on the street say; an earlier day is a slip."""


def once(work: UnitOfWork, case_id: str, request: Repeatable | None, act: Callable[[], Answer]) -> Answer:
    """Act, unless the same request was answered before: then repeat that answer. Without a key, act."""
    if request is None:
        return act()
    person_id = store.load_case(work.session, case_id).person_id
    place = f"answered_request.answer.{request.request_key}"
    known = work.session.get(AnsweredRequest, request.request_key)
    if known is not None:
        answered = work.unseal(person_id, place, known.answer)
        request.check_same(answered["body_sha256"])
        return dict(answered["answer"])
    answer = act()
    sealed = work.seal(person_id, place, {"answer": answer, "body_sha256": request.body_sha256})
    row = AnsweredRequest(request_key=request.request_key, case_id=case_id, answer=sealed, answered_at=work.now)
    work.session.add(row)
    return answer


def hear_case_opened(work: UnitOfWork, event: CaseOpened, *, team_id: str) -> None:
    """Put a case before the team that is responsible until somebody takes it; once."""
    if work.session.get(Case, event.case_id) is not None:
        return
    opened_on = work.town.today(event.opened_at)
    first = steps.next_step(Progress(opened_on=opened_on, first_contact_by=event.first_contact_by), work.town)
    case = Case(
        case_id=event.case_id,
        person_id=event.person_id,
        opened_at=event.opened_at,
        first_contact_by=event.first_contact_by,
        team_id=team_id,
        responsible_id=team_id,
        next_step=first.code.value,
        due_on=first.due_on,
    )
    work.session.add(case)
    announce_step(work, case)


def hear_notices_given(work: UnitOfWork, event: NoticesGiven) -> None:
    """From now on things may be written down about the person."""
    case = work.session.get(Case, event.case_id)
    if case is None:
        raise TooEarly
    case.notices_given_at = case.notices_given_at or event.given_at


def hear_case_ended(work: UnitOfWork, event: CaseEnded) -> None:
    """Close the case: nothing is found out in it any more. What is owed all the same goes on to its own end."""
    case = work.session.get(Case, event.case_id)
    if case is None:
        raise TooEarly
    if case.ended_at is None:
        case.ended_at = event.ended_at
        telling.let_go(work, case)
        plan(work, case)


def locks_to_catch_up(session: Session) -> set[str]:
    """Name the rows to lock before that: another instance may hear of the same cases meanwhile."""
    return {f"person:{case.person_id}" for case in never_announced(session)}


def catch_up(work: UnitOfWork) -> int:
    """Announce what was never announced, once after an upgrade; of a case that has ended, what is owed all the same."""
    found = never_announced(work.session)
    for case in found:
        try:
            with work.attempt():
                if case.ended_at is not None:
                    telling.let_go(work, case)
                    plan(work, case)
                else:
                    announce_step(work, case)
        except UnreadableValue:
            log.error("case_not_planned", case_id=case.case_id)
    return len(found)


def take_case(work: UnitOfWork, *, case_id: str, team_id: str, responsible_id: str) -> Answer:
    """Make a team and a named member responsible; said again it changes nothing, with others it hands over.

    A hand-over changes nothing but who is responsible. The hours that are announced always ascend.
    """
    case = store.load_owed_case(work.session, case_id)
    is_first = case.taken_at is None
    if case.taken_at is None or (case.team_id, case.responsible_id) != (team_id, responsible_id):
        case.team_id, case.responsible_id = team_id, responsible_id
        case.taken_at = case.taken_at or work.now
        case.handed_at = max(work.now, case.handed_at + INSTANT) if case.handed_at else work.now
        event = CaseTaken(
            case_id=case_id,
            person_id=case.person_id,
            team_id=team_id,
            responsible_id=responsible_id,
            taken_at=case.handed_at,
        )
        work.announce(event)
        if is_first:
            plan(work, case)
        else:  # nothing is read for it: what somebody who is away looks after is handed over even if it is unreadable
            announce_step(work, case)
    return step_of(case)


def record_contact_attempt(
    work: UnitOfWork, *, case_id: str, channel: Channel, outcome: ContactOutcome, by: str
) -> Answer:
    """Write down that contact was tried, and what came of it. It is told to nobody."""
    case = store.load_open_case(work.session, case_id)
    content = {"channel": channel.value, "outcome": outcome.value}
    entry = store.add_version(work, case, Kind.CONTACT_ATTEMPT, content, by=by)
    go_on(work, case)
    return {"attempt_id": entry.entry_id, **step_of(case)}


def record_attendance(work: UnitOfWork, *, case_id: str, kind: AttendanceKind, attended_on: date, by: str) -> Answer:
    """Write down that the person came to a talk. Outside, that needs a grant of its own like anything else."""
    case = store.load_informed_case(work.session, case_id)
    earliest = work.town.today(case.opened_at) - TALKED_BEFORE
    domain.check_past_day("attended_on", attended_on, today=work.town.today(work.now), earliest=earliest)
    content = {"kind": kind.value, "attended_on": attended_on.isoformat()}
    entry = store.add_version(work, case, Kind.ATTENDANCE, content, by=by)
    announce(work, case, entry, content)
    done = AssessmentWorkDone(work_id=entry.entry_id, case_id=case_id, person_id=case.person_id, units=UNITS_OF_A_TALK)
    work.announce(done)
    go_on(work, case)
    return {"fact_id": entry.entry_id, "version": entry.version, **step_of(case)}


def finish_case(work: UnitOfWork, *, case_id: str) -> Answer:
    """Say that the team has nothing more to do, and never why: not found, nothing needed, helped are one word."""
    case = store.load_open_case(work.session, case_id)
    if case.taken_at is None:
        raise NobodyHasTakenIt
    if case.finished_at is None:
        check_nothing_owed(work, case)
        case.finished_at = work.now
        plan(work, case)
        work.announce(AssessmentFinished(case_id=case_id, person_id=case.person_id, finished_at=work.now))
    return step_of(case)
