"""`ledger verify`: whatever is done to the tables is found once heads were exported; what is whole is called whole."""

import asyncio
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.consent.ledger import GENESIS, Entry, EntryKind, Head, next_entry
from services.consent.signing import SigningKey
from services.consent.tables import LedgerHeadRow, LedgerRow
from services.consent.verify import BROKEN, UNCHECKED, WHOLE, main
from shared.contracts.categories import Category
from shared.database import open_read_only
from tests.consent.builders import CLINIC, JOBCENTER, NOON, SECOND, a_conclusion, a_statement, an_identity
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import SqliteStores
from tests.consent.surroundings import SIGNING_KEY

LENGTH = 6
few = settings(max_examples=40)  # each is a database of its own
COLUMNS = sorted(LedgerRow.metadata.tables["ledger"].columns.keys())
numbers = st.integers(1, LENGTH)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a checker finds what it is given."""

    database_url: str
    key_store_url: str
    folder: Path

    def arguments(self, **changes: str) -> list[str]:
        """Return the command line."""
        given = {
            "database": self.database_url,
            "heads": str(self.folder / "heads" / "heads.jsonl"),
            "signing-key": str(self.folder / "public.json"),
            "key-store": self.key_store_url,
            "master-key": str(self.folder / "master.key"),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        return [part for name, value in given.items() if value for part in (f"--{name}", value)]


def checked(arguments: list[str]) -> tuple[int, list[str], dict[str, Any]]:
    """Run the checker; return its exit code, its lines and its summary."""
    with redirect_stdout(io.StringIO()) as said:
        code = main(arguments)
    *lines, summary = said.getvalue().splitlines()
    return code, lines, json.loads(summary)


def fill(gate: Gate) -> None:
    """Have six entries in the Jobcenter's chain, one in the clinic's, and export the heads of both."""
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person), an_identity(person))
    gate.grant(person, Category.CONCLUSION, Category.STATEMENT)
    jobcenter.news()
    gate.hear(a_statement(person))
    jobcenter.news()
    gate.open(gate.notices()[-1])
    gate.withdraw(person)
    jobcenter.news()
    gate.agree(person, gate.a_referral_of(person), Category.IDENTITY)
    gate.reading(CLINIC).news()
    asyncio.run(gate.service.timers.export_heads())
    (gate.folder / "public.json").write_text(json.dumps(SigningKey(SIGNING_KEY).public.as_dict()))


def kept_by(gate: Gate) -> Kept:
    """Return where a gate keeps everything."""
    return Kept(gate.settings.database_url, gate.settings.key_store_url, gate.folder)


@pytest.fixture(scope="module")
def sealed(sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Return a whole ledger of which the heads were exported. Nobody writes to it: tests take copies."""
    folder = tmp_path_factory.mktemp("sealed")
    with sqlite_stores.fresh(folder) as fresh, a_gate_with_recipients(folder, fresh) as gate:
        fill(gate)
        yield kept_by(gate)


@pytest.fixture(scope="module")
def copy(sealed: Kept) -> "Copy":
    """Return a ledger to be tampered with."""
    return Copy(sealed)


class Copy:
    """A copy of the ledger that somebody tampers with, made anew for each attempt."""

    def __init__(self, sealed: Kept) -> None:
        self._whole = Path(sealed.database_url.removeprefix("sqlite:///"))
        self._path = self._whole.with_name("tampered.sqlite3")
        self.kept = replace(sealed, database_url=f"sqlite:///{self._path}")

    def fresh(self) -> sqlite3.Connection:
        """Begin anew; return a connection that may write anything."""
        self._path.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._whole)) as whole, closing(sqlite3.connect(self._path)) as copied:
            whole.backup(copied)
        return sqlite3.connect(self._path)


def everything(connection: sqlite3.Connection) -> list[Any]:
    """Return what the ledger's tables hold."""
    queries = ("SELECT * FROM ledger ORDER BY recipient_id, number", "SELECT * FROM ledger_head ORDER BY recipient_id")
    return [connection.execute(query).fetchall() for query in queries]


def is_found(copy: Copy, connection: sqlite3.Connection, before: list[Any]) -> bool:
    """Whether the checker finds that something was done, if anything was."""
    connection.commit()
    changed = everything(connection) != before
    connection.close()
    assume(changed)
    code, lines, summary = checked(copy.kept.arguments())
    event(next(line for line in lines if "BROKEN" in line).split("(")[-1] if code else "not found")
    return (code, summary["whole"]) == (BROKEN, False)


