"""The tables about recipients: who may receive anything, under which papers, with which key, and whom that concerns."""

from datetime import date, datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field

from services.consent.table_base import Base
from shared.database import Instant


class RecipientRow(Base, table=True):
    """Who may ever receive anything, and until when. Without a commitment nobody is registered."""

    __tablename__ = "recipient"

    recipient_id: str = Field(primary_key=True, max_length=40)
    organisation: str = Field(default="", max_length=120)
    role: str = Field(max_length=20)
    display_name: str = Field(max_length=120)
    offered: list[str] = Field(sa_column=Column(JSON, nullable=False))
    public_key: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    commitment_id: str | None = Field(default=None, max_length=64)
    commitment_ends_at: datetime = Field(sa_type=Instant)
    warned_days: int | None = None
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    shields: str | None = Field(default=None, max_length=40)
    """Of which Jobcenter recipient it is the shield: shielded persons are released to it alone (§ 35 SGB I)."""


class CommitmentRow(Base, table=True):
    """The two papers under which a recipient received anything, one row for each time that they were handed in."""

    __tablename__ = "commitment"

    commitment_id: str = Field(primary_key=True, max_length=64)
    recipient_id: str = Field(max_length=40, index=True)
    purposes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    signed_on: date
    valid_until: date
    document_sha256: str = Field(max_length=64)
    staff_told_on: date
    staff_document_sha256: str = Field(max_length=64)
    ends_at: datetime = Field(sa_type=Instant)
    recorded_at: datetime = Field(sa_type=Instant)
    recorded_by: str = Field(max_length=64)


class RecipientKeyRow(Base, table=True):
    """A public key that a recipient has, or had: one that was replaced never comes back."""

    __tablename__ = "recipient_key"

    recipient_id: str = Field(primary_key=True, max_length=40)
    thumbprint: str = Field(primary_key=True, max_length=64)
    since: datetime = Field(sa_type=Instant)
    replaced_at: datetime | None = Field(default=None, sa_type=Instant)


class ReconsiderationRow(Base, table=True):
    """A person who has to be reconsidered because a recipient ended, changed or came back; gone when that is done."""

    __tablename__ = "reconsideration"

    number: int | None = Field(default=None, primary_key=True)
    recipient_id: str = Field(max_length=40, index=True)
    person_id: str = Field(max_length=64)
    cause: str = Field(max_length=20)
    queued_at: datetime = Field(sa_type=Instant)
    not_before: datetime = Field(sa_type=Instant)
    attempts: int = 0
