"""No one falls through: ninety days of four districts, and what breaks it. Two thousand people: GESEHEN_EVIDENCE=4."""

from collections.abc import Callable

import pytest

from services.intake import watch
from services.intake.timer import Timer
from shared.contracts.assessment import AssessmentStepPlanned
from shared.contracts.envelope import CareEvent
from shared.contracts.referral import ReferralStepPlanned
from shared.unit_of_work import UnitOfWork
from tests.evidence.conftest import Note
from tests.evidence.sizes import SEED, sized
from tests.simulation.life import Staff
from tests.simulation.ninety_days import run

DISTRICTS, PEOPLE = range(4), 125
FEW, WEEKS = 25, 50


@pytest.mark.parametrize("district", DISTRICTS)
def test_nobody_falls_through_in_ninety_days(district: int, note: Note) -> None:
    people = sized(PEOPLE)

    result = run(people=people, seed=SEED + district)

    assert result.oracle.without_step == []
    assert result.untold == []
    assert len(result.oracle.overdue) > people / 10, "a town in which nothing is ever late proves nothing"
    note("no one falls through, ninety days", size=people, of="people", result=0)
    note("overdue steps, each told to somebody", size=len(result.oracle.overdue), of="overdue steps", result=0)


def _nothing(*_args: object, **_kwargs: object) -> None:
    return None


async def _does_not_look(_timer: Timer) -> int:
    return 0


def _silent_about(kind: type[CareEvent]) -> Callable[[UnitOfWork, CareEvent], None]:
    announce = UnitOfWork.announce

    def silent(work: UnitOfWork, event: CareEvent) -> None:
        if not isinstance(event, kind):
            announce(work, event)

    return silent


FAULTS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "the watch forgets what other services plan": (watch, "hear_step", _nothing),
    "the watch does not look": (Timer, "look", _does_not_look),
    "assessment announces no plans": (UnitOfWork, "announce", _silent_about(AssessmentStepPlanned)),
    "referral announces no plans": (UnitOfWork, "announce", _silent_about(ReferralStepPlanned)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch, note: Note) -> None:
    monkeypatch.setattr(*FAULTS[fault])

    result = run(people=FEW, seed=SEED, days=WEEKS, staff=Staff(assessors=1, intake=1, leads=1, deeds=2))

    assert result.untold
    note("planted faults of the care watch", size=1, of="faults, each seen", result=0)