def test_what_nobody_touched_is_whole(sealed: Kept) -> None:
    code, lines, summary = checked(sealed.arguments())

    assert code == WHOLE
    assert lines == [
        f"{JOBCENTER}: whole, {LENGTH} entries, 1 exported heads",
        f"{CLINIC}: whole, 1 entries, 1 exported heads",
    ]
    assert summary == {
        "whole": True,
        "recipients": 2,
        "broken": [],
        "entries": LENGTH + 1,
        "exported_heads": 2,
        "torn_lines": [],
        "forged_lines": [],
        "contents_checked": True,
    }


@few
@given(st.sampled_from(COLUMNS), numbers, st.one_of(st.text(max_size=8), st.binary(max_size=60), st.integers(-9, 99)))
def test_any_edit_of_any_column_of_any_row_is_found(copy: Copy, column: str, number: int, value: Any) -> None:
    connection = copy.fresh()
    before = everything(connection)

    edit = f"UPDATE ledger SET {column} = ? WHERE recipient_id = ? AND number = ?"  # noqa: S608  our own columns
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


def test_entries_after_the_last_export_are_no_fault(gate: Gate) -> None:
    fill(gate)
    gate.reading().news()

    code, _, summary = checked(kept_by(gate).arguments())

    assert (code, summary["exported_heads"]) == (WHOLE, 2)
    assert summary["entries"] > LENGTH + 1


def test_a_ledger_is_whole_after_an_erasure(gate: Gate) -> None:
    fill(gate)
    gate.service.keys.destroy(gate.rows(LedgerRow, LedgerRow.kind == "released")[0].key_id)

    assert checked(kept_by(gate).arguments())[0] == WHOLE


def test_a_chain_cut_together_with_its_head_is_found_on_both_databases(gate: Gate) -> None:
    fill(gate)
    [last] = gate.rows(LedgerRow, LedgerRow.recipient_id == JOBCENTER, LedgerRow.number == LENGTH - 1)

    def cut(work: Any) -> None:
        work.session.execute(text(f"DELETE FROM ledger WHERE number = {LENGTH}"))  # noqa: S608
        head = work.session.get_one(LedgerHeadRow, JOBCENTER)
        head.number, head.entry_hash = last.number, last.entry_hash

    gate.write(cut)

    code, lines, summary = checked(kept_by(gate).arguments())
    assert (code, summary["broken"]) == (BROKEN, [JOBCENTER])
    assert lines[0].startswith(f"{JOBCENTER}: BROKEN at entry {LENGTH} (shorter_than_exported)")


def test_edited_contents_are_found_with_the_keys_alone(copy: Copy) -> None:
    connection = copy.fresh()
    connection.execute("UPDATE ledger SET content = ? WHERE number = 2", (b"something else",))
    connection.commit()
    connection.close()

    assert checked(copy.kept.arguments())[0] == BROKEN
    code, _, summary = checked(copy.kept.arguments(key_store="", master_key=""))
    assert (code, summary["contents_checked"]) == (WHOLE, False)


def test_a_file_in_which_somebody_wrote_is_not_whole(sealed: Kept, tmp_path: Path) -> None:
    lines = (sealed.folder / "heads" / "heads.jsonl").read_text().splitlines()
    header, _, signature = lines[0].split(".")
    (tmp_path / "heads.jsonl").write_text("\n".join([lines[1], f"{header}.{lines[1].split('.')[1]}.{signature}"]))

    code, _, summary = checked(sealed.arguments(heads=str(tmp_path / "heads.jsonl")))

    assert (code, summary["forged_lines"]) == (BROKEN, [2])


@pytest.mark.parametrize(
    "changes",
    [
        {"heads": "/nowhere/heads.jsonl"},
        {"signing_key": "/nowhere/public.json"},
        {"database": "sqlite:////nowhere/consent.sqlite3"},
        {"database": ""},
        {"master_key": ""},
    ],
)
def test_what_cannot_be_checked_is_not_called_whole(
    sealed: Kept, changes: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    code = main(sealed.arguments(**changes))

    said = capsys.readouterr()
    assert (code, said.out) == (UNCHECKED, "")
    assert said.err.startswith("not checked: ")


def test_the_checker_cannot_write(gate: Gate) -> None:
    engine = open_read_only(gate.settings.database_url)

    with engine.connect() as connection, pytest.raises(Exception, match=r"(?i)read.?only"):
        connection.execute(text("DELETE FROM ledger"))
    engine.dispose()


def test_the_command_says_by_its_exit_code_whether_all_is_whole(copy: Copy) -> None:
    command = [sys.executable, "-m", "services.consent.verify", *copy.kept.arguments()]
    copy.fresh().close()
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    with closing(copy.fresh()) as connection:
        connection.execute("DELETE FROM ledger WHERE number = 1")
        connection.commit()
    broken = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (whole.returncode, broken.returncode) == (WHOLE, BROKEN)
    assert whole.stderr == broken.stderr == ""
    assert json.loads(broken.stdout.splitlines()[-1])["broken"] == [JOBCENTER, CLINIC]
