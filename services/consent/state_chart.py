"""Draws the states of an answer from the rules: `python -m services.consent.state_chart > docs/answer-states.md`."""

import sys

from services.consent.domain import AnswerState
from services.consent.state import PRECEDENCE, TRANSITIONS, Act

_BEGIN = (
    AnswerState.GRANTED,
    AnswerState.ASKED,
    AnswerState.REFUSED,
    AnswerState.PENDING_CONFIRMATION,
    AnswerState.PAUSED,
)
_MEANS = {
    AnswerState.NOT_ASKED: 'the person was never asked, or said "later"',
    AnswerState.ASKED: "each message waits for the person's word on the very text",
    AnswerState.GRANTED: "a yes that stands: the only state by which anything can leave",
    AnswerState.REFUSED: "a no; only a newer answer ends it",
    AnswerState.WITHDRAWN: "taken back, by any channel, without a reason",
    AnswerState.EXPIRED: "its time is over, or it was not confirmed in time",
    AnswerState.SUPERSEDED: "a newer answer to the same question took its place; it never stands again",
    AnswerState.INVALID: "it never was the person's free and informed word",
    AnswerState.DISPUTED: "the person says that this was never their word",
    AnswerState.PAUSED: "a quiet signal holds it: nothing more leaves, nothing is retracted",
    AnswerState.PENDING_CONFIRMATION: "said under pressure; it opens nothing until the person confirms it elsewhere",
}


def chart() -> str:
    """Return the page."""
    rows = [f"| {place} | `{state.value}` | {_MEANS[state]} |" for place, state in enumerate(PRECEDENCE, start=1)]
    arrows = [f"    {a.value} --> {b.value}: {act.value}" for act in Act for a, b in sorted(TRANSITIONS[act])]
    begin = [f"    [*] --> {state.value}: said" for state in _BEGIN]
    return "\n".join(
        [
            "# The states of an answer",
            "",
            "Drawn from [`services/consent/state.py`](../services/consent/state.py) by",
            "`python -m services.consent.state_chart`; a test compares. Inside the states are told apart; outside all",
            "but `granted` look the same: nothing.",
            "",
            "## Which one counts",
            "A category has one question per legal instrument. It is in the first state of this list that any of its",
            "questions is in.",
            "",
            "| | state | means |",
            "|---|---|---|",
            *rows,
            "",
            "## How an answer changes",
            "```mermaid",
            "stateDiagram-v2",
            *begin,
            *arrows,
            "```",
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(chart())
