"""Histories of a town that one observer must not tell apart, although people are visited and met on the street.

What an observer may depend on is drawn once. For a Jobcenter: commissions, funding, the calendar, what Anna released to
it, and per group of budget lines how many whole tens of units were spent by the end of each month. For a provider: what
Anna released to it. For the town's steering: the figures as they are protected. Everything else is drawn anew for each
history: who is visited, which doors stay shut, who says no, threads, talks, work told twice or by mistake, all counts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from typing import Any

from services.consent import commissions, figures, statement
from services.consent.domain import RecipientRole
from services.consent.protection import places, protect
from shared.contracts.envelope import CareEvent
from shared.contracts.figures import TABLES, FixedTable
from shared.contracts.requests import CONTINGENT, read_command
from tests.consent import steps as past
from tests.consent.billed import APRIL, LINE, MAY, Tens, said, units_until
from tests.consent.builders import CLINIC, DAY, JOBCENTER, NOON, SECOND, a_funding, work_for, work_undone
from tests.consent.gate import Gate
from tests.consent.histories import Seen, Step, World, play
from tests.consent.pairs import Released, Timed, draw_released, draw_rest
from tests.consent.steering import AFTER_Q1, STEERING, everything
from tests.consent.surroundings import register
from tests.evidence.courses import Course

SMALL = "B-2026"
GROUPS = {"large": 10, "small": 10, "alone": 3}
"""How many people there are on the large line and on the small one, and who came by themselves."""
MONTHS = (NOON + DAY, APRIL + DAY)
"""From when on somebody is helped in each of the two months."""
WITHIN = 20 * DAY
FUNDED = 60
FIRST_TENS = (0, 1, 1, 2)
TALKS_ALONE = 5
"""Of so many histories one has no visit and no thread at all."""
SECRET = b"where the figures of these histories are rounded"
TRIES = 40

Counts = dict[str, dict[str, int]]
"""By table, how many each row counts."""


@dataclass(frozen=True, slots=True)
class Alike:
    """What the histories of a pair have in common, as far as the observer may depend on it."""

    observer: str
    released: Released
    tens: Tens
    counts: Counts
    steps: tuple[Timed, ...]


@dataclass(slots=True)
class Drawing:
    """Draws histories; `met` counts which cases it made."""

    random: Random
    visits: Sequence[Course]
    threads: Sequence[Course]
    met: Counter[str] = field(default_factory=Counter)
    _numbers: "count[int]" = field(default_factory=count)

    def alike(self, observer: str) -> Alike:
        """Draw what two histories have in common."""
        random = self.random
        released = draw_released(random, observer) if observer != STEERING else Released(JOBCENTER, (), (), asks=False)
        steps = [(NOON, enrolled()), *released.steps]
        if observer == STEERING:
            steps.append((NOON, past.commissioned("anna")))
        steps += [(NOON, past.commissioned(f"large-{number}")) for number in range(GROUPS["large"])]
        steps += [(NOON, past.commissioned(f"small-{number}", SMALL)) for number in range(GROUPS["small"])]
        if observer == JOBCENTER:
            steps += [(NOON, funded(FUNDED, line)) for line in (LINE, SMALL, CONTINGENT)]
        steps += [(month, stated()) for month in (APRIL, MAY)]
        steps += [(AFTER_Q1 + DAY, published()), (MAY + DAY, opens_newest())]
        return Alike(observer, released, self._tens(), self._counts(), tuple(steps))

    def history(self, alike: Alike) -> list[Timed]:
        """Draw the rest anew, and return the whole history."""
        steps = [*alike.steps, *draw_rest(self.random, alike.released)]
        steps += [(NOON, past.came(f"alone-{number}")) for number in range(GROUPS["alone"])]
        if alike.observer != JOBCENTER and self.random.random() < 0.7:
            steps += [(NOON, funded(self.random.randrange(1, FUNDED), line)) for line in (LINE, SMALL, CONTINGENT)]
        self.met["history"] += 1
        has_outreach = self.met["history"] % TALKS_ALONE > 0
        for group in ("large", "small"):
            steps += self._work(alike, group, has_outreach=has_outreach)
        for _ in range(self.random.randrange(1, 5) if has_outreach else 0):
            steps.append((self._some_time(self.random.choice(MONTHS)), self._met_on_the_street()))
        counts = self._others(alike.counts) if alike.observer == STEERING else self._counts()
        steps.append((AFTER_Q1, counted(counts)))
        return steps

    def _work(self, alike: Alike, group: str, *, has_outreach: bool) -> list[Timed]:
        """Draw what is done for a group: as many units as agree with the tens, whatever they are for."""
        tens = alike.tens.large if group == "large" else alike.tens.small
        until = units_until(tens, self.random)
        units = until[0], until[1] - until[0]
        if alike.observer != JOBCENTER:
            units = self.random.randrange(12), self.random.randrange(12)
        steps: list[Timed] = []
        for begin, number in zip(MONTHS, units, strict=True):
            for _ in range(number):
                steps += self._unit(alike, group, begin, has_outreach=has_outreach)
            for _ in range(self.random.randrange(1, 4) if has_outreach else 0):
                steps.append((self._some_time(begin), self._nobody_sets_out(alike, group)))
            if self.random.random() < 0.3:
                steps += self._mistake(alike, group, begin)
        return steps

    def _unit(self, alike: Alike, group: str, begin: datetime, *, has_outreach: bool) -> list[Timed]:
        """Draw one unit of work: a talk, or a visit however it went; now and then it is told twice."""
        at, step = self._some_time(begin), hears_work(self._somebody(alike, group), f"talk-{next(self._numbers):05}")
        if has_outreach and self.random.random() < 0.6:
            course = self.random.choice([one for one in self.visits if one.is_work])
            self.met[f"visit: {course.name}"] += 1
            step = self._goes(course, self._somebody(alike, group))
        again = self.random.random() < 0.1
        self.met["work told twice"] += again
        return [(at, step), *[(at + DAY, step)] * again]

    def _nobody_sets_out(self, alike: Alike, group: str) -> Step:
        course = self._in_turn("visit", [one for one in self.visits if not one.is_work])
        return self._goes(course, self._somebody(alike, group))

    def _mistake(self, alike: Alike, group: str, begin: datetime) -> list[Timed]:
        """Draw a talk that was recorded by mistake, and corrected before anybody was billed."""
        at, name, work_id = self._some_time(begin), self._somebody(alike, group), f"mistake-{next(self._numbers):05}"
        self.met["work recorded by mistake"] += 1
        return [(at, hears_work(name, work_id)), (at + DAY, hears_work(name, work_id, is_mistake=True))]

    def _met_on_the_street(self) -> Step:
        course = self._in_turn("thread", self.threads)
        return self._goes(course, f"street-{next(self._numbers)}")

    def _goes(self, course: Course, name: str) -> Step:
        events = course.of("somebody")
        return lambda world: _hear(world, [one.model_copy(update={"person_id": world.person(name)}) for one in events])

    def _somebody(self, alike: Alike, group: str) -> str:
        names = [f"{group}-{number}" for number in range(GROUPS[group])]
        if group == "small":
            names += [f"alone-{number}" for number in range(GROUPS["alone"])]
        if (group == "small") is (alike.observer == CLINIC):
            names.append("anna")  # the clinic knows her by a referral: there she came by herself
        return self.random.choice(names)

    def _some_time(self, begin: datetime) -> datetime:
        return begin + self.random.randrange(1, int(WITHIN / SECOND), 2) * SECOND

    def _in_turn(self, kind: str, courses: Sequence[Course]) -> Course:
        """Return the one that came least often, and count it: each comes, however few histories are drawn."""
        course = min(courses, key=lambda one: self.met[f"{kind}: {one.name}"])
        self.met[f"{kind}: {course.name}"] += 1
        return course

    def _tens(self) -> Tens:
        large, small = self.random.choice(FIRST_TENS), self.random.choice(FIRST_TENS)
        more = self.random.randrange(2), self.random.randrange(2)
        return Tens(large=(large, large + more[0]), small=(small, small + more[1]))

    def _counts(self) -> Counts:
        random = self.random
        return {
            table.name: {row: random.choice([random.randrange(10), random.randrange(10, 99)]) for row in table.rows}
            if random.random() < 0.5
            else {row: random.randrange(10, 99) for row in table.rows}
            for table in TABLES
        }

    def _others(self, counts: Counts) -> Counts:
        """Draw other counts that are published alike."""
        found = {table.name: self._other(table, counts[table.name]) for table in TABLES}
        self.met["figures: other counts, published alike"] += found != counts
        return found

    def _other(self, table: FixedTable, counts: dict[str, int]) -> dict[str, int]:
        shown = as_published(table, counts)
        for _ in range(TRIES):
            other = {row: max(0, number + self.random.randrange(-9, 10)) for row, number in counts.items()}
            alike = {row: one for row, one in other.items() if as_published(table, {**counts, row: one}) == shown}
            if as_published(table, {**counts, **alike}) == shown:
                return {**counts, **alike}
        return counts


def as_published(table: FixedTable, counts: dict[str, int]) -> Any:  # Any: a protected table
    """Return what steering may depend on: the protected table, as it is published."""
    place = places(SECRET, quarter="2026-Q1", table=table.name)
    return protect(counts, is_whole=table.is_whole, place=place)


def looks(gate: Gate, observer: str, history: list[Timed]) -> Seen:
    """Return what the observer sees of a history; of a statement all but its random numbers."""
    return [_without_chance(item) for item in play(gate, observer, history)]


def _without_chance(item: Any) -> Any:  # Any: JSON values
    if item[0] == "answer" and "statement" in item[1]:
        return ["answer", {**item[1], "statement": said(item[1]["statement"])}]
    return item


def _hear(world: World, events: Sequence[CareEvent]) -> None:
    for event in events:
        world.hear(event)


def hears_work(name: str, work_id: str, *, is_mistake: bool = False) -> Step:
    """Have the gate hear of a talk, or that it was recorded by mistake."""
    event = work_undone if is_mistake else work_for
    return lambda world: world.hear(event(world.person(name), work_id))


def enrolled() -> Step:
    """Have the town's steering be registered."""
    return lambda world: register(world.work, world.recipient(STEERING), RecipientRole.STEERING)


