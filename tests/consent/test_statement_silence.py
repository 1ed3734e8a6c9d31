"""Whoever was helped, when, how often and what they said: of it all a statement shows whole tens per group, no more.

Pairs by construction: what a statement may depend on (commissions, funding, the calendar, how many whole tens of units
were spent in each group by each month's end) is drawn once; everything else is drawn twice.
"""

import os
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.consent.domain import Word
from shared.contracts.categories import Category
from tests.consent.billed import APRIL, MAY, Tens, commissioned, said, some_tens, tokens, units_until
from tests.consent.billed import at as go_to
from tests.consent.builders import DAY, NOON, a_case, a_conclusion, a_funding, new_id, visit_to, work_for, work_undone
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import SqliteStores

LARGE, SMALL, CONTINGENT = "A-LARGE", "B-SMALL", "CONTINGENT"
PAIRS = int(os.environ.get("GESEHEN_TEST_HISTORIES", "5"))
MONTHS = ((NOON, APRIL), (APRIL, MAY))


def a_history(gate: Gate, tens: Tens, random: Random) -> None:
    """Let people be helped, at random but for the tens; they say and take back what they like meanwhile."""
    for line in (LARGE, SMALL, CONTINGENT):
        gate.command(a_funding(60, line))
    large = commissioned(gate, 12, LARGE)
    small = commissioned(gate, 10, SMALL)
    alone = [f"person-{new_id()}" for _ in range(random.randint(1, 4))]  # nobody outside knows that they exist
    gate.hear(*(a_case(person) for person in alone))
    spent = units_until(tens.large, random), units_until(tens.small, random)
    for month, (begin, end) in enumerate(MONTHS):
        for group, until in ((large, spent[0]), ([*small, *alone], spent[1])):
            left = until[month] - (until[month - 1] if month else 0)
            _help(gate, group, left, begin=begin, random=random)
        go_to(gate, end)


def _help(gate: Gate, group: list[str], units: int, *, begin: datetime, random: Random) -> None:
    gate.clock.now = max(gate.clock.now, begin)
    helped = random.sample(group, random.randint(1, len(group)))
    while units:
        some = min(units, random.randint(1, 3))
        person = random.choice(helped)
        gate.hear(random.choice([work_for, visit_to])(person, units=some))
        units -= some
        _live(gate, person, random)
    if random.random() < 0.5:  # recorded by mistake, and put back before it was billed
        mistaken = work_for(random.choice(helped))
        gate.hear(mistaken, work_undone(mistaken.person_id, mistaken.work_id))


def _live(gate: Gate, person: str, random: Random) -> None:
    deed = random.choice(["nothing", "fact", "yes", "no", "withdrawal", "hold", "time"])
    if deed == "fact":
        gate.hear(a_conclusion(person, at=gate.clock.now))
    if deed in ("yes", "no"):
        gate.grant(person, Category.CONCLUSION, word=Word.YES if deed == "yes" else Word.NO)
    if deed == "withdrawal":
        gate.withdraw(person)
    if deed == "hold":
        gate.ask("POST", f"/persons/{person}/hold", {})
    if deed == "time":
        gate.clock.pass_(DAY / 8)


def told(gate: Gate) -> list[dict[str, Any]]:  # Any: JSON values
    """Return all that the statements say, random numbers by their form alone."""
    return [said(token) for token in tokens(gate)]


def played(stores: SqliteStores, folder: Path, tens: Tens, *, seed: int) -> list[dict[str, Any]]:
    """Return what the Jobcenter is told in one history."""
    folder.mkdir()
    with stores.fresh(folder) as store, a_gate_with_recipients(folder, store) as gate:
        a_history(gate, tens, Random(seed))  # noqa: S311  a seed, not a secret
        return told(gate)


@pytest.mark.parametrize("number", range(PAIRS))
def test_two_histories_with_the_same_tens_give_the_same_statements(
    sqlite_stores: SqliteStores, tmp_path: Path, number: int
) -> None:
    tens = some_tens(Random(number))  # noqa: S311  a seed, not a secret

    one = played(sqlite_stores, tmp_path / "one", tens, seed=number)
    other = played(sqlite_stores, tmp_path / "other", tens, seed=1000 + number)

    assert one == other
    assert len(one) == len(MONTHS)
    assert all(document["order"] for document in one)


def test_another_ten_shows() -> None:
    """The pairs above would prove nothing if they were alike whatever was spent."""
    drawn = {some_tens(Random(number)) for number in range(20)}  # noqa: S311  a seed, not a secret

    assert len(drawn) > 10
    assert any(tens.large[1] > tens.large[0] for tens in drawn)


def test_one_unit_more_shows_only_where_it_makes_a_ten(sqlite_stores: SqliteStores, tmp_path: Path) -> None:
    found = []
    for units in (8, 9, 10):
        folder = tmp_path / str(units)
        folder.mkdir()
        with sqlite_stores.fresh(folder) as store, a_gate_with_recipients(folder, store) as gate:
            gate.command(a_funding(60, LARGE))
            person, *_ = commissioned(gate, 12, LARGE)
            gate.hear(*(work_for(person) for _ in range(units)))
            go_to(gate, APRIL)
            found.append(told(gate))

    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("visits", [4, 10])
def test_nobody_sees_what_kind_of_work_was_billed(sqlite_stores: SqliteStores, tmp_path: Path, visits: int) -> None:
    found = []
    for name, of_them in (("talks alone", 0), ("some visits", visits)):
        folder = tmp_path / name
        folder.mkdir()
        with sqlite_stores.fresh(folder) as store, a_gate_with_recipients(folder, store) as gate:
            gate.command(a_funding(60, LARGE))
            persons = commissioned(gate, 12, LARGE)
            gate.hear(*(visit_to(one) for one in persons[:of_them]), *(work_for(one) for one in persons[of_them:10]))
            go_to(gate, APRIL)
            found.append(told(gate))

    assert found[0] == found[1]
    assert '"count": 10' in found[0][0]["said"]
