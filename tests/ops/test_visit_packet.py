"""A worker and their packet: readable for one worker and for a time, usable without network, gone after a no."""

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from pydantic import ValidationError

from ops import packet_journal, visit_packet, worker_key
from ops.visit_packet import ENDS
from ops.worker_key import Damaged, OpenKey, SealedForAnother
from shared.contracts.packet import EntryKind, JournalEntry
from tests.ops.packets import (
    ASK_FOR,
    NOON,
    PACKET,
    PASSPHRASE,
    VISIT,
    WHERE,
    WINDOW,
    Machine,
    a_packet,
    open_key,
    sealed,
    the_key,
    worker_key_file,
)

ENTRY = {"entry_id": "entry-0001", "packet_id": PACKET, "visit_id": VISIT}
SECRETS = (WHERE, ASK_FOR, "Beispielstra", "SYNTHETISCH", "outreach-0002")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever opens a socket fail."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a worker's machine with a packet on it."""
    return Machine(tmp_path)


def test_the_worker_sees_the_plan(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert machine.run("show") == 0

    shown = capsys.readouterr().out
    assert all(part in shown for part in (WHERE, ASK_FOR, "outreach-0002", "Montag, 2. März 2026, 15:00 Uhr"))


def test_nothing_of_the_plan_is_ever_on_the_disk(machine: Machine) -> None:
    machine.run("show")
    machine.set_out()

    assert not [part for part in SECRETS if part.encode() in machine.everything()]


def test_the_visits_time_is_said_in_essens_time_and_the_packets_end_too(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.run("show", "--language", "en")

    assert "This packet can be read until: Tuesday, 3 March 2026, 17:00" in capsys.readouterr().out


def test_no_word_of_a_plan_moves_the_terminal(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.packet.write_text(sealed(a_packet(where="\x1b[2J\x9b2J\u202eHier")))

    machine.run("show")

    assert not {"\x1b", "\x9b", "\u202e"} & set(capsys.readouterr().out)


def test_whoever_goes_there_may_set_out_half_an_hour_before(machine: Machine) -> None:
    machine.now = WINDOW.starts_at - timedelta(minutes=30)

    assert machine.run("note", "set-out") == 0


def test_a_wrong_passphrase_opens_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.passphrase.write_text("another passphrase")

    assert machine.run("show") == 1

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "passphrase_refused: the passphrase is wrong, or the key file was changed\n")


def test_another_workers_key_opens_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.packet.write_text(sealed(a_packet(), ECKey.generate_key("P-256")))

    assert machine.run("show") == 1

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "sealed_for_another: it was sealed for another key\n")


def test_a_packet_that_claims_to_be_for_this_key_and_is_not_opens_nothing() -> None:
    token = sealed(a_packet(), ECKey.generate_key("P-256"), kid=the_key().thumbprint)

    with pytest.raises(Damaged):
        open_key().unseal(token)


@given(data=st.data())
def test_one_changed_byte_is_refused_wherever_it_is(data: st.DataObject) -> None:
    token = sealed(a_packet())
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda sign: sign != token[place]))

    with pytest.raises((Damaged, SealedForAnother)) as refused:
        open_key().unseal(token[:place] + other + token[place + 1 :])

    assert not [part for part in SECRETS if part in str(refused.value)]


def test_every_spelling_of_the_last_byte_but_one_is_refused() -> None:
    token = sealed(a_packet())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    opened = [sign for sign in alphabet if _opens(token[:-1] + sign)]

    assert opened == [token[-1]]


