"""A small town for some weeks: nobody falls through, and the watch's promise is checked by what can be broken of it."""

from tests.simulation.ninety_days import run
from tests.simulation.report import csv_of, page

PEOPLE, DAYS = 20, 45


def test_in_a_small_town_no_case_is_without_a_next_step_and_nothing_is_overdue_in_silence() -> None:
    result = run(people=PEOPLE, seed=1, days=DAYS)

    assert result.oracle.without_step == []
    assert result.untold == []
    assert result.oracle.overdue, "a town in which nothing is ever late proves nothing"
    assert {"repeated", "delayed", "rolled_back", "crashes"} <= {what for what, count in result.counts.items() if count}


def test_the_report_names_nobody() -> None:
    result = run(people=5, seed=2, days=10)

    told = page(result, seed=2) + csv_of(result)

    ids = [one.case_id or "no case" for one in result.people] + [one.person_id or "no person" for one in result.people]
    assert not any(one in told for one in ids)
