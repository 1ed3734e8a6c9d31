"""Which words and days may be written down, and what is refused. What a case needs next is left to `steps`.

Pure rules: no clock, no database, no broker. Who may learn any of it is left to the consent service.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Self

from shared.contracts.categories import Category

DEFAULT_TEAM = "team-assessment"
EARLIEST_DAY = date(1900, 1, 1)


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


class NoticesNotGiven(AssessmentError):
    """Raised when something is to be written down about somebody who was not given the notices yet."""

    code = "notices_not_given"

    def __init__(self) -> None:
        super().__init__("the notices have not been given")


class NobodyHasTakenIt(AssessmentError):
    """Raised when a case is to be finished that no team has taken."""

    code = "nobody_has_taken_it"

    def __init__(self) -> None:
        super().__init__("nobody has taken the case: nobody can be done with it")


class SomethingIsOwed(AssessmentError):
    """Raised when a case is to be finished in which something is owed that nobody else would do."""

    code = "something_is_owed"

    def __init__(self) -> None:
        super().__init__("a concern to follow, a word to the person or a finding to confirm is still owed: that first")


class SamePerson(AssessmentError):
    """Raised when somebody is to confirm what they found themselves."""

    code = "same_person"

    def __init__(self) -> None:
        super().__init__("a second person has to confirm it, not the one who wrote it down")


class MoveNotPossible(AssessmentError):
    """Raised when a move is made that a concern does not lead to from where it is."""

    code = "move_not_possible"

    def __init__(self) -> None:
        super().__init__("this move is not possible at this stage")


class NothingToConfirm(AssessmentError):
    """Raised when a finding is to be confirmed that needs no second person, or has one."""

    code = "nothing_to_confirm"

    def __init__(self) -> None:
        super().__init__("this finding does not wait for a second person")


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


class KnownFrom(StrEnum):
    """How the team knows what it found. It stays with the team: no event has a field for it."""

    PERSON = "person"
    DOCUMENT = "document"
    OBSERVATION = "observation"
    SOMEBODY_ELSE = "somebody_else"


def check_past_day(field: str, day: date | None, *, today: date, earliest: date = EARLIEST_DAY) -> None:
    """Refuse a day that has not come yet, or that is too early to be meant."""
    if day is not None and day > today:
        raise NotAcceptable(field, "must be a day of the past, or today")
    if day is not None and day < earliest:
        raise NotAcceptable(field, f"must not lie before {earliest.isoformat()}")


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


NEEDS_SECOND = frozenset({Category.ADDICTION.value, Category.SAFETY.value})
"""Findings in these life domains are told to nobody before a second person has confirmed them."""


def waits_for_second(content: Mapping[str, object]) -> bool:
    """Say whether a finding waits for a second person."""
    return content.get("life_domain") in NEEDS_SECOND and "confirmed_by" not in content


def hash_of(text: str) -> str:
    """Return the hash by which a person's approval names exactly one text."""
    return hashlib.sha256(text.encode()).hexdigest()