def test_a_damaged_packet_is_said_in_a_sentence_and_left_alone(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    text = machine.packet.read_text()
    middle = text.rindex(".") - 20
    changed = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    machine.packet.write_text(changed)

    assert machine.run("show") == 1

    said = capsys.readouterr()
    assert (said.out, machine.packet.read_text()) == ("", changed)
    assert said.err == "damaged: it was changed since it was sealed; nothing of it can be read\n"


@pytest.mark.parametrize("text", ["", "{", "{}", "null", "a.b.c.d.e", "....", "{" * 9999, "ü", '{"format": 5}'])
def test_a_file_that_is_no_packet_is_said_to_be_none(
    machine: Machine, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    machine.packet.write_text(text)

    assert machine.run("show") == 1

    assert capsys.readouterr().err.startswith("damaged: ")


@pytest.mark.parametrize("command", [("show",), ("print", "sheets.html"), ("note", "set-out")])
def test_after_its_time_a_packet_is_wiped_instead_of_read(
    machine: Machine, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    machine.now = NOON + timedelta(hours=28)

    assert machine.run(*command, knows_passphrase=False) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("packet_expired: the packet's time is over; it has been wiped.")
    assert set(machine.left()) == {"format", "packet_id", "visit_id", "is_over"}


def test_a_moment_before_its_end_a_packet_is_still_read(machine: Machine) -> None:
    machine.now = NOON + timedelta(hours=28) - timedelta(seconds=1)

    assert machine.run("show") == 0


def test_a_later_end_outside_of_the_seal_opens_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.packet.write_text(sealed(a_packet(), exp=int((NOON + timedelta(hours=99)).timestamp())))

    assert machine.run("show") == 1

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "damaged: what stands outside of the seal is not what was sealed\n")


def test_a_clock_that_was_set_back_opens_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.now = NOON - timedelta(days=1)

    assert machine.run("show") == 1

    said = capsys.readouterr()
    assert (said.out, said.err.split(":")[0]) == ("", "clock_wrong")


@pytest.mark.parametrize("off_by", [timedelta(minutes=-30, seconds=-1), timedelta(hours=2)])
def test_nobody_sets_out_outside_of_the_permissions_window(
    machine: Machine, capsys: pytest.CaptureFixture[str], off_by: timedelta
) -> None:
    machine.now = WINDOW.starts_at + off_by

    assert machine.run("note", "set-out") == 1

    assert capsys.readouterr().err.startswith("outside_window: ")
    assert not machine.journal.exists()


def test_setting_out_is_noted_once(machine: Machine) -> None:
    assert machine.set_out() == 0
    assert machine.set_out() == 0

    assert [(entry.kind, entry.at) for entry in machine.noted()] == [(EntryKind.SET_OUT, machine.now)]


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_one_step_without_a_passphrase_and_leaves_nothing_of_the_packet(machine: Machine, end: str) -> None:
    machine.set_out()
    token = machine.packet.read_text()

    assert machine.run("note", end, knows_passphrase=False) == 0

    assert [entry.kind for entry in machine.noted()] == [EntryKind.SET_OUT, EntryKind.OVER]
    ids = {"packet_id": PACKET, "visit_id": VISIT}
    assert machine.left() == {"format": "gesehen.visit_packet.wiped.v1", **ids, "is_over": True}
    assert not [part for part in token.split(".") if part and part.encode() in machine.everything()]


def test_what_is_left_does_not_tell_which_end_it_was(tmp_path: Path) -> None:
    traces = set()
    for end in ENDS:
        folder = tmp_path / end
        folder.mkdir()
        one = Machine(folder)
        one.set_out()
        one.run("note", end)
        entries = [entry.model_dump(exclude={"entry_id"}) for entry in one.noted()]
        lengths = [len(line) for line in one.journal.read_text().splitlines()]
        traces.add((one.packet.read_text(), str(entries), str(lengths), str(sorted(p.name for p in folder.iterdir()))))

    assert len(traces) == 1


def test_no_line_of_the_journal_tells_by_its_length_what_it_says(machine: Machine) -> None:
    machine.set_out()
    machine.run("note", "over")

    lengths = {len(line) for line in machine.journal.read_text().splitlines()}

    assert len(lengths) == 1


def test_an_end_that_is_noted_again_changes_nothing(machine: Machine) -> None:
    machine.run("note", "no")
    before = machine.everything()

    assert machine.run("note", "check-out") == 0

    assert machine.everything() == before


def test_an_end_can_be_noted_after_the_packets_time(machine: Machine) -> None:
    machine.now = NOON + timedelta(days=30)
    machine.run("show")

    assert machine.run("note", "check-out") == 0

    assert [(entry.kind, entry.visit_id) for entry in machine.noted()] == [(EntryKind.OVER, VISIT)]


@pytest.mark.parametrize("command", [("show",), ("print", "sheets.html"), ("note", "set-out")])
def test_a_wiped_packet_says_so(machine: Machine, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    machine.run("wipe", knows_passphrase=False)

    assert machine.run(*command, knows_passphrase=False) == 1

    assert capsys.readouterr().err == "packet_wiped: the packet was wiped; nothing of it can be read any more\n"


def test_wiping_keeps_what_was_noted(machine: Machine) -> None:
    machine.set_out()

    machine.run("wipe")

    assert [entry.kind for entry in machine.noted()] == [EntryKind.SET_OUT]
    assert machine.left()["is_over"] is False


def test_sheets_that_were_printed_into_a_file_go_with_the_packet(machine: Machine) -> None:
    sheets = machine.folder / "sheets.html"
    machine.run("print", str(sheets))
    assert WHERE in sheets.read_text()

    machine.run("note", "no", knows_passphrase=False)

    assert not sheets.exists()
    assert not [part for part in SECRETS if part.encode() in machine.everything()]


def test_no_file_that_is_there_is_written_over_by_the_sheets(machine: Machine) -> None:
    token = machine.packet.read_text()

    assert machine.run("print", str(machine.packet)) == 1

    assert machine.packet.read_text() == token


def test_a_damaged_line_keeps_no_other_entry_back(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.set_out()
    machine.run("note", "check-out")
    first, second = machine.journal.read_text().splitlines()
    machine.journal.write_text(f"{first[:-9]}{'A' * 9}\n{second}\n")
    capsys.readouterr()

    assert machine.run("journal") == 1

    said = capsys.readouterr()
    assert '"kind": "over"' in said.out
    assert said.err == "lines_damaged: cannot be read, and were left out: line 1 of the journal\n"


def test_a_line_that_was_half_written_spoils_not_the_next(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text("half a li")

    packet_journal.add(journal, JournalEntry.model_validate({**ENTRY, "kind": "over"}), the_key())

    notes = packet_journal.read(journal, open_key())
    assert ([entry.entry_id for entry in notes.entries], notes.damaged) == (["entry-0001"], (1,))


def test_a_new_key_is_sealed_and_nobody_elses_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, secret = tmp_path / "worker.key.json", tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)

    code = visit_packet.main(["new-key", str(file), "--passphrase-file", str(secret)])

    private = worker_key.read(file).unlock(PASSPHRASE).private.as_dict(private=True)
    assert (code, file.stat().st_mode & 0o077) == (0, 0)
    assert str(private["d"]) not in file.read_text()
    assert '"d"' not in capsys.readouterr().out


def test_a_key_is_never_made_over_one_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, secret = tmp_path / "worker.key.json", tmp_path / "passphrase"
    file.write_text(worker_key_file())
    secret.write_text(PASSPHRASE)

    assert visit_packet.main(["new-key", str(file), "--passphrase-file", str(secret)]) == 1

    assert file.read_text() == worker_key_file()
    assert capsys.readouterr().err.startswith("key_file_refused: ")


def test_a_short_passphrase_protects_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("short")

    assert visit_packet.main(["new-key", str(tmp_path / "key"), "--passphrase-file", str(secret)]) == 1

    assert capsys.readouterr().err == "passphrase_refused: the passphrase must have at least 12 characters\n"


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", '{"format": "gesehen.worker_key.v1"}', "[" * 9999])
def test_a_file_that_is_no_key_is_said_to_be_none(
    machine: Machine, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (machine.folder / "worker.key.json").write_text(text)

    assert machine.run("show") == 1

    assert capsys.readouterr().err == "key_file_refused: worker.key.json is no key file of a worker\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": NOON + timedelta(hours=29)},
        {"expires_at": NOON},
        {"where": ""},
        {"workers": ()},
        {"diagnosis": "none of it"},
    ],
)
def test_a_packet_lives_no_longer_and_holds_nothing_else(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        a_packet(**changes)


@pytest.mark.parametrize("changes", [{"kind": EntryKind.SET_OUT}, {"kind": EntryKind.OVER, "at": NOON}])
def test_a_start_has_its_time_and_an_end_has_none(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        JournalEntry.model_validate({**ENTRY, **changes})


def _opens(token: str) -> bool:
    key: OpenKey = open_key()
    try:
        key.unseal(token)
    except Damaged:
        return False
    return True
