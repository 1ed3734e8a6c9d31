"""Every answer is in exactly one state, every question too, and one order says which of several counts."""

from datetime import datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.decision import View, may_know
from services.consent.domain import Answer, AnswerState, Ending, Kind, Word
from services.consent.state import PRECEDENCE, category_state, question_state
from shared.contracts.categories import Category
from tests.consent.builders import BOTH_KINDS, DAY, NOON, SECOND, a_known_fact, an_answer, asked

WORK = Category.WORK
moments = st.integers(-2, 2).map(lambda days: NOON + days * DAY)
anything_said = st.builds(
    an_answer,
    st.just(WORK),
    st.sampled_from(Kind),
    st.sampled_from(Word),
    given_at=moments,
    expires_at=st.none() | moments,
    ended_at=st.none() | moments,
    ended_by=st.none() | st.sampled_from(Ending),
    confirm_by=st.none() | moments,
    is_disputed=st.booleans(),
    is_held=st.booleans(),
)

A_STATE_EACH: dict[AnswerState, Answer] = {
    AnswerState.GRANTED: an_answer(WORK),
    AnswerState.ASKED: an_answer(WORK, word=Word.ASK),
    AnswerState.REFUSED: an_answer(WORK, word=Word.NO),
    AnswerState.WITHDRAWN: an_answer(WORK, ended_at=NOON, ended_by=Ending.WITHDRAWN),
    AnswerState.EXPIRED: an_answer(WORK, expires_at=NOON),
    AnswerState.SUPERSEDED: an_answer(WORK, ended_at=NOON, ended_by=Ending.SUPERSEDED),
    AnswerState.INVALID: an_answer(WORK, ended_at=NOON, ended_by=Ending.INVALID),
    AnswerState.DISPUTED: an_answer(WORK, is_disputed=True),
    AnswerState.PAUSED: an_answer(WORK, is_held=True),
    AnswerState.PENDING_CONFIRMATION: an_answer(WORK, confirm_by=NOON + DAY),
}


@pytest.mark.parametrize("state", A_STATE_EACH)
def test_an_answer_is_in_the_state_that_happened_to_it(state: AnswerState) -> None:
    assert A_STATE_EACH[state].state(at=NOON) is state


def test_every_state_but_not_asked_is_one_that_an_answer_can_be_in() -> None:
    assert set(AnswerState) - set(A_STATE_EACH) == {AnswerState.NOT_ASKED}


def test_the_order_names_every_state_once() -> None:
    assert len(PRECEDENCE) == len(AnswerState)
    assert set(PRECEDENCE) == set(AnswerState)


@given(anything_said, moments)
def test_whatever_is_said_of_an_answer_it_is_in_exactly_one_state(answer: Answer, at: datetime) -> None:
    assert answer.state(at=at) in AnswerState


@given(anything_said, moments)
def test_only_what_is_granted_tells_anything(answer: Answer, at: datetime) -> None:
    fact = a_known_fact(WORK, professional=False)

    told = may_know(asked(WORK, kinds=frozenset({answer.kind})), [fact], [answer], at=at)

    assert (told == (fact,)) == (answer.state(at=at) is AnswerState.GRANTED)


@given(st.lists(anything_said, max_size=6), moments)
def test_a_category_that_tells_anything_is_granted_and_the_other_way_round(words: list[Answer], at: datetime) -> None:
    question = asked(WORK)
    fact = a_known_fact(WORK)
    latest = [word for kind in Kind for word in [item for item in words if item.kind is kind][-1:]]

    told = may_know(question, [fact], latest, at=at)

    assert (told == (fact,)) == (category_state(question, WORK, latest, at=at) is AnswerState.GRANTED)


@given(st.lists(anything_said, max_size=6), moments)
def test_a_view_that_admits_more_never_tells_less(words: list[Answer], at: datetime) -> None:
    fact = a_known_fact(WORK)
    told = {view: may_know(asked(WORK), [fact], words, at=at, view=view) == (fact,) for view in View}

    assert told[View.TELL] <= told[View.ASK] <= told[View.KEEP_ASKED]
    assert told[View.TELL] <= told[View.KEEP] <= told[View.KEEP_ASKED]


@pytest.mark.parametrize(("first", "second"), list(permutations(A_STATE_EACH, 2)))
def test_of_two_kinds_the_first_in_the_order_decides(first: AnswerState, second: AnswerState) -> None:
    kinds = sorted(BOTH_KINDS)
    words = [
        an_answer(
            WORK,
            kind,
            A_STATE_EACH[state].word,
            ended_at=A_STATE_EACH[state].ended_at,
            ended_by=A_STATE_EACH[state].ended_by,
            expires_at=A_STATE_EACH[state].expires_at,
            confirm_by=A_STATE_EACH[state].confirm_by,
            is_disputed=A_STATE_EACH[state].is_disputed,
            is_held=A_STATE_EACH[state].is_held,
        )
        for kind, state in zip(kinds, (first, second), strict=True)
    ]
    shown = {AnswerState.SUPERSEDED: AnswerState.NOT_ASKED}  # its successor decides, and here there is none

    found = category_state(asked(WORK), WORK, words, at=NOON)

    assert found is min((shown.get(first, first), shown.get(second, second)), key=PRECEDENCE.index)


def test_what_was_said_before_a_pending_yes_still_counts() -> None:
    no = an_answer(WORK, word=Word.NO, given_at=NOON - DAY)
    pending = an_answer(WORK, confirm_by=NOON + DAY)

    assert question_state([no, pending], at=NOON) is AnswerState.REFUSED
    assert question_state([pending], at=NOON) is AnswerState.PENDING_CONFIRMATION


def test_without_any_answer_a_question_is_not_asked() -> None:
    assert question_state([], at=NOON) is AnswerState.NOT_ASKED


def test_an_answer_that_ran_out_this_instant_is_expired() -> None:
    assert an_answer(WORK, expires_at=NOON + SECOND).state(at=NOON) is AnswerState.GRANTED
    assert an_answer(WORK, expires_at=NOON).state(at=NOON) is AnswerState.EXPIRED
