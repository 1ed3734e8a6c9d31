"""Draws the life of a thread: `python -m services.intake.state_chart > docs/outreach-states.md`."""

import sys

from services.intake.thread import LATE, SET_BY, TRANSITIONS, News, State
from shared.contracts.town import ESSEN

_KEPT = {
    State.OPEN: "what was noted, under a key of the thread's own",
    State.CASE: "the same, under the person's key",
    State.JOINED: "an id that leads to the other thread",
    State.ENDED: f"an id, for {LATE.days} days",
}
_DAYS = ESSEN.deadlines.intake.look_again_days
_NEXT = {
    State.OPEN: f"`look_again`, {_DAYS} days after the last contact (a town may decide otherwise) unless it names a day"
}


def chart() -> str:
    """Return the page."""
    return "\n".join(
        [
            "# The states of a thread",
            "",
            "Drawn from [`services/intake/thread.py`](../services/intake/thread.py) by",
            "`python -m services.intake.state_chart`; a test compares. What is not drawn is refused. Nobody outside",
            "intake hears of it before there is a case ([0016](decisions/0016-outreach-threads.md)). A thread that has",
            "become one takes contacts from before, which come late.",
            "",
            "| state | what is kept | next step | leads on |",
            "|---|---|---|---|",
            *(_row(state) for state in State),
            "",
            "## Whose word counts",
            "What the person says is written down by an outreach worker.",
            "",
            "| what | by |",
            "|---|---|",
            *(f"| `{news.value}` | {SET_BY[news].value} |" for news in News),
            "",
            "## How it goes on",
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> open",
            *(arrow for state in State for arrow in _arrows(state)),
            "```",
            "",
        ]
    )


def _row(state: State) -> str:
    leads = ", ".join(f"`{news.value}`" for news in TRANSITIONS[state]) or "nothing"
    return f"| `{state.value}` | {_KEPT[state]} | {_NEXT.get(state, 'none')} | {leads} |"


def _arrows(state: State) -> list[str]:
    return [f"    {state.value} --> {to.value}: {news.value}" for news, to in TRANSITIONS[state].items() if to != state]


if __name__ == "__main__":
    sys.stdout.write(chart())
