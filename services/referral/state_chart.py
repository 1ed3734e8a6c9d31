"""Draws the states of a referral: `python -m services.referral.state_chart > docs/referral-states.md`."""

import sys

from services.referral.state import ANSWERS, DONE_BY, PLANS, SET_BY, TRANSITIONS, News, State

_ANSWERED = "any answer of the provider"


def chart() -> str:
    """Return the page."""
    return "\n".join(
        [
            "# The states of a referral",
            "",
            "Drawn from [`services/referral/state.py`](../services/referral/state.py) by",
            "`python -m services.referral.state_chart`; a test compares. What is not drawn changes nothing.",
            "",
            "## Whose turn it is",
            "That whoever is responsible hears of what is overdue, then the lead, again and again, is the care watch's",
            "([0012](decisions/0012-one-care-watch.md)). What follows then is the deed of whoever is responsible.",
            "",
            "| state | whose turn | next step | days | when overdue | leads on |",
            "|---|---|---|---|---|---|",
            *(_row(state) for state in State),
            "",
            "## Who may say so",
            "Everybody else is refused, and the refusal is kept.",
            "",
            "| what | by |",
            "|---|---|",
            *(f"| `{news.value}` | {', '.join(sorted(one.value for one in SET_BY[news]))} |" for news in News),
            *(f"| `{deed.value}` | {', '.join(sorted(one.value for one in who))} |" for deed, who in DONE_BY.items()),
            "",
            "## How it goes on",
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> requested",
            *(arrow for state in State for arrow in _arrows(state)),
            "```",
            "",
        ]
    )


def _row(state: State) -> str:
    plan = PLANS.get(state)
    if plan is None:
        return f"| `{state.value}` | nobody | | | | nothing |"
    told = TRANSITIONS[state]
    leads = [f"`{news.value}`" for news in News if news in told and news not in ANSWERS]
    leads += [_ANSWERED] if set(told) >= ANSWERS else []
    cells = (f"`{plan.next_step}`", str(plan.days), f"`{plan.when_overdue}`", ", ".join(leads))
    return f"| `{state.value}` | {plan.owner.value} | {' | '.join(cells)} |"


def _arrows(state: State) -> list[str]:
    """Draw what leads on; the provider's answers are drawn once, as every state takes them alike."""
    told = TRANSITIONS[state]
    answers = [news for news in News if news in told and (news not in ANSWERS or state is State.OPENED)]
    return [f"    {state.value} --> {told[news].value}: {news.value}" for news in answers if told[news] is not state]


if __name__ == "__main__":
    sys.stdout.write(chart())
