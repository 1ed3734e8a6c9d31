"""Ninety days of a town, simulated: `python -m tests.simulation.ninety_days [PEOPLE] [SEED]` prints the report.

A town of many is lived in districts, each with services, staff and a stream of chances of its own, as many at a time as
there are cores.
"""

import asyncio
import os
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

from sqlmodel import select

from services.intake.care_store import Alarm
from tests.simulation.life import Life, Staff, is_working_day
from tests.simulation.oracle import Oracle
from tests.simulation.people import Person, draw_people
from tests.simulation.report import csv_of, page
from tests.simulation.town import NAMES, Town, at

FIRST_DAY = date(2026, 3, 2)  # a Monday
DAYS = 90
DISTRICT = 500
CRASH = 0.06
"""How likely a service goes away at the end of a day; it is back the next morning."""
CLOSES = (45, "suchtberatung")
"""On which day which provider closes for good, without a word to anybody."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of ninety days in one district."""

    people: list[Person]
    deeds: dict[str, int]
    oracle: Oracle
    counts: dict[str, int]
    alarms: list[tuple[str, str, datetime]]
    """Rung, strand and time of every alarm."""
    ended_at: datetime
    seconds: float
    faults: dict[str, list[object]] = field(default_factory=dict)
    """What must not be: of each kind, where it was seen."""

    def is_whole(self) -> bool:
        """Say whether nobody fell through."""
        return not any(self.faults.values())


async def simulate(folder: Path, *, people: int, seed: int, days: int, staff: Staff) -> Result:
    """Let the town live."""
    began, random = time.monotonic(), Random(seed)  # noqa: S311  # a seed, not a secret
    begin = datetime.fromisoformat(f"{FIRST_DAY.isoformat()}T05:00:00+00:00")
    cohort = draw_people(random, people, first_day=FIRST_DAY)
    async with Town(folder, random, now=begin) as town:
        life = Life(town, cohort, random, staff)
        oracle = life.oracle
        for number in range(days):
            if number == CLOSES[0]:
                life.gate.closed.add(CLOSES[1])
            await _live_a_day(town, life, begin + timedelta(days=number), random)
        for name in NAMES:
            if name not in town.up:
                await town.start(name)
        await town.settle()
        await life.look()
        with town.intake.database.read() as session:
            rows = session.exec(select(Alarm.rung, Alarm.strand_key, Alarm.raised_at)).all()
        oracle.hear(town.intake, now=town.clock.now)
        faults: dict[str, list[object]] = {
            "cases without a next step": [*oracle.without_step],
            "cases in nobody's hands": [*oracle.in_nobodys_hands],
            "cases of which the team does not know": [*oracle.unknown_to_team],
            "overdue steps that nobody was told about": [*oracle.untold(now=town.clock.now)],
            "overdue steps that went on and the lead was not told about": [*oracle.not_climbed()],
            "silent minutes of an acute need": [*oracle.silent_needs],
        }
    deeds = {**life.deeds, **life.gate.said}
    seconds = time.monotonic() - began
    return Result(cohort, deeds, oracle, town.counts, list(rows), town.clock.now, seconds, faults)


async def _live_a_day(town: Town, life: Life, day: datetime, random: Random) -> None:
    if day.weekday() == 0:
        life.begin_week()
    if is_working_day(day.date()):
        for hour in (8, 13):
            town.clock.now = at(day, hour)
            await life.half_a_day()
        await life.others_day()
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
        life.oracle.hear(town.intake, now=town.clock.now)
    up = {name: running.service for name, running in town.up.items()}
    life.oracle.look(up, away=life.off_the_list, now=town.clock.now)
    town.clock.now = at(day + timedelta(days=1), 5)
    for name in NAMES:
        if name not in town.up:
            await town.start(name)
    await town.settle()
    await life.look()
    if "intake" in town.up:
        life.oracle.hear(town.intake, now=town.clock.now)


@contextmanager
def ids_from(seed: int) -> Iterator[None]:
    """Draw every id from the seed, and leave the hours to the town's clock: so a run can be repeated."""
    random = Random(f"ids {seed}")  # noqa: S311  # a seed, not a secret

    def token(size: int = 32) -> str:
        return urlsafe_b64encode(random.randbytes(size)).rstrip(b"=").decode()

    with patch("secrets.token_urlsafe", token), patch("services.assessment.app.LOOK_SECONDS", 1e9):
        yield


def run(*, people: int, seed: int, days: int = DAYS, staff: Staff | None = None) -> Result:
    """Simulate one district on fresh files."""
    with TemporaryDirectory() as folder, ids_from(seed):
        return asyncio.run(simulate(Path(folder), people=people, seed=seed, days=days, staff=staff or Staff.of(people)))


def run_districts(*, people: int, seed: int) -> list[Result]:
    """Simulate a town in districts, side by side."""
    count = max(1, round(people / DISTRICT))
    sizes = [people // count + (number < people % count) for number in range(count)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(_district, sizes, range(seed * count, seed * count + count)))


def _district(people: int, seed: int) -> Result:
    return run(people=people, seed=seed)


def main() -> None:
    """Print the report, leave its figures as a table; the exit code says whether nobody fell through."""
    people, seed = [*map(int, sys.argv[1:]), 2000, 0][:2] if len(sys.argv) != 2 else (int(sys.argv[1]), 0)
    began = time.monotonic()
    results = run_districts(people=people, seed=seed)
    print(page(results, seed=seed, seconds=time.monotonic() - began))
    table = Path(".run") / "ninety-days.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text(csv_of(results), encoding="utf-8")
    print(f"\nAs a table: {table}")
    sys.exit(not all(result.is_whole() for result in results))


if __name__ == "__main__":
    main()
