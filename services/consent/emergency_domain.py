"""Who may be told something in an emergency, for which reasons, and by when somebody else has looked at it.

Pure rules, and no part of consent: an emergency is never a grant and never a higher permission. These recipients are a
type of their own that no registered recipient belongs to, so the Jobcenter cannot be one of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

REVIEW_WITHIN = timedelta(hours=24)
"""Without a second person's confirmation by then, a lead's review is overdue."""

TELL_PERSON_WITHIN = timedelta(hours=72)
"""By then the person has to know what was told about them, to whom and why."""


class EmergencyRecipient(Enum):
    """Who can be told in an emergency. Not a text on purpose: no id and no role of a recipient equals one of these."""

    RESCUE_SERVICE = "rescue_service"
    """§ 34 StGB: a danger to life or limb that cannot be averted otherwise (and § 323c StGB: the duty to help)."""

    CRISIS_SERVICE = "crisis_service"
    """§ 34 StGB: the danger that somebody kills or gravely harms themselves; the service acts under the PsychKG."""

    YOUTH_WELFARE_OFFICE = "youth_welfare_office"
    """§ 4 (3) KKG: a child in danger that nothing else helps; the family is told before, unless that endangers it."""

    POLICE_SERVICE = "police_service"
    """§ 34 StGB: somebody is missing and in danger; § 138 StGB, § 71 (1) SGB X: a grave crime is planned."""


class Reason(Enum):
    """Why somebody had to be told: a closed list."""

    DANGER_TO_LIFE = "danger_to_life"
    HELPLESS = "helpless"
    ACUTE_ILLNESS = "acute_illness"
    DANGER_OF_SUICIDE = "danger_of_suicide"
    ACUTE_MENTAL_CRISIS = "acute_mental_crisis"
    CHILD_IN_DANGER = "child_in_danger"
    MISSING_AND_IN_DANGER = "missing_and_in_danger"
    GRAVE_CRIME_PLANNED = "grave_crime_planned"


REASONS: dict[EmergencyRecipient, frozenset[Reason]] = {
    EmergencyRecipient.RESCUE_SERVICE: frozenset(
        {Reason.DANGER_TO_LIFE, Reason.HELPLESS, Reason.ACUTE_ILLNESS, Reason.DANGER_OF_SUICIDE}
    ),
    EmergencyRecipient.CRISIS_SERVICE: frozenset({Reason.DANGER_OF_SUICIDE, Reason.ACUTE_MENTAL_CRISIS}),
    EmergencyRecipient.YOUTH_WELFARE_OFFICE: frozenset({Reason.CHILD_IN_DANGER}),
    EmergencyRecipient.POLICE_SERVICE: frozenset({Reason.MISSING_AND_IN_DANGER, Reason.GRAVE_CRIME_PLANNED}),
}
"""For which reasons each of them can be told."""


class FamilyNotice(Enum):
    """Whether the family was told before the youth welfare office was (§ 4 (3) KKG); somebody has to say which."""

    TOLD_BEFORE = "told_before"
    WOULD_ENDANGER_THE_CHILD = "would_endanger_the_child"


class Outcome(Enum):
    """What the review came to. One that was not justified is a breach of secrecy (Art. 33 GDPR: 72 hours)."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


class State(Enum):
    """Where an emergency stands."""

    AWAITS_SECOND_PERSON = "awaits_second_person"
    CONFIRMED = "confirmed"
    REVIEW_OVERDUE = "review_overdue"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What has happened since somebody was told."""

    told_at: datetime
    confirmed_at: datetime | None
    reviewed_at: datetime | None
    person_told_at: datetime | None

    @property
    def review_due_at(self) -> datetime:
        """When the review is due, if no second person has confirmed."""
        return self.told_at + REVIEW_WITHIN

    @property
    def telling_due_at(self) -> datetime:
        """When the person has to be told at the latest."""
        return self.told_at + TELL_PERSON_WITHIN

    def state(self, *, at: datetime) -> State:
        """Return where it stands. A second person counts only within the time; after it, only a review does."""
        if self.reviewed_at is not None:
            return State.REVIEWED
        if self.confirmed_at is not None:
            return State.CONFIRMED
        return State.AWAITS_SECOND_PERSON if at < self.review_due_at else State.REVIEW_OVERDUE

    def telling_is_overdue(self, *, at: datetime) -> bool:
        """Whether the person should have been told by now."""
        return self.person_told_at is None and at >= self.telling_due_at


def chain_of(recipient: EmergencyRecipient) -> str:
    """Return the name of its chain in the ledger: with a dot, so that no registered recipient can have it."""
    return f"emergency.{recipient.value}"
