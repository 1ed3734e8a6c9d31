"""What a town decides for itself: its days, by when each step is owed, and who is told how soon.

Values only; `shared.town` reads them from the town's folder. What is not here is the same everywhere: what anyone may
know, and what the law asks for.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import count, islice
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

WorkingDays = Annotated[int, Field(strict=True, ge=1, le=60)]
Days = Annotated[int, Field(strict=True, ge=1, le=180)]
Minutes = Annotated[int, Field(strict=True, ge=1, le=24 * 60)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class Part(BaseModel):
    """A part of what a town decides: exactly these fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class IntakeDeadlines(Part):
    """By when intake owes what."""

    first_contact_working_days: WorkingDays = 3
    street_contact_working_days: WorkingDays = 1
    close_working_days: WorkingDays = 5
    review_days: Days = 30
    look_again_days: Days = 7


class AssessmentDeadlines(Part):
    """By when a team owes what, and how often it tries to reach somebody."""

    take_working_days: WorkingDays = 1
    try_again_working_days: WorkingDays = 2
    talk_working_days: WorkingDays = 10
    conclude_days: Days = 28
    follow_up_days: Days = 30
    finish_working_days: WorkingDays = 2
    tries: Annotated[int, Field(strict=True, ge=3, le=20)] = 5
    tried_for_days: Days = 21
    """Somebody counts as not found after so many tries in a row that failed, spread over so much time."""


class LadderTimes(Part):
    """Who is told how soon. The person responsible is told at once, in every town."""

    lead_after_days: Days = 2
    again_after_days: Days = 5
    acknowledge_minutes: Minutes = 15
    """Within how many minutes a named human has to say that they see to an acute need."""


class Deadlines(Part):
    """By when each step is owed."""

    intake: IntakeDeadlines = IntakeDeadlines()
    assessment: AssessmentDeadlines = AssessmentDeadlines()
    referral: Mapping[str, Days] = Field(default_factory=dict)
    """Days by state of a referral; a state that is not named keeps the usual number."""


def working_days_after(day: date, holidays: Collection[date]) -> Iterator[date]:
    """Return the working days after a day, one after the other: Monday to Friday, but for holidays."""
    for number in count(1):
        later = day + timedelta(days=number)
        if later.isoweekday() <= 5 and later not in holidays:  # noqa: PLR2004  # Saturday is day 6
            yield later


class Town(Part):
    """What a town decides for itself. Without a folder it is what Essen decided."""

    name: Annotated[str, Field(min_length=1, max_length=60)] = "Essen"
    issuer: Annotated[str, Field(min_length=1, max_length=60)] = "Gesehen"
    """Who gives receipts: what a person would call the place."""
    timezone: str = "Europe/Berlin"
    holidays: tuple[date, ...] = ()
    languages: tuple[Language, ...] = ("de", "en")
    deadlines: Deadlines = Deadlines()
    ladder: LadderTimes = LadderTimes()

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be the name of a time zone, such as Europe/Berlin") from None
        return name

    def zone(self) -> ZoneInfo:
        """Return the town's time zone: days and deadlines are its own."""
        return ZoneInfo(self.timezone)

    def today(self, now: datetime) -> date:
        """Return which day it is in the town."""
        return now.astimezone(self.zone()).date()

    def after_working_days(self, day: date, number: int) -> date:
        """Return the day that lies so many working days later: Monday to Friday, but for holidays."""
        return next(islice(working_days_after(day, self.holidays), number - 1, None))


ESSEN = Town()
"""The usual town: what a service without a folder works by."""
