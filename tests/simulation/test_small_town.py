"""A small town for some weeks: nobody falls through, and the watch's promise is checked by what can be broken of it."""

import pytest

from tests.simulation.ninety_days import Result, run
from tests.simulation.report import csv_of, page

PEOPLE, DAYS = 20, 45


@pytest.fixture(scope="module")
def town() -> Result:
    """Live through some weeks."""
    return run(people=PEOPLE, seed=1, days=DAYS)


def test_in_a_small_town_nobody_falls_through(town: Result) -> None:
    assert town.faults == {kind: [] for kind in town.faults}
    assert town.oracle.overdue, "a town in which nothing is ever late proves nothing"
    assert {"repeated", "delayed", "rolled_back", "crashes"} <= {what for what, count in town.counts.items() if count}


def test_the_report_names_nobody(town: Result) -> None:
    told = page([town], seed=1, seconds=1) + csv_of([town])

    ids = [one.case_id or "no case" for one in town.people] + [one.person_id or "no person" for one in town.people]
    assert not any(one in told for one in ids)


def test_a_seed_gives_the_same_weeks_again() -> None:
    once, again = run(people=6, seed=2, days=20), run(people=6, seed=2, days=20)

    assert (once.alarms, once.deeds, once.counts) == (again.alarms, again.deeds, again.counts)
