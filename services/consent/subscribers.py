"""From the care bus to the gate's handlers: each event class has one."""

from functools import partial

from services.consent import erasures, figures, handlers, joining, shielding, spending
from services.consent.settings import ConsentSettings
from shared.contracts.assessment import (
    AssessmentFiguresCounted,
    AssessmentWorkCorrected,
    AssessmentWorkDone,
    AttendanceRecorded,
    ConclusionDrawn,
    FactRecorded,
    FactRemoved,
    RecommendationMade,
    StatementApproved,
)
from shared.contracts.intake import (
    CaseEnded,
    CaseOpened,
    CaseShielded,
    CommissionJoined,
    ContactRecorded,
    IdentityRecorded,
    IntakeFiguresCounted,
)
from shared.contracts.referral import (
    AppointmentArranged,
    ReferralClosed,
    ReferralFiguresCounted,
    ReferralRequested,
    ReferralWorkCorrected,
    ReferralWorkDone,
)
from shared.effect import Handlers, OfMany


def subscriptions(settings: ConsentSettings) -> Handlers:
    """Return which handler takes which event."""
    know_facts = OfMany(handlers.know_facts)
    know_work = partial(spending.know_work, settings=settings)
    correct_work = partial(spending.correct_work, settings=settings)
    return {
        CaseOpened: partial(handlers.know_case, settings=settings),
        CaseEnded: handlers.know_case_end,
        CaseShielded: partial(shielding.know_shield, settings=settings),
        CommissionJoined: partial(joining.join_commission, settings=settings),
        IdentityRecorded: know_facts,
        ContactRecorded: know_facts,
        FactRecorded: know_facts,
        StatementApproved: know_facts,
        RecommendationMade: know_facts,
        ConclusionDrawn: know_facts,
        AttendanceRecorded: know_facts,
        AppointmentArranged: know_facts,
        FactRemoved: handlers.forget_fact,
        ReferralRequested: partial(handlers.know_referral, settings=settings),
        ReferralClosed: handlers.close_referral,
        IntakeFiguresCounted: figures.know_count,
        AssessmentFiguresCounted: figures.know_count,
        ReferralFiguresCounted: figures.know_count,
        AssessmentWorkDone: know_work,
        AssessmentWorkCorrected: correct_work,
        ReferralWorkDone: know_work,
        ReferralWorkCorrected: correct_work,
        **erasures.subscriptions(),
    }
