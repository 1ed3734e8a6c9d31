"""The states of a home visit: what leads from one to the next, who may do it, whose turn it is, and until when.

All of it is data. `visit.py` has a type for each state; `visit_chart.py` draws it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from shared.contracts.care import Turn


class VisitState(StrEnum):
    """Where a visit stands."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    UNDER_WAY = "under_way"
    LEAVING = "leaving"
    OVER = "over"


class VisitDeed(StrEnum):
    """What can be done to a visit, or befalls it."""

    PROPOSE = "propose"
    LOOK = "look"
    CHANGE_PLAN = "change_plan"
    PERMIT = "permit"
    SET_OUT = "set_out"
    CHECK_OUT = "check_out"
    SAY_NO = "say_no"
    """The person says no before anybody has set out, or to whoever stands there."""
    REVOKE = "revoke"
    """The person says no to somebody else, while the workers are on their way or inside."""
    CALL_OFF = "call_off"
    SEARCH = "search"
    TAKE_PACKET = "take_packet"
    HAND_IN = "hand_in"
    LAPSE = "lapse"
    END_OF_CASE = "end_of_case"


class Who(StrEnum):
    """Who can do something to a visit; each is the role of a token."""

    ASSESSOR = "assessor"
    OUTREACH_WORKER = "outreach_worker"
    LEAD = "lead"
    PERSON_DESK = "person_desk"


class Due(StrEnum):
    """Which time of a visit its next step is due at."""

    FROM_AT = "from_at"
    UNTIL_AT = "until_at"
    CHECK_OUT_BY = "check_out_by"


@dataclass(frozen=True, slots=True)
class VisitStep:
    """Whose turn it is in a state, what comes next, by when, and what whoever is responsible does if it does not.

    A guarded step climbs within minutes, to the lead and on to whoever is on call (ADR 0012, 0015).
    """

    owner: Turn
    next_step: str
    due: Due
    when_overdue: str
    is_guarded: bool = False


_ENDS: Final[Mapping[VisitDeed, VisitState]] = MappingProxyType(
    dict.fromkeys((VisitDeed.SAY_NO, VisitDeed.REVOKE, VisitDeed.CALL_OFF, VisitDeed.END_OF_CASE), VisitState.OVER)
)
_CALLED_BACK: Final[Mapping[VisitDeed, VisitState]] = MappingProxyType(
    dict.fromkeys((VisitDeed.REVOKE, VisitDeed.CALL_OFF, VisitDeed.END_OF_CASE), VisitState.LEAVING)
)

# What is not named here is refused. Every end is the same: nothing is kept of how or why. Whoever is out there is
# guarded until somebody has spoken to them: so what is said elsewhere calls them back, and their own word ends it.
VISIT_TRANSITIONS: Final[Mapping[VisitState, Mapping[VisitDeed, VisitState]]] = MappingProxyType(
    {
        VisitState.PROPOSED: {
            VisitDeed.CHANGE_PLAN: VisitState.PROPOSED,
            VisitDeed.PERMIT: VisitState.AGREED,
            VisitDeed.LAPSE: VisitState.OVER,
            **_ENDS,
        },
        VisitState.AGREED: {
            VisitDeed.CHANGE_PLAN: VisitState.PROPOSED,
            VisitDeed.SET_OUT: VisitState.UNDER_WAY,
            VisitDeed.LAPSE: VisitState.OVER,
            **_ENDS,
        },
        VisitState.UNDER_WAY: {
            VisitDeed.CHECK_OUT: VisitState.OVER,
            VisitDeed.SAY_NO: VisitState.OVER,
            **_CALLED_BACK,
        },
        VisitState.LEAVING: {VisitDeed.CHECK_OUT: VisitState.OVER, VisitDeed.SAY_NO: VisitState.OVER},
        VisitState.OVER: {},
    }
)

VISIT_STEPS: Final[Mapping[VisitState, VisitStep]] = MappingProxyType(
    {
        VisitState.PROPOSED: VisitStep(Turn.PERSON, "person_decides_on_visit", Due.FROM_AT, "call_off_or_plan_anew"),
        # Guarded as well: whoever forgot to check in, or whose setting out nobody could hear of, is missed by then.
        VisitState.AGREED: VisitStep(Turn.TEAM, "visit", Due.UNTIL_AT, "call_worker", is_guarded=True),
        VisitState.UNDER_WAY: VisitStep(Turn.TEAM, "check_out", Due.CHECK_OUT_BY, "call_worker", is_guarded=True),
        VisitState.LEAVING: VisitStep(Turn.TEAM, "leave", Due.CHECK_OUT_BY, "call_worker", is_guarded=True),
    }
)
"""Every state but the end has one."""

_TEAM: Final = frozenset({Who.ASSESSOR, Who.OUTREACH_WORKER, Who.LEAD})
_HEARS_THE_PERSON: Final = frozenset({Who.ASSESSOR, Who.OUTREACH_WORKER, Who.PERSON_DESK})

VISIT_DONE_BY: Final[Mapping[VisitDeed, frozenset[Who]]] = MappingProxyType(
    {
        VisitDeed.PROPOSE: _TEAM,
        VisitDeed.LOOK: frozenset(Who),
        VisitDeed.CHANGE_PLAN: _TEAM,
        VisitDeed.PERMIT: _HEARS_THE_PERSON,
        VisitDeed.SET_OUT: frozenset({Who.ASSESSOR, Who.OUTREACH_WORKER}),
        VisitDeed.CHECK_OUT: _TEAM,
        VisitDeed.SAY_NO: frozenset(Who),
        VisitDeed.REVOKE: frozenset(Who),
        VisitDeed.CALL_OFF: _TEAM,
        VisitDeed.SEARCH: frozenset({Who.LEAD}),
        VisitDeed.TAKE_PACKET: frozenset({Who.ASSESSOR, Who.OUTREACH_WORKER}),
        VisitDeed.HAND_IN: frozenset({Who.ASSESSOR, Who.OUTREACH_WORKER}),
        VisitDeed.LAPSE: frozenset(),
        VisitDeed.END_OF_CASE: frozenset(),
    }
)
"""Who may do that; setting out is for the visit's own workers alone. Everybody else is refused, and it is audited."""

BY_ITSELF: Final[Mapping[VisitDeed, str]] = MappingProxyType(
    {VisitDeed.LAPSE: "the clock", VisitDeed.END_OF_CASE: "the end of the case"}
)
"""What nobody does."""
