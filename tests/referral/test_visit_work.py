"""A visit is paid for once somebody has set out, whatever came of it: who counts what is billed counts no refusal."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared.contracts.consent import PersonErased
from shared.contracts.referral import ReferralWorkDone
from tests.referral import packets
from tests.referral.builders import CASE, NOON, PERSON, Desk, running_desk, the_end
from tests.referral.test_visit_silence import ENDS
from tests.referral.visits import START, agreed, backup_of, do, proposed, restored, under_way


def work(desk: Desk) -> list[ReferralWorkDone]:
    """Return the work that was announced."""
    return desk.announced(ReferralWorkDone)


def test_whoever_sets_out_works(desk: Desk) -> None:
    visit = under_way(desk)

    assert work(desk) == [ReferralWorkDone(work_id=visit, case_id=CASE, person_id=PERSON, units=1)]


@pytest.mark.parametrize("end", ENDS)
def test_whatever_comes_of_it_is_the_same_work_once(desk: Desk, end: Callable[[Desk, str], None]) -> None:
    visit = under_way(desk)
    do(desk, visit, "setting-out")
    end(desk, visit)
    for word in ("check-out", "no", "setting-out"):
        do(desk, visit, word)

    assert [(one.work_id, one.units) for one in work(desk)] == [(visit, 1)]


def all_announced(folder: Path, end: Callable[[Desk, str], None]) -> str:
    """Return everything that was announced of a visit that ended so, but for its steps: those are for intake alone."""
    folder.mkdir()
    with running_desk(folder) as desk:
        visit = under_way(desk)
        end(desk, visit)
        told = [(one.type, one.body.decode()) for one in desk.outgoing() if "step_planned" not in one.type]
        return json.dumps(told).replace(visit, "the visit")


def test_what_the_gate_hears_is_the_same_byte_by_byte(tmp_path: Path) -> None:
    told = {all_announced(tmp_path / end.__name__, end) for end in ENDS}

    assert len(told) == 1
    assert "referral.work_done.v1" in told.pop()


def lapses(desk: Desk, _visit: str) -> None:
    """Nobody sets out in its time."""
    desk.clock.pass_time(days=9)
    assert desk.http.portal is not None
    desk.http.portal.call(desk.app.state.service.visit_timer.look)


def is_refused_or_called_off(desk: Desk, visit: str) -> None:
    """The person says no to it before anybody sets out, and the team calls it off."""
    do(desk, visit, "no", role="person_desk")
    do(desk, visit, "calling-off")


def is_tried_by_others(desk: Desk, visit: str) -> None:
    """Those who may not try to set out on it."""
    do(desk, visit, "setting-out", role="lead")
    do(desk, visit, "setting-out", role="assessor")


def ends_with_its_case(desk: Desk, _visit: str) -> None:
    """The case ends."""
    desk.hear(the_end())


@pytest.mark.parametrize("reach", [proposed, agreed])
@pytest.mark.parametrize("way", [lapses, is_refused_or_called_off, is_tried_by_others, ends_with_its_case])
def test_a_visit_that_nobody_set_out_on_is_no_work(
    desk: Desk, reach: Callable[[Desk], str], way: Callable[[Desk, str], None]
) -> None:
    visit = reach(desk)
    desk.clock.now = START

    way(desk, visit)

    assert work(desk) == []


def test_who_comes_too_early_or_too_late_does_no_work(desk: Desk) -> None:
    visit = agreed(desk)
    do(desk, visit, "setting-out")
    desk.clock.pass_time(hours=9)
    do(desk, visit, "setting-out")

    assert work(desk) == []


def test_two_visits_are_work_twice(desk: Desk) -> None:
    first = under_way(desk)
    desk.clock.now = NOON
    second = under_way(desk, where="elsewhere")

    assert [one.work_id for one in work(desk)] == [first, second]


STARTS = ("online", "own note", "own note again", "colleague's note")
ENDED = ("own end", "colleague's end")


@pytest.mark.parametrize("first", range(len(STARTS)))
def test_setting_out_is_work_once_whatever_way_it_is_recorded(shared_desk: Desk, first: int) -> None:
    shared_desk.clock.now = NOON
    visit = packed(shared_desk)
    before = len(work(shared_desk))
    shared_desk.clock.now = packets.FROM + timedelta(minutes=9)
    own = visit.set_out()
    for way in (*STARTS[first:], *STARTS[:first], *ENDED, *STARTS):
        record(visit, way, own)

    assert [one.work_id for one in work(shared_desk)[before:]] == [visit.visit_id]


def test_a_packet_that_comes_back_without_a_start_is_no_work(desk: Desk) -> None:
    visit = packed(desk)
    visit.hand_in(visit.over())
    visit.hand_in(visit.set_out(packets.WORKERS[1]), worker=packets.WORKERS[1])

    assert (visit.state(), work(desk)) == ("over", [])


def test_a_start_on_a_visit_that_was_taken_back_before_it_was_heard_is_no_work(desk: Desk) -> None:
    visit = packed(desk)
    noted = visit.set_out()
    visit.ask("POST", "revocation", worker="person_desk")
    visit.hand_in(noted, visit.over())

    assert work(desk) == []


def packed(desk: Desk) -> packets.Visit:
    """Return a permitted visit whose workers have taken their packets along."""
    visit = packets.agreed(desk)
    for worker in packets.WORKERS:
        visit.take_packet(worker)
    return visit


def record(visit: packets.Visit, way: str, own: dict[str, str]) -> None:
    """Record that somebody set out, or that it is over, in one of the ways there are."""
    worker, colleague = packets.WORKERS
    ways: dict[str, Callable[[], object]] = {
        "online": lambda: visit.ask("POST", "setting-out", worker=worker),
        "own note": lambda: visit.hand_in(own),
        "own note again": lambda: visit.hand_in(own),
        "colleague's note": lambda: visit.hand_in(visit.set_out(colleague, minute=3), worker=colleague),
        "own end": lambda: visit.hand_in(visit.over()),
        "colleague's end": lambda: visit.hand_in(visit.over(colleague), worker=colleague),
    }
    ways[way]()


def test_who_sets_out_anew_after_a_restored_backup_names_the_same_work(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        visit = agreed(desk)
        backup = backup_of(tmp_path)
        desk.clock.now = START
        do(desk, visit, "setting-out")
        [told] = work(desk)

    with restored(tmp_path, desk, backup) as http:
        again = Desk(desk.app, http, desk.clock)
        do(again, visit, "setting-out")
        assert work(again) == [told]


def test_a_visit_that_is_over_is_no_work_again_after_a_restoredbackup_of(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        visit = agreed(desk)
        backup = backup_of(tmp_path)
        desk.clock.now = START
        do(desk, visit, "setting-out")
        do(desk, visit, "no")

    with restored(tmp_path, desk, backup) as http:
        again = Desk(desk.app, http, desk.clock)
        do(again, visit, "setting-out")
        assert work(again) == []


def test_of_an_erased_person_nothing_more_is_announced(desk: Desk) -> None:
    visit = agreed(desk)
    desk.hear(PersonErased(erasure_id="erasure-0001", person_id=PERSON, erased_at=NOON))
    desk.clock.now = START
    do(desk, visit, "setting-out")

    assert work(desk) == []
