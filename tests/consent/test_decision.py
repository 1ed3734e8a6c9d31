"""What may anyone know? One rule a test; the properties and the second opinion are in test_decision_properties.py."""

from datetime import timedelta
from typing import Any

import pytest

from services.consent.decision import View, may_know
from services.consent.domain import Answer, Kind, KnownFact, Word
from shared.contracts.categories import Category
from tests.consent.builders import DAY, NOON, SECOND, a_known_fact, an_answer, answers, asked

WORK, CONTACT, DEBTS = Category.WORK, Category.CONTACT, Category.DEBTS
YES, NO, ASK = Word.YES, Word.NO, Word.ASK
FACT = a_known_fact(WORK)
MOMENT = timedelta(microseconds=1)


def test_without_an_answer_nobody_may_know_anything() -> None:
    assert may_know(asked(WORK), [FACT], [], at=NOON) == ()


def test_a_yes_under_every_kind_opens_its_category() -> None:
    assert may_know(asked(WORK), [FACT], answers(WORK), at=NOON) == (FACT,)


def test_a_fact_about_somebody_else_is_not_the_persons_to_give() -> None:
    about_a_child = a_known_fact(WORK, fact_id="fact-child", about_id="child-0001")

    assert may_know(asked(WORK), [about_a_child, FACT], answers(WORK), at=NOON) == (FACT,)


def test_a_yes_to_one_category_opens_no_other() -> None:
    facts = [FACT, a_known_fact(CONTACT)]

    assert may_know(asked(WORK, CONTACT), facts, answers(WORK), at=NOON) == (FACT,)


def test_a_category_that_is_not_asked_of_this_recipient_stays_closed_whatever_the_person_said() -> None:
    debts = a_known_fact(DEBTS)

    assert may_know(asked(WORK), [debts], answers(DEBTS), at=NOON) == ()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("closing", [NO, ASK])
def test_a_no_or_an_ask_under_any_kind_closes_the_category_in_any_order(kind: Kind, closing: Word) -> None:
    said = [*answers(WORK), an_answer(WORK, kind, closing)]

    assert may_know(asked(WORK), [FACT], said, at=NOON) == ()
    assert may_know(asked(WORK), [FACT], said[::-1], at=NOON) == ()


def test_a_no_to_one_category_leaves_another_open() -> None:
    said = [*answers(WORK), *answers(CONTACT, NO)]

    assert may_know(asked(WORK, CONTACT), [FACT], said, at=NOON) == (FACT,)


@pytest.mark.parametrize("kind", Kind)
def test_one_kind_alone_opens_nothing_where_both_are_required(kind: Kind) -> None:
    assert may_know(asked(WORK), [FACT], [an_answer(WORK, kind)], at=NOON) == ()


def test_a_professionals_fact_needs_a_release_from_secrecy_even_if_the_role_does_not_ask_for_one() -> None:
    role_asks_consent_only = asked(WORK, kinds=frozenset({Kind.DATA_CONSENT}))

    consent = [an_answer(WORK, Kind.DATA_CONSENT)]
    released = [*consent, an_answer(WORK, Kind.SECRECY_RELEASE)]

    assert may_know(role_asks_consent_only, [FACT], consent, at=NOON) == ()
    assert may_know(role_asks_consent_only, [FACT], released, at=NOON) == (FACT,)


def test_a_fact_of_nobody_bound_to_secrecy_needs_what_the_role_asks() -> None:
    role_asks_consent_only = asked(WORK, kinds=frozenset({Kind.DATA_CONSENT}))
    told_by_the_person = a_known_fact(WORK, professional=False)

    consent = [an_answer(WORK, Kind.DATA_CONSENT)]

    assert may_know(role_asks_consent_only, [told_by_the_person], consent, at=NOON) == (told_by_the_person,)


def test_what_waits_for_its_confirmation_neither_opens_nor_closes() -> None:
    fact, pending = a_known_fact(WORK), answers(WORK, confirm_by=NOON + 9 * DAY)

    assert may_know(asked(WORK), [fact], pending, at=NOON) == ()
    assert may_know(asked(WORK), [fact], [*pending, *answers(WORK)], at=NOON) == (fact,)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("professional", [True, False])
def test_a_role_that_names_no_kind_needs_all_of_them(kind: Kind, professional: bool) -> None:
    fact = a_known_fact(WORK, professional=professional)
    role_asks_nothing = asked(WORK, kinds=frozenset())

    assert may_know(role_asks_nothing, [fact], [an_answer(WORK, kind)], at=NOON) == ()
    assert may_know(role_asks_nothing, [fact], answers(WORK), at=NOON) == (fact,)


