"""Which step of a case comes first, and who has to be told that one is overdue.

Pure rules: no clock, no database, no broker. Every service plans its own strands of a case; what they are about is
theirs. That a case has a strand of intake's own until it ends is the watch's (`watch`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.contracts.care import Turn
from shared.contracts.town import LadderTimes


class Lane(StrEnum):
    """How fast an overdue step climbs."""

    ORDINARY = "ordinary"
    ACUTE = "acute"
    GUARDED = "guarded"
    """A colleague is out on a visit, and safe once they have checked out."""


class Rung(StrEnum):
    """Who is told. Never anybody outside the care circle."""

    RESPONSIBLE = "responsible"
    LEAD = "lead"
    ON_CALL = "on_call"


@dataclass(frozen=True, slots=True)
class Call:
    """One time that somebody has to be told; levels count from 0 and never stop."""

    level: int
    rung: Rung


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is told how long after a step was due (before it, if negative); the last one is told again and again."""

    rungs: tuple[tuple[Rung, timedelta], ...]
    again: timedelta

    def calls(self, due_at: datetime, *, now: datetime) -> tuple[Call, ...]:
        """Return whom to have told by now: each rung that was reached, the last one with its latest time.

        So whoever looks again after hours of standstill tells each rung once, and leaves none out.
        """
        late = now - due_at
        reached = [Call(level, rung) for level, (rung, after) in enumerate(self.rungs) if after <= late]
        if len(reached) < len(self.rungs):
            return tuple(reached)
        last = reached.pop()
        times_again = (late - self.rungs[last.level][1]) // self.again
        return (*reached, Call(last.level + times_again, last.rung))


def ordinary_ladder(times: LadderTimes) -> Ladder:
    """Return the ladder of a step that is overdue: whoever is responsible, then the lead, again and again."""
    return Ladder(
        rungs=((Rung.RESPONSIBLE, timedelta(0)), (Rung.LEAD, timedelta(days=times.lead_after_days))),
        again=timedelta(days=times.again_after_days),
    )


ORDINARY: Final = ordinary_ladder(LadderTimes())


def acute_ladder(within: timedelta) -> Ladder:
    """Return the ladder of acute need: told at once, to the lead when the time is over, then to whoever is on call."""
    return Ladder(
        rungs=((Rung.RESPONSIBLE, -within), (Rung.LEAD, timedelta(0)), (Rung.ON_CALL, within)),
        again=within,
    )


def guard_ladder(within: timedelta) -> Ladder:
    """Return the ladder of a missed check-out: the worker when it is due, then the lead, then whoever is on call."""
    return Ladder(
        rungs=((Rung.RESPONSIBLE, timedelta(0)), (Rung.LEAD, within), (Rung.ON_CALL, 2 * within)),
        again=within,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What one strand of a case needs next: who is responsible, whose turn it is, what, and by when."""

    code: str
    responsible_id: str
    turn: Turn
    due_at: datetime
    lane: Lane = Lane.ORDINARY

    def is_overdue(self, *, now: datetime) -> bool:
        """Say whether its time has passed."""
        return self.due_at <= now


def next_step(steps: Iterable[Step]) -> Step:
    """Return the step of a case that comes first: acute need before anything else, then the earliest."""
    return min(steps, key=lambda step: (step.lane is not Lane.ACUTE, step.due_at, step.code))
