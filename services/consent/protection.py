"""How small numbers are protected before any figure leaves. Pure: no clock, no database, no broker.

1. A row of fewer than ten persons is left out, zero included.
2. Every other number is rounded to a ten, at a *place* in the ten that a secret draws for this one number: of ten
   places, four make a count of 34 into 40, and six into 30. So it is right on average, and one person more or less
   moves it with a chance of one in ten only, whatever the count. (Rounded to the nearest ten, somebody who knows of
   all others would be certain wherever the count lies at the edge.)
3. A total is told only if every row of its table is: otherwise the row that is left out could be worked out from it.
   This depends on nothing but which rows are left out, so that leaving out the total tells nothing more.

What was published is frozen by `figures.py`: nobody sees two roundings of the same count.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

MINIMUM: Final = 10
STEP: Final = 10
TOTAL: Final = "total"
"""What the total is called where a place is drawn for it. No row of any table is."""

Place = Callable[[str], int]
"""Where a number is rounded: 0 to 9 for each row, and for the total."""


@dataclass(frozen=True, slots=True)
class Protected:
    """A table as it may leave. None: fewer than ten; of the total: it is not told."""

    rows: Mapping[str, int | None]
    total: int | None


def protect(counts: Mapping[str, int], *, is_whole: bool, place: Place) -> Protected:
    """Return what may be told of a table; `is_whole` says that its rows add up to something."""
    rows = {row: rounded(count, place(row)) if count >= MINIMUM else None for row, count in counts.items()}
    if not is_whole or None in rows.values():
        return Protected(rows, None)
    return Protected(rows, rounded(sum(counts.values()), place(TOTAL)))


def rounded(count: int, place: int) -> int:
    """Return a count rounded to a ten: up from so many places below it, else down."""
    return (count + place) // STEP * STEP


def places(secret: bytes, *, quarter: str, table: str) -> Place:
    """Return where the numbers of a table are rounded: the same for ever, and known to nobody without the secret."""

    def place(row: str) -> int:
        drawn = hmac.new(secret, f"{quarter}|{table}|{row}".encode(), hashlib.sha256).digest()
        return int.from_bytes(drawn) % STEP

    return place
