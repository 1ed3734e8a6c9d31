"""What ninety days came to, for a head of service: how long people waited, what was overdue, who was told."""

import csv
import io
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from shared.contracts.intake import Origin
from tests.simulation.people import NEEDS, Person, Way

if TYPE_CHECKING:
    from tests.simulation.ninety_days import Result

Reached = Callable[[Person], datetime | None]
STATIONS: dict[str, Reached] = {
    "first contact": lambda person: person.reached_at,
    "first talk": lambda person: person.talked_at,
    "conclusion": lambda person: person.concluded_at,
    "help begun": lambda person: person.helped_at,
    "case closed": lambda person: person.ended_at,
}


def waiting(people: list[Person], reached: Reached) -> tuple[int, float, float]:
    """Return how many came that far, and after how many days: half of them, and nine in ten."""
    days = sorted(
        (at - person.arrives_at).total_seconds() / 86_400 for person in people if (at := reached(person)) is not None
    )
    if not days:
        return 0, 0.0, 0.0
    return len(days), days[len(days) // 2], days[min(len(days) - 1, len(days) * 9 // 10)]


def rows(result: "Result") -> list[tuple[str, str, str]]:
    """Return every figure: of what, which, how much."""
    found: list[tuple[str, str, str]] = []
    for origin in Origin:
        theirs = [person for person in result.people if person.origin is origin]
        found.append(("people", origin.value, str(len(theirs))))
        for station, reached in STATIONS.items():
            count, half, most = waiting(theirs, reached)
            found.append(
                (
                    f"{origin.value}: {station}",
                    "people / half within / nine in ten within (days)",
                    f"{count} / {half:.0f} / {most:.0f}",
                )
            )
    found += [("how people took it", way.value, str(sum(one.way is way for one in result.people))) for way in Way]
    found += [("needs", need, str(sum(need in one.needs for one in result.people))) for need in NEEDS]
    found += [("deeds", deed, str(count)) for deed, count in sorted(result.life.deeds.items())]
    rungs = Counter(rung for rung, _, _ in result.alarms)
    found += [("alarms", rung, str(rungs[rung])) for rung in ("responsible", "lead", "on_call")]
    found += [("what went wrong", what, str(count)) for what, count in result.counts.items()]
    found += [
        ("overdue", "steps that were overdue at the end of a day", str(len(result.oracle.overdue))),
        ("overdue", "most on one day", str(max(result.oracle.overdue_by_day, default=0))),
        ("overdue", "of which nobody was told", str(len(result.untold))),
        ("open", "most cases on one day", str(max(result.oracle.open_by_day, default=0))),
        ("open", "cases without a next step", str(len(result.oracle.without_step))),
    ]
    return found


def csv_of(result: "Result") -> str:
    """Return the figures as a table."""
    text = io.StringIO()
    csv.writer(text).writerows([("of", "which", "value"), *rows(result)])
    return text.getvalue()


def page(result: "Result", *, seed: int) -> str:
    """Return the report."""
    count, untold, without = len(result.people), len(result.untold), len(result.oracle.without_step)
    lines = [
        f"# Ninety days, {count:,} people (synthetic, seed {seed})",
        "",
        f"Cases without a next step: **{without}**. Overdue steps that nobody was told about: **{untold}**",
        f"of {len(result.oracle.overdue):,} that were overdue at the end of some day.",
        "",
        "| of | which | value |",
        "|---|---|---|",
        *(f"| {of} | {which} | {value} |" for of, which, value in rows(result)),
        "",
        f"Intake, assessment and referral ran with their real handlers and databases, {result.seconds:.0f} s. The gate",
        "did not: its few words to them were said by the simulation. People, staff and providers are invented.",
    ]
    return "\n".join(lines)
