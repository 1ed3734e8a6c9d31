"""A small command line for a recipient. Prints JSON, one object a line; never a key or a password."""

import argparse
import asyncio
import json
import logging
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel

from sdk.billing_cli import SENT, add_billing_commands, run_billing, send_billing
from sdk.commands import Contact, Refused, new_command_id
from sdk.errors import BadFile, GesehenError, TryAgain
from sdk.events import Event
from sdk.figure_report import as_csv, as_html, read_figures
from sdk.keys import make_key_pair, read_json, read_key, thumbprint
from sdk.recipient import Recipient
from sdk.store import Store

NOTICE = re.compile(r"-[A-Za-z0-9_-]{31,63}")  # no option is as long
CHANNELS = "phone, email, letter, in_person"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it was done, 1 if the gate refused it, 2 if it could not be asked."""
    options = parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        return _run(options)
    except TryAgain as error:
        sys.stderr.write(f"{error}{_how_to_repeat(options)}\n")
        return 2
    except GesehenError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sdk", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    keygen = commands.add_parser("keygen", help="make a key pair: NAME.key.json stays here, NAME.public.json is sent")
    keygen.add_argument("name")
    keygen.add_argument("--folder", type=Path, default=Path())
    keygen.add_argument(
        "--next", action="store_true", help="the next key beside the one that is there: NAME.2.key.json"
    )

    held = commands.add_parser("held", help="show what the store holds")
    held.add_argument("--store", type=Path, required=True)

    report = commands.add_parser("figures-report", help="make a page and a CSV of the figures in FILE (steering)")
    report.add_argument("file", type=Path, help="what `held`, `receive` or `open` printed")
    report.add_argument("--html", type=Path, help="where the page goes")
    report.add_argument("--csv", type=Path, help="where the CSV goes")
    report.add_argument("--town", default="", help="whose figures they are, for the heading")

    receive = _connected(commands, "receive", "receive notices, open them, keep and print what is released")
    receive.add_argument("--store", type=Path, required=True)

    opening = _connected(commands, "open", "ask what a notice says now; stores nothing")
    opening.add_argument("notice", help="its id")

    commission = _commanding(commands, "commission", "commission help (Jobcenter)")
    commission.add_argument("--reference", required=True)
    commission.add_argument("--service", required=True, help="clarification or outreach")
    commission.add_argument("--deadline", type=_day, required=True, help="YYYY-MM-DD")
    commission.add_argument("--budget-line", required=True)
    commission.add_argument("--channel", type=_channel, required=True, help=CHANNELS)
    commission.add_argument("--address", help="how to reach the person; not for in_person")

    change = _commanding(commands, "change", "change a commission's deadline or budget line (Jobcenter)")
    change.add_argument("--reference", required=True)
    change.add_argument("--deadline", type=_day, help="YYYY-MM-DD; not given, it stays")
    change.add_argument("--budget-line", help="not given, it stays")

    cancel = _commanding(commands, "cancel", "take a commission back (Jobcenter)")
    cancel.add_argument("--reference", required=True)

    answer = _commanding(commands, "answer", "answer a referral (provider)")
    answer.add_argument("--reference", required=True)
    answer.add_argument("--answer", required=True)
    answer.add_argument("--appointment-at", type=_moment, help="with appointment_offered")
    answer.add_argument("--outcome", help="with ended")

    offer = _commanding(commands, "offer-places", "say how many places you keep for a service (provider)")
    offer.add_argument("--service", required=True)
    offer.add_argument("--places", type=int, required=True)
    offer.add_argument("--valid-until", type=_moment, required=True, help="with offset, within 90 days")
    add_billing_commands(commands, _commanding)
    return parser.parse_args(_notice_last(sys.argv[1:] if arguments is None else arguments))


def _notice_last(arguments: Sequence[str]) -> list[str]:
    """Put a notice that begins with "-" behind "--": its id is drawn from all of A-Za-z0-9_-."""
    given = list(arguments)
    ids = [word for word in given if NOTICE.fullmatch(word)]
    if given[:1] != ["open"] or "--" in given or len(ids) != 1:
        return given
    return [*(word for word in given if word not in ids), "--", *ids]


def _commanding(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    parser = _connected(commands, name, text)
    again = "the id of an earlier attempt that got no answer: sent again under it, it has its effect once"
    parser.add_argument("--command-id", default=None, help=again)
    return parser


def _connected(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text)
    parser.add_argument("--connection", type=Path, required=True, help="the connection file you were given")
    parser.add_argument(
        "--key", type=Path, required=True, help="your own private key file, or the folder that holds several"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "keygen":
            private, public = make_key_pair(options.name, options.folder, is_next=options.next)
            public_key = read_key(read_json(public), name=str(public))
            _print({"keep": str(private), "send": str(public), "thumbprint": thumbprint(public_key)})
            return 0
        case "held":
            return _show_held(options.store)
        case "figures-report":
            return _report_figures(options)
        case "statements" | "check-statements":
            return run_billing(options, _print)
        case "receive":
            return asyncio.run(_receive(options))
        case _:
            return asyncio.run(_ask(options))


def _show_held(path: Path) -> int:
    with Store(path) as store:
        for released in store.held():
            _print(released)
        for reference, status in store.statuses().items():
            _print({"result": "status", "reference": reference, "status": status})
        for figures in store.figures():
            _print(figures)
    return 0


def _report_figures(options: argparse.Namespace) -> int:
    quarters = read_figures(options.file)
    texts = {options.html: as_html(quarters, town=options.town), options.csv: as_csv(quarters)}
    for path, text in texts.items():
        if path is not None:
            _write(path, text)
    written = [str(path) for path in (options.html, options.csv) if path is not None]
    _print({"quarters": ", ".join(figures.quarter for figures in quarters), "written": ", ".join(written)})
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise BadFile(f"{path} cannot be written: {error.strerror}") from None


async def _receive(options: argparse.Namespace) -> int:
    async def show(event: Event) -> None:
        _print(event)

    with Store(options.store) as store:
        async with Recipient.from_files(options.connection, options.key) as recipient:
            await (await recipient.subscribe(show, store=store)).wait()
    return 0


async def _ask(options: argparse.Namespace) -> int:
    if "command_id" in options:
        options.command_id = options.command_id or new_command_id()
    async with Recipient.from_files(options.connection, options.key) as recipient:
        send = send_billing if options.command in SENT else _send
        result = await send(recipient, options)
    _print(result)
    return 1 if isinstance(result, Refused) else 0


async def _send(recipient: Recipient, options: argparse.Namespace) -> BaseModel:
    match options.command:
        case "open":
            return await recipient.open(options.notice)
        case "commission":
            return await recipient.commission(
                reference=options.reference,
                service=options.service,
                deadline=options.deadline,
                budget_line=options.budget_line,
                contact=Contact(channel=options.channel, address=options.address),
                command_id=options.command_id,
            )
        case "change":
            return await recipient.change_commission(
                options.reference,
                deadline=options.deadline,
                budget_line=options.budget_line,
                command_id=options.command_id,
            )
        case "cancel":
            return await recipient.cancel_commission(options.reference, command_id=options.command_id)
        case "offer-places":
            return await recipient.offer_places(
                options.service,
                options.places,
                valid_until=options.valid_until,
                command_id=options.command_id,
            )
        case _:
            return await recipient.answer_referral(
                options.reference,
                options.answer,
                appointment_at=options.appointment_at,
                outcome=options.outcome,
                command_id=options.command_id,
            )


def _how_to_repeat(options: argparse.Namespace) -> str:
    if getattr(options, "command_id", None) is None:
        return ""
    return (
        "; the command may still be received. Repeat it with --command-id="
        f"{options.command_id} to be sure: under one id it has its effect once"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day like 2026-01-31") from None


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a time like 2026-01-31T09:00:00+01:00") from None


def _channel(text: str) -> str:
    """Argparse's own `choices` would repeat what was written."""
    if text not in CHANNELS.split(", "):
        raise argparse.ArgumentTypeError(f"must be one of {CHANNELS}")
    return text


def _print(value: BaseModel | dict[str, str]) -> None:
    text = value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value, ensure_ascii=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
