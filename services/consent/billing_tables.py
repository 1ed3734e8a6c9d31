"""The tables of billing. Nothing in clear leads from a voucher to a person, case, commission or time."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from services.consent.table_base import Base
from shared.database import Instant


class BookRow(Base, table=True):
    """How many units a Jobcenter has funded out of a budget line from a month on. It never shrinks."""

    __tablename__ = "book"

    recipient_id: str = Field(primary_key=True, max_length=40)
    budget_line: str = Field(primary_key=True, max_length=20)
    month: str = Field(primary_key=True, max_length=7)
    units: int


class VoucherRow(Base, table=True):
    """One unit of a book. `signature` is over recipient, serial and cents: who writes a row here cannot make one."""

    __tablename__ = "voucher"

    serial: str = Field(primary_key=True, max_length=22)
    recipient_id: str = Field(max_length=40, index=True)
    budget_line: str = Field(max_length=20)
    month: str = Field(max_length=7)
    cents: int
    signature: str = Field(max_length=86)
    state: str = Field(max_length=10)


class WorkRow(Base, table=True):
    """That work was told once (`work_hash` is keyed), and which vouchers it spent: sealed, and gone with the person.

    What is not paid yet is owed: by whom stands in clear until it is paid.
    """

    __tablename__ = "work_done"

    work_hash: str = Field(primary_key=True, max_length=64)
    person_id: str | None = Field(default=None, max_length=64, index=True)
    owed_units: int = 0
    owed_by: str | None = Field(default=None, max_length=40, index=True)
    owed_line: str | None = Field(default=None, max_length=20)
    is_corrected: bool = False
    link: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True), repr=False)


class StatementRow(Base, table=True):
    """A document of a statement as it was signed: what the recipient gets at each opening."""

    __tablename__ = "billing_statement"
    __table_args__ = (UniqueConstraint("recipient_id", "number"),)

    statement_id: str = Field(primary_key=True, max_length=64)
    recipient_id: str = Field(max_length=40)
    number: int
    month: str = Field(max_length=7)
    document: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(max_length=64)


class VoucherDisputeRow(Base, table=True):
    """That a Jobcenter disputes a voucher that was billed, and what became of it."""

    __tablename__ = "voucher_dispute"

    serial: str = Field(primary_key=True, max_length=22)
    recipient_id: str = Field(max_length=40, index=True)
    reason: str = Field(max_length=20)
    disputed_at: datetime = Field(sa_type=Instant)
    outcome: str | None = Field(default=None, max_length=10)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_by: str | None = Field(default=None, max_length=64)
    told_in: int | None = None
    """The number of the document that tells the Jobcenter."""
