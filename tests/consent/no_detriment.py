"""Does it cost anything to refuse? Everything that a Jobcenter could act on, for somebody who releases all and for
somebody who refuses all, side by side. `python -m tests.consent.no_detriment` prints the statement.

Both are commissioned the same way on the same day, with the same deadline; what happens to them inside is drawn at
random and differs. The Jobcenter opens every notice on the day that it comes and repeats, cancels and commissions.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from services.consent import commissions
from services.consent.domain import Word
from shared.contracts.categories import Category
from tests.consent.builders import (
    DAY,
    JOBCENTERS_SIX,
    a_cancellation,
    a_commission,
    a_conclusion,
    a_contact,
    a_finding,
    a_recommendation,
    a_statement,
    an_attendance,
)
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import SqliteStores

DAYS = 70
DEADLINE = "2026-05-04"
CANCELLED_ON = 40
Seen = list[tuple[int, str, Any]]  # Any: JSON values


@dataclass
class Trial:
    """What the Jobcenter saw of one person: what it can act on, and what the person released beside it."""

    acted_on: Seen = field(default_factory=list)
    released: int = 0
    retracted: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """All pairs that were compared."""

    pairs: int
    observations: int
    different: int
    released_to_one: int
    released_to_other: int


def live(gate: Gate, random: Random, *, releases: bool, cancelled: bool) -> Trial:
    """Live through a commission: help, talks, findings, and words about them."""
    trial, reference = Trial(), f"BG-{random.getrandbits(60):x}"
    reading = gate.reading()
    reading.news()
    gate.clock.now = gate.clock.now.replace(hour=8, minute=0, second=0)
    began = gate.clock.now
    person = gate.a_person(reference)
    for day in range(DAYS):
        gate.clock.now = began + day * DAY
        if random.random() < 0.2:
            gate.hear(something_known(person, random))
        if random.random() < 0.15:
            word = Word.YES if releases else random.choice([Word.NO, Word.NO, Word.ASK])
            gate.grant(person, *random.sample(JOBCENTERS_SIX, random.randrange(1, 7)), word=word)
        if random.random() < 0.05:
            gate.withdraw(person)
        if random.random() < 0.1:
            gate.a_referral_of(person)
        gate.clock.now = began + day * DAY + DAY / 2
        gate.write(lambda work: commissions.notice_new_statuses(work, settings=gate.settings))
        note(trial, day, reading.news(), reference)
        trial.acted_on += [(day, "command", reply) for reply in asks(gate, reference, day, cancelled=cancelled)]
    return trial


def note(trial: Trial, day: int, answers: list[dict[str, Any]], reference: str) -> None:
    """Note what the Jobcenter was answered: what it can act on, and what it was told by the person's own word."""
    for answer in answers:
        if answer["result"] == "status":  # those of people who were compared before go on, and are not this person's
            trial.acted_on += [(day, "status", answer["status"])] * (answer["reference"] == reference)
        else:
            trial.released += answer["result"] == "released"
            trial.retracted += answer["result"] == "retracted"


def asks(gate: Gate, reference: str, day: int, *, cancelled: bool) -> list[Any]:
    """Have the Jobcenter say what it can say about a reference."""
    found = []
    if day % 14 == 1:
        found.append(gate.command(a_commission(reference, deadline="2026-06-30")))
        found.append(gate.command(a_commission(reference, deadline=date.max.isoformat())))
    if cancelled and day == CANCELLED_ON:
        found.append(gate.command(a_cancellation(reference)))
    return found


def something_known(person: str, random: Random) -> Any:
    """Draw something that the team finds out."""
    found: list[Callable[[], Any]] = [
        lambda: a_conclusion(person),
        lambda: a_recommendation(person),
        lambda: a_statement(person),
        lambda: an_attendance(person),
        lambda: a_contact(person),
        lambda: a_finding(person, random.choice([Category.WORK, Category.DEBTS, Category.ADDICTION])),
    ]
    return random.choice(found)()


def compare(gate: Gate, pairs: int, *, seed: int = 67) -> Result:
    """Compare people who release all with people who refuse all, as the Jobcenter sees them."""
    random = Random(seed)  # noqa: S311  a seed, not a secret
    monday = gate.clock.now
    observations, different, released, refused_released = 0, 0, 0, 0
    for number in range(pairs):
        trials = []
        for releases in (True, False):
            gate.clock.now = monday
            trials.append(live(gate, random, releases=releases, cancelled=number % 2 == 0))
        one, other = trials
        observations += len(one.acted_on)
        different += one.acted_on != other.acted_on
        released += one.released
        refused_released += other.released + other.retracted
    return Result(pairs, observations, different, released, refused_released)


def statement(result: Result, *, on: date) -> str:
    """Return what a data protection officer could sign."""
    return f"""Statement on the absence of detriment (Art. 7 (4) GDPR, EDPB Guidelines 05/2020, § 16k (4) SGB II)

On {on:%d %B %Y} the software was run for {result.pairs} pairs of synthetic people. In each pair one person released
everything that the Jobcenter can be offered, the other refused everything. What happened to them inside differed
at random.

Compared was everything about a person that the Jobcenter can act on and that no release is needed for:
  - the status of the commission, and the day on which it was told;
  - every reply to what the Jobcenter itself said (a repeated, a contradicting and a cancelled commission).
Observations compared: {result.observations}.   Pairs that differed: {result.different}.
Messages released by those who release all: {result.released_to_one}.
Messages released, or retracted, by those who refuse all: {result.released_to_other}.

Not covered, because the software does not have them yet: vouchers and their statements, steering figures.
Not claimed: that the time which an answer takes is equal to the millisecond.

Result: {"no difference was found." if not result.different else "DIFFERENCES WERE FOUND."}

Place, date: ______________________      Data protection officer: ______________________
"""


def main(pairs: int = 20) -> int:
    """Print the statement; exit code 1 if anything differed."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "migrated").mkdir()
        (folder / "gate").mkdir()
        with (
            SqliteStores(folder / "migrated").fresh(folder / "gate") as store,
            a_gate_with_recipients(folder / "gate", store, log_level="ERROR") as gate,
        ):
            result = compare(gate, pairs)
    print(statement(result, on=date.today()))  # noqa: DTZ011  the day on the paper
    return 1 if result.different or result.released_to_other or not result.released_to_one else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
