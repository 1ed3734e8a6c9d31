"""Draws how a concern for a child goes on: `python -m services.assessment.state_chart > docs/concern-states.md`."""

import sys

from services.assessment.child_protection import REASONS, SECOND_PERSON, TRANSITIONS, WORKING_DAYS, Move, Stage


def chart() -> str:
    """Return the page."""
    return "\n".join(
        [
            "# The stages of a concern for a child (§ 4 KKG)",
            "",
            "Drawn from [`services/assessment/child_protection.py`](../services/assessment/child_protection.py) by",
            "`python -m services.assessment.state_chart`; a test compares. What is not drawn is refused. Nothing of it",
            "leaves the team but that a talk is owed by a day; the Jobcenter is told in no stage.",
            "",
            "| stage | the next move within working days | moves |",
            "|---|---|---|",
            *(_row(stage) for stage in Stage),
            "",
            "| move | by whom | reasons, of which one is named |",
            "|---|---|---|",
            *(f"| `{move.value}` | {_by(move)} | {_reasons(move)} |" for move in Move),
            "",
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> noted",
            *(
                f"    {stage.value} --> {after.value}: {move.value}"
                for stage, moves in TRANSITIONS.items()
                for move, after in moves.items()
            ),
            "```",
            "",
        ]
    )


def _row(stage: Stage) -> str:
    moves = ", ".join(f"`{move.value}`" for move in TRANSITIONS[stage])
    return f"| `{stage.value}` | {WORKING_DAYS.get(stage, '')} | {moves or 'none: it is over'} |"


def _by(move: Move) -> str:
    return "somebody else than whoever noted it" if move in SECOND_PERSON else "the team"


def _reasons(move: Move) -> str:
    return ", ".join(f"`{reason}`" for reason in sorted(one.value for one in REASONS.get(move, ())))


if __name__ == "__main__":
    sys.stdout.write(chart())
