"""What intake hears from the care bus: commissions that the gate let in, what the
other services plan next, and who is to be forgotten."""

from functools import partial

from services.intake import emergency, handlers
from services.intake.domain import DEFAULT_TEAM
from services.intake.erasure import ERASING
from shared.contracts.assessment import AssessmentFinished, AssessmentStepPlanned
from shared.contracts.consent import (
    CommissionCancelled,
    CommissionChanged,
    CommissionReceived,
    EmergencyDisclosed,
    EmergencyReviewOverdue,
    EmergencySettled,
    PersonErased,
)
from shared.contracts.referral import ReferralStepPlanned
from shared.receiver import Handlers


def handlers_for(team_id: str) -> Handlers:
    """Return the handlers, with the team that is responsible for a new case."""
    return {
        CommissionReceived: partial(handlers.receive_commission, team_id=team_id),
        CommissionCancelled: handlers.cancel_commission,
        CommissionChanged: handlers.change_commission,
        EmergencyDisclosed: emergency.hear,
        EmergencyReviewOverdue: emergency.hear,
        EmergencySettled: emergency.hear_settled,
        PersonErased: ERASING.hear,
        AssessmentStepPlanned: handlers.hear_step,
        ReferralStepPlanned: handlers.hear_step,
        AssessmentFinished: handlers.hear_finished,
    }


HANDLERS: Handlers = handlers_for(DEFAULT_TEAM)
