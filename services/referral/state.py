"""The states of a referral: what leads from one to the next, who may say so, whose turn it is, and until when.

All of it is data. `domain.py` reads it; `state_chart.py` draws it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from shared.contracts.care import Turn
from shared.contracts.consent import ProviderAnswer
from shared.contracts.town import Town


class State(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"
    NOT_CLEARED = "not_cleared"
    CLEARED = "cleared"
    OPENED = "opened"
    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    DECLINED = "declined"
    APPOINTMENT_OFFERED = "appointment_offered"
    APPOINTMENT_TAKEN = "appointment_taken"
    ATTENDED = "attended"
    NOT_ATTENDED = "not_attended"
    ENDED = "ended"
    CLOSED = "closed"


class News(StrEnum):
    """What can happen to a referral: the gate's word, the provider's answer, a deed of person or team."""

    CLEARED = "cleared"
    NOT_CLEARED = "not_cleared"
    OPENED = "opened"
    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    DECLINED = "declined"
    APPOINTMENT_OFFERED = "appointment_offered"
    ATTENDED = "attended"
    NOT_ATTENDED = "not_attended"
    ENDED = "ended"
    APPOINTMENT_TAKEN = "appointment_taken"
    CLOSED = "closed"


class Setter(StrEnum):
    """Who can say that something has happened."""

    TEAM = "team"
    PERSON_DESK = "person_desk"
    GATE = "gate"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose turn it is in a state, what the next step is, after how many days it is overdue, and what follows then.

    What follows is the deed of whoever is responsible. That they, then the lead, then whoever is on call hear of it is
    the care watch's (ADR 0012), in every state alike.
    """

    owner: Turn
    next_step: str
    days: int
    when_overdue: str


ANSWERS: Final = frozenset(News(answer.value) for answer in ProviderAnswer)
FINAL: Final = frozenset({State.ENDED, State.CLOSED})

_ANSWERED: Final[Mapping[News, State]] = MappingProxyType({news: State(news.value) for news in ANSWERS})
_CLOSED: Final[Mapping[News, State]] = MappingProxyType({News.CLOSED: State.CLOSED})

# What is not named here changes nothing. Once a provider has answered, the gate's word moves the referral no more:
# taking a release back costs nobody the help that has begun. A provider that had opened may answer after that too; one
# that is not connected, or was called, has answered when the team writes down what it said.
TRANSITIONS: Final[Mapping[State, Mapping[News, State]]] = MappingProxyType(
    {
        State.REQUESTED: {
            News.CLEARED: State.CLEARED,
            News.NOT_CLEARED: State.NOT_CLEARED,
            **_ANSWERED,
            **_CLOSED,
        },
        State.NOT_CLEARED: {News.CLEARED: State.CLEARED, **_ANSWERED, **_CLOSED},
        State.CLEARED: {News.OPENED: State.OPENED, News.NOT_CLEARED: State.NOT_CLEARED, **_ANSWERED, **_CLOSED},
        State.OPENED: {News.NOT_CLEARED: State.NOT_CLEARED, **_ANSWERED, **_CLOSED},
        State.ACCEPTED: {**_ANSWERED, **_CLOSED},
        State.WAITING_LIST: {**_ANSWERED, **_CLOSED},
        State.DECLINED: {**_ANSWERED, **_CLOSED},
        State.APPOINTMENT_OFFERED: {News.APPOINTMENT_TAKEN: State.APPOINTMENT_TAKEN, **_ANSWERED, **_CLOSED},
        State.APPOINTMENT_TAKEN: {**_ANSWERED, **_CLOSED},
        State.ATTENDED: {**_ANSWERED, **_CLOSED},
        State.NOT_ATTENDED: {**_ANSWERED, **_CLOSED},
        State.ENDED: {},
        State.CLOSED: {},
    }
)

