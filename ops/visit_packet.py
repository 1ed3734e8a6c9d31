"""A visit in a file: `python -m ops.visit_packet show|note|print|journal|hand-in|wipe PACKET`, without network.

One worker can read a packet, with their key and passphrase, until its time is over. What was noted is kept sealed
beside it. Whatever ends the visit is noted in the same word and wipes the packet at once: docs/visits-offline.md.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Final

from ops import packet_file, packet_journal, worker_key
from ops.access_page import LANGUAGES
from ops.errors import OpsError, report
from ops.packet_file import PacketFile, PacketWiped
from ops.packet_hand_in import hand_in
from ops.packet_page import Line, Wording, language_of, page, worker_lines
from ops.run_folder import write_private
from ops.worker_key import OpenKey, PassphraseRefused
from shared.contracts.packet import EntryKind, JournalEntry
from shared.outbox import random_id

KEY_FILE: Final = "worker.key.json"
ENDS: Final = ("over", "check-out", "no", "nobody-there")
"""What a worker may call the end. All do the same, and leave the same; `over` also in the history of a shell."""


class OutsideWindow(OpsError):
    """Raised when a worker would set out at a time for which the person gave no permission."""

    code = "outside_window"

    def __init__(self) -> None:
        super().__init__("the person's permission is for another time: do not set out")


class PageRefused(OpsError):
    """Raised when the sheets would be written over a file that is there."""

    code = "page_refused"


class LinesDamaged(OpsError):
    """Raised when lines of a journal cannot be read; all others have been handed in or shown."""

    code = "lines_damaged"

    def __init__(self, lines: Sequence[int]) -> None:
        super().__init__(f"cannot be read, and were left out: line {', '.join(map(str, lines))} of the journal")


def main(arguments: Sequence[str], *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    """Run from the command line; an error is one line."""
    said = _parser().parse_args(arguments)
    try:
        said.command(said, clock())
    except OpsError as error:
        return report(error)
    except OSError as error:
        name = Path(error.filename).name if isinstance(error.filename, str) else "a file"
        print(f"file_refused: {name} cannot be read or written ({error.strerror})", file=sys.stderr)
        return 1
    return 0


def new_key(said: argparse.Namespace, _now: datetime) -> None:
    """Make a key, and print the half that is handed in."""
    passphrase = _passphrase(said)
    if said.passphrase_file is None and getpass("The same passphrase again: ") != passphrase:
        raise PassphraseRefused("the two are not the same; no key was made")
    print(json.dumps(worker_key.public_jwk(worker_key.make(said.file, passphrase))))


def show(said: argparse.Namespace, now: datetime) -> None:
    """Show the plan in the terminal."""
    file = _readable(said, now)
    for line in worker_lines(file.open(_unlock(said), now=now), Wording(said.language)):
        print(_printable(line))


def note(said: argparse.Namespace, now: datetime) -> None:
    """Note what happened; an end wipes the packet."""
    file = packet_file.read(said.packet)
    if said.what == "set-out":
        _note_set_out(file, said, now)
        print("noted")
    else:
        _note_end(file, said)
        print("noted, and the packet is wiped")


def print_page(said: argparse.Namespace, now: datetime) -> None:
    """Write the page for paper."""
    file = _readable(said, now)
    packet = file.open(_unlock(said), now=now)
    html = page(packet, own=said.language, theirs=said.person_language or language_of(packet))
    if str(said.output) == "-":
        sys.stdout.write(html)
        return
    if said.output.exists():
        raise PageRefused(f"{said.output.name} is there already; name another file")
    file.remember_page(said.output)
    write_private(said.output, html)
    print(f"wrote {said.output}; it goes with the packet, but not from a printer or a backup", file=sys.stderr)


def journal(said: argparse.Namespace, _now: datetime) -> None:
    """Print what was noted, as it is handed in."""
    notes = packet_journal.read(packet_file.read(said.packet).journal, _unlock(said))
    print(json.dumps({"entries": [entry.model_dump(mode="json", exclude_none=True) for entry in notes.entries]}))
    if notes.damaged:
        raise LinesDamaged(notes.damaged)


def hand_over(said: argparse.Namespace, _now: datetime) -> None:
    """Hand in what was noted; once the visit is over and everything has arrived, nothing of it stays here."""
    file = packet_file.read(said.packet)
    token = said.token_file.read_text(encoding="utf-8").strip()
    notes = packet_journal.read(file.journal, _unlock(said))
    if not notes.entries and not notes.damaged:
        print("there is nothing to hand in")
    for entry_id, settled in hand_in(notes.entries, url=said.url, token=token).items():
        print(f"{entry_id} {settled}")
    if notes.damaged:
        raise LinesDamaged(notes.damaged)
    if notes.has(EntryKind.OVER):
        file.journal.unlink(missing_ok=True)


def wipe(said: argparse.Namespace, _now: datetime) -> None:
    """Wipe the packet; what was noted stays until it is handed in."""
    packet_file.read(said.packet).wipe(is_over=False)


def _note_set_out(file: PacketFile, said: argparse.Namespace, now: datetime) -> None:
    file.end_in_time(now=now)
    if file.token is None:
        raise PacketWiped
    key = _unlock(said)
    if not file.open(key, now=now).permission.window.lets_set_out(now):
        raise OutsideWindow
    if packet_journal.read(file.journal, key).has(EntryKind.SET_OUT):
        return
    _add(file, said, EntryKind.SET_OUT, at=now)


def _note_end(file: PacketFile, said: argparse.Namespace) -> None:
    if file.is_over:
        return
    _add(file, said, EntryKind.OVER)
    file.wipe(is_over=True)


def _add(file: PacketFile, said: argparse.Namespace, kind: EntryKind, *, at: datetime | None = None) -> None:
    entry = JournalEntry(entry_id=random_id(), packet_id=file.packet_id, visit_id=file.visit_id, kind=kind, at=at)
    packet_journal.add(file.journal, entry, worker_key.read(_key_file(said)))


def _readable(said: argparse.Namespace, now: datetime) -> PacketFile:
    """Return the packet's file, before anybody is asked for a passphrase in vain."""
    file = packet_file.read(said.packet)
    file.end_in_time(now=now)
    if file.token is None:
        raise PacketWiped
    return file


