"""Exported heads: which are due, that a crash or a restart loses none, that the ledger has to fit them."""

import asyncio
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.consent.head_export import append_lines, read_heads_file
from services.consent.heads import ExportedHead, HeadsRead, due_heads, read_heads, to_line
from services.consent.ledger import Head
from services.consent.signing import SigningKey
from services.consent.tables import LedgerHeadRow, LedgerRow
from services.consent.timers import hold_lease
from shared.contracts.categories import Category
from tests.consent.builders import CLINIC, DAY, JOBCENTER, NOON, SECOND, a_conclusion
from tests.consent.gate import Gate, running_gate
from tests.consent.surroundings import SIGNING_KEY, Store
from tests.consent.test_signing import OTHER

KEY = SigningKey(SIGNING_KEY)
ONE, TWO = Head(1, "1" * 64), Head(2, "2" * 64)


def exported(head: Head = ONE, recipient_id: str = JOBCENTER) -> ExportedHead:
    """Return a head that was exported at noon."""
    return ExportedHead(recipient_id, head, NOON)


def test_a_head_is_due_when_it_was_never_exported_or_has_changed_or_a_day_has_passed() -> None:
    last = {JOBCENTER: exported()}

    assert due_heads({JOBCENTER: ONE}, {}, at=NOON) == [exported()]
    assert due_heads({JOBCENTER: ONE}, last, at=NOON + DAY - SECOND) == []
    assert [due.head for due in due_heads({JOBCENTER: TWO}, last, at=NOON + SECOND)] == [TWO]
    assert [due.head for due in due_heads({JOBCENTER: ONE}, last, at=NOON + DAY)] == [ONE]


def test_each_recipients_head_is_due_by_itself() -> None:
    due = due_heads({JOBCENTER: ONE, CLINIC: ONE}, {JOBCENTER: exported()}, at=NOON + SECOND)

    assert [one.recipient_id for one in due] == [CLINIC]


def test_a_line_says_which_head_it_was_and_when() -> None:
    assert read_heads([to_line(exported(), KEY)], KEY.public) == HeadsRead((exported(),))


def test_a_line_that_the_gate_did_not_sign_is_told_by_its_number_and_counts_for_nothing() -> None:
    lines = [to_line(exported(), KEY), to_line(exported(TWO), OTHER), "", to_line(exported(), KEY)[:-9]]

    found = read_heads(lines, KEY.public)

    assert found == HeadsRead((exported(),), torn_lines=(4,), forged_lines=(2,))


