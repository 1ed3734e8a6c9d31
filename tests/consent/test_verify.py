"""`ledger verify`: what is whole is called whole, what cannot be checked is not, and nothing is written."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.consent.tables import LedgerHeadRow, LedgerRow
from services.consent.verify import BROKEN, UNCHECKED, WHOLE, main
from shared.database import open_read_only
from tests.consent.builders import CLINIC, JOBCENTER
from tests.consent.gate import Gate
from tests.consent.kept import LENGTH, Copy, Kept, checked, fill, kept_by


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
