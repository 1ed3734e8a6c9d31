"""What is held after any order and any repetition of answers."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk import BadFile, CapacityQuery, Event, Released, Retracted, StatusChanged, Store
from tests.sdk.builders import a_release, a_retraction, a_status

MARKER = "marker-7f3a9c"

HISTORY: tuple[Event, ...] = (
    a_release("r-1", sequence=1, conclusion={"code": "first"}),
    a_release("r-2", sequence=2, conclusion={"code": "second"}),
    a_retraction("r-2"),
    a_release("r-3", sequence=3, reference="E-2"),
    a_release("r-4", sequence=4, reference="E-2", work=[{"code": "seeks_work"}]),
    a_release("r-5", sequence=5, reference="E-3"),
    a_release("r-5", sequence=6, reference="E-3", work=[{"code": "seeks_work"}]),
    a_retraction("r-3"),
    a_status("commissioned"),
    a_status("running"),
    a_status("finished"),
)
"""Released, replaced, retracted; replaced and the replaced one retracted; opened again with other content."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "held.sqlite3") as store:
        yield store


def test_what_is_released_is_held(store: Store) -> None:
    release = a_release(conclusion={"code": "work_possible"})

    assert store.apply(release) == release
    assert store.held() == [release]


def test_the_same_answer_twice_has_its_effect_once(store: Store) -> None:
    store.apply(a_release())

    assert store.apply(a_release()) is None


def test_the_same_content_opened_again_later_is_no_event(store: Store) -> None:
    store.apply(a_release(sequence=1, work=[]))

    assert store.apply(a_release(sequence=7, work=[])) is None
    assert [release.sequence for release in store.held()] == [7]


def test_other_content_under_the_same_release_is_an_event(store: Store) -> None:
    store.apply(a_release(sequence=1, conclusion={"code": "before"}))
    corrected = a_release(sequence=2, conclusion={"code": "after"})

    assert store.apply(corrected) == corrected


def test_a_higher_sequence_replaces_the_snapshot_of_the_same_type_and_reference(store: Store) -> None:
    store.apply(a_release("r-1", sequence=1))
    store.apply(a_release("r-2", sequence=2))

    assert [release.release_id for release in store.held()] == ["r-2"]


def test_a_lower_sequence_changes_nothing(store: Store) -> None:
    store.apply(a_release("r-2", sequence=2))

    assert store.apply(a_release("r-1", sequence=1)) is None
    assert [release.release_id for release in store.held()] == ["r-2"]


def test_another_reference_is_held_beside(store: Store) -> None:
    store.apply(a_release("r-1", sequence=1, reference="E-1"))
    store.apply(a_release("r-2", sequence=2, reference="E-2"))

    assert [release.reference for release in store.held()] == ["E-1", "E-2"]


def test_a_retraction_drops_what_it_names(store: Store) -> None:
    store.apply(a_release("r-1"))

    assert store.apply(a_retraction("r-1")) == a_retraction("r-1")
    assert store.held() == []


def test_a_retraction_that_comes_before_its_content_keeps_it_out(store: Store) -> None:
    store.apply(a_retraction("r-1"))

    assert store.apply(a_release("r-1")) is None
    assert store.held() == []


def test_a_retraction_twice_is_one_event(store: Store) -> None:
    store.apply(a_retraction("r-1"))

    assert store.apply(a_retraction("r-1", notice="another")) is None


def test_the_retraction_of_a_replaced_release_leaves_the_newer_one(store: Store) -> None:
    store.apply(a_release("r-1", sequence=1))
    store.apply(a_release("r-2", sequence=2))
    store.apply(a_retraction("r-1"))

    assert [release.release_id for release in store.held()] == ["r-2"]


def test_an_older_release_does_not_come_back_after_a_retraction(store: Store) -> None:
    store.apply(a_release("r-2", sequence=2))
    store.apply(a_retraction("r-2"))

    assert store.apply(a_release("r-1", sequence=1)) is None
    assert store.held() == []


def test_content_that_its_retraction_overtook_still_replaces_what_is_older(store: Store) -> None:
    store.apply(a_release("r-1", sequence=1))
    store.apply(a_retraction("r-2"))

    assert store.apply(a_release("r-2", sequence=2)) == Retracted(notice="r-2", release_id="r-1")
    assert store.held() == []


