"""The pages that show the states of an answer, a referral, a visit, a concern and a thread are drawn from the rules."""

from pathlib import Path

from services.assessment import state_chart as concerns
from services.consent import state_chart as answers
from services.intake import state_chart as threads
from services.referral import state_chart as referrals
from services.referral import visit_chart as visits

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_states_is_the_one_that_the_code_draws() -> None:
    assert (DOCS / "answer-states.md").read_text(encoding="utf-8") == answers.chart()


def test_the_page_of_referrals_is_the_one_that_the_code_draws() -> None:
    assert (DOCS / "referral-states.md").read_text(encoding="utf-8") == referrals.chart()


def test_the_page_of_concerns_is_the_one_that_the_code_draws() -> None:
    assert (DOCS / "concern-states.md").read_text(encoding="utf-8") == concerns.chart()


def test_the_page_of_visits_is_the_one_that_the_code_draws() -> None:
    assert (DOCS / "visit-states.md").read_text(encoding="utf-8") == visits.chart()


def test_the_page_of_threads_is_the_one_that_the_code_draws() -> None:
    assert (DOCS / "outreach-states.md").read_text(encoding="utf-8") == threads.chart()
