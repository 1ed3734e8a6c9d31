"""What ninety days came to, for a head of service: how long people waited, what was overdue and why, who was told."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.contracts.intake import Origin
from tests.simulation.oracle import Key, Oracle
from tests.simulation.people import NEEDS, Person, Way

if TYPE_CHECKING:
    from tests.simulation.ninety_days import Result

Row = tuple[str, str, str]
Reached = Callable[[Person], datetime | None]
STATIONS: dict[str, Reached] = {
    "first contact": lambda person: person.reached_at,
    "first talk": lambda person: person.talked_at,
    "conclusion": lambda person: person.concluded_at,
    "help begun": lambda person: person.helped_at,
    "case closed": lambda person: person.ended_at,
}
SPREAD = "count / half within / nine in ten within (days)"


def spread(times: Iterable[timedelta]) -> str:
    """Return how many there are, and how many days at most half of them, and nine in ten, took."""
    days = sorted(time.total_seconds() / 86_400 for time in times)
    if not days:
        return "0 / - / -"
    return f"{len(days)} / {days[len(days) // 2]:.1f} / {days[min(len(days) - 1, len(days) * 9 // 10)]:.1f}"


def rows(results: Sequence["Result"]) -> list[Row]:
    """Return every figure: of what, which, how much."""
    people = [person for result in results for person in result.people]
    return [*_waited(people), *_happened(results, people), *_overdue(results), *_faults(results)]


def _waited(people: list[Person]) -> list[Row]:
    found: list[Row] = []
    for origin in Origin:
        theirs = [person for person in people if person.origin is origin]
        found.append(("people", origin.value, str(len(theirs))))
        for station, reached in STATIONS.items():
            times = (at - person.arrives_at for person in theirs if (at := reached(person)) is not None)
            found.append((f"{origin.value}: {station}", SPREAD, spread(times)))
    return found


def _happened(results: Sequence["Result"], people: list[Person]) -> list[Row]:
    found = [("how people took it", way.value, str(sum(one.way is way for one in people))) for way in Way]
    found += [("needs", need, str(sum(need in one.needs for one in people))) for need in NEEDS]
    found += [
        ("of them", "relatives of staff, shielded", str(sum(one.of_staff for one in people))),
        ("of them", "little German", str(sum(one.little_german for one in people))),
        ("of them", "a concern for a child", str(sum(bool(one.concern_id) for one in people))),
    ]
    deeds: Counter[str] = sum((Counter(result.deeds) for result in results), Counter())
    found += [("deeds", deed, str(count)) for deed, count in sorted(deeds.items())]
    wrong: Counter[str] = sum((Counter(result.counts) for result in results), Counter())
    return found + [("messages and what went wrong", what, str(count)) for what, count in wrong.items()]


def _overdue(results: Sequence["Result"]) -> list[Row]:
    told = {key: result.oracle.told.get(key, {}) for result in results for key in result.oracle.overdue}
    why = Counter(_why(result.oracle, key) for result in results for key in result.oracle.overdue)
    lasted = (spells[-1].last - key[1] for result in results for key, spells in result.oracle.overdue.items())
    found = [("overdue", "steps at the end of a day", str(len(told)))]
    found += [("overdue because it waited for", what, str(count)) for what, count in why.most_common()]
    found.append(("overdue", f"how long, as far as seen: {SPREAD}", spread(lasted)))
    for rung in ("responsible", "lead"):
        after = (rungs[rung] - due_at for (_, due_at), rungs in told.items() if rung in rungs)
        found.append((f"told to {rung} after its day", SPREAD, spread(after)))
    rungs = Counter(rung for result in results for rung, _, _ in result.alarms)
    found += [("alarms, acute ones included", rung, str(rungs[rung])) for rung in ("responsible", "lead", "on_call")]
    for name, days in (("open cases", "open_by_day"), ("overdue steps", "overdue_by_day")):
        most = sum(max(getattr(result.oracle, days), default=0) for result in results)
        found.append((name, "most on one day, districts added", str(most)))
    return found


def _why(oracle: Oracle, key: Key) -> str:
    return oracle.about.get(key, f"{key[0].split('.', 1)[0]}: done before anybody was told")


def _faults(results: Sequence["Result"]) -> list[Row]:
    kinds = {kind for result in results for kind in result.faults}
    return [
        ("must not be", kind, str(sum(len(result.faults.get(kind, [])) for result in results)))
        for kind in sorted(kinds)
    ]


def csv_of(results: Sequence["Result"]) -> str:
    """Return the figures as a table."""
    text = io.StringIO()
    csv.writer(text).writerows([("of", "which", "value"), *rows(results)])
    return text.getvalue()


def page(results: Sequence["Result"], *, seed: int, seconds: float) -> str:
    """Return the report."""
    count = sum(len(result.people) for result in results)
    overdue = sum(len(result.oracle.overdue) for result in results)
    lines = [
        f"# Ninety days, {count:,} people (synthetic, seed {seed}, {len(results)} districts)",
        "",
        *(f"- {kind}: **{value}**" for _, kind, value in _faults(results)),
        "",
        f"{overdue:,} steps were overdue at the end of some day.",
        "",
        "| of | which | value |",
        "|---|---|---|",
        *(f"| {of} | {which} | {value} |" for of, which, value in rows(results)),
        "",
        f"Intake, assessment and referral ran with their real handlers and databases, {seconds:.0f} s. The gate did",
        "not: its words to them were said by the simulation. People, staff and providers are invented.",
    ]
    return "\n".join(lines)
