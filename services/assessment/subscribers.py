"""What assessment hears from the care bus: that a case was opened or has ended, and who is to be forgotten."""

from functools import partial

from services.assessment import handlers
from services.assessment.domain import DEFAULT_TEAM
from services.assessment.erasure import ERASING
from shared.contracts.consent import PersonErased
from shared.contracts.intake import CaseEnded, CaseOpened
from shared.receiver import Handlers


def handlers_for(team_id: str) -> Handlers:
    """Return the handlers, with the team that is responsible until somebody takes a case."""
    return {
        CaseOpened: partial(handlers.hear_case_opened, team_id=team_id),
        CaseEnded: handlers.hear_case_ended,
        PersonErased: ERASING.hear,
    }


HANDLERS: Handlers = handlers_for(DEFAULT_TEAM)
