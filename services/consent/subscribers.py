"""From the care bus to the gate's handlers: each event class has one."""

from functools import partial

from services.consent import erasures, handlers
from services.consent.settings import ConsentSettings
from shared.contracts.assessment import (
    AttendanceRecorded,
    ConclusionDrawn,
    FactRecorded,
    FactRemoved,
    RecommendationMade,
    StatementApproved,
)
from shared.contracts.intake import CaseEnded, CaseOpened, ContactRecorded, IdentityRecorded
from shared.contracts.referral import AppointmentArranged, ReferralClosed, ReferralRequested
from shared.receiver import Handlers


def subscriptions(settings: ConsentSettings) -> Handlers:
    """Return which handler takes which event."""
    return {
        CaseOpened: handlers.know_case,
        CaseEnded: handlers.know_case_end,
        IdentityRecorded: handlers.know_fact,
        ContactRecorded: handlers.know_fact,
        FactRecorded: handlers.know_fact,
        StatementApproved: handlers.know_fact,
        RecommendationMade: handlers.know_fact,
        ConclusionDrawn: handlers.know_fact,
        AttendanceRecorded: handlers.know_fact,
        AppointmentArranged: handlers.know_fact,
        FactRemoved: handlers.forget_fact,
        ReferralRequested: partial(handlers.know_referral, settings=settings),
        ReferralClosed: handlers.close_referral,
        **erasures.subscriptions(),
    }
