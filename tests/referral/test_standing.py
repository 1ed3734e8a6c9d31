"""Where a referral stands: the rules alone."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.referral.domain import Happening, Referral, Standing, standing
from services.referral.settings import check_deadlines
from services.referral.state import ANSWERS, FINAL, PLANS, SET_BY, TRANSITIONS, USUAL_DAYS, News, State, days_in
from shared.contracts.care import Turn
from shared.contracts.town import Deadlines, Town
from shared.town import TownInvalid

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)
GATE = (News.CLEARED, News.NOT_CLEARED, News.OPENED)
ANSWERED = tuple(State(news.value) for news in sorted(ANSWERS - {News.ENDED}))


def a_referral(*history: Happening) -> Referral:
    """Return a referral to which this has happened."""
    return Referral(
        referral_id="referral-1",
        case_id="case-0001",
        person_id="person-0001",
        responsible_id="assessor-1",
        requested_at=NOON,
        recipient_id="lvr-klinik",
        service="clinic_place",
        needed=("identity",),
        history=history,
    )


def at(minute: int, news: News, appointment_at: datetime | None = None) -> Happening:
    """Return a piece of news of that minute."""
    return Happening(news, NOON + timedelta(minutes=minute), appointment_at=appointment_at)


def state_after(*news: News) -> State:
    """Return the state after news that came one after the other."""
    return standing(NOON, [at(minute, one) for minute, one in enumerate(news, start=1)]).state


# Written by hand, cell by cell: what the table in the code says must be this and nothing else.
EXPECTED = {
    **{(state, News(answer.value)): State(answer.value) for state in State for answer in ANSWERS},
    **{(state, News.CLOSED): State.CLOSED for state in State},
    (State.REQUESTED, News.CLEARED): State.CLEARED,
    (State.REQUESTED, News.NOT_CLEARED): State.NOT_CLEARED,
    (State.NOT_CLEARED, News.CLEARED): State.CLEARED,
    (State.CLEARED, News.NOT_CLEARED): State.NOT_CLEARED,
    (State.CLEARED, News.OPENED): State.OPENED,
    (State.OPENED, News.NOT_CLEARED): State.NOT_CLEARED,
    (State.APPOINTMENT_OFFERED, News.APPOINTMENT_TAKEN): State.APPOINTMENT_TAKEN,
    **{(state, news): state for state in FINAL for news in News},
}


@pytest.mark.parametrize("news", News)
@pytest.mark.parametrize("state", State)
def test_every_state_answers_every_news_as_written_here(state: State, news: News) -> None:
    expected = EXPECTED.get((state, news), state)

    assert Standing(state, since=NOON).after(at(1, news)).state is expected


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_every_open_state_has_an_owner_a_next_step_and_a_date(state: State) -> None:
    standing_there = Standing(state, since=NOON, appointment_at=TOMORROW)

    assert standing_there.plan is not None
    assert standing_there.plan.owner in Turn
    assert standing_there.plan.next_step
    assert standing_there.due_at is not None
    assert standing_there.due_at > NOON


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_referral_that_is_over_waits_for_nobody(state: State) -> None:
    assert Standing(state, since=NOON).plan is None
    assert Standing(state, since=NOON).due_at is None


def test_every_state_has_its_row_in_both_tables() -> None:
    assert set(TRANSITIONS) == set(State)
    assert set(PLANS) == set(State) - FINAL


def test_of_every_news_it_is_said_who_may_say_it() -> None:
    assert set(SET_BY) == set(News)
    assert all(SET_BY.values())


def test_an_agreement_that_comes_later_clears_the_referral() -> None:
    assert state_after(News.NOT_CLEARED, News.CLEARED) is State.CLEARED


@pytest.mark.parametrize("state", ANSWERED)
def test_taking_a_release_back_costs_nobody_the_help_that_has_begun(state: State) -> None:
    assert state_after(News.CLEARED, News.OPENED, News(state.value), News.NOT_CLEARED) is state


def test_news_that_arrive_late_change_nothing() -> None:
    in_order = [at(1, News.NOT_CLEARED), at(2, News.CLEARED), at(3, News.OPENED), at(4, News.ACCEPTED)]

    assert {standing(NOON, list(order)).state for order in permutations(in_order)} == {State.ACCEPTED}


def test_news_that_arrive_twice_change_nothing() -> None:
    referral = a_referral(at(1, News.CLEARED))

    assert referral.told(at(1, News.CLEARED)) is referral


def test_nothing_is_added_after_the_end() -> None:
    referral = a_referral(at(1, News.CLOSED))

    assert referral.told(at(2, News.CLEARED)) is referral


def test_opening_again_does_not_renew_the_date_for_an_answer() -> None:
    once = a_referral(at(1, News.CLEARED), at(2, News.OPENED))

    assert once.told(at(50, News.OPENED)).standing.due_at == once.standing.due_at


def test_a_provider_that_answers_the_same_again_renews_the_date() -> None:
    once = a_referral(at(1, News.CLEARED), at(2, News.OPENED), at(3, News.WAITING_LIST))

    assert once.told(at(60, News.WAITING_LIST)).standing.since == NOON + timedelta(minutes=60)


def test_an_appointment_is_decided_on_before_it_takes_place() -> None:
    soon = NOON + timedelta(hours=3)

    assert Standing(State.APPOINTMENT_OFFERED, since=NOON, appointment_at=soon).due_at == soon


def test_the_day_after_an_appointment_somebody_asks_how_it_went() -> None:
    later = NOON + timedelta(days=20)

    taken = Standing(State.APPOINTMENT_TAKEN, since=NOON, appointment_at=later)

    assert taken.due_at == later + timedelta(days=1)


def test_a_time_at_the_end_of_all_times_spoils_no_list() -> None:
    never = datetime.max.replace(tzinfo=UTC)

    assert Standing(State.APPOINTMENT_TAKEN, since=NOON, appointment_at=never).due_at is not None
    assert Standing(State.APPOINTMENT_OFFERED, since=NOON, appointment_at=never).due_at is not None


def test_an_offer_that_was_replaced_cannot_be_taken() -> None:
    replaced = at(6, News.APPOINTMENT_OFFERED, TOMORROW + timedelta(days=1))
    referral = a_referral(
        at(1, News.CLEARED),
        at(2, News.OPENED),
        at(5, News.APPOINTMENT_OFFERED, TOMORROW),
        at(9, News.APPOINTMENT_TAKEN, TOMORROW),
    )

    assert referral.told(replaced).standing.state is State.APPOINTMENT_OFFERED


def test_a_deed_of_the_team_comes_after_what_it_answers_even_if_the_gates_clock_is_ahead() -> None:
    referral = a_referral(at(30, News.CLEARED))

    assert referral.next_at(NOON) == NOON + timedelta(minutes=30)
    assert referral.next_at(TOMORROW) == TOMORROW


@pytest.mark.parametrize("news", sorted(ANSWERS))
def test_an_answer_before_the_opening_is_too_early(news: News) -> None:
    assert a_referral(at(1, News.CLEARED)).is_too_early(news)
    assert not a_referral(at(1, News.CLEARED), at(2, News.OPENED)).is_too_early(news)


def test_an_opening_before_the_clearing_is_too_early() -> None:
    assert a_referral().is_too_early(News.OPENED)
    assert not a_referral(at(1, News.CLEARED)).is_too_early(News.OPENED)


@pytest.mark.parametrize("news", [News.CLEARED, News.NOT_CLEARED, News.APPOINTMENT_TAKEN, News.CLOSED])
def test_other_news_are_never_too_early(news: News) -> None:
    assert not a_referral().is_too_early(news)


@given(st.data())
def test_the_order_of_arrival_does_not_matter(data: st.DataObject) -> None:
    news = data.draw(st.lists(st.sampled_from(News), max_size=7))
    history = [at(minute, one) for minute, one in enumerate(news)]

    arrived = data.draw(st.permutations([*history, *history[:2]]))

    assert standing(NOON, arrived).state is standing(NOON, history).state


class AReferralOverTime(RuleBasedStateMachine):
    """Anything may arrive at any time, in any order and more than once."""

    referral: Referral
    minute: int

    @initialize()
    def asked_for(self) -> None:
        """Begin with a referral to which nothing has happened."""
        self.referral, self.minute = a_referral(), 0

    @rule(news=st.sampled_from(News), delay=st.integers(0, 20))
    def something_arrives(self, news: News, delay: int) -> None:
        """News of now, or of a while ago."""
        self.minute += 5
        before = self.referral
        happening = at(self.minute - delay, news, TOMORROW if "appointment" in news else None)
        self.referral = self.referral if before.is_too_early(news) else before.told(happening)

    @precondition(lambda self: self.referral.history)
    @rule(data=st.data())
    def something_arrives_again(self, data: st.DataObject) -> None:
        """News that are known already."""
        known = data.draw(st.sampled_from(self.referral.history))
        assert self.referral.told(known) is self.referral

    @precondition(lambda self: self.referral.standing.state is State.APPOINTMENT_OFFERED)
    @rule()
    def the_person_takes_the_appointment(self) -> None:
        """It is on offer, so taking it succeeds whatever the clocks say."""
        offered = self.referral.standing.appointment_at
        deed = Happening(News.APPOINTMENT_TAKEN, self.referral.next_at(NOON), appointment_at=offered)
        self.referral = self.referral.told(deed)
        assert self.referral.standing.state is State.APPOINTMENT_TAKEN

    @invariant()
    def somebody_has_a_next_step_or_it_is_over(self) -> None:
        """Nobody falls through."""
        assert self.referral.is_over() == (self.referral.standing.due_at is None)

    @invariant()
    def an_end_stays_an_end(self) -> None:
        """Nothing is told to a referral that is over."""
        over = self.referral.is_over()
        assert not over or self.referral.told(at(10_000, News.CLEARED)) is self.referral

    @invariant()
    def no_answer_counts_before_an_opening(self) -> None:
        """A provider that never looked has not answered."""
        heard = {happening.news for happening in self.referral.history}
        assert not heard & ANSWERS or News.OPENED in heard


TestAReferralOverTime = AReferralOverTime.TestCase
TestAReferralOverTime.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_a_town_counts_days_of_its_own_where_it_says_so() -> None:
    town = Town(deadlines=Deadlines(referral={"requested": 5}))

    days = days_in(town)

    assert standing(NOON, [], days).due_at == NOON + timedelta(days=5)
    assert {**days, State.REQUESTED: 3} == USUAL_DAYS


def test_days_for_a_state_without_a_next_step_are_refused() -> None:
    town = Town(deadlines=Deadlines(referral={"ended": 5, "marker": 1, "opened": 2}))

    with pytest.raises(TownInvalid) as refused:
        check_deadlines(town)

    assert [field for field, _ in refused.value.faults] == [
        "town.toml: deadlines.referral.ended",
        "town.toml: deadlines.referral.marker",
    ]
