"""The words of consent: answers a person gave, facts the gate knows, recipients, and what is asked of them.

Pure values: no clock, no database, no broker. What may be told is decided in `decision.py`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.contracts.categories import Category
from shared.contracts.town import working_days_after

LONGEST_VALIDITY = timedelta(days=183)
"""A yes or an ask stands for half a year at most; then the person is asked anew. A no does not expire."""

SHORTER_VALIDITY: dict[Category, timedelta] = dict.fromkeys(
    (Category.MENTAL_HEALTH, Category.ADDICTION, Category.SAFETY, Category.ATTENDANCE), timedelta(days=92)
)
"""What can hurt most, or feeds sanctions, is asked anew after a quarter of a year."""

CONFIRM_WITHIN = timedelta(days=14)
"""A yes that was recorded under pressure waits this long for the person's confirmation; unconfirmed it ends."""

ANSWER_WITHIN = timedelta(days=14)
"""A message that waits for the person's word waits this long; unanswered means no."""

REMIND_BEFORE = timedelta(days=14)
"""The care circle hears this long before a yes or an ask ends, so that somebody asks the person in time."""

MOST_OFFERED = 6
"""No recipient is offered more categories than a person can weigh one by one."""

BENEFIT = "benefit"
"""The purpose of the Jobcenter: to serve the person whom it commissioned help for."""


class Word(StrEnum):
    """A person's answer. "Later" is no answer: it records nothing."""

    YES = "yes"
    NO = "no"
    ASK = "ask"


class Kind(StrEnum):
    """The legal instrument: release from professional secrecy (§ 203 StGB), or data consent (§ 67b SGB X)."""

    SECRECY_RELEASE = "secrecy_release"
    DATA_CONSENT = "data_consent"


class RecipientRole(StrEnum):
    """What a recipient is."""

    JOBCENTER = "jobcenter"
    PROVIDER = "provider"
    STEERING = "steering"
    """The town's steering: it is told figures about nobody, and nothing about any person."""


REQUIRED_KINDS: dict[RecipientRole, frozenset[Kind]] = {
    RecipientRole.JOBCENTER: frozenset({Kind.SECRECY_RELEASE, Kind.DATA_CONSENT}),
    RecipientRole.PROVIDER: frozenset({Kind.SECRECY_RELEASE, Kind.DATA_CONSENT}),
    RecipientRole.STEERING: frozenset({Kind.SECRECY_RELEASE, Kind.DATA_CONSENT}),  # and it is offered nothing
}
"""Each of these needs a standing yes of its own before anything leaves to that role."""


class Place(StrEnum):
    """Where a person declared something. What is said at the Jobcenter may have been said under pressure."""

    ELSEWHERE = "elsewhere"
    JOBCENTER_PREMISES = "jobcenter_premises"
    JOBCENTER_DEVICE = "jobcenter_device"


class Ending(StrEnum):
    """Why an answer no longer stands. For the recipient all of them look the same."""

    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALID = "invalid"


class AnswerState(StrEnum):
    """What a question to a person stands at. Kept apart inside; outside all but `granted` look the same."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    INVALID = "invalid"
    DISPUTED = "disputed"
    PAUSED = "paused"
    PENDING_CONFIRMATION = "pending_confirmation"


@dataclass(frozen=True, slots=True)
class Answer:
    """One word of a person for one recipient, purpose, category and kind."""

    answer_id: str
    grant_id: str
    person_id: str
    recipient_id: str
    purpose: str
    category: Category
    kind: Kind
    word: Word
    reaches_back: bool
    given_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None = None
    ended_by: Ending | None = None
    confirm_by: datetime | None = None
    """Until when the person has to confirm it elsewhere; None if it needs no confirmation, or has it."""
    is_disputed: bool = False
    """Whether the person says that this was never their word."""
    disputed_at: datetime | None = None
    is_held: bool = False
    """Whether the person's quiet signal holds it."""
    given_by: str | None = None
    """Under which representation it was given; None if by the person themselves."""

    def stands(self, *, at: datetime) -> bool:
        """Whether the answer counts, now or after what it waits for. What has ended never counts again.

        It counts from its record on: the order of records says what came first, not the clocks of two machines.
        """
        return self.ended_at is None and not self.has_run_out(at=at)

    def keeps_facts(self, *, at: datetime) -> bool:
        """Whether anything may yet be told by it once the case has ended: a no tells nobody, so it keeps nothing."""
        return self.word is not Word.NO and self.stands(at=at)

    def has_run_out(self, *, at: datetime) -> bool:
        """Whether its time is over. A no has no end; a yes or an ask without one never counted."""
        if self.word is Word.NO:
            return False
        if self.expires_at is None or self.expires_at <= at:
            return True
        return self.confirm_by is not None and self.confirm_by <= at

    def state(self, *, at: datetime) -> AnswerState:  # noqa: PLR0911  a line per reason, in their order
        """Return the one state that it is in: of several reasons the first counts."""
        if self.ended_at is not None:
            return _ENDED[self.ended_by or Ending.SUPERSEDED]
        if self.has_run_out(at=at):
            return AnswerState.EXPIRED
        if self.is_disputed:
            return AnswerState.DISPUTED
        if self.confirm_by is not None:
            return AnswerState.PENDING_CONFIRMATION
        if self.word is Word.NO:
            return AnswerState.REFUSED
        if self.is_held:
            return AnswerState.PAUSED
        return AnswerState.ASKED if self.word is Word.ASK else AnswerState.GRANTED


