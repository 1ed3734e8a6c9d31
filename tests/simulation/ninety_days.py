"""Ninety days of a town, simulated: `python -m tests.simulation.ninety_days [PEOPLE] [SEED]` prints the report."""

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlmodel import select

from services.intake.care_store import Alarm
from tests.simulation.life import Life, Staff, is_working_day
from tests.simulation.oracle import Oracle
from tests.simulation.people import Person, draw_people
from tests.simulation.report import csv_of, page
from tests.simulation.town import NAMES, Town, at

FIRST_DAY = date(2026, 3, 2)  # a Monday
DAYS = 90
CRASH = 0.06
"""How likely a service goes away on a day; it is back the next morning."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of ninety days."""

    people: list[Person]
    life: Life
    oracle: Oracle
    counts: dict[str, int]
    alarms: list[tuple[str, str, datetime]]
    """Rung, strand and time of every alarm."""
    untold: list[tuple[str, datetime]]
    seconds: float


async def simulate(folder: Path, *, people: int, seed: int, days: int, staff: Staff) -> Result:
    """Let the town live."""
    began, random = time.monotonic(), Random(seed)  # noqa: S311  # a seed, not a secret
    begin = datetime.fromisoformat(f"{FIRST_DAY.isoformat()}T05:00:00+00:00")
    cohort = draw_people(random, people, first_day=FIRST_DAY)
    async with Town(folder, random, now=begin) as town:
        life, oracle = Life(town, cohort, random, staff), Oracle()
        for number in range(days):
            await _live_a_day(town, life, oracle, begin + timedelta(days=number), random)
        for name in NAMES:
            if name not in town.up:
                await town.start(name)
        await town.settle()
        await life.look()
        with town.intake.database.read() as session:
            rows = session.exec(select(Alarm.rung, Alarm.strand_key, Alarm.raised_at)).all()
        oracle.hear(town.intake, now=town.clock.now)
        untold = oracle.untold(now=town.clock.now)
    return Result(cohort, life, oracle, town.counts, list(rows), untold, time.monotonic() - began)


async def _live_a_day(town: Town, life: Life, oracle: Oracle, day: datetime, random: Random) -> None:
    if day.weekday() == 0:
        life.begin_week()
    if is_working_day(day.date()):
        for hour in (8, 13):
            town.clock.now = at(day, hour)
            await life.half_a_day()
        await life.providers_day()
    else:
        town.clock.now = at(day, 10)
        await life.arrive()
    for name in list(town.up):
        if random.random() < CRASH:
            await town.crash(name)
    town.clock.now = at(day, 23)
    await town.settle()
    await life.look()
    if "intake" in town.up:
        oracle.hear(town.intake, now=town.clock.now)
    oracle.look({name: running.service for name, running in town.up.items()}, now=town.clock.now)
    town.clock.now = at(day + timedelta(days=1), 5)
    for name in NAMES:
        if name not in town.up:
            await town.start(name)
    await town.settle()
    await life.look()
    oracle.hear(town.intake, now=town.clock.now)


def run(*, people: int, seed: int, days: int = DAYS, staff: Staff | None = None) -> Result:
    """Simulate on fresh files."""
    with TemporaryDirectory() as folder:
        return asyncio.run(simulate(Path(folder), people=people, seed=seed, days=days, staff=staff or Staff.of(people)))


def main() -> None:
    """Print the report, and leave its figures as a table."""
    people, seed = [*map(int, sys.argv[1:]), 2000, 0][:2] if len(sys.argv) != 2 else (int(sys.argv[1]), 0)
    result = run(people=people, seed=seed)
    print(page(result, seed=seed))
    table = Path(".run") / "ninety-days.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text(csv_of(result), encoding="utf-8")
    print(f"\nAs a table: {table}")


if __name__ == "__main__":
    main()
