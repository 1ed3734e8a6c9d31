"""How large the evidence is drawn: one variable for all of it."""

import os

TIMES = float(os.environ.get("GESEHEN_EVIDENCE", "1"))
"""A night takes 20 and more; a hasty look a tenth."""

SEED = int(os.environ.get("GESEHEN_SEED", "0"))
"""Another seed draws everything anew."""


def sized(count: int) -> int:
    """Return how many cases to try where CI tries this many."""
    return max(1, round(count * TIMES))
