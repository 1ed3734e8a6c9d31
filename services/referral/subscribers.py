"""From the bus to a handler: which event means what here."""

from services.referral import handlers, place
from services.referral.erasure import ERASING
from services.referral.state import News
from shared.contracts.assessment import CaseTaken
from shared.contracts.consent import (
    PersonErased,
    PlacesOffered,
    ReferralAnswered,
    ReferralCleared,
    ReferralNotCleared,
    ReferralOpened,
)
from shared.contracts.intake import CaseEnded, CaseOpened, NoticesGiven
from shared.receiver import Handlers
from shared.unit_of_work import UnitOfWork


def case_opened(work: UnitOfWork, event: CaseOpened) -> None:
    """Take note of a case."""
    handlers.take_case(work, case_id=event.case_id, person_id=event.person_id, opened_at=event.opened_at)


def notices_given(work: UnitOfWork, event: NoticesGiven) -> None:
    """The person knows who does what with their data."""
    handlers.know_informed(work, case_id=event.case_id, given_at=event.given_at)


def case_ended(work: UnitOfWork, event: CaseEnded) -> None:
    """Close what is open in it."""
    handlers.end_case(work, case_id=event.case_id, ended_at=event.ended_at)


def case_taken(work: UnitOfWork, event: CaseTaken) -> None:
    """Its referrals follow whoever is responsible now."""
    handlers.take_over_case(work, case_id=event.case_id, responsible_id=event.responsible_id, taken_at=event.taken_at)


def referral_cleared(work: UnitOfWork, event: ReferralCleared) -> None:
    """The provider has been told to look."""
    handlers.take_news(work, referral_id=event.referral_id, news=News.CLEARED, at=event.at)


def referral_not_cleared(work: UnitOfWork, event: ReferralNotCleared) -> None:
    """The provider may learn nothing."""
    handlers.take_news(work, referral_id=event.referral_id, news=News.NOT_CLEARED, at=event.at)


def referral_opened(work: UnitOfWork, event: ReferralOpened) -> None:
    """The provider has looked."""
    handlers.take_news(work, referral_id=event.referral_id, news=News.OPENED, at=event.at)


def referral_answered(work: UnitOfWork, event: ReferralAnswered) -> None:
    """The provider has answered."""
    handlers.take_news(
        work,
        referral_id=event.referral_id,
        news=News(event.answer.value),
        at=event.answered_at,
        appointment_at=event.appointment_at,
        outcome=event.outcome,
    )


def places_offered(work: UnitOfWork, event: PlacesOffered) -> None:
    """A provider keeps places. It is about nobody."""
    place.take_offer(
        work,
        recipient_id=event.recipient_id,
        service=event.service,
        places=event.places,
        valid_until=event.valid_until,
        offered_at=event.offered_at,
    )


HANDLERS: Handlers = {
    CaseOpened: case_opened,
    NoticesGiven: notices_given,
    CaseEnded: case_ended,
    CaseTaken: case_taken,
    PlacesOffered: places_offered,
    ReferralCleared: referral_cleared,
    ReferralNotCleared: referral_not_cleared,
    ReferralOpened: referral_opened,
    ReferralAnswered: referral_answered,
    PersonErased: ERASING.hear,
}
