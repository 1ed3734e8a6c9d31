"""Draws the states of a home visit: `python -m services.referral.visit_chart > docs/visit-states.md`."""

import sys

from services.referral.visit_state import (
    BY_ITSELF,
    VISIT_DONE_BY,
    VISIT_STEPS,
    VISIT_TRANSITIONS,
    VisitDeed,
    VisitState,
)


def chart() -> str:
    """Return the page."""
    return "\n".join(
        [
            "# The states of a home visit",
            "",
            "Drawn from [`services/referral/visit_state.py`](../services/referral/visit_state.py) by",
            "`python -m services.referral.visit_chart`; a test compares. Why: [0015](decisions/0015-home-visits.md).",
            "",
            "## Whose turn it is",
            "A guarded step is told to the worker when it is due, minutes later to the lead, then to whoever is on",
            "call, again and again until somebody checks out. An overdue step of the others climbs as any step does.",
            "",
            "| state | whose turn | next step | due at | guarded | when overdue | leads on |",
            "|---|---|---|---|---|---|---|",
            *(_row(state) for state in VisitState),
            "",
            "## Who may do it",
            "Everybody else is refused, and the refusal is kept. Only the visit's own workers set out.",
            "",
            "| what | by |",
            "|---|---|",
            *(f"| `{deed.value}` | {_who(deed)} |" for deed in VisitDeed),
            "",
            "## How it goes on",
            "Every arrow to `over` leaves the same behind: an id.",
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> proposed: propose",
            *(arrow for state in VisitState for arrow in _arrows(state)),
            "```",
            "",
        ]
    )


def _row(state: VisitState) -> str:
    step = VISIT_STEPS.get(state)
    if step is None:
        return f"| `{state.value}` | nobody | | | | | nothing |"
    leads = ", ".join(f"`{deed.value}`" for deed in VisitDeed if deed in VISIT_TRANSITIONS[state])
    cells = (f"`{step.next_step}`", f"`{step.due.value}`", "yes" if step.is_guarded else "", f"`{step.when_overdue}`")
    return f"| `{state.value}` | {step.owner.value} | {' | '.join(cells)} | {leads} |"


def _who(deed: VisitDeed) -> str:
    return BY_ITSELF.get(deed) or ", ".join(sorted(one.value for one in VISIT_DONE_BY[deed]))


def _arrows(state: VisitState) -> list[str]:
    leads = VISIT_TRANSITIONS[state]
    return [f"    {state.value} --> {leads[deed].value}: {deed.value}" for deed in VisitDeed if deed in leads]


if __name__ == "__main__":
    sys.stdout.write(chart())
