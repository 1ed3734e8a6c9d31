"""What a field is about. Every field of a care event is structural or belongs to a category of this closed list."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeVar

T = TypeVar("T")


class Category(StrEnum):
    """A kind of knowledge about a person: what the person answers yes, no or ask to."""

    IDENTITY = "identity"
    CONTACT = "contact"
    LIVELIHOOD = "livelihood"
    HOUSING = "housing"
    PHYSICAL_HEALTH = "physical_health"
    MENTAL_HEALTH = "mental_health"
    ADDICTION = "addiction"
    DEBTS = "debts"
    FAMILY = "family"
    SAFETY = "safety"
    PAPERS = "papers"
    LANGUAGE = "language"
    DAILY_STRUCTURE = "daily_structure"
    WORK = "work"
    RECOMMENDATION = "recommendation"
    CONCLUSION = "conclusion"
    STATEMENT = "statement"
    APPOINTMENT = "appointment"
    ATTENDANCE = "attendance"
    OUTCOME = "outcome"


LIFE_DOMAINS = frozenset(
    {
        Category.LIVELIHOOD,
        Category.HOUSING,
        Category.PHYSICAL_HEALTH,
        Category.MENTAL_HEALTH,
        Category.ADDICTION,
        Category.DEBTS,
        Category.FAMILY,
        Category.SAFETY,
        Category.PAPERS,
        Category.LANGUAGE,
        Category.DAILY_STRUCTURE,
        Category.WORK,
    }
)
"""The categories in which an assessment records structured facts."""


@dataclass(frozen=True, slots=True)
class StructuralLabel:
    """Marks a field that holds an id, a version, a time or a code of the process, and nothing about the person."""


@dataclass(frozen=True, slots=True)
class LabelledBy:
    """Marks a field whose category is the value of another field of the same event."""

    field: str


STRUCTURAL = StructuralLabel()
Structural = Annotated[T, STRUCTURAL]


def label_of(metadata: list[object]) -> StructuralLabel | LabelledBy | Category | None:
    """Return the label among a field's annotations; none, or more than one, is no label."""
    labels = [item for item in metadata if isinstance(item, StructuralLabel | LabelledBy | Category)]
    return labels[0] if len(labels) == 1 else None
