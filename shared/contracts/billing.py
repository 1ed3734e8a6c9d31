"""What a Jobcenter is billed, as it is signed: a statement a month, its documents each naming the one before.

No person, case, commission, day, provider or kind of help: numbers of vouchers, in tens. The sdk checks all of it.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.requests import BudgetLine, DisputeReason, Month, Serial

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

NO_STATEMENT = "0" * 64
"""What the first document names as the one before."""

Voucher = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{86}$")]
"""A serial and the gate's signature (Ed25519, base64url) over the text that `voucher_text` returns."""


def voucher_text(*, recipient_id: str, serial: str, cents: int) -> bytes:
    """Return what is signed for a voucher: for whom, its number, what it is worth. Nothing else is bound to it."""
    return f"gesehen voucher|{recipient_id}|{serial}|{cents}".encode()


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_serialization_defaults_required=True
    )


class FundedLine(_Part):
    """How many units were funded out of a budget line so far, over all months."""

    budget_line: BudgetLine
    units: int


class BilledGroup(_Part):
    """Vouchers that are billed together. A line with fewer than ten commissions never stands alone."""

    budget_lines: tuple[BudgetLine, ...]
    unit_cents: int
    count: int
    amount_cents: int
    vouchers: tuple[Voucher, ...]


class Correction(_Part):
    """Units that were billed before and are paid back, likewise in tens."""

    budget_lines: tuple[BudgetLine, ...]
    unit_cents: int
    count: int
    amount_cents: Annotated[int, Field(lt=0)]


class SettledDispute(_Part):
    """What became of a voucher that was disputed."""

    serial: Serial
    reason: DisputeReason
    outcome: Literal["stands", "credited"]


class BillingStatement(_Part):
    """A document of a monthly statement. Recipient, funding, commissions and calendar aside, it holds tens alone."""

    schema_version: Literal[1] = 1
    issuer: str
    recipient_id: str
    number: Annotated[int, Field(ge=1)]
    previous_sha256: Sha256
    month: Month
    part: Annotated[int, Field(ge=1)]
    parts: Annotated[int, Field(ge=1)]
    issued_on: date
    currency: Literal["EUR"] = "EUR"
    funded: tuple[FundedLine, ...]
    groups: tuple[BilledGroup, ...]
    corrections: tuple[Correction, ...]
    disputes: tuple[SettledDispute, ...]
    total_cents: int
