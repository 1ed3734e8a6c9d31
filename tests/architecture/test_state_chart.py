"""The page that shows the states of an answer is drawn from the rules."""

from pathlib import Path

from services.consent.state_chart import chart

PAGE = Path(__file__).parents[2] / "docs" / "answer-states.md"


def test_the_page_of_states_is_the_one_that_the_code_draws() -> None:
    assert PAGE.read_text(encoding="utf-8") == chart()
