"""What every service says of the help that it owes a person: whose turn it is, what comes next, by when, what is done.

Each service plans its own strands of a case (an assessment, a referral) and announces every change of plan; one place,
the care watch of intake, knows all of them and sees to it that no case is left without a next step and no step is
overdue in silence.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.categories import Structural
from shared.contracts.envelope import CareEvent, Code, Id


def end_of(day: date) -> datetime:
    """Return when what is due on a day is overdue: once the day is over everywhere in Germany."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


class Turn(StrEnum):
    """Whose turn it is. Whoever is responsible stays so throughout."""

    TEAM = "team"
    PERSON = "person"
    PROVIDER = "provider"


class StepPlanned(CareEvent):
    """The next step of one strand of a case; without step and day the strand is over.

    Of all that is said of a strand the highest number counts. Each producer announces it under a type of its own.
    """

    strand_id: Structural[Id]
    case_id: Structural[Id]
    person_id: Structural[Id]
    number: Structural[int]
    planned_at: Structural[datetime]
    responsible_id: Structural[str]
    turn: Structural[Turn]
    step: Structural[Code | None] = None
    due_at: Structural[datetime | None] = None
    is_guarded: Structural[bool | None] = None
    """Whether somebody may be out there until it is done: then it climbs within minutes. Absent: an ordinary step."""


MOST_UNITS = 20
"""No single piece of work is worth more."""


class WorkDone(CareEvent):
    """Work that is paid for was done, worth so many units; never what it was, for there is one price for all of it.

    The gate spends a voucher for each unit. Each producer announces it under a type of its own.
    """

    work_id: Structural[Id]
    case_id: Structural[Id]
    person_id: Structural[Id]
    units: Structural[Annotated[int, Field(ge=1, le=MOST_UNITS)]]


class WorkCorrected(CareEvent):
    """It was recorded by mistake that work was done: nobody is to pay for it."""

    work_id: Structural[Id]
    person_id: Structural[Id]
