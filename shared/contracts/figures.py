"""Steering figures: which tables there are of a quarter, and how a service says what it counted. About nobody. Pure.

The lists are closed: a row that is not named here is never published. What is counted for each row stands in
`docs/figures.md`; how small numbers are protected is the gate's (`services/consent/protection.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, StringConstraints

from shared.contracts.categories import LIFE_DOMAINS, Category, Structural
from shared.contracts.envelope import CareEvent, Code, Id, Value
from shared.contracts.town import Town

COUNTED_ON_WORKING_DAY: Final = 5
"""What was done in the last days of a quarter is written down by then."""

HELP_GROUPS: Final = ("debts", "eviction", "flat", "shelter", "health", "addiction", "food", "work")
"""The kinds of help that referrals are counted by. The directory of providers says which service is which."""

QuarterName = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-Q[1-4]$")]
"""A quarter as it is written: 2026-Q1."""


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Three months of the calendar. No two overlap, and nothing else is ever counted."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime, town: Town) -> Self:
        """Return the quarter of a moment in the town's own time."""
        day = town.today(moment)
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def read(cls, name: str) -> Self:
        """Read a quarter as it is written."""
        year, _, number = name.partition("-Q")
        return cls(int(year), int(number))

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"

    def next(self) -> "Quarter":
        """Return the one after it."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def first_day(self) -> date:
        """Return the day on which it begins."""
        return date(self.year, 3 * self.number - 2, 1)

    def begins_at(self, town: Town) -> datetime:
        """Return its first moment in the town's own time."""
        return datetime.combine(self.first_day, time(), town.zone())

    def ends_at(self, town: Town) -> datetime:
        """Return the first moment after it."""
        return self.next().begins_at(town)

    def is_due(self, now: datetime, town: Town) -> bool:
        """Say whether it can be counted: from the fifth of the town's working days after its end on."""
        last_day = self.next().first_day - timedelta(days=1)
        return town.today(now) >= town.after_working_days(last_day, COUNTED_ON_WORKING_DAY)


def due_quarters(first: Quarter, now: datetime, town: Town) -> Iterator[Quarter]:
    """Yield the quarters from the first one on that can be counted by now."""
    quarter = first
    while quarter.is_due(now, town):
        yield quarter
        quarter = quarter.next()


@dataclass(frozen=True, slots=True)
class FixedTable:
    """One table of the figures: who counts it, and its rows, for ever in this order."""

    name: str
    producer: str
    rows: tuple[str, ...]
    is_whole: bool = False
    """Whether nobody is in two of its rows, so that they have a total."""


TABLES: Final = (
    FixedTable("came_by", "intake", ("commissioned", "self", "street"), is_whole=True),
    FixedTable("needs", "assessment", tuple(item.value for item in Category if item in LIFE_DOMAINS)),
    FixedTable(
        "first_talks",
        "assessment",
        ("within_3_days", "within_7_days", "within_14_days", "within_30_days", "later"),
        is_whole=True,
    ),
    FixedTable("not_yet_met", "assessment", ("waiting",)),
    FixedTable("asked_for", "referral", HELP_GROUPS),
    FixedTable("taken_up", "referral", HELP_GROUPS),
    FixedTable(
        "outcomes",
        "referral",
        (
            "debts_regulated",
            "flats_kept",
            "flats_found",
            "shelters_found",
            "treatments_begun",
            "treatments_helped",
            "food_secured",
            "work_begun",
        ),
    ),
)
"""No number stands in two of them: rounded twice it could be told more exactly."""

PRODUCERS: Final = tuple(dict.fromkeys(table.producer for table in TABLES))


class FigureCell(Value):
    """How many persons belong into one row of one table."""

    table: Code
    row: Code
    count: Annotated[int, Field(ge=0)]


class FiguresCounted(CareEvent):
    """What a service counted of a quarter. Each producer announces it under a type of its own, the same for ever."""

    sealed_for: ClassVar[str] = "count_id"

    count_id: Structural[Id]
    quarter: Structural[QuarterName]
    counted_at: Structural[datetime]
    cells: Structural[tuple[FigureCell, ...]]
