"""What a case in assessment needs next and by when, and which words and days may be written down.

Pure rules: no clock, no database, no broker. Who may learn any of it is left to the consent service.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self

from shared.contracts.categories import Category

DEFAULT_TEAM = "team-assessment"
TAKE_WORKING_DAYS = 1
TRY_AGAIN_WORKING_DAYS = 2
TALK_WORKING_DAYS = 10
CONCLUDE_WITHIN = timedelta(days=28)
FOLLOW_UP_AFTER = timedelta(days=30)
EARLIEST_DAY = date(1900, 1, 1)
GERMANY_AHEAD = timedelta(hours=2)
"""In Essen a new day begins up to two hours before it does in UTC."""


class AssessmentError(Exception):
    """Base of everything that this service refuses. Texts never repeat what was sent."""

    code = "assessment_error"
    fields: list[dict[str, str]] | None = None


class CaseNotFound(AssessmentError):
    """Raised when a request names a case that this service never heard of."""

    code = "case_not_found"

    def __init__(self) -> None:
        super().__init__("no case by that id")


class PersonNotFound(AssessmentError):
    """Raised when a request names a person of whom this service keeps nothing."""

    code = "person_not_found"

    def __init__(self) -> None:
        super().__init__("no person by that id")


class EntryNotFound(AssessmentError):
    """Raised when a request names an entry that is not, or no longer, in the case."""

    code = "entry_not_found"

    def __init__(self) -> None:
        super().__init__("nothing by that id in this case")


class CaseHasEnded(AssessmentError):
    """Raised when something is to be written in a case that is over."""

    code = "case_has_ended"

    def __init__(self) -> None:
        super().__init__("the case has ended")


class AboutSomebodyElse(AssessmentError):
    """Raised when a person is to approve what is about somebody else: it is not theirs to release (§ 67d SGB X)."""

    code = "about_somebody_else"

    def __init__(self) -> None:
        super().__init__("a statement about somebody else cannot be approved by the person")


class TextDiffers(AssessmentError):
    """Raised when the approved hash is not that of the newest draft: the person read another text."""

    code = "text_differs"

    def __init__(self) -> None:
        super().__init__("the approved text is not the newest draft")


class NotAcceptable(AssessmentError):
    """Raised when a field's value breaks a rule; names field and reason."""

    code = "malformed"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__("the request has fields that cannot be accepted")
        self.fields = [{"field": field, "reason": reason}]


class Kind(StrEnum):
    """What the team writes down in a case."""

    FACT = "fact"
    NOTE = "note"
    STATEMENT = "statement"
    RECOMMENDATION = "recommendation"
    CONCLUSION = "conclusion"
    ATTENDANCE = "attendance"
    CONTACT_ATTEMPT = "contact_attempt"


class ContactOutcome(StrEnum):
    """What came of trying to make contact."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    MOVED = "moved"
    REFUSED = "refused"


class NextStep(StrEnum):
    """What the team owes a person next. A refusal is no step of its own, so a list does not tell it."""

    TAKE = "take"
    CONTACT = "contact"
    TALK = "talk"
    CONCLUDE = "conclude"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class Step:
    """A next step with its day."""

    code: NextStep
    due_on: date


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to make contact."""

    made_on: date
    outcome: ContactOutcome = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a case is in assessment."""

    opened_on: date
    first_contact_by: date
    taken: bool = False
    last_attempt: Attempt | None = None
    first_talk_on: date | None = None
    last_talk_on: date | None = None
    concluded_on: date | None = None


def next_step(progress: Progress) -> Step:
    """Return what has to be done next and by when. Every open case has an answer."""
    if not progress.taken:
        usual = after_working_days(progress.opened_on, TAKE_WORKING_DAYS)
        return Step(NextStep.TAKE, min(usual, progress.first_contact_by))
    if progress.concluded_on is not None or _is_refused(progress):
        return Step(NextStep.FOLLOW_UP, _last_event_on(progress) + FOLLOW_UP_AFTER)
    if progress.first_talk_on is not None:
        return Step(NextStep.CONCLUDE, progress.first_talk_on + CONCLUDE_WITHIN)
    attempt = progress.last_attempt
    if attempt is None:
        return Step(NextStep.CONTACT, progress.first_contact_by)
    if attempt.outcome is ContactOutcome.REACHED:
        return Step(NextStep.TALK, after_working_days(attempt.made_on, TALK_WORKING_DAYS))
    return Step(NextStep.CONTACT, after_working_days(attempt.made_on, TRY_AGAIN_WORKING_DAYS))


def _is_refused(progress: Progress) -> bool:
    attempt = progress.last_attempt
    if attempt is None or attempt.outcome is not ContactOutcome.REFUSED:
        return False
    return progress.last_talk_on is None or attempt.made_on > progress.last_talk_on


def _last_event_on(progress: Progress) -> date:
    tried_on = progress.last_attempt.made_on if progress.last_attempt else None
    return max(day for day in (progress.opened_on, tried_on, progress.last_talk_on, progress.concluded_on) if day)


def is_overdue(due_on: date, *, today: date) -> bool:
    """Say whether a step's day has passed."""
    return due_on < today


def after_working_days(day: date, count: int) -> date:
    """Return the day that lies so many working days (Monday to Friday) later."""
    ahead = [day + timedelta(days=number) for number in range(1, 7 * (count // 5 + 2))]
    working = [later for later in ahead if later.weekday() < 5]  # noqa: PLR2004  # Saturday is day 5
    return working[count - 1]


def today_at(now: datetime) -> date:
    """Return the latest day that it can be in Germany at this moment."""
    return (now + GERMANY_AHEAD).date()


def check_past_day(field: str, day: date | None, *, now: datetime) -> None:
    """Refuse a day that has not come yet, or that nobody alive remembers."""
    if day is not None and not EARLIEST_DAY <= day <= today_at(now):
        raise NotAcceptable(field, "must be a day of the past, or today")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The closed lists of words for findings, recommendations and conclusions."""

    facts: Mapping[str, frozenset[str]]
    recommendations: frozenset[str]
    conclusions: frozenset[str]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the lists."""
        raw = json.loads(text)
        return cls(
            facts={domain: frozenset(codes) for domain, codes in raw["facts"].items()},
            recommendations=frozenset(raw["recommendations"]),
            conclusions=frozenset(raw["conclusions"]),
        )

    def check_fact(self, life_domain: Category, code: str) -> None:
        """Refuse a finding that is not a word of its life domain."""
        if code not in self.facts.get(life_domain.value, frozenset()):
            raise NotAcceptable("code", "is not a word of this life domain")

    def check_recommendation(self, code: str) -> None:
        """Refuse a recommendation that is not in the list."""
        if code not in self.recommendations:
            raise NotAcceptable("code", "is not a word for a recommendation")

    def check_conclusion(self, code: str) -> None:
        """Refuse a conclusion that is not in the list."""
        if code not in self.conclusions:
            raise NotAcceptable("code", "is not a word for a conclusion")


def hash_of(text: str) -> str:
    """Return the hash by which a person's approval names exactly one text."""
    return hashlib.sha256(text.encode()).hexdigest()
