"""How work is billed so that nobody's can be made out. Pure: no clock, no database.

Work is paid per budget line, never per commission: a commission is one person. A line with fewer than ten commissions
in the month is billed together with others, and what is billed or paid back comes in whole tens; the rest is carried.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.consent.domain import next_working_day

TEN = 10
"""So many commissions make a line large enough to be billed by itself; so many vouchers are billed, or none."""

MOST_IN_ONE_DOCUMENT = 500
"""Signed and sealed, so many stay far below the 256 KiB of a message, and below what JOSE libraries read unasked."""

Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Commissioned:
    """Of a commission what the Jobcenter knows itself: all that billing may depend on."""

    budget_line: str
    received_on: date
    deadline: date
    cancelled_on: date | None

    def is_open(self, *, on: date) -> bool:
        """Whether work for its person is paid out of its line on that day."""
        return self.cancelled_on is None and self.received_on <= on < self.deadline

    def counts_in(self, month: str) -> bool:
        """Whether it was open on any day of a month."""
        first, last = first_day(month), last_day(month)
        return self.received_on <= last and self.deadline >= first and (self.cancelled_on or last) >= first


def in_tens(number: int) -> int:
    """Return the number without what is carried to the next month."""
    return number - number % TEN


def billed_together(commissions: Iterable[Commissioned], *, month: str, funded: Collection[str]) -> tuple[Lines, ...]:
    """Return the groups of lines that a statement bills; no group at all if all together are too few.

    The contingent pays for people of whom the Jobcenter does not know that they exist: it counts as nobody, so it is
    always one of the small lines.
    """
    counting = [one.budget_line for one in commissions if one.counts_in(month)]
    sizes = {line: counting.count(line) for line in {*funded, *counting}}
    large = sorted((line for line, size in sizes.items() if size >= TEN), key=lambda line: (sizes[line], line))
    small = sorted(sizes.keys() - set(large))
    groups = [(line,) for line in large]
    if not small:
        return tuple(sorted(groups))
    if sum(sizes[line] for line in small) >= TEN:
        return tuple(sorted([*groups, tuple(small)]))
    if not groups:
        return ()
    return tuple(sorted([tuple(sorted([*groups[0], *small])), *groups[1:]]))


def line_of(commissions: Mapping[str, Commissioned], *, on: date) -> str | None:
    """Return which of a person's commissions pays for work on a day: the one that came last of those that are open."""
    open_ = [(one.received_on, commission_id) for commission_id, one in commissions.items() if one.is_open(on=on)]
    return max(open_)[1] if open_ else None


def due_months(first: str, *, stated: Collection[str], today: date, holidays: frozenset[date]) -> Iterator[str]:
    """Return each month since the first whose statement is due and not made: from the first working day after it."""
    month = first
    while next_working_day(last_day(month), holidays) <= today:
        if month not in stated:
            yield month
        month = month_of(last_day(month) + timedelta(days=1))


def month_of(day: date) -> str:
    """Return the month of a day, as it is named everywhere."""
    return f"{day:%Y-%m}"


def first_day(month: str) -> date:
    """Return the first day of a month."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    """Return the last day of a month."""
    return (first_day(month) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