def test_a_status_only_moves_on(store: Store) -> None:
    store.apply(a_status("finished"))

    assert store.apply(a_status("running")) is None
    assert store.statuses() == {"E-1": "finished"}


def test_what_no_handler_took_survives_a_restart(tmp_path: Path) -> None:
    with Store(tmp_path / "held.sqlite3") as before:
        before.apply(a_release(notice="n-1"))

    with Store(tmp_path / "held.sqlite3") as after:
        assert after.unhandled() == [("n-1", a_release(notice="n-1"))]


def test_what_a_handler_took_is_not_handed_over_again(store: Store) -> None:
    store.apply(a_release(notice="n-1"))
    store.handled("n-1")

    assert store.unhandled() == []


def test_a_newer_release_takes_the_place_of_one_that_no_handler_took(store: Store) -> None:
    store.apply(a_release("r-1", sequence=1))
    store.apply(a_release("r-2", sequence=2))

    assert [notice for notice, _ in store.unhandled()] == ["r-2"]


def test_a_retraction_takes_the_place_of_content_that_no_handler_took(store: Store) -> None:
    store.apply(a_release("r-1"))
    store.apply(a_retraction("r-1"))

    assert [event for _, event in store.unhandled()] == [a_retraction("r-1")]


def test_a_later_status_takes_the_place_of_one_that_no_handler_took(store: Store) -> None:
    store.apply(a_status("commissioned"))
    store.apply(a_status("running"))

    assert [event for _, event in store.unhandled()] == [a_status("running")]


def test_a_retraction_leaves_no_trace_of_the_content_in_the_files(store: Store) -> None:
    store.apply(a_release("r-1", conclusion={"code": MARKER}))
    store.handled("r-1")
    assert MARKER.encode() in _bytes_of(store)

    store.apply(a_retraction("r-1"))

    assert MARKER.encode() not in _bytes_of(store)


def test_the_file_is_for_its_owner_only(store: Store) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_the_file_is_written_ahead_in_a_log(store: Store) -> None:
    other = sqlite3.connect(store.path)

    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("not a database, and long enough to be seen as none " * 30)

    with pytest.raises(BadFile, match="other"):
        Store(tmp_path / "other")


@settings(max_examples=150, deadline=None)
@given(st.permutations(HISTORY), st.lists(st.sampled_from(HISTORY), max_size=8))
def test_any_order_and_repetition_ends_in_the_same_held_set(order: list[Event], repeated: list[Event]) -> None:
    assert _held_after([*order, *repeated]) == _held_after(HISTORY)


@settings(max_examples=150, deadline=None)
@given(st.permutations(HISTORY))
def test_a_handler_that_follows_the_events_holds_what_the_store_holds(order: list[Event]) -> None:
    with TemporaryDirectory() as folder, Store(Path(folder) / "held.sqlite3") as store:
        effects = [effect for event in order if (effect := store.apply(event))]

        assert _followed(effects) == {release.reference: release.release_id for release in store.held()}


def _held_after(events: list[Event] | tuple[Event, ...]) -> tuple[list[Released], dict[str, str]]:
    with TemporaryDirectory() as folder, Store(Path(folder) / "held.sqlite3") as store:
        for event in events:
            store.apply(event)
        return store.held(), store.statuses()


def _followed(effects: list[Event]) -> dict[str, str]:
    """Do what `docs/partners.md` asks of a handler."""
    held: dict[str, str] = {}
    for effect in effects:
        match effect:
            case Released():
                held[effect.reference] = effect.release_id
            case Retracted():
                held = {reference: one for reference, one in held.items() if one != effect.release_id}
            case StatusChanged():
                pass
    return held


def _bytes_of(store: Store) -> bytes:
    return b"".join(path.read_bytes() for path in store.path.parent.glob(f"{store.path.name}*"))


def a_query(week: str) -> CapacityQuery:
    """Return a question for places, of a week."""
    return CapacityQuery.model_validate({"notice": f"n-{week}", "week": week, "answer_by": "2026-12-03"})


def test_a_capacity_query_is_an_event_once_a_week_and_an_overtaken_one_is_none(store: Store) -> None:
    first, second = a_query("2026-W52"), a_query("2027-W01")

    assert [store.apply(one) for one in (first, first, second, first)] == [first, None, second, None]
    assert store.unhandled() == [("n-2027-W01", second)]  # who has not taken the former one need not be asked it