PLANS: Final[Mapping[State, Plan]] = MappingProxyType(
    {
        State.REQUESTED: Plan(Turn.PERSON, "person_decides_on_release", 3, "talk_with_person"),
        State.NOT_CLEARED: Plan(Turn.TEAM, "talk_with_person", 7, "decide_whether_to_close"),
        State.CLEARED: Plan(Turn.PROVIDER, "provider_opens", 3, "call_provider"),
        State.OPENED: Plan(Turn.PROVIDER, "provider_answers", 5, "call_provider"),
        State.ACCEPTED: Plan(Turn.PROVIDER, "provider_offers_appointment", 10, "call_provider"),
        State.WAITING_LIST: Plan(Turn.TEAM, "ask_for_place", 14, "find_another_provider"),
        State.DECLINED: Plan(Turn.TEAM, "find_another_provider", 3, "decide_whether_to_close"),
        State.APPOINTMENT_OFFERED: Plan(Turn.PERSON, "person_decides_on_appointment", 2, "talk_with_person"),
        State.APPOINTMENT_TAKEN: Plan(Turn.PERSON, "person_attends", 1, "ask_how_it_went"),
        State.ATTENDED: Plan(Turn.PROVIDER, "provider_says_how_it_goes", 30, "call_provider"),
        State.NOT_ATTENDED: Plan(Turn.TEAM, "make_contact", 2, "visit_person"),
    }
)
"""Every state that is not final has one: nobody falls through."""

USUAL_DAYS: Final[Mapping[State, int]] = MappingProxyType({state: plan.days for state, plan in PLANS.items()})


def days_in(town: Town) -> Mapping[State, int]:
    """Return after how many days each step is overdue in a town; what it does not name keeps the usual number."""
    return {state: town.deadlines.referral.get(state, days) for state, days in USUAL_DAYS.items()}


def unknown_states(town: Town) -> list[str]:
    """Return the names under which a town gives days to a state that there is not, or that is the end."""
    return [name for name in town.deadlines.referral if name not in USUAL_DAYS]


_TEAM_AND_DESK: Final = frozenset({Setter.TEAM, Setter.PERSON_DESK})

SET_BY: Final[Mapping[News, frozenset[Setter]]] = MappingProxyType(
    {
        News.CLEARED: frozenset({Setter.GATE}),
        News.NOT_CLEARED: frozenset({Setter.GATE}),
        News.OPENED: frozenset({Setter.GATE}),
        **dict.fromkeys(ANSWERS, frozenset({Setter.PROVIDER, Setter.TEAM})),
        News.APPOINTMENT_TAKEN: _TEAM_AND_DESK,
        News.CLOSED: frozenset({Setter.TEAM}),
    }
)
"""Who may say that. Everybody else is refused, and the refusal is audited. Asking anew is the team's (`Deed`)."""


class Deed(StrEnum):
    """What can be done to a referral that is no news in it, or to a place, which belongs to nobody yet."""

    NOTE_ANSWER = "note_answer"
    HAND_OVER = "hand_over"
    REOPEN = "reopen"
    HOLD_PLACE = "hold_place"
    WAIT_FOR_PLACE = "wait_for_place"


DONE_BY: Final[Mapping[Deed, frozenset[Setter]]] = MappingProxyType(dict.fromkeys(Deed, frozenset({Setter.TEAM})))


class Reopening(StrEnum):
    """Why the same help is asked for once more after a referral was over."""

    CLOSED_BY_MISTAKE = "closed_by_mistake"
    PERSON_CAME_BACK = "person_came_back"
    NEED_CAME_BACK = "need_came_back"
    PROVIDER_HAS_PLACE = "provider_has_place"


class SkipReason(StrEnum):
    """Why a place is held out of the order of waiting."""

    ACUTE_NEED = "acute_need"
    PLACE_FITS_ONLY_HERE = "place_fits_only_here"
    FIRST_COULD_NOT_BE_REACHED = "first_could_not_be_reached"
    FIRST_GAVE_WAY = "first_gave_way"
