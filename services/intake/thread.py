"""The life of a thread: contacts with somebody who has no name here, until they themselves decide what becomes of it.

Pure rules: no clock, no database, no broker. What leads from one state to the next is data, which `state_chart` draws.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.intake.domain import IntakeError, NotAcceptable
from services.intake.meeting_point import ELSEWHERE
from shared.contracts.town import Town

LOOK_AGAIN_WITHIN: Final = timedelta(days=60)
AHEAD: Final = timedelta(minutes=5)
"""How much a clock on the street may be fast."""
LATE: Final = timedelta(days=30)
"""How late a contact may be sent that was written down without network; as long is known that a thread has ended."""
WARN_BEFORE: Final = timedelta(days=14)
WARNED_FOR: Final = timedelta(days=7)
"""For how long a lead has to have been told before a thread is forgotten, also after weeks of standstill."""


class State(StrEnum):
    """Where a thread stands."""

    OPEN = "open"
    CASE = "case"
    JOINED = "joined"
    ENDED = "ended"


class News(StrEnum):
    """What can happen to a thread."""

    MET = "met"
    LOOKED_IN_VAIN = "looked_in_vain"
    HANDED_OVER = "handed_over"
    CASE_WISHED = "case_wished"
    JOINED = "joined"
    LEFT_ALONE = "left_alone"
    FORGETTING_WISHED = "forgetting_wished"
    TIME_OVER = "time_over"


class Setter(StrEnum):
    """Whose word it is that something has happened."""

    PERSON = "person"
    OUTREACH_WORKER = "outreach_worker"
    LEAD = "lead"
    TIMER = "timer"


class Done(StrEnum):
    """What was done at a contact."""

    MET = "met"
    TALKED = "talked"
    GAVE_FOOD = "gave_food"
    GAVE_CLOTHES = "gave_clothes"
    GAVE_SLEEPING_BAG = "gave_sleeping_bag"
    TOLD_OF_HELP = "told_of_help"
    WENT_ALONG = "went_along"
    NOT_MET = "not_met"
    WANTS_TO_BE_LEFT_ALONE = "wants_to_be_left_alone"


class Said(StrEnum):
    """How the person said that they want a case."""

    SPOKEN = "spoken"
    PAPER = "paper"


# What is not named here is refused. A thread that has become a case takes what happened before that, and comes late.
TRANSITIONS: Final[Mapping[State, Mapping[News, State]]] = MappingProxyType(
    {
        State.OPEN: {
            News.MET: State.OPEN,
            News.LOOKED_IN_VAIN: State.OPEN,
            News.HANDED_OVER: State.OPEN,
            News.CASE_WISHED: State.CASE,
            News.JOINED: State.JOINED,
            News.LEFT_ALONE: State.ENDED,
            News.FORGETTING_WISHED: State.ENDED,
            News.TIME_OVER: State.ENDED,
        },
        State.CASE: {News.MET: State.CASE, News.LOOKED_IN_VAIN: State.CASE},
        State.JOINED: {},
        State.ENDED: {},
    }
)

SET_BY: Final[Mapping[News, Setter]] = MappingProxyType(
    {
        News.MET: Setter.OUTREACH_WORKER,
        News.LOOKED_IN_VAIN: Setter.OUTREACH_WORKER,
        News.HANDED_OVER: Setter.LEAD,
        News.CASE_WISHED: Setter.PERSON,
        News.JOINED: Setter.OUTREACH_WORKER,
        News.LEFT_ALONE: Setter.PERSON,
        News.FORGETTING_WISHED: Setter.PERSON,
        News.TIME_OVER: Setter.TIMER,
    }
)
"""Whose word counts. What a person says is written down by an outreach worker."""


class ThreadNotFound(IntakeError):
    """Raised when a request names a thread that was never opened here, or that is forgotten."""

    code = "thread_not_found"

    def __init__(self) -> None:
        super().__init__("no thread by that id")


class ThreadHasEnded(IntakeError):
    """Raised when something is to be written into a thread of which nothing is kept any more."""

    code = "thread_has_ended"

    def __init__(self) -> None:
        super().__init__("the thread has ended: whoever comes again gets a new one")


class ThreadHasCase(IntakeError):
    """Raised when something is to become of a thread that has become a case."""

    code = "thread_has_case"

    def __init__(self) -> None:
        super().__init__("the thread has become a case: what happens from then on belongs there")


class ContactDiffers(IntakeError):
    """Raised when a contact comes again and says something else: keeping either would lose the other."""

    code = "contact_differs"

    def __init__(self) -> None:
        super().__init__("a contact by that contact_id says something else: give this one an id of its own")


@dataclass(frozen=True, slots=True)
class Meeting:
    """One contact, or one look in vain: when, where, what was done, and what the worker noted in their own words."""

    met_at: datetime
    point: str = field(repr=False)
    done: frozenset[Done] = field(repr=False)
    note: str | None = field(default=None, repr=False)
    look_again_on: date | None = None

    @property
    def news(self) -> News:
        """Say what it means for the thread."""
        if Done.WANTS_TO_BE_LEFT_ALONE in self.done:
            return News.LEFT_ALONE
        return News.LOOKED_IN_VAIN if Done.NOT_MET in self.done else News.MET

    def look_again(self, town: Town) -> date:
        """Return the day on which somebody looks again: some days later, as the town decides, unless it names one."""
        return self.look_again_on or town.today(self.met_at) + timedelta(days=town.deadlines.intake.look_again_days)

    def check(self, *, points: Collection[str], town: Town, now: datetime, path: str = "") -> None:
        """Refuse what cannot have been."""
        if self.met_at > now + AHEAD:
            raise NotAcceptable(f"{path}met_at", "lies in the future")
        if self.met_at < now - LATE:
            raise NotAcceptable(f"{path}met_at", f"is more than {LATE.days} days ago")
        if self.point != ELSEWHERE and self.point not in points:
            raise NotAcceptable(f"{path}point", f"must be one of the meeting points, or {ELSEWHERE}")
        if Done.NOT_MET in self.done and len(self.done) > 1:
            raise NotAcceptable(f"{path}done", f"says {Done.NOT_MET} and something that needs a meeting")
        first = town.today(self.met_at)
        if self.look_again_on is not None and not first <= self.look_again_on <= first + LOOK_AGAIN_WITHIN:
            raise NotAcceptable(
                f"{path}look_again_on", f"must lie within {LOOK_AGAIN_WITHIN.days} days after the contact"
            )

    def check_first(self, *, path: str = "") -> None:
        """Refuse to begin a thread about somebody who was not met, or who wants to be left alone."""
        if self.news is not News.MET:
            raise NotAcceptable(f"{path}done", "cannot begin a thread: nothing is kept of whom nobody has spoken with")


def after(state: State, news: News) -> State:
    """Return where a thread stands after that; refuse what cannot happen to it any more."""
    following = TRANSITIONS[state].get(news)
    if following is None:
        raise ThreadHasCase if state is State.CASE else ThreadHasEnded
    return following


def is_warned_of(last_met_at: datetime, *, now: datetime, forget_after: timedelta) -> bool:
    """Say whether a thread will be forgotten soon, so that a lead has to be told."""
    return last_met_at + forget_after - WARN_BEFORE <= now


def is_to_be_forgotten(
    last_met_at: datetime, *, warned_at: datetime | None, now: datetime, forget_after: timedelta
) -> bool:
    """Say whether nobody has met the person for so long that nothing may be kept, and a lead has known it for days."""
    is_over = last_met_at + forget_after <= now
    return is_over and warned_at is not None and warned_at + WARNED_FOR <= now
