"""What the team owes the person a word about, by a day: something waits for them at the consent desk, or something was
told of them in an emergency. It is a next step like any other until somebody says that the person was told.
"""

from datetime import datetime

import structlog

from services.assessment import store
from services.assessment.domain import EntryNotFound
from services.assessment.planning import Answer, plan, step_of
from services.assessment.store import Case, Telling
from shared.contracts.consent import EmergencyDisclosed, PersonAwaited
from shared.inbox import TooEarly
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

EMERGENCY = "emergency"


def hear_awaited(work: UnitOfWork, event: PersonAwaited) -> None:
    """Something waits for the person: tell them in time."""
    _owe(work, event.item_id, event.person_id, about=event.awaited.value, due_at=event.due_at, said_at=event.at)


def hear_emergency(work: UnitOfWork, event: EmergencyDisclosed) -> None:
    """Something was told of the person without a grant: they have to hear of it."""
    _owe(work, event.emergency_id, event.person_id, about=EMERGENCY, due_at=event.tell_person_by, said_at=event.at)


def tell(work: UnitOfWork, *, case_id: str, telling_id: str, by: str) -> Answer:
    """Record that the person was told, also after the case has ended. A second time changes nothing."""
    case = store.load_case(work.session, case_id)
    telling = work.session.get(Telling, telling_id)
    if telling is None or telling.case_id != case_id:
        raise EntryNotFound
    if telling.told_at is None:
        telling.told_at, telling.told_by = work.now, by
        work.session.flush()
        plan(work, case)
    return step_of(case)


def let_go(work: UnitOfWork, case: Case) -> None:
    """Let go of what waits for the person once the case has ended; of an emergency they have to hear all the same."""
    for telling in store.open_tellings(work.session, case.case_id):
        if _about(work, case, telling) != EMERGENCY:
            work.session.delete(telling)
    work.session.flush()


def _about(work: UnitOfWork, case: Case, telling: Telling) -> str:
    try:
        return str(work.unseal(case.person_id, store.about_place(telling.telling_id), telling.about))
    except UnreadableValue:  # it may be about an emergency
        log.error("telling_unreadable", telling_id=telling.telling_id)
        return EMERGENCY


def _owe(work: UnitOfWork, telling_id: str, person_id: str, *, about: str, due_at: datetime, said_at: datetime) -> None:
    """Write down what is owed, in the newest case of the person; one that has ended owes that of an emergency."""
    cases = store.cases_of(work.session, person_id)
    if not cases:
        raise TooEarly
    case = cases[0]
    if case.ended_at is not None and about != EMERGENCY:
        return
    due = work.seal(person_id, store.telling_place(telling_id), due_at.isoformat())
    known = work.session.get(Telling, telling_id)
    if known is not None and known.said_at is not None and known.said_at > said_at:
        return
    said = work.seal(person_id, store.about_place(telling_id), about)
    if known is not None:  # the same item has another day, and perhaps another occasion, now
        known.due, known.about, known.said_at, known.told_at, known.told_by = due, said, said_at, None, None
    else:
        row = Telling(
            telling_id=telling_id, case_id=case.case_id, said_at=said_at, heard_at=work.now, due=due, about=said
        )
        work.session.add(row)
    work.session.flush()
    plan(work, case)
