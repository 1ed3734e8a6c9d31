"""What the consent service announces: news from outside that passed the gate, and where a referral stands."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.categories import Category, Structural
from shared.contracts.envelope import CareEvent, Code, Id
from shared.contracts.intake import Contact


class Service(StrEnum):
    """What a Jobcenter can commission."""

    CLARIFICATION = "clarification"
    OUTREACH = "outreach"


class ProviderAnswer(StrEnum):
    """What a provider can say about a referral: closed codes, no free text."""

    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    DECLINED = "declined"
    APPOINTMENT_OFFERED = "appointment_offered"
    ATTENDED = "attended"
    NOT_ATTENDED = "not_attended"
    ENDED = "ended"


class Outcome(StrEnum):
    """How help ended, as the provider sees it."""

    HELPED = "helped"
    PARTLY_HELPED = "partly_helped"
    NOT_HELPED = "not_helped"
    OTHER_HELP_FOUND = "other_help_found"


class CommissionReceived(CareEvent):
    """A Jobcenter commissioned help for somebody. Its own reference stays at the gate."""

    event_type: ClassVar[str] = "consent.commission_received.v1"
    sealed_for: ClassVar[str] = "commission_id"  # the person is not known yet

    commission_id: Structural[Id]
    recipient_id: Structural[str]
    service: Structural[Service]
    deadline: Structural[date]
    budget_line: Structural[str]
    received_at: Structural[datetime]
    contact: Annotated[Contact, Category.CONTACT] = Field(repr=False)
    shielded: Structural[bool | None] = None
    """Whether a shield commissioned it: then the case is shielded from the start (§ 35 SGB I)."""


class CommissionCancelled(CareEvent):
    """The Jobcenter took its commission back. Help for the person goes on if the person wants it."""

    event_type: ClassVar[str] = "consent.commission_cancelled.v1"
    sealed_for: ClassVar[str] = "commission_id"

    commission_id: Structural[Id]
    cancelled_at: Structural[datetime]


class CommissionChanged(CareEvent):
    """The Jobcenter changed its commission: all that it may change, as it stands now."""

    event_type: ClassVar[str] = "consent.commission_changed.v1"
    sealed_for: ClassVar[str] = "commission_id"

    commission_id: Structural[Id]
    deadline: Structural[date]
    budget_line: Structural[str]
    changed_at: Structural[datetime]


class PlacesOffered(CareEvent):
    """A provider says how many places it keeps for a service, and until when. It is about nobody."""

    event_type: ClassVar[str] = "consent.places_offered.v1"
    sealed_for: ClassVar[str] = "offer_id"

    offer_id: Structural[Id]
    recipient_id: Structural[str]
    service: Structural[Code]
    places: Structural[int]
    valid_until: Structural[datetime]
    offered_at: Structural[datetime]


class GrantRecorded(CareEvent):
    """A person gave answers. Which ones stays in the consent service."""

    event_type: ClassVar[str] = "consent.grant_recorded.v1"

    grant_id: Structural[Id]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]


class GrantWithdrawn(CareEvent):
    """A person took answers back. Which ones stays in the consent service."""

    event_type: ClassVar[str] = "consent.grant_withdrawn.v1"

    grant_id: Structural[Id]
    person_id: Structural[Id]
    withdrawn_at: Structural[datetime]


class Awaited(StrEnum):
    """What somebody is waited for. A code of the process: it says nothing about any answer."""

    WORD = "word"
    CONFIRMATION = "confirmation"
    RENEWAL = "renewal"


class PersonAwaited(CareEvent):
    """Something waits for the person until a day; somebody of the care circle should tell them in time."""

    event_type: ClassVar[str] = "consent.person_awaited.v1"

    item_id: Structural[Id]
    person_id: Structural[Id]
    awaited: Structural[Awaited]
    due_at: Structural[datetime]
    at: Structural[datetime]


class PersonErased(CareEvent):
    """A person wants to be forgotten (Art. 17 GDPR). Every service erases them and confirms it."""

    event_type: ClassVar[str] = "consent.person_erased.v1"
    sealed_for: ClassVar[str] = "erasure_id"  # the person's own key is gone by then

    erasure_id: Structural[Id]
    person_id: Structural[Id]
    erased_at: Structural[datetime]


class FactContested(CareEvent):
    """A person contests a finding (§ 84 (2) SGB X). Whatever leaves of it from now on bears that note."""

    event_type: ClassVar[str] = "consent.fact_contested.v1"

    fact_id: Structural[Id]
    person_id: Structural[Id]
    number: Structural[int]
    contested_at: Structural[datetime]


class FactContestWithdrawn(CareEvent):
    """A person no longer contests a finding. Of the two events the one with the highest number counts."""

    event_type: ClassVar[str] = "consent.fact_contest_withdrawn.v1"

    fact_id: Structural[Id]
    person_id: Structural[Id]
    number: Structural[int]
    withdrawn_at: Structural[datetime]


class ReferralCleared(CareEvent):
    """The person agreed that the provider learns something of what it needs; the provider has been told to look."""

    event_type: ClassVar[str] = "consent.referral_cleared.v1"

    referral_id: Structural[Id]
    person_id: Structural[Id]
    at: Structural[datetime]


class ReferralNotCleared(CareEvent):
    """At this moment the provider may learn nothing. Never says which category, nor why."""

    event_type: ClassVar[str] = "consent.referral_not_cleared.v1"

    referral_id: Structural[Id]
    person_id: Structural[Id]
    at: Structural[datetime]


class ReferralOpened(CareEvent):
    """The provider has opened what was released to it."""

    event_type: ClassVar[str] = "consent.referral_opened.v1"

    referral_id: Structural[Id]
    person_id: Structural[Id]
    at: Structural[datetime]


class ReferralAnswered(CareEvent):
    """A provider answered. It is the provider's secret, for the team only."""

    event_type: ClassVar[str] = "consent.referral_answered.v1"

    referral_id: Structural[Id]
    person_id: Structural[Id]
    answered_at: Structural[datetime]
    answer: Annotated[ProviderAnswer, Category.OUTCOME] = Field(repr=False)
    appointment_at: Annotated[datetime | None, Category.APPOINTMENT] = Field(default=None, repr=False)
    outcome: Annotated[Outcome | None, Category.OUTCOME] = Field(default=None, repr=False)


class EmergencyDisclosed(CareEvent):
    """In an emergency something was told without a grant. To whom, what and why stays in the consent service."""

    event_type: ClassVar[str] = "consent.emergency_disclosed.v1"

    emergency_id: Structural[Id]
    person_id: Structural[Id]
    at: Structural[datetime]
    tell_person_by: Structural[datetime]
    review_by: Structural[datetime | None] = None
    """By when a second person has to have confirmed it, or a lead has to review it."""


class EmergencySettled(CareEvent):
    """A second person has confirmed what was told in an emergency, or somebody without a part in it has reviewed it."""

    event_type: ClassVar[str] = "consent.emergency_settled.v1"

    emergency_id: Structural[Id]
    person_id: Structural[Id]
    at: Structural[datetime]


class EmergencyReviewOverdue(CareEvent):
    """No second person has confirmed what was told in an emergency, and no lead has reviewed it in time."""

    event_type: ClassVar[str] = "consent.emergency_review_overdue.v1"

    emergency_id: Structural[Id]
    person_id: Structural[Id]
    due_at: Structural[datetime]
