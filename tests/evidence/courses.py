"""How home visits and threads of outreach can go, played by the real services: what do they announce of it?

Each course is played once, through HTTP, and can then be given to anybody: only the ids are theirs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.contracts.catalogue import EVENTS
from shared.contracts.envelope import CareEvent
from shared.contracts.intake import CaseEnded
from shared.outbox import Outgoing, random_id
from shared.topology import GATE, readers_of
from tests.intake.builders import Intake, running_intake
from tests.intake.street import a_thread, forget, join, meet, want_case
from tests.referral import packets, visits
from tests.referral.builders import NOON, Desk, running_desk
from tests.referral.test_visit_silence import (
    called_off_on_the_way,
    revoked_at_the_desk,
    sent_away_inside,
    told_at_the_door,
    took_place,
)

OWN = ("case_id", "work_id", "strand_id", "fact_id")
"""Ids that are somebody's own, besides the person's."""


@dataclass(frozen=True, slots=True)
class Course:
    """How something went, and all that was announced of it."""

    name: str
    is_work: bool
    """Whether somebody set out: all of a visit that is paid for."""
    events: tuple[CareEvent, ...]

    def of(self, person_id: str) -> list[CareEvent]:
        """Return what reaches the gate when it goes so with this person."""
        own = {"person_id": person_id, **{name: random_id() for name in OWN}}
        reaching = [event for event in self.events if GATE in readers_of(event.event_type)]
        return [
            one.model_copy(update={k: v for k, v in own.items() if k in type(one).model_fields}) for one in reaching
        ]


def visit_courses(folder: Path) -> list[Course]:
    """Play visits in every way they can go."""
    folder.mkdir()
    with running_desk(folder) as desk:
        return [
            *(_course(desk, play, is_work=False) for play in (_asked_only, _refused, _taken_back, _called_off)),
            *(_course(desk, play, is_work=False) for play in (_planned_anew, _case_over, _never_noted, _lapsed)),
            *(_course(desk, _set_out_and(end), is_work=True, name=end.__name__) for end in ENDS),
            *(_course(desk, play, is_work=True) for play in (_packet, _packet_of_both_in_disorder)),
        ]


def thread_courses(folder: Path) -> list[Course]:
    """Play threads of outreach in every way they can go."""
    folder.mkdir()
    with running_intake(folder) as intake:
        return [_thread(intake, play) for play in (_met_once, _met_often, _left_alone, _forgotten, _joined, _has_case)]


def _course(desk: Desk, play: Callable[[Desk], object], *, is_work: bool, name: str | None = None) -> Course:
    desk.clock.now = NOON
    with _listening(desk.outgoing) as events:
        play(desk)
    return Course(name or play.__name__.strip("_"), is_work, tuple(events))


@contextmanager
def _listening(outgoing: Callable[[], list[Outgoing]]) -> Iterator[list[CareEvent]]:
    before = {item.message_id for item in outgoing()}
    events: list[CareEvent] = []
    yield events
    events += [EVENTS[one.type].model_validate_json(one.body) for one in outgoing() if one.message_id not in before]


def _asked(desk: Desk, **changes: Any) -> str:  # Any: fields of the plan
    case_id = f"case-{random_id()[:20]}"
    desk.open_case(case_id, f"person-{case_id}")
    return visits.propose(desk, case_id=case_id, **changes)


def _agreed(desk: Desk) -> str:
    visit = _asked(desk)
    assert visits.permit(desk, visit).json()["state"] == "agreed"
    return visit


def _asked_only(desk: Desk) -> None:
    _asked(desk)


def _refused(desk: Desk) -> None:
    visits.do(desk, _asked(desk), "no", role="person_desk")


def _taken_back(desk: Desk) -> None:
    visits.do(desk, _agreed(desk), "revocation", role="person_desk")


def _called_off(desk: Desk) -> None:
    visits.do(desk, _agreed(desk), "calling-off")


def _planned_anew(desk: Desk) -> None:
    visit = _agreed(desk)
    assert desk.ask("PUT", f"/visits/{visit}/plan", {**visits.A_PLAN, "where": "elsewhere"}).status_code == 200


def _case_over(desk: Desk) -> None:
    _end_case(desk, _agreed(desk))


def _end_case(desk: Desk, visit: str) -> None:
    case_id = visits.look(desk, visit)["case_id"]
    desk.hear(CaseEnded(case_id=case_id, person_id=f"person-{case_id}", ended_at=desk.clock.now))


def _never_noted(desk: Desk) -> None:
    visit = packets.agreed(desk)
    visit.take_packet()
    visit.hand_in(visit.over())


def _lapsed(desk: Desk) -> None:
    _agreed(desk)
    desk.clock.pass_time(days=9)
    assert desk.http.portal is not None
    desk.http.portal.call(desk.app.state.service.visit_timer.look)


def _set_out_and(end: Callable[[Desk, str], None]) -> Callable[[Desk], None]:
    def play(desk: Desk) -> None:
        visit = _agreed(desk)
        desk.clock.now = visits.START
        assert visits.do(desk, visit, "setting-out").json()["state"] == "under_way"
        end(desk, visit)

    return play


def nobody_at_home(desk: Desk, visit: str) -> None:
    """Nobody opens, and the worker checks out."""
    desk.clock.pass_time(minutes=3)
    visits.do(desk, visit, "check-out")


def not_over_yet(_desk: Desk, _visit: str) -> None:
    """The worker is still there."""


def case_over_meanwhile(desk: Desk, visit: str) -> None:
    """The case ends, and the worker is called back."""
    _end_case(desk, visit)
    assert visits.do(desk, visit, "check-out").json()["state"] == "over"


ENDS = (
    took_place,
    told_at_the_door,
    nobody_at_home,
    revoked_at_the_desk,
    sent_away_inside,
    called_off_on_the_way,
    case_over_meanwhile,
    not_over_yet,
)


def _packet(desk: Desk) -> None:
    visit = packets.agreed(desk)
    visit.take_packet()
    noted = visit.set_out(), visit.over()
    assert [visit.settled(*noted) for _ in range(2)] == [["taken"] * 2, ["known"] * 2]


def _packet_of_both_in_disorder(desk: Desk) -> None:
    visit = packets.agreed(desk)
    for worker in packets.WORKERS:
        visit.take_packet(worker)
    desk.clock.now = packets.FROM + timedelta(minutes=5)
    one, other = packets.WORKERS
    visit.hand_in(visit.set_out(one, minute=4))
    visit.ask("POST", "setting-out")
    visit.hand_in(visit.over(other), visit.set_out(other), worker=other)
    visit.hand_in(visit.over(one))


def _thread(intake: Intake, play: Callable[[Intake], object]) -> Course:
    with _listening(intake.outgoing) as events:
        play(intake)
    return Course(play.__name__.strip("_"), False, tuple(events))


def _met_once(intake: Intake) -> None:
    a_thread(intake)


def _met_often(intake: Intake) -> None:
    thread = a_thread(intake, called="a name of the street")
    for done in (["met", "gave_food"], ["not_met"], ["met", "talked"]):
        assert meet(intake, thread, done=done).status_code == 201


def _left_alone(intake: Intake) -> None:
    assert meet(intake, a_thread(intake), done=["met", "wants_to_be_left_alone"]).status_code == 201


def _forgotten(intake: Intake) -> None:
    assert forget(intake, a_thread(intake)) == 204


def _joined(intake: Intake) -> None:
    assert join(intake, a_thread(intake), a_thread(intake)).status_code == 200


def _has_case(intake: Intake) -> None:
    assert want_case(intake, a_thread(intake)).status_code == 201
