"""N1, N2 over visits, threads, vouchers and figures: who is visited, who says no, who is counted shows nobody anything.

Visits and threads are played by the real referral and intake services; the gate hears what they announce of it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from shared.contracts.envelope import CareEvent
from tests.consent.billed import Tens
from tests.consent.builders import CLINIC, JOBCENTER
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.histories import Seen
from tests.consent.steering import STEERING
from tests.consent.stores import SqliteStores
from tests.evidence.conftest import Note
from tests.evidence.courses import OWN, Course, thread_courses, visit_courses
from tests.evidence.outreach_pairs import Drawing, looks
from tests.evidence.sizes import SEED, sized

CI = 6
PAIRS = sized(CI)
"""For each observer."""
MANY = 5 * CI
"""From so many pairs on also what is seldom drawn has to come."""

ONE_UNIT = [{"type": "referral.work_done.v1", "person_id": "person-0001", "units": 1}]
NO_WORK = {
    "asked_only",
    "refused",
    "taken_back",
    "called_off",
    "planned_anew",
    "case_over",
    "never_noted",
    "lapsed",
}


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> list[Course]:
    """Return every way that a visit can go, as the real service announces it."""
    return visit_courses(tmp_path_factory.mktemp("visits") / "referral")


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> list[Course]:
    """Return every way that a thread can go, as the real service announces it."""
    return thread_courses(tmp_path_factory.mktemp("threads") / "intake")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """Return a gate on which histories are played and taken back."""
    folder = tmp_path_factory.mktemp("gate")
    stores = SqliteStores(tmp_path_factory.mktemp("migrated"))
    with stores.fresh(folder) as store, a_gate_with_recipients(folder, store) as running:
        yield running


def results(seen: Seen) -> Counter[str]:
    """Count what the observer was answered, and which statements bill anything."""
    answers = [item[1] for item in seen if item[0] == "answer"]
    billed = [
        "a ten is billed" if '"count"' in one["statement"]["said"] else "no ten is billed"
        for one in answers
        if "statement" in one
    ]
    return Counter([*(one["result"] for one in answers), *billed])


def told_to(gate: Gate, draw: Drawing, observer: str) -> Counter[str]:
    """Play pairs that an observer must not tell apart, and return what it was told in them."""
    told = Counter[str]()
    for number in range(PAIRS):
        alike = draw.alike(observer)
        one, other = (looks(gate, observer, draw.history(alike)) for _ in range(2))
        assert one == other, f"seed {SEED}, pair {number} of {observer}"
        told += results(one)
    return told


def a_drawing(visits: list[Course], threads: list[Course], observer: str) -> Drawing:
    """Return what draws the pairs of an observer."""
    return Drawing(Random(f"{SEED} {observer}"), visits, threads)  # noqa: S311  a seed, not a secret


def test_a_jobcenter_cannot_tell_who_is_visited_who_says_no_and_what_its_tens_are_spent_on(
    gate: Gate, visits: list[Course], threads: list[Course], note: Note
) -> None:
    draw = a_drawing(visits, threads, JOBCENTER)

    told = told_to(gate, draw, JOBCENTER)

    assert told["statement"] == 2 * PAIRS, told
    assert not told["figures"]
    assert told["a ten is billed"] > 0, told
    assert told["no ten is billed"] > 0 or PAIRS < MANY, told
    check_shares(draw, visits, threads)
    note("N1, N2 outreach and billing: pairs a Jobcenter can tell apart", size=PAIRS, of="pairs", result=0)


def test_a_provider_cannot_tell_anything_of_it_whatever_is_spent(
    gate: Gate, visits: list[Course], threads: list[Course], note: Note
) -> None:
    draw = a_drawing(visits, threads, CLINIC)

    told = told_to(gate, draw, CLINIC)

    assert told["empty"] + told["released"] > 0, told
    assert told["released"] > 0 or PAIRS < MANY, told
    assert not told["statement"] + told["figures"]
    check_shares(draw, visits, threads)
    note("N1, N2 outreach and billing: pairs a provider can tell apart", size=PAIRS, of="pairs", result=0)


def test_the_steering_sees_protected_figures_and_nothing_else(
    gate: Gate, visits: list[Course], threads: list[Course], note: Note
) -> None:
    draw = a_drawing(visits, threads, STEERING)

    told = told_to(gate, draw, STEERING)

    assert told == {"figures": PAIRS}
    assert draw.met["figures: other counts, published alike"] == 2 * PAIRS
    check_shares(draw, visits, threads)
    note("N1 figures: pairs that the steering can tell apart", size=PAIRS, of="pairs", result=0)


def check_shares(draw: Drawing, visits: list[Course], threads: list[Course]) -> None:
    """See that every case was made: a generator that never makes one proves nothing."""
    wanted = [*(f"visit: {one.name}" for one in visits), *(f"thread: {one.name}" for one in threads)]
    missed = [case for case in [*wanted, "work told twice", "work recorded by mistake"] if not draw.met[case]]
    assert not missed or PAIRS < CI, (missed, draw.met)


@pytest.mark.parametrize("group", ["large", "small"])
def test_another_ten_is_told_apart(gate: Gate, visits: list[Course], threads: list[Course], group: str) -> None:
    draw = a_drawing(visits, threads, group)
    alike = replace(draw.alike(JOBCENTER), tens=Tens(large=(1, 1), small=(1, 1)))
    another = replace(alike, tens=replace(alike.tens, **{group: (1, 2)}))

    assert looks(gate, JOBCENTER, draw.history(alike)) != looks(gate, JOBCENTER, draw.history(another))


def test_another_published_number_is_told_apart(gate: Gate, visits: list[Course], threads: list[Course]) -> None:
    draw = a_drawing(visits, threads, "another")
    alike = draw.alike(STEERING)
    [(row, number), *_] = alike.counts["outcomes"].items()
    another = replace(alike, counts={**alike.counts, "outcomes": {**alike.counts["outcomes"], row: number + 10}})

    assert looks(gate, STEERING, draw.history(alike)) != looks(gate, STEERING, draw.history(another))


def test_what_the_gate_hears_of_a_visit_is_the_same_however_it_ends_and_nothing_if_nobody_set_out(
    visits: list[Course],
) -> None:
    heard = {one.name: [without_ids(event) for event in one.of("person-0001")] for one in visits}

    assert all(not told for name, told in heard.items() if name in NO_WORK)
    assert {str(told) for name, told in heard.items() if name not in NO_WORK} == {str(ONE_UNIT)}
    assert {one.name for one in visits if not one.is_work} == NO_WORK
    assert len(visits) > len(NO_WORK) + 8


def test_of_a_thread_nobody_hears_anything_until_it_is_a_case(threads: list[Course]) -> None:
    heard = {one.name: [event.event_type for event in one.events] for one in threads}

    assert heard.pop("has_case") == ["intake.case_opened.v1", "intake.contact_recorded.v1"]
    assert set(map(tuple, heard.values())) == {()}
    assert len(heard) == 5


def without_ids(event: CareEvent) -> dict[str, Any]:  # Any: JSON values
    """Return what an event says, without what is random."""
    said = {"type": event.event_type, **json.loads(event.body())}
    return {name: value for name, value in said.items() if name not in OWN}
