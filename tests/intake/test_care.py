"""Which step comes first, and who is told when: the ladder in time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.care import ORDINARY, Call, Lane, Rung, Step, acute_ladder, next_step, ordinary_ladder
from shared.contracts.care import Turn, end_of
from shared.contracts.town import LadderTimes

DUE = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACUTE = acute_ladder(timedelta(minutes=15))
LADDERS = st.sampled_from((ORDINARY, ACUTE))
LATE = st.timedeltas(timedelta(days=-2), timedelta(days=90))


def a_step(code: str, due_at: datetime = DUE, lane: Lane = Lane.ORDINARY) -> Step:
    """Return a step of a team."""
    return Step(code, "team-nord", Turn.TEAM, due_at, lane)


def test_the_earliest_step_comes_first() -> None:
    later, earlier = a_step("talk", DUE + timedelta(days=1)), a_step("conclude", DUE)

    assert next_step([later, earlier]) is earlier


def test_acute_need_comes_before_anything_that_is_overdue() -> None:
    overdue, acute = a_step("talk", DUE - timedelta(days=30)), a_step("help_now", DUE, Lane.ACUTE)

    assert next_step([overdue, acute]) is acute


def test_a_case_without_any_step_cannot_be_asked_about() -> None:
    with pytest.raises(ValueError, match="empty"):
        next_step([])


@pytest.mark.parametrize(
    ("late", "told"),
    [
        (timedelta(seconds=-1), ()),
        (timedelta(0), (Call(0, Rung.RESPONSIBLE),)),
        (timedelta(days=2), (Call(0, Rung.RESPONSIBLE), Call(1, Rung.LEAD))),
        (timedelta(days=6, hours=23), (Call(0, Rung.RESPONSIBLE), Call(1, Rung.LEAD))),
        (timedelta(days=7), (Call(0, Rung.RESPONSIBLE), Call(2, Rung.LEAD))),
        (timedelta(days=70), (Call(0, Rung.RESPONSIBLE), Call(14, Rung.LEAD))),
    ],
)
def test_what_is_overdue_goes_to_the_responsible_then_to_the_lead_again_and_again(
    late: timedelta, told: tuple[Call, ...]
) -> None:
    assert ORDINARY.calls(DUE, now=DUE + late) == told


@pytest.mark.parametrize(
    ("minutes", "rungs"),
    [
        (0, [Rung.RESPONSIBLE]),
        (14, [Rung.RESPONSIBLE]),
        (15, [Rung.RESPONSIBLE, Rung.LEAD]),
        (30, [Rung.RESPONSIBLE, Rung.LEAD, Rung.ON_CALL]),
        (44, [Rung.RESPONSIBLE, Rung.LEAD, Rung.ON_CALL]),
    ],
)
def test_an_acute_need_is_told_at_once_and_climbs_every_quarter_of_an_hour(minutes: int, rungs: list[Rung]) -> None:
    reported_at = DUE - timedelta(minutes=15)

    calls = ACUTE.calls(DUE, now=reported_at + timedelta(minutes=minutes))

    assert [call.rung for call in calls] == rungs


def test_whoever_is_on_call_is_told_again_every_quarter_of_an_hour() -> None:
    levels = [ACUTE.calls(DUE, now=DUE + timedelta(minutes=minutes))[-1].level for minutes in (15, 30, 45, 60)]

    assert levels == [2, 3, 4, 5]


@given(ladder=LADDERS, late=LATE, further=st.timedeltas(timedelta(0), timedelta(days=30)))
def test_time_takes_no_rung_back(ladder: object, late: timedelta, further: timedelta) -> None:
    assert isinstance(ladder, type(ORDINARY))

    before, after = ladder.calls(DUE, now=DUE + late), ladder.calls(DUE, now=DUE + late + further)

    assert {call.rung for call in before} <= {call.rung for call in after}
    assert max((call.level for call in before), default=-1) <= max((call.level for call in after), default=-1)


@given(late=LATE, gap=st.timedeltas(timedelta(minutes=1), timedelta(days=20)))
def test_whoever_looks_after_a_standstill_tells_every_rung_that_was_reached(late: timedelta, gap: timedelta) -> None:
    seen = {call.rung for call in ACUTE.calls(DUE, now=DUE + late)}

    calls = ACUTE.calls(DUE, now=DUE + late + gap)

    assert seen <= {call.rung for call in calls}
    assert len({call.level for call in calls}) == len(calls)


def test_a_day_is_over_only_when_it_is_over_in_germany() -> None:
    assert end_of(date(2026, 7, 1)) == datetime(2026, 7, 2, tzinfo=UTC)


def test_a_town_has_its_own_ladder() -> None:
    ladder = ordinary_ladder(LadderTimes(lead_after_days=1, again_after_days=3))

    told = [call.rung for call in ladder.calls(DUE, now=DUE + timedelta(days=1))]
    again = ladder.calls(DUE, now=DUE + timedelta(days=4))[-1]

    assert told == [Rung.RESPONSIBLE, Rung.LEAD]
    assert again == Call(2, Rung.LEAD)
