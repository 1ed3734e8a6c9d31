"""Whatever has happened in a case, there is a next step with a day."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.assessment.steps import Attempt, ContactOutcome, NextStep, Progress, Step, next_step
from shared.contracts.town import AssessmentDeadlines, Deadlines, Town

MONDAY = date(2026, 3, 2)
DAYS = st.dates(min_value=MONDAY, max_value=MONDAY + timedelta(days=200))
ATTEMPTS = st.builds(Attempt, made_on=DAYS, outcome=st.sampled_from(ContactOutcome))


@st.composite
def progresses(draw: st.DrawFn) -> Progress:
    """Return how far any case may be."""
    talks = sorted(draw(st.lists(DAYS, max_size=3)))
    return Progress(
        opened_on=MONDAY,
        first_contact_by=draw(DAYS),
        taken=draw(st.booleans()),
        attempts=tuple(sorted(draw(st.lists(ATTEMPTS, max_size=8)), key=lambda one: one.made_on)),
        first_talk_on=talks[0] if talks else None,
        last_talk_on=talks[-1] if talks else None,
        concluded_on=draw(st.none() | DAYS),
    )


@given(progresses())
def test_no_case_is_without_a_next_step_that_lies_ahead_of_its_opening(progress: Progress) -> None:
    step = next_step(progress)

    assert step.due_on >= MONDAY
    assert (step.code is NextStep.TAKE) is not progress.taken


@given(progresses(), DAYS)
def test_a_concluded_case_is_looked_at_again(progress: Progress, concluded_on: date) -> None:
    concluded = Progress(
        opened_on=MONDAY,
        first_contact_by=progress.first_contact_by,
        taken=True,
        attempts=progress.attempts,
        first_talk_on=progress.first_talk_on,
        last_talk_on=progress.last_talk_on,
        concluded_on=concluded_on,
    )

    step = next_step(concluded)

    assert step.code is NextStep.FOLLOW_UP
    assert step.due_on >= concluded_on + timedelta(days=30)


def test_a_refusal_looks_like_any_other_case_that_is_looked_at_again() -> None:
    refused = Progress(MONDAY, MONDAY, taken=True, attempts=(Attempt(MONDAY, ContactOutcome.REFUSED),))
    concluded = Progress(MONDAY, MONDAY, taken=True, concluded_on=MONDAY)

    assert next_step(refused) == next_step(concluded)


def test_a_talk_after_a_refusal_counts() -> None:
    attempt = Attempt(MONDAY, ContactOutcome.REFUSED)
    later = MONDAY + timedelta(days=7)

    step = next_step(Progress(MONDAY, MONDAY, True, (attempt,), first_talk_on=later, last_talk_on=later))

    assert step.code is NextStep.CONCLUDE


def test_a_town_has_its_own_deadlines_and_holidays() -> None:
    deadlines = Deadlines(assessment=AssessmentDeadlines(take_working_days=2, conclude_days=42))
    town = Town(deadlines=deadlines, holidays=(MONDAY + timedelta(days=1),))
    far = MONDAY + timedelta(days=30)

    untaken = next_step(Progress(MONDAY, far), town)
    talked = next_step(Progress(MONDAY, far, taken=True, first_talk_on=MONDAY, last_talk_on=MONDAY), town)

    assert untaken == Step(NextStep.TAKE, MONDAY + timedelta(days=3))
    assert talked == Step(NextStep.CONCLUDE, MONDAY + timedelta(days=42))