_ENDED = {ending: AnswerState(ending) for ending in Ending}


@dataclass(frozen=True, slots=True)
class KnownFact:
    """The newest version of one piece of knowledge, and when its first version came to be."""

    fact_id: str
    version: int
    category: Category
    professional: bool
    content: dict[str, Any]  # Any: JSON values
    first_recorded_at: datetime | None
    first_received_at: datetime
    only_for: str | None = None
    """The purpose that it belongs to: what one referral brought is nothing for another. None belongs to all."""
    recorded_at: datetime | None = None
    """When its producer recorded this version (valid time)."""
    received_at: datetime | None = None
    """When the gate came to know this version (knowledge time)."""
    about_id: str | None = None
    """The third person whom it is about (§ 67d (2) SGB X). None: the person."""
    contested_by_person: bool = False
    """Whether the person contests it; `content` bears the note, whoever set it (§ 84 (2) SGB X)."""

    def is_newer_than(self, moment: datetime) -> bool:
        """Whether it was first recorded by its producer and first received by the gate after that moment."""
        return (
            self.first_recorded_at is not None and self.first_recorded_at > moment and self.first_received_at > moment
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a recipient could be told at the most: for whom, for what, which categories, under which instruments."""

    person_id: str
    recipient_id: str
    purpose: str
    categories: frozenset[Category]
    kinds: frozenset[Kind]
    is_shield: bool | None = None
    """Whether the recipient is a Jobcenter's shield: a unit that decides on no personnel. None: it is no Jobcenter."""
    is_shielded: bool = False
    """Whether the person is, or is related to, Jobcenter staff."""


APPROVED = "approved"
"""An inquiry to which the person said yes."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One message that a person was, or is, asked about: this very text and no other."""

    inquiry_id: str
    state: str
    sha256: str
    fields: dict[str, Any]  # Any: JSON values
    answer_ids: frozenset[str]
    """The answers that it rests on."""


class CommissionStatus(StrEnum):
    """The four neutral words towards the Jobcenter."""

    COMMISSIONED = "commissioned"
    RUNNING = "running"
    FINISHED = "finished"
    ENDED = "ended"


def commission_status(
    *, received_on: date, deadline: date, cancelled: bool, today: date, holidays: frozenset[date] = frozenset()
) -> CommissionStatus:
    """Return the status of a commission. Nothing that happens in the case can change it: only these five can."""
    if cancelled:
        return CommissionStatus.ENDED
    if today >= deadline:
        return CommissionStatus.FINISHED
    return (
        CommissionStatus.RUNNING if today >= next_working_day(received_on, holidays) else CommissionStatus.COMMISSIONED
    )


def next_working_day(day: date, holidays: frozenset[date] = frozenset()) -> date:
    """Return the first day after this one that is neither at a weekend nor a holiday."""
    return next(working_days_after(day, holidays))


def longest_validity(category: Category) -> timedelta:
    """Return how long a yes or an ask to a category may stand at the most."""
    return SHORTER_VALIDITY.get(category, LONGEST_VALIDITY)


def referral_purpose(referral_id: str) -> str:
    """Return the purpose under which a person agrees to one referral."""
    return f"referral:{referral_id}"