def funded(units: int, line: str) -> Step:
    """Have the Jobcenter fund units of a line."""
    command = read_command(a_funding(units, line))

    def step(world: World) -> None:
        jobcenter, settings = world.recipient(JOBCENTER), world.gate.settings
        assert not commissions.take_command(world.work, recipient_id=jobcenter, command=command, settings=settings)

    return step


def stated() -> Step:
    """Have the calendar bill each Jobcenter that has funded anything."""

    def step(world: World) -> None:
        world.work.session.flush()
        for recipient_id in statement.billed_recipients(world.work):
            statement.issue(world.work, recipient_id=recipient_id, settings=world.gate.settings)

    return step


def counted(counts: Counts) -> Step:
    """Have all services tell what they counted of the quarter."""
    rows = {(table, row): number for table, cells in counts.items() for row, number in cells.items()}
    told = [
        event.model_copy(
            update={
                "cells": tuple(cell.model_copy(update={"count": rows[cell.table, cell.row]}) for cell in event.cells)
            }
        )
        for event in everything()
    ]
    return lambda world: _hear(world, told)


def published() -> Step:
    """Have the calendar publish the figures and send a notice of them to whom they are for."""

    def step(world: World) -> None:
        world.work.session.flush()
        figures.publish(world.work, secret=SECRET)
        figures.release(world.work)

    return step


def opens_newest(most: int = 12) -> Step:
    """Have the observer open what has come last: statements and figures are among it."""

    def step(world: World) -> None:
        notices = world.notices()
        for number in range(max(0, len(notices) - most), len(notices)):
            past.opens((number + 1.5) / (len(notices) + 1))(world)

    return step
