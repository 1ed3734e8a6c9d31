"""The monthly statement of a Jobcenter: what a document says, and which vouchers prove it. Nobody is in it.

Reading only, as it came; whether it is genuine and in order is found by `statement_check.py`.
"""

import json
from base64 import urlsafe_b64decode
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sdk.errors import UnreadableAnswer

NO_STATEMENT = "0" * 64
"""What the first document names as the one before."""

CONTINGENT = "CONTINGENT"
"""The budget line that pays for people who came without a commission."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class FundedLine(_Part):
    """How many units you have funded out of a budget line so far."""

    budget_line: str
    units: int


class BilledGroup(_Part):
    """What is billed of some budget lines together; each voucher is `<serial>.<signature>`."""

    budget_lines: tuple[str, ...]
    unit_cents: int
    count: int
    amount_cents: int
    vouchers: tuple[str, ...]

    @property
    def serials(self) -> tuple[str, ...]:
        """Return the serials alone."""
        return tuple(voucher.partition(".")[0] for voucher in self.vouchers)


class Correction(_Part):
    """Units that were billed before and are paid back."""

    budget_lines: tuple[str, ...]
    unit_cents: int
    count: int
    amount_cents: int


class SettledDispute(_Part):
    """What became of a voucher that you disputed."""

    serial: str
    reason: str
    outcome: str


class BillingStatement(_Part):
    """One document of the statement of a month."""

    schema_version: Literal[1]
    issuer: str
    recipient_id: str
    number: int
    previous_sha256: str
    month: str
    part: int
    parts: int
    issued_on: date
    currency: str
    funded: tuple[FundedLine, ...]
    groups: tuple[BilledGroup, ...]
    corrections: tuple[Correction, ...]
    disputes: tuple[SettledDispute, ...]
    total_cents: int

    @property
    def amounts(self) -> "tuple[BilledGroup | Correction, ...]":
        """Return everything that the total is made of."""
        return self.groups + self.corrections


def read_statement(token: str) -> BillingStatement:
    """Return what a document says; raise UnreadableAnswer. The signature is not looked at."""
    try:
        _, payload, _ = token.split(".")
        return BillingStatement.model_validate(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (ValidationError, ValueError, RecursionError):
        raise UnreadableAnswer("a statement of a form that is not known here") from None
