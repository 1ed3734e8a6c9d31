"""What may be told of a table of counts. An attacker who knows all rules works out what each left-out row can be."""

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.protection import MINIMUM, STEP, TOTAL, Protected, places, protect, rounded
from shared.contracts.figures import TABLES

Range = tuple[int, int]
COUNT = st.one_of(st.integers(0, 40), st.sampled_from([0, 9, 10, 11, 19, 20]), st.integers(0, 5000))
COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), COUNT, min_size=1)
SECRET = st.binary(min_size=32, max_size=32)


def drawn(secret: bytes = b"synthetic", quarter: str = "2026-Q1", table: str = "came_by") -> Mapping[str, int]:
    """Return where some numbers are rounded."""
    place = places(secret, quarter=quarter, table=table)
    return {row: place(row) for row in (*"abcdefgh", TOTAL)}


def could_be(about: int | None) -> Range:
    """Return which counts a told number can stand for, to whoever does not know the secret."""
    return (0, MINIMUM - 1) if about is None else (max(MINIMUM, about - STEP + 1), about + STEP - 1)


def narrowed(shown: Protected) -> dict[str, Range]:
    """Solve: return what each row can be, given all numbers of the table and that the rows add up to the total.

    One sum over intervals: what is left for a row lies between what the others can take at most and at least.
    """
    ranges = {row: could_be(about) for row, about in shown.rows.items()}
    if shown.total is None:
        return ranges
    low, high = could_be(shown.total)
    least, most = (sum(ends) for ends in zip(*ranges.values(), strict=True))
    return {row: (max(a, low - (most - b)), min(b, high - (least - a))) for row, (a, b) in ranges.items()}


def left_out(shown: Protected) -> list[Range]:
    """Return what each row that is left out can be."""
    return [one for row, one in narrowed(shown).items() if shown.rows[row] is None]


@given(COUNTS, SECRET, st.booleans())
def test_no_numbers_that_leave_narrow_a_row_that_is_left_out(
    counts: dict[str, int], secret: bytes, is_whole: bool
) -> None:
    shown = protect(counts, is_whole=is_whole, place=places(secret, quarter="2026-Q1", table="t"))

    assert set(left_out(shown)) <= {(0, MINIMUM - 1)}


@given(COUNTS, SECRET, st.booleans())
def test_the_truth_is_always_within_what_can_be_worked_out(
    counts: dict[str, int], secret: bytes, is_whole: bool
) -> None:
    found = narrowed(protect(counts, is_whole=is_whole, place=places(secret, quarter="2026-Q1", table="t")))

    assert all(low <= counts[row] <= high for row, (low, high) in found.items())


@pytest.mark.parametrize("shown", [(None, 40), (None, None), (20, None)])
def test_every_count_that_a_left_out_row_can_have_leads_to_the_same_numbers(shown: tuple[int | None, ...]) -> None:
    """The strongest attacker runs the rules backwards, over all counts and all secrets."""
    possible: dict[str, set[int]] = {"a": set(), "b": set()}
    for a, b, *place in product(range(55), range(55), range(STEP), range(STEP)):
        where = dict(zip(("a", "b", TOTAL), (*place, 0), strict=True))
        told = protect({"a": a, "b": b}, is_whole=True, place=where.__getitem__)
        if tuple(told.rows.values()) == shown and told.total is None:
            possible["a"].add(a)
            possible["b"].add(b)

    unknown = [possible[row] for row, about in zip("ab", shown, strict=True) if about is None]
    assert unknown == [set(range(MINIMUM))] * len(unknown)


def test_a_total_beside_a_row_that_is_left_out_would_give_it_away() -> None:
    careless = Protected({"a": 10, "b": None}, total=30)

    assert left_out(careless) == [(2, 9)]


@given(COUNTS, SECRET)
def test_the_total_is_told_only_if_every_row_is(counts: dict[str, int], secret: bytes) -> None:
    shown = protect(counts, is_whole=True, place=places(secret, quarter="2026-Q1", table="t"))

    assert (shown.total is None) == (min(counts.values()) < MINIMUM)


def test_rows_that_add_up_to_nothing_have_no_total() -> None:
    assert protect({"a": 50, "b": 60}, is_whole=False, place=lambda _: 0).total is None


@given(COUNTS, SECRET, st.sampled_from("abcdefgh"))
def test_one_person_more_moves_a_number_by_one_step_at_the_most(
    counts: dict[str, int], secret: bytes, row: str
) -> None:
    place = places(secret, quarter="2026-Q1", table="t")
    counts = {row: 0, **counts}
    before = protect(counts, is_whole=True, place=place)
    after = protect({**counts, row: counts[row] + 1}, is_whole=True, place=place)

    assert {name: told for name, told in after.rows.items() if name != row} == {
        name: told for name, told in before.rows.items() if name != row
    }
    assert (after.rows[row] or 0) - (before.rows[row] or 0) in (0, STEP, 2 * STEP if before.rows[row] is None else 0)
    assert before.total is None or after.total is None or after.total - before.total in (0, STEP)


@pytest.mark.parametrize("count", range(10, 40))
def test_one_person_more_is_seen_from_one_place_of_ten_whatever_the_count(count: int) -> None:
    seen = [place for place in range(STEP) if rounded(count, place) != rounded(count + 1, place)]

    assert len(seen) == 1


@pytest.mark.parametrize("count", range(10, 40))
def test_over_all_places_a_number_is_right_on_average(count: int) -> None:
    assert sum(rounded(count, place) for place in range(STEP)) == count * STEP


@given(COUNT.filter(lambda count: count >= MINIMUM), st.integers(0, STEP - 1))
def test_a_number_that_is_told_is_a_ten_of_at_least_ten_and_less_than_ten_off(count: int, place: int) -> None:
    told = rounded(count, place)

    assert told % STEP == 0
    assert told >= MINIMUM
    assert abs(told - count) < STEP


def test_places_are_the_same_for_ever_and_others_for_each_quarter_table_and_secret() -> None:
    assert drawn() == drawn()
    assert (
        len({tuple(one.values()) for one in (drawn(), drawn(b"other"), drawn(quarter="2026-Q2"), drawn(table="t"))})
        == 4
    )


def test_places_are_drawn_evenly() -> None:
    place = places(b"synthetic", quarter="2026-Q1", table="t")
    found = [place(str(number)) for number in range(10_000)]

    assert all(850 < found.count(one) < 1150 for one in range(STEP))


def test_no_row_is_called_as_the_total_is() -> None:
    assert TOTAL not in {row for table in TABLES for row in table.rows}


def test_no_table_stands_twice_and_no_row_twice_in_it() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES)
    assert all(len(set(table.rows)) == len(table.rows) for table in TABLES)