@pytest.mark.parametrize(
    ("recorded", "received", "is_reached"),
    [
        (MOMENT, MOMENT, True),
        (MOMENT, -MOMENT, False),
        (-MOMENT, MOMENT, False),
        (MOMENT, 0 * SECOND, False),
        (0 * SECOND, MOMENT, False),
        (None, MOMENT, False),
    ],
)
def test_from_now_reaches_what_was_first_recorded_and_first_received_after_it(
    recorded: timedelta | None, received: timedelta, is_reached: bool
) -> None:
    first_recorded = None if recorded is None else NOON + recorded
    fact = a_known_fact(WORK, first_at=first_recorded, first_received_at=NOON + received)

    known = may_know(asked(WORK), [fact], answers(WORK, reaches_back=False), at=NOON + DAY)

    assert (known == (fact,)) is is_reached


def test_reaching_back_reaches_even_what_has_no_known_beginning() -> None:
    fact = a_known_fact(WORK, first_at=None, version=2)

    assert may_know(asked(WORK), [fact], answers(WORK), at=NOON) == (fact,)


def test_every_kind_has_to_reach_the_fact_on_its_own() -> None:
    said = [an_answer(WORK, Kind.SECRECY_RELEASE), an_answer(WORK, Kind.DATA_CONSENT, reaches_back=False)]

    assert may_know(asked(WORK), [FACT], said, at=NOON) == ()


@pytest.mark.parametrize(("at", "known"), [(-MOMENT, (FACT,)), (0 * SECOND, ()), (MOMENT, ())])
def test_a_yes_ends_exactly_when_its_time_is_over(at: timedelta, known: tuple[KnownFact, ...]) -> None:
    end = NOON + DAY

    assert may_know(asked(WORK), [FACT], answers(WORK, expires_at=end), at=end + at) == known


def test_a_yes_without_an_end_never_stands() -> None:
    assert may_know(asked(WORK), [FACT], answers(WORK, expires_at=None), at=NOON) == ()


def test_an_expired_ask_no_longer_closes_what_another_answer_opens() -> None:
    said = [*answers(WORK), an_answer(WORK, word=ASK, expires_at=NOON + DAY)]

    assert may_know(asked(WORK), [FACT], said, at=NOON + DAY) == (FACT,)


def test_a_no_does_not_expire() -> None:
    said = [*answers(WORK, expires_at=NOON + 9999 * DAY), an_answer(WORK, word=NO, expires_at=NOON + DAY)]

    assert may_know(asked(WORK), [FACT], said, at=NOON + 999 * DAY) == ()


@pytest.mark.parametrize("clock", [-DAY, 0 * DAY, DAY])
def test_what_has_ended_never_stands_again_even_if_the_clock_goes_back(clock: timedelta) -> None:
    ended = answers(WORK, ended_at=NOON + DAY)

    assert may_know(asked(WORK), [FACT], ended, at=NOON + clock) == ()


@pytest.mark.parametrize("word", [NO, ASK])
def test_a_no_or_an_ask_counts_from_its_record_on_even_if_the_clock_goes_back(word: Word) -> None:
    said = [*answers(WORK), an_answer(WORK, word=word, given_at=NOON + DAY, expires_at=NOON + 9 * DAY)]

    assert may_know(asked(WORK), [FACT], said, at=NOON) == ()


@pytest.mark.parametrize(
    "other", [{"person_id": "person-2"}, {"recipient_id": "jobcenter-bochum"}, {"purpose": "billing"}]
)
def test_a_yes_for_another_person_recipient_or_purpose_opens_nothing(other: dict[str, Any]) -> None:
    assert may_know(asked(WORK), [FACT], answers(WORK, **other), at=NOON) == ()
    assert may_know(asked(WORK, **other), [FACT], answers(WORK), at=NOON) == ()


@pytest.mark.parametrize(
    "other", [{"person_id": "person-2"}, {"recipient_id": "jobcenter-bochum"}, {"purpose": "billing"}]
)
def test_a_no_for_another_person_recipient_or_purpose_closes_nothing(other: dict[str, Any]) -> None:
    said = [*answers(WORK), *answers(WORK, NO, **other)]

    assert may_know(asked(WORK), [FACT], said, at=NOON) == (FACT,)


@pytest.mark.parametrize(
    ("said", "opens"),
    [
        (answers(WORK), set(View)),
        (answers(WORK, Word.NO), set()),
        (answers(WORK, Word.ASK), {View.ASK, View.KEEP_ASKED}),
        (answers(WORK, is_held=True), {View.KEEP, View.KEEP_ASKED}),
        (answers(WORK, Word.ASK, is_held=True), {View.KEEP_ASKED}),
        (answers(WORK, is_disputed=True), set()),
        (answers(WORK, confirm_by=NOON + DAY), set()),
    ],
    ids=["yes", "no", "ask", "held yes", "held ask", "disputed", "pending"],
)
def test_each_view_opens_what_it_is_for_and_nothing_else(said: list[Answer], opens: set[View]) -> None:
    fact = a_known_fact(WORK)

    assert {view for view in View if may_know(asked(WORK), [fact], said, at=NOON, view=view)} == opens
