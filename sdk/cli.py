"""A small command line for a recipient. Prints JSON, one object a line; never a key or a password."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel

from sdk.commands import Contact, Refused
from sdk.errors import GesehenError
from sdk.events import Event
from sdk.keys import make_key_pair, read_json, read_key, thumbprint
from sdk.recipient import Recipient
from sdk.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it was done, 1 if the gate refused it, 2 if it could not be asked."""
    options = parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        return _run(options)
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

    receive = _connected(commands, "receive", "receive notices, open them, keep and print what is released")
    receive.add_argument("--store", type=Path, required=True)

    opening = _connected(commands, "open", "ask what a notice says now; stores nothing")
    opening.add_argument("notice", help="its id; put -- before one that begins with -")

    commission = _connected(commands, "commission", "commission help (Jobcenter)")
    commission.add_argument("--reference", required=True)
    commission.add_argument("--service", required=True, help="clarification or outreach")
    commission.add_argument("--deadline", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
    commission.add_argument("--budget-line", required=True)
    commission.add_argument("--channel", choices=["phone", "email", "letter", "in_person"], required=True)
    commission.add_argument("--address", help="how to reach the person; not for in_person")

    cancel = _connected(commands, "cancel", "take a commission back (Jobcenter)")
    cancel.add_argument("--reference", required=True)

    answer = _connected(commands, "answer", "answer a referral (provider)")
    answer.add_argument("--reference", required=True)
    answer.add_argument("--answer", required=True)
    answer.add_argument("--appointment-at", type=datetime.fromisoformat, help="with appointment_offered")
    answer.add_argument("--outcome", help="with ended")
    return parser.parse_args(arguments)


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
    return 0


async def _receive(options: argparse.Namespace) -> int:
    async def show(event: Event) -> None:
        _print(event)

    with Store(options.store) as store:
        async with Recipient.from_files(options.connection, options.key) as recipient:
            await (await recipient.subscribe(show, store=store)).wait()
    return 0


async def _ask(options: argparse.Namespace) -> int:
    async with Recipient.from_files(options.connection, options.key) as recipient:
        result = await _send(recipient, options)
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
            )
        case "cancel":
            return await recipient.cancel_commission(options.reference)
        case _:
            return await recipient.answer_referral(
                options.reference, options.answer, appointment_at=options.appointment_at, outcome=options.outcome
            )


def _print(value: BaseModel | dict[str, str]) -> None:
    text = value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value, ensure_ascii=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
