"""A Jobcenter that funds, is billed and reads what it is billed: for tests of vouchers and statements."""

import asyncio
import json
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from services.consent.billing_tables import VoucherRow, WorkRow
from services.consent.commissions import take_command
from services.consent.handlers import know_case
from services.consent.signing import PublicKeys, SignedAs
from services.consent.voucher import VoucherState
from shared.contracts.billing import BillingStatement
from shared.contracts.requests import read_command
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import JOBCENTER, a_case, a_commission, new_id
from tests.consent.gate import Gate

LINE = "16A-2026"
APRIL, MAY, JUNE = (datetime(2026, month, day, 9, tzinfo=UTC) for month, day in ((4, 1), (5, 4), (6, 1)))
"""The first working days on which March, April and May are billed."""
_RANDOM_NUMBERS = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{86}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Tens:
    """How many whole tens each group has spent by the end of each month, all months before it included."""

    large: tuple[int, int]
    small: tuple[int, int]


def some_tens(random: Random) -> Tens:
    """Draw what two histories that a Jobcenter cannot tell apart have in common."""
    first = random.randint(0, 2), random.randint(0, 2)
    second = first[0] + random.randint(0, 1), first[1] + random.randint(0, 1)
    return Tens(large=(first[0], second[0]), small=(first[1], second[1]))


def units_until(tens: tuple[int, int], random: Random) -> tuple[int, int]:
    """Draw how many units were spent by the end of each month: any numbers within their tens."""
    first = 10 * tens[0] + random.randint(0, 9)
    return first, max(first, 10 * tens[1] + random.randint(0, 9))


def commissioned(gate: Gate, count: int = 10, line: str = LINE, recipient_id: str = JOBCENTER) -> list[str]:
    """Have persons commissioned on a line; return their ids."""
    persons = [f"person-{new_id()}" for _ in range(count)]

    def commission(work: UnitOfWork) -> None:
        for person in persons:
            order = read_command(a_commission(f"BG-{new_id()[:12]}", budget_line=line))
            assert take_command(work, recipient_id=recipient_id, command=order, settings=gate.settings) == []
            commission_id = next(item.key_id for item in reversed(work.outgoing) if item.key_id)
            know_case(work, a_case(person, commission_id), settings=gate.settings)

    gate.write(commission)
    return persons


def at(gate: Gate, when: datetime) -> None:
    """Have the calendar gone through at a time."""
    gate.clock.now = when
    asyncio.run(gate.service.timers.run_calendar())


def documents(gate: Gate, recipient_id: str = JOBCENTER) -> list[BillingStatement]:
    """Return what every document says that a recipient can open, as it was signed."""
    keys = PublicKeys(gate.service.issuer.key.public.as_dict())
    return [
        BillingStatement.model_validate(keys.read(token, signed_as=SignedAs.STATEMENT))
        for token in tokens(gate, recipient_id)
    ]


def tokens(gate: Gate, recipient_id: str = JOBCENTER) -> list[str]:
    """Return the documents of a recipient, each once, in their order."""
    answers = [gate.open(notice, recipient_id) for notice in gate.notices(recipient_id)]
    found = dict.fromkeys(str(answer["statement"]) for answer in answers if answer["result"] == "statement")
    return sorted(found, key=_number)


def said(token: str) -> dict[str, Any]:  # Any: JSON values
    """Return what a document says, with random numbers by their form alone, and whether these stand in their order."""
    document = _payload(token)
    text = _RANDOM_NUMBERS.sub("*", json.dumps(document))
    in_order = all(group["vouchers"] == sorted(group["vouchers"]) for group in document["groups"])
    return {"said": text, "size": len(token), "order": in_order}


def _number(token: str) -> int:
    """Return the number of a document: a notice that was sent afresh comes later than one of a later month."""
    return int(_payload(token)["number"])


def _payload(token: str) -> dict[str, Any]:  # Any: JSON values
    payload = token.split(".")[1]
    document: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return document


def serials(said: BillingStatement) -> list[str]:
    """Return the serials that a document bills."""
    return [voucher.split(".")[0] for group in said.groups for voucher in group.vouchers]


def standing(gate: Gate, state: VoucherState) -> int:
    """Return how many vouchers stand in a state."""
    return len(gate.rows(VoucherRow, VoucherRow.state == state.value))


def owed(gate: Gate) -> int:
    """Return how many units are owed."""
    return sum(row.owed_units for row in gate.rows(WorkRow))


def account(gate: Gate, line: str = LINE) -> dict[str, Any]:  # Any: JSON values
    """Return what an operator sees of an account."""
    answer = gate.ask("GET", "/billing", role="operator")
    return next(one for one in answer.json() if one["budget_line"] == line)
