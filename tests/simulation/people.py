"""The synthetic people of a simulated town, drawn to the rates of the field, and how each of them meets the world.

Two thirds with a mental illness, nearly all of them untreated (Leipzig's programme); many with several burdens at once.
Nobody here is, or resembles, a real person.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from random import Random

from services.intake.acute import NeedKind
from shared.contracts.intake import Origin

NEEDS = {
    "mental_health": (0.66, "lvr-klinik", "psychiatric_consultation", "never_spoke_to_psychologist"),
    "debts": (0.45, "schuldnerhilfe", "debt_counselling", "creditors_many_and_unclear"),
    "housing": (0.18, "wohnhilfe", "flat_instead_of_shelter", "emergency_shelter_only"),
    "addiction": (0.16, "suchtberatung", "addiction_counselling", "alcohol_dependence_likely"),
    "physical_health": (0.15, "arzt-ohne-karte", "doctor_without_card", "no_health_insurance"),
    "livelihood": (0.10, "tafel", "food", "nothing_to_eat_today"),
}
"""For each burden: how many carry it, which provider helps with what, and the word that the team writes down."""

ACUTE = {Origin.COMMISSIONED: 0.04, Origin.SELF: 0.04, Origin.STREET: 0.25}
"""How many need help on the day they come."""

ARRIVE_WITHIN = timedelta(days=55)


class Way(StrEnum):
    """How somebody takes it."""

    OPEN = "open"
    HARD_TO_REACH = "hard_to_reach"
    NEVER_FOUND = "never_found"
    REFUSES = "refuses"


@dataclass(slots=True)
class Person:
    """Somebody who comes, is met, or is sent."""

    number: int
    origin: Origin
    arrives_at: datetime
    way: Way
    needs: tuple[str, ...]
    acute: NeedKind | None
    releases: bool
    """Whether they agree that providers learn what they need."""
    takes_back: bool
    """Whether they take that back once help is under way."""
    child: bool
    """Whether a child lives with them, about whom the team comes to worry."""
    of_staff: bool
    """Whether they work for the Jobcenter, or belong to somebody who does."""
    little_german: bool
    loses_phone: bool
    case_id: str = ""
    person_id: str = ""
    commission_id: str = ""
    commissioned_until: date | None = None
    needs_help_now: bool = False
    concern_id: str = ""
    concern_moves: int = 0
    referred: set[str] = field(default_factory=set)
    reached_at: datetime | None = None
    talked_at: datetime | None = None
    concluded_at: datetime | None = None
    helped_at: datetime | None = None
    ended_at: datetime | None = None

    def answers(self, random: Random) -> str:
        """Return what comes of one try to reach them."""
        if self.way is Way.NEVER_FOUND:
            return "not_reached" if random.random() < 0.9 else "moved"  # a rate of this town
        if self.way is Way.REFUSES:
            return "refused" if random.random() < 0.5 else "not_reached"
        chance = 0.75 if self.way is Way.OPEN else 0.3
        return "reached" if random.random() < chance else "not_reached"


def draw_people(random: Random, count: int, *, first_day: date) -> list[Person]:
    """Draw a cohort that arrives over the first weeks."""
    begin = datetime.fromisoformat(f"{first_day.isoformat()}T07:00:00+00:00")
    return sorted((_draw(random, number, begin) for number in range(count)), key=lambda person: person.arrives_at)


def _draw(random: Random, number: int, begin: datetime) -> Person:
    origin = random.choices([Origin.COMMISSIONED, Origin.SELF, Origin.STREET], weights=[70, 20, 10])[0]
    way = random.choices(list(Way), weights=[70, 16, 6, 8])[0]
    needs = tuple(need for need, (rate, *_) in NEEDS.items() if random.random() < rate)
    acute = random.choice(list(NeedKind)) if random.random() < ACUTE[origin] else None
    return Person(
        number,
        origin,
        arrives_at=begin + random.random() * ARRIVE_WITHIN,
        way=way,
        needs=needs,
        acute=acute,
        releases=random.random() < 0.85,
        takes_back=random.random() < 0.08,
        child="addiction" in needs and random.random() < 0.3,
        of_staff=random.random() < 0.02,
        little_german=random.random() < 0.2,
        loses_phone=random.random() < 0.1,
    )
