"""Whatever is done to the tables of the ledger is found, once its heads were exported."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.consent.ledger import GENESIS, Entry, EntryKind, Head, next_entry
from services.consent.tables import LedgerRow
from services.consent.verify import BROKEN
from tests.consent.builders import JOBCENTER, NOON, SECOND
from tests.consent.kept import LENGTH, Copy, checked, everything, is_found

few = settings(max_examples=40)  # each is a database of its own
COLUMNS = sorted(LedgerRow.metadata.tables["ledger"].columns.keys())
numbers = st.integers(1, LENGTH)


@few
@given(st.sampled_from(COLUMNS), numbers, st.one_of(st.text(max_size=8), st.binary(max_size=60), st.integers(-9, 99)))
def test_any_edit_of_any_column_of_any_row_is_found(copy: Copy, column: str, number: int, value: Any) -> None:
    connection = copy.fresh()
    before = everything(connection)

    # A number that another row has is refused by the table itself: then nothing is changed.
    edit = f"UPDATE OR IGNORE ledger SET {column} = ? WHERE recipient_id = ? AND number = ?"  # noqa: S608  our own columns
    connection.execute(edit, (value, JOBCENTER, number))

    assert is_found(copy, connection, before)


@few
@given(st.sampled_from(COLUMNS), numbers, numbers)
def test_a_value_of_one_row_in_the_place_of_anothers_is_found(copy: Copy, column: str, one: int, other: int) -> None:
    assume(column != "number")
    connection = copy.fresh()
    before = everything(connection)

    values = [
        connection.execute(f"SELECT {column} FROM ledger WHERE recipient_id = ? AND number = ?", (JOBCENTER, number))  # noqa: S608
        for number in (other, one)
    ]
    for number, value in zip((one, other), [found.fetchone()[0] for found in values], strict=True):
        edit = f"UPDATE ledger SET {column} = ? WHERE recipient_id = ? AND number = ?"  # noqa: S608
        connection.execute(edit, (value, JOBCENTER, number))

    assert is_found(copy, connection, before)


@few
@given(st.sets(numbers, min_size=1), st.booleans())
def test_any_deletion_is_found_also_if_the_head_was_rewritten(copy: Copy, gone: set[int], rewritten: bool) -> None:
    connection = copy.fresh()
    before = everything(connection)

    for number in gone:
        connection.execute("DELETE FROM ledger WHERE recipient_id = ? AND number = ?", (JOBCENTER, number))
    if rewritten:
        last = "SELECT number, entry_hash FROM ledger WHERE recipient_id = ? ORDER BY number DESC LIMIT 1"
        head = connection.execute(last, (JOBCENTER,)).fetchone() or (0, GENESIS)
        rewrite = "UPDATE ledger_head SET number = ?, entry_hash = ? WHERE recipient_id = ?"
        connection.execute(rewrite, (*head, JOBCENTER))

    assert is_found(copy, connection, before)


@few
@given(st.permutations(range(1, LENGTH + 1)))
def test_any_other_order_is_found(copy: Copy, order: list[int]) -> None:
    connection = copy.fresh()
    before = everything(connection)

    for number, place in enumerate(order, start=1):
        move = "UPDATE ledger SET number = ? WHERE recipient_id = ? AND number = ?"
        connection.execute(move, (1000 + place, JOBCENTER, number))
    connection.execute("UPDATE ledger SET number = number - 1000 WHERE number > 1000")

    assert is_found(copy, connection, before)


@few
@given(st.integers(0, LENGTH - 1), st.integers(0, 3), st.integers(1, 10**6))
def test_a_chain_that_was_made_anew_is_found_wherever_it_begins_and_however_long_it_is(
    copy: Copy, kept: int, more: int, later: int
) -> None:
    connection = copy.fresh()
    before = everything(connection)

    for entry in made_anew(connection, kept, LENGTH + more, later):
        columns = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
        columns |= {"at": entry.at.replace(tzinfo=None).isoformat(sep=" "), "kind": entry.kind.value, "content": b"x"}
        connection.execute("DELETE FROM ledger WHERE recipient_id = ? AND number = ?", (JOBCENTER, entry.number))
        insert = f"INSERT INTO ledger ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        connection.execute(insert, tuple(columns.values()))
        rewrite = "UPDATE ledger_head SET number = ?, entry_hash = ? WHERE recipient_id = ?"
        connection.execute(rewrite, (entry.number, entry.entry_hash, JOBCENTER))
    connection.commit()

    code, lines, _ = checked(copy.kept.arguments(key_store="", master_key=""))
    assert code == BROKEN
    assert "(not_as_exported)" in lines[0]
    assert everything(connection) != before
    connection.close()


def made_anew(connection: sqlite3.Connection, kept: int, length: int, later: int) -> Iterator[Entry]:
    """Return entries that follow the ones kept as they should, and say something else."""
    head = Head()
    if kept:
        last = "SELECT number, entry_hash FROM ledger WHERE recipient_id = ? AND number = ?"
        head = Head(*connection.execute(last, (JOBCENTER, kept)).fetchone())
    while head.number < length:
        entry = next_entry(
            head,
            recipient_id=JOBCENTER,
            kind=EntryKind.STATUS,
            release_id=f"release-{head.number}",
            at=NOON + later * SECOND,
            key_id="person-somebody",
            commitment="0" * 64,
        )
        head = Head(entry.number, entry.entry_hash)
        yield entry


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE ledger_head SET number = number + 1",
        "UPDATE ledger_head SET number = number - 1",
        "UPDATE ledger_head SET entry_hash = 'f'",
        "DELETE FROM ledger_head",
        "DELETE FROM ledger",
        "DELETE FROM ledger; DELETE FROM ledger_head",
        "DELETE FROM ledger; DELETE FROM ledger_head; DELETE FROM recipient",
        "UPDATE ledger SET recipient_id = 'nobody' WHERE recipient_id = 'lvr-klinik'",
        "DELETE FROM ledger WHERE recipient_id = 'jobcenter-essen'; UPDATE ledger SET recipient_id = 'jobcenter-essen'",
    ],
)
def test_whatever_is_done_to_the_heads_or_to_everything_is_found(copy: Copy, tampering: str) -> None:
    connection = copy.fresh()
    connection.executescript(tampering)
    connection.close()

    assert checked(copy.kept.arguments(key_store="", master_key=""))[0] == BROKEN
