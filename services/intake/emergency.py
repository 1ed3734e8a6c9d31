"""What was told of a person in an emergency, without a grant, is looked at by somebody who had no part in it.

It is a strand of the case, owed by a lead within a day, until a second person confirmed it or it was reviewed (at the
gate).
"""

from typing import Final

from services.intake import store, watch
from services.intake.care import Step
from services.intake.care_store import Strand
from shared.contracts.care import Turn
from shared.contracts.consent import EmergencyDisclosed, EmergencyReviewOverdue, EmergencySettled
from shared.inbox import TooEarly
from shared.topology import GATE
from shared.unit_of_work import UnitOfWork

REVIEW_EMERGENCY: Final = "review_emergency"
LEAD: Final = "lead"


def hear(work: UnitOfWork, event: EmergencyDisclosed | EmergencyReviewOverdue) -> None:
    """Something was told of the person without a grant: a lead has to review it, unless a second person confirms it."""
    due_at = event.review_by if isinstance(event, EmergencyDisclosed) else event.due_at
    if due_at is not None:
        step = Step(REVIEW_EMERGENCY, LEAD, Turn.TEAM, due_at)
        _keep(work, event.person_id, event.emergency_id, step, number=1)


def hear_settled(work: UnitOfWork, event: EmergencySettled) -> None:
    """Somebody else has looked at it."""
    _keep(work, event.person_id, event.emergency_id, None, number=2)


def _keep(work: UnitOfWork, person_id: str, emergency_id: str, step: Step | None, *, number: int) -> None:
    case = store.case_of_person(work.session, person_id)
    if case is None:
        raise TooEarly
    strand_key = f"{GATE}.{emergency_id}"
    known = work.session.get(Strand, strand_key)
    if known is None or known.number < number:
        watch.keep(work, case, strand_key, step, number=number)
