"""What intake hears from the care bus: commissions that the gate let in, and who is to be forgotten."""

from functools import partial

from services.intake import handlers
from services.intake.domain import DEFAULT_TEAM
from services.intake.erasure import ERASING
from shared.contracts.consent import CommissionCancelled, CommissionReceived, PersonErased
from shared.receiver import Handlers


def handlers_for(team_id: str) -> Handlers:
    """Return the handlers, with the team that is responsible for a new case."""
    return {
        CommissionReceived: partial(handlers.receive_commission, team_id=team_id),
        CommissionCancelled: handlers.cancel_commission,
        PersonErased: ERASING.hear,
    }


HANDLERS: Handlers = handlers_for(DEFAULT_TEAM)
