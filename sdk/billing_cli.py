"""The command line of billing: fund, dispute, keep statements as files, check them."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from sdk.billing import read_statement
from sdk.commands import Received, Refused
from sdk.errors import BadFile
from sdk.keys import read_json
from sdk.recipient import Recipient
from sdk.statement_check import SUFFIX, Document, Fault, Keys, check_folder, read_commissions
from sdk.store import Store

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
SENT = ("fund", "dispute-voucher")
"""What needs a connection."""

Print = Callable[[dict[str, str]], None]


def add_billing_commands(
    commands: Commands, commanding: Callable[[Commands, str, str], argparse.ArgumentParser]
) -> None:
    """Add what a Jobcenter can do about vouchers and statements."""
    fund = commanding(commands, "fund", "fund units of help out of a budget line (Jobcenter)")
    fund.add_argument("--budget-line", required=True, help="CONTINGENT is for people who come without a commission")
    fund.add_argument("--month", required=True, help="YYYY-MM, from which on they may be used")
    fund.add_argument("--units", type=int, required=True)

    dispute = commanding(commands, "dispute-voucher", "dispute a voucher on a statement (Jobcenter)")
    dispute.add_argument("--serial", required=True, help="write --serial=SERIAL: it may begin with a hyphen")
    dispute.add_argument("--reason", required=True, help="counted_twice, not_funded or amount")

    statements = commands.add_parser("statements", help="write the statements in the store into a folder (Jobcenter)")
    statements.add_argument("folder", type=Path)
    statements.add_argument("--store", type=Path, required=True)

    check = commands.add_parser("check-statements", help="check the statements in a folder, offline and without names")
    check.add_argument("folder", type=Path)
    check.add_argument("--key", type=Path, required=True, help="the gate's public signing key (JWK or JWK Set)")
    check.add_argument("--commissions", type=Path, help='how many each line had: {"2026-11": {"A-12": 14}}')
    check.add_argument("--until", type=_month, help="YYYY-MM: the month that must be there")


async def send_billing(recipient: Recipient, options: argparse.Namespace) -> Received | Refused:
    """Send what goes to the gate."""
    if options.command == "fund":
        return await recipient.fund(
            options.budget_line, month=options.month, units=options.units, command_id=options.command_id
        )
    return await recipient.dispute_voucher(options.serial, options.reason, command_id=options.command_id)


def run_billing(options: argparse.Namespace, show: Print) -> int:
    """Run what needs no connection; 0 if it was done and all is in order, 1 if the check found something."""
    if options.command == "statements":
        return _write_statements(options.store, options.folder, show)
    commissions = read_commissions(options.commissions) if options.commissions else None
    documents, faults = check_folder(
        options.folder, Keys(read_json(options.key)), commissions=commissions, until=options.until
    )
    for fault in faults:
        show({"document": fault.document, "fault": fault.fault})
    show(summary(documents, faults))
    return 1 if faults else 0


def summary(documents: list[Document], faults: list[Fault]) -> dict[str, str]:
    """Return the last line: what was checked, and whether it is in order."""
    months = sorted({document.said.month for document in documents})
    billed = sum(group.count for document in documents for group in document.said.groups)
    repaid = sum(one.count for document in documents for one in document.said.corrections)
    total = sum(document.said.total_cents for document in documents)
    return {
        "result": "not_in_order" if faults else "in_order",
        "documents": str(len(documents)),
        "months": f"{months[0]} to {months[-1]}" if months else "",
        "vouchers": str(billed),
        "paid_back": str(repaid),
        "total_eur": f"{total / 100:.2f}",
    }


def _write_statements(store_path: Path, folder: Path, show: Print) -> int:
    with Store(store_path) as store:
        tokens = store.statements()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for token in tokens:
            said = read_statement(token)
            path = folder / f"{said.month}.{said.number:04}{SUFFIX}"
            path.write_text(f"{token}\n", encoding="utf-8")
            show({"written": str(path)})
    except OSError as error:
        raise BadFile(f"{folder} cannot be written: {error.strerror}") from None
    return 0


def _month(text: str) -> str:
    if not re.fullmatch(r"20\d{2}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError("must be a month like 2026-11")
    return text