def test_lines_are_appended_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "new" / "heads.jsonl"

    append_lines(path, ["one"])
    append_lines(path, ["two", "three"])

    assert path.read_text(encoding="ascii").splitlines() == ["one", "two", "three"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_after_a_torn_one_is_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "heads.jsonl"
    path.write_text(to_line(exported(), KEY)[:50], encoding="ascii")

    append_lines(path, [to_line(exported(TWO), KEY)])

    assert read_heads_file(path, KEY.public) == HeadsRead((exported(TWO),), torn_lines=(1,))


def run_export(gate: Gate) -> list[tuple[str, int]]:
    """Have the timer do its step; return what was exported from the first day on."""
    asyncio.run(gate.service.timers.export_heads())
    found = read_heads_file(gate.settings.heads_file(), KEY.public)
    return [(one.recipient_id, one.head.number) for one in found.heads]


def enter(gate: Gate) -> str:
    """Have the Jobcenter open two things, so that its chain grows by a status and a content."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, Category.CONCLUSION)
    gate.open(gate.notices()[-1])
    gate.open(gate.notices()[-2])
    return person


@contextmanager
def started_again(gate: Gate, store: Store) -> Iterator[Gate]:
    """Run another instance on the same tables, files and clock."""
    with running_gate(gate.folder, store, gate.clock) as again:
        yield again


def test_the_heads_are_exported_at_the_start_and_then_every_hour_if_they_changed(gate: Gate) -> None:
    enter(gate)

    at_start = run_export(gate)
    enter(gate)
    too_early = run_export(gate)
    gate.clock.pass_(3600 * SECOND)
    an_hour_later = run_export(gate)
    gate.clock.pass_(3600 * SECOND)
    unchanged = run_export(gate)

    assert at_start == too_early == [(JOBCENTER, 2)]
    assert an_hour_later == unchanged == [(JOBCENTER, 2), (JOBCENTER, 4)]


def test_a_head_that_does_not_change_is_exported_once_a_day(gate: Gate) -> None:
    enter(gate)
    run_export(gate)

    gate.clock.pass_(DAY)

    assert run_export(gate) == [(JOBCENTER, 2), (JOBCENTER, 2)]


def test_while_nothing_was_told_there_is_nothing_to_export(gate: Gate) -> None:
    assert run_export(gate) == []


def test_after_a_restart_the_file_says_what_was_exported(gate: Gate, store: Store) -> None:
    enter(gate)
    run_export(gate)
    gate.clock.pass_(61 * SECOND)

    with started_again(gate, store) as again:
        unchanged = run_export(again)
    enter(gate)
    gate.clock.pass_(61 * SECOND)
    with started_again(gate, store) as again:
        changed = run_export(again)

    assert unchanged == [(JOBCENTER, 2)]
    assert changed == [(JOBCENTER, 2), (JOBCENTER, 4)]


def test_what_a_crash_tore_off_is_exported_after_the_restart(gate: Gate, store: Store) -> None:
    enter(gate)
    run_export(gate)
    path = gate.settings.heads_file()
    path.write_bytes(path.read_bytes()[:-30])
    gate.clock.pass_(61 * SECOND)

    with started_again(gate, store) as again:
        assert run_export(again) == [(JOBCENTER, 2)]


def test_of_a_file_that_was_carried_off_everything_is_exported_anew(gate: Gate) -> None:
    enter(gate)
    run_export(gate)
    gate.settings.heads_file().unlink()
    gate.clock.pass_(3600 * SECOND)

    assert run_export(gate) == [(JOBCENTER, 2)]


def test_another_instance_does_not_export_while_one_does_and_tries_again_soon(gate: Gate) -> None:
    enter(gate)
    gate.write(partial(hold_lease, name="heads", holder="another instance", length=60 * SECOND))

    meanwhile = run_export(gate)
    gate.clock.pass_(60 * SECOND)

    assert meanwhile == []
    assert run_export(gate) == [(JOBCENTER, 2)]


def verification(gate: Gate) -> dict[str, Any]:
    """Return what the operator is told about the Jobcenter's chain."""
    found: dict[str, Any] = gate.ask("GET", f"/ledger/{JOBCENTER}/verification", role="operator").json()
    return found


def cut(gate: Gate, length: int) -> None:
    """Cut the Jobcenter's chain so that it is whole in itself."""
    [last] = gate.rows(LedgerRow, LedgerRow.number == length)

    def tamper(work: Any) -> None:
        for row in gate.rows(LedgerRow, LedgerRow.number > length):
            work.session.delete(row)
        head = work.session.get_one(LedgerHeadRow, JOBCENTER)
        head.number, head.entry_hash = last.number, last.entry_hash

    gate.write(tamper)


def test_a_chain_that_is_whole_in_itself_has_to_fit_the_exported_heads(gate: Gate) -> None:
    enter(gate)
    cut_before_export = gate.rows(LedgerRow)
    run_export(gate)
    whole = verification(gate)

    cut(gate, 1)
    broken = verification(gate)

    assert len(cut_before_export) == 2
    assert (whole["whole"], whole["exported_heads"]) == (True, 1)
    assert (broken["whole"], broken["fault"]) == (False, {"number": 2, "reason": "shorter_than_exported"})


def test_the_operator_sees_that_somebody_wrote_into_the_file(gate: Gate) -> None:
    enter(gate)
    run_export(gate)
    append_lines(gate.settings.heads_file(), [to_line(exported(TWO), OTHER)])

    found = verification(gate)

    assert (found["whole"], found["forged_lines"]) == (False, [2])


def test_an_export_that_the_ledger_contradicts_is_loud(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    enter(gate)
    run_export(gate)
    cut(gate, 1)
    gate.clock.pass_(3600 * SECOND)

    run_export(gate)

    said = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "contradicts" in line]
    assert [(line["level"], line["recipient_id"], line["number"]) for line in said] == [("error", JOBCENTER, 2)]
