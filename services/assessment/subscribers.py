"""What assessment hears: a case opens or ends, the person is informed, contests a finding, or is to be forgotten."""

from functools import partial

from services.assessment import contest, handlers, telling
from services.assessment.domain import DEFAULT_TEAM
from services.assessment.erasure import ERASING
from shared.contracts.consent import (
    EmergencyDisclosed,
    FactContested,
    FactContestWithdrawn,
    PersonAwaited,
    PersonErased,
)
from shared.contracts.intake import CaseEnded, CaseOpened, NoticesGiven
from shared.receiver import Handlers


def handlers_for(team_id: str) -> Handlers:
    """Return the handlers, with the team that is responsible until somebody takes a case."""
    return {
        CaseOpened: partial(handlers.hear_case_opened, team_id=team_id),
        NoticesGiven: handlers.hear_notices_given,
        CaseEnded: handlers.hear_case_ended,
        PersonErased: ERASING.hear,
        FactContested: contest.hear_contest,
        FactContestWithdrawn: contest.hear_contest,
        PersonAwaited: telling.hear_awaited,
        EmergencyDisclosed: telling.hear_emergency,
    }


HANDLERS: Handlers = handlers_for(DEFAULT_TEAM)