def _unlock(said: argparse.Namespace) -> OpenKey:
    return worker_key.read(_key_file(said)).unlock(_passphrase(said))


def _key_file(said: argparse.Namespace) -> Path:
    chosen: Path | None = said.key
    return chosen or said.packet.with_name(KEY_FILE)


def _passphrase(said: argparse.Namespace) -> str:
    if said.passphrase_file is None:
        return getpass("Passphrase: ")
    return str(said.passphrase_file.read_text(encoding="utf-8")).removesuffix("\n")


def _printable(line: Line) -> str:
    name, value = line
    shown = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in value)
    return f"{name}: {shown}".replace("\n", "\n  ")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.visit_packet", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    making = commands.add_parser("new-key", help="make a key; prints the public half, to be handed in")
    making.add_argument("file", type=Path)
    making.add_argument("--passphrase-file", type=Path, help="instead of being asked")
    making.set_defaults(command=new_key)
    _on_packet(commands.add_parser("show", help="show the plan"), show, speaks=True)
    noting = _on_packet(commands.add_parser("note", help="note that you set out, or that it is over"), note)
    noting.add_argument("what", choices=["set-out", *ENDS], help="an end needs no passphrase, and wipes the packet")
    printing = _on_packet(commands.add_parser("print", help="write the sheets for paper"), print_page, speaks=True)
    printing.add_argument("output", type=Path, help="an HTML file, or - for a printer's pipe")
    printing.add_argument("--person-language", choices=LANGUAGES, help="of the person's sheet (default: theirs)")
    _on_packet(commands.add_parser("journal", help="print what was noted"), journal)
    handing = _on_packet(commands.add_parser("hand-in", help="hand in what was noted"), hand_over)
    handing.add_argument("--url", required=True, help="of the referral service")
    handing.add_argument("--token-file", type=Path, required=True, help="the worker's own token")
    _on_packet(commands.add_parser("wipe", help="wipe the packet, not what was noted"), wipe)
    return parser


def _on_packet(
    parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace, datetime], None], *, speaks: bool = False
) -> argparse.ArgumentParser:
    parser.add_argument("packet", type=Path)
    parser.add_argument("--key", type=Path, help=f"the worker's key file (default: {KEY_FILE} beside the packet)")
    parser.add_argument("--passphrase-file", type=Path, help="instead of being asked")
    if speaks:
        parser.add_argument("--language", choices=LANGUAGES, default="de", help="of the worker (default: de)")
    parser.set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
