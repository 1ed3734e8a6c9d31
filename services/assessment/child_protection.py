"""Child protection (§ 4 KKG): a concern, advice without a name, telling the family, the youth welfare office.

Pure rules: no clock, no database, no broker. Nothing of it ever leaves this service: it is announced as a talk that is
owed, and never to the Jobcenter. In acute danger nobody goes through these steps: that is an emergency, at the gate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

CONCERN: Final = "concern"
"""Under this word a note says how far it is: then it is no note but a concern."""


class Stage(StrEnum):
    """How far a concern is."""

    NOTED = "noted"
    ADVISED = "advised"
    FAMILY_TOLD = "family_told"
    TELLING_OMITTED = "telling_omitted"
    REPORTED = "reported"
    CLOSED = "closed"


class Move(StrEnum):
    """What a named human does next."""

    TAKE_ADVICE = "take_advice"
    """Ask an experienced specialist (insoweit erfahrene Fachkraft) without a name (§ 4 (2) KKG)."""
    TELL_FAMILY = "tell_family"
    OMIT_TELLING = "omit_telling"
    """Only if telling would endanger the child (§ 4 (3) KKG); a second person has to stand for that."""
    REPORT = "report"
    """Tell the youth welfare office what it needs to know; a second person has to stand for that as well."""
    CLOSE = "close"


class Reason(StrEnum):
    """Why telling is omitted, or a concern closed."""

    TELLING_ENDANGERS_CHILD = "telling_endangers_child"
    NO_DANGER = "no_danger"
    HELP_ACCEPTED = "help_accepted"


TRANSITIONS: Final[Mapping[Stage, Mapping[Move, Stage]]] = MappingProxyType(
    {
        Stage.NOTED: {Move.TAKE_ADVICE: Stage.ADVISED},
        Stage.ADVISED: {
            Move.TELL_FAMILY: Stage.FAMILY_TOLD,
            Move.OMIT_TELLING: Stage.TELLING_OMITTED,
            Move.CLOSE: Stage.CLOSED,
        },
        Stage.FAMILY_TOLD: {Move.REPORT: Stage.REPORTED, Move.CLOSE: Stage.CLOSED},
        Stage.TELLING_OMITTED: {Move.REPORT: Stage.REPORTED},
        Stage.REPORTED: {},
        Stage.CLOSED: {},
    }
)

WORKING_DAYS: Final[Mapping[Stage, int]] = MappingProxyType(
    {Stage.NOTED: 1, Stage.ADVISED: 2, Stage.FAMILY_TOLD: 3, Stage.TELLING_OMITTED: 1}
)
"""Within how many working days the next move is owed. What is not named here is over."""

SECOND_PERSON: Final = frozenset({Move.OMIT_TELLING, Move.REPORT})
REASONS: Final[Mapping[Move, frozenset[Reason]]] = MappingProxyType(
    {
        Move.OMIT_TELLING: frozenset({Reason.TELLING_ENDANGERS_CHILD}),
        Move.CLOSE: frozenset({Reason.NO_DANGER, Reason.HELP_ACCEPTED}),
    }
)


@dataclass(frozen=True, slots=True)
class Concern:
    """A concern about a child: who noted it, and how far it is."""

    noted_by: str
    stage: Stage = Stage.NOTED

    def is_over(self) -> bool:
        """Say whether nothing more is owed."""
        return self.stage not in WORKING_DAYS

    def moves(self) -> Mapping[Move, Stage]:
        """Return what can be done next, and where it leads."""
        return TRANSITIONS[self.stage]
