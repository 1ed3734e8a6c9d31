"""What comes next in a case, worked out from all that stands written in it, and announced whenever it changes.

The care watch of intake keeps what is announced here; a step that nobody hears of is one that nobody misses.
"""

from collections import defaultdict
from datetime import date, datetime

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from services.assessment import domain, steps, store
from services.assessment.child_protection import CONCERN, WORKING_DAYS, Stage
from services.assessment.domain import Kind, SomethingIsOwed
from services.assessment.steps import Attempt, ContactOutcome, NextStep, Progress, Step
from services.assessment.store import Case, Content, Entry, Telling
from shared.contracts.assessment import AssessmentStepPlanned
from shared.contracts.care import Turn, end_of
from shared.contracts.town import Town
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

PLANNED_BY = (Kind.CONTACT_ATTEMPT, Kind.ATTENDANCE, Kind.CONCLUSION, Kind.FACT, Kind.NOTE)
"""What can change what comes next."""

Answer = dict[str, str | int | list[dict[str, str | int]]]
"""What a request is answered with: ids, versions, codes of the process and hashes."""


def step_of(case: Case) -> Answer:
    """Return what comes next in a case."""
    return {"case_id": case.case_id, "next_step": case.next_step, "due_on": case.due_on.isoformat()}


def go_on(work: UnitOfWork, case: Case) -> None:
    """Plan what comes next after something was done: a case that had been finished goes on."""
    case.finished_at = None
    plan(work, case)


def plan(work: UnitOfWork, case: Case) -> None:
    """Set the next step of a case and its day from all that stands written, and announce it if it is another.

    What is owed besides takes up again what had been finished, and outlives the case: then it is a talk, whatever it is
    about, so that the step does not tell.
    """
    progress = _progress(work, case)
    owed = steps.owed_besides(progress, work.town)
    if case.ended_at is not None:
        planned = [Step(NextStep.TALK, step.due_on) for step in owed]
    elif owed or case.finished_at is None:
        case.finished_at = None
        planned = [steps.next_step(progress, work.town)]
    else:
        planned = []
    case.next_step = NextStep.NONE.value
    if planned:
        first = steps.first_of(planned)
        case.next_step, case.due_on = first.code.value, first.due_on
    announce_step(work, case)


def check_nothing_owed(work: UnitOfWork, case: Case) -> None:
    """Refuse to be through with a case in which something is owed besides."""
    if steps.owed_besides(_progress(work, case), work.town):
        raise SomethingIsOwed


def announce_step(work: UnitOfWork, case: Case) -> None:
    """Announce the next step of a case, unless the same was announced last."""
    is_over = case.next_step == NextStep.NONE
    told = NextStep.NONE.value if is_over else f"{case.responsible_id} {case.next_step} {case.due_on.isoformat()}"
    if case.step_announced == told:
        return
    case.step_announced = told
    case.step_number += 1
    work.announce(
        AssessmentStepPlanned(
            strand_id=case.case_id,
            case_id=case.case_id,
            person_id=case.person_id,
            number=case.step_number,
            planned_at=work.now,
            responsible_id=case.responsible_id,
            turn=Turn.TEAM,
            step=None if is_over else case.next_step,
            due_at=None if is_over else end_of(case.due_on),
        )
    )


def never_announced(session: Session) -> list[Case]:
    """Return of which cases the step, or that there is none any more, was never announced: they are from before."""
    never = col(Case.step_announced) == ""
    not_its_end = and_(col(Case.next_step) == NextStep.NONE.value, col(Case.step_announced) != NextStep.NONE.value)
    return list(session.exec(select(Case).where(or_(never, not_its_end)).order_by(Case.case_id)))


def _progress(work: UnitOfWork, case: Case) -> Progress:
    read: dict[Kind, list[tuple[Entry, Content]]] = defaultdict(list)
    for versions in store.entries_of(work.session, case.case_id, *PLANNED_BY):
        read[Kind(versions[-1].kind)].append((versions[-1], store.content_of(work.keys, case, versions[-1])))
    talks = [date.fromisoformat(content["attended_on"]) for _, content in read[Kind.ATTENDANCE]]
    concluded = [work.town.today(store.found_at(entry, content)) for entry, content in read[Kind.CONCLUSION]]
    tellings = store.open_tellings(work.session, case.case_id)
    return Progress(
        opened_on=work.town.today(case.opened_at),
        first_contact_by=case.first_contact_by,
        taken=case.taken_at is not None,
        attempts=tuple(_attempt(work.town, entry, content) for entry, content in read[Kind.CONTACT_ATTEMPT]),
        first_talk_on=min(talks, default=None),
        last_talk_on=max(talks, default=None),
        concluded_on=max(concluded, default=None),
        unconfirmed_since=None if case.ended_at else _unconfirmed_since(work.town, read[Kind.FACT]),
        protect_by=_protect_by(work.town, read[Kind.NOTE]),
        tell_by=min((_due_on(work, case, telling) for telling in tellings), default=None),
    )


def _attempt(town: Town, entry: Entry, content: Content) -> Attempt:
    made_on = town.today(entry.recorded_at)
    return Attempt(made_on, ContactOutcome(content["outcome"]))


def _unconfirmed_since(town: Town, facts: list[tuple[Entry, Content]]) -> date | None:
    waiting = [town.today(entry.recorded_at) for entry, content in facts if domain.waits_for_second(content)]
    return min(waiting, default=None)


def _protect_by(town: Town, notes: list[tuple[Entry, Content]]) -> date | None:
    owed = [
        town.after_working_days(town.today(entry.recorded_at), WORKING_DAYS[Stage(content[CONCERN])])
        for entry, content in notes
        if CONCERN in content and Stage(content[CONCERN]) in WORKING_DAYS
    ]
    return min(owed, default=None)


def _due_on(work: UnitOfWork, case: Case, telling: Telling) -> date:
    try:
        due_at = work.unseal(case.person_id, store.telling_place(telling.telling_id), telling.due)
    except UnreadableValue:  # nobody knows until when: so it is owed now
        return work.town.today(work.now)
    return work.town.today(datetime.fromisoformat(due_at))
