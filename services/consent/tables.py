"""The tables of the consent service. Personal values lie sealed; what can be read is ids, times and codes."""

from datetime import date, datetime

from sqlalchemy import JSON, Column, LargeBinary, UniqueConstraint
from sqlmodel import Field

from services.consent import billing_tables, capacity_tables, figure_tables, recipient_tables  # noqa: F401  tables of the metadata below
from services.consent.table_base import Base
from shared.database import Instant
from shared.tables import add_kit_tables


class SubjectRow(Base, table=True):
    """What a release is about: a commission (the Jobcenter's reference) or a referral (a reference per referral)."""

    __tablename__ = "subject"
    __table_args__ = (UniqueConstraint("recipient_id", "reference_index"),)

    subject_id: str = Field(primary_key=True, max_length=64)
    recipient_id: str = Field(max_length=40, index=True)
    kind: str = Field(max_length=20)
    person_id: str | None = Field(default=None, max_length=64, index=True)
    reference_index: str = Field(max_length=64)
    contact_index: str | None = Field(default=None, max_length=64)
    sealed_under: str | None = Field(default=None, max_length=64)
    reference: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    service: str = Field(max_length=48)
    needed: list[str] = Field(sa_column=Column(JSON, nullable=False))
    received_on: date
    deadline: date | None = None
    budget_line: str | None = Field(default=None, max_length=20)
    changed_at: datetime | None = Field(default=None, sa_type=Instant)
    status_noticed: str | None = Field(default=None, max_length=20)
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
    clearance: str = Field(default="pending", max_length=20)
    opened: bool = False
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    mirrors: str | None = Field(default=None, max_length=64)
    """The Jobcenter's own commission, of which this is what its shield may be told about. It has no status."""


class FactRow(Base, table=True):
    """The newest version of what could ever be released, and its marks, which no version takes away."""

    __tablename__ = "fact"

    fact_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    version: int
    category: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    professional: bool
    first_recorded_at: datetime | None = Field(default=None, sa_type=Instant)
    first_received_at: datetime = Field(sa_type=Instant)
    recorded_at: datetime | None = Field(default=None, sa_type=Instant)
    received_at: datetime | None = Field(default=None, sa_type=Instant)
    content: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True), repr=False)
    derived_from: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    about: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True), repr=False)
    contest: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True), repr=False)


class GrantRow(Base, table=True):
    """One declaration of a person under one legal instrument, with its evidence; later ones have higher versions."""

    __tablename__ = "grant_record"

    grant_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    recipient_id: str = Field(max_length=40, index=True)
    purpose: str = Field(max_length=80)
    kind: str = Field(max_length=20)
    reaches_back: bool
    given_at: datetime = Field(sa_type=Instant)
    version: int = 1
    declared_on: date | None = None
    place: str = Field(default="elsewhere", max_length=20)
    given_by: str | None = Field(default=None, max_length=64)
    reminded_at: datetime | None = Field(default=None, sa_type=Instant)
    invalid_because: str | None = Field(default=None, max_length=20)
    channel: str = Field(max_length=20)
    language: str = Field(max_length=20)
    text_version: str = Field(max_length=40)
    text_sha256: str = Field(max_length=64)
    document_sha256: str | None = Field(default=None, max_length=64)
    recorded_by: str = Field(max_length=64)


class AnswerRow(Base, table=True):
    """One word of a grant. The words are the person's secret too, so they lie sealed."""

    __tablename__ = "answer"

    answer_id: str = Field(primary_key=True, max_length=64)
    grant_id: str = Field(max_length=64, index=True)
    person_id: str = Field(max_length=64, index=True)
    said: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    given_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    supersedes: str | None = Field(default=None, max_length=64)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = Field(default=None, max_length=20)
    confirm_by: datetime | None = Field(default=None, sa_type=Instant, index=True)
    disputed_at: datetime | None = Field(default=None, sa_type=Instant)


class HoldRow(Base, table=True):
    """A quiet signal of the person: nothing more leaves, to one recipient or to all. Nobody outside can see it."""

    __tablename__ = "hold"

    hold_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    recipient_id: str | None = Field(default=None, max_length=40)
    since: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class WithdrawalRow(Base, table=True):
    """What a person took back, whether or not anything stood then. `categories` lie sealed; none means all."""

    __tablename__ = "withdrawal"

    withdrawal_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    recipient_id: str | None = Field(default=None, max_length=40)
    purpose: str | None = Field(default=None, max_length=80)
    categories: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True), repr=False)
    at: datetime = Field(sa_type=Instant)


class InquiryRow(Base, table=True):
    """A message that waits for the person's word. `asked` holds its fields, their hash, and the answers it rests on."""

    __tablename__ = "inquiry"

    inquiry_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    subject_id: str = Field(max_length=64, index=True)
    recipient_id: str = Field(max_length=40)
    state: str = Field(max_length=20)
    asked: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    asked_at: datetime = Field(sa_type=Instant)
    answer_by: datetime = Field(sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)


class RepresentationRow(Base, table=True):
    """Who may answer for a person, within which scope. Name, scope and employer lie sealed."""

    __tablename__ = "representation"

    representation_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    kind: str = Field(max_length=20)
    described: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    document_sha256: str = Field(max_length=64)
    recorded_by: str = Field(max_length=64)
    since: datetime = Field(sa_type=Instant)
    valid_until: date
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = Field(default=None, max_length=30)


class ReceiptRow(Base, table=True):
    """A receipt as it was given out: of a grant under the grant's own id, of a withdrawal under a new one."""

    __tablename__ = "receipt"

    record_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    issued_at: datetime = Field(sa_type=Instant)
    signed: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)


class ReleaseRow(Base, table=True):
    """A notice that can be opened: content, a retraction, or a status. The id is all that the notice says."""

    __tablename__ = "release"

    release_id: str = Field(primary_key=True, max_length=64)
    recipient_id: str = Field(max_length=40, index=True)
    subject_id: str = Field(max_length=64, index=True)
    person_id: str | None = Field(default=None, max_length=64, index=True)
    kind: str = Field(max_length=20)
    state: str = Field(max_length=20)
    created_at: datetime = Field(sa_type=Instant)
    target_id: str | None = Field(default=None, max_length=64)
    told: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True), repr=False)
    told_entry: int | None = None


class LedgerRow(Base, table=True):
    """One link of a recipient's chain. `content` is salt and fields sealed for the person; erasure makes it mute."""

    __tablename__ = "ledger"

    recipient_id: str = Field(primary_key=True, max_length=40)
    number: int = Field(primary_key=True)
    previous_hash: str = Field(max_length=64)
    kind: str = Field(max_length=20)
    release_id: str = Field(max_length=64)
    at: datetime = Field(sa_type=Instant)
    commitment: str = Field(max_length=64)
    entry_hash: str = Field(max_length=64)
    key_id: str = Field(max_length=64, index=True)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)


class LedgerHeadRow(Base, table=True):
    """The last link of a recipient's chain."""

    __tablename__ = "ledger_head"

    recipient_id: str = Field(primary_key=True, max_length=40)
    number: int
    entry_hash: str = Field(max_length=64)


class CommandRow(Base, table=True):
    """A command that a recipient gave, and what it was told, so that a repeated one is answered the same."""

    __tablename__ = "command"

    recipient_id: str = Field(primary_key=True, max_length=40)
    command_id: str = Field(primary_key=True, max_length=64)
    body_sha256: str = Field(max_length=64)
    errors: list[dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))
    received_at: datetime = Field(sa_type=Instant)


class LeaseRow(Base, table=True):
    """Which instance does what only one may do."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True, max_length=40)
    holder: str = Field(max_length=64)
    until: datetime = Field(sa_type=Instant)


class AnsweredRequestRow(Base, table=True):
    """What was answered to a grant that came with an Idempotency-Key, and the hash of what stood in it: sealed."""

    __tablename__ = "answered_request"

    request_key: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64)
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    answered_at: datetime = Field(sa_type=Instant)


class PersonRow(Base, table=True):
    """A person whom the gate has heard of."""

    __tablename__ = "person"

    person_id: str = Field(primary_key=True, max_length=64)
    case_ended_at: datetime | None = Field(default=None, sa_type=Instant)
    erased_at: datetime | None = Field(default=None, sa_type=Instant)
    shielded_at: datetime | None = Field(default=None, sa_type=Instant)
    has_case: bool = False
    """Whether it is known by which commission, if any, they came: before that nobody can be billed for them."""
    joined_into: str | None = Field(default=None, max_length=64, index=True)
    """Under which id the same human goes on, since their commission moved there."""


class ErasureRow(Base, table=True):
    """That a person wants to be forgotten: ids and times, which say nothing once the person's keys are gone."""

    __tablename__ = "erasure"

    erasure_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True, unique=True)
    requested_at: datetime = Field(sa_type=Instant)
    requested_by: str = Field(max_length=64)
    completed_at: datetime | None = Field(default=None, sa_type=Instant)


class ErasureConfirmationRow(Base, table=True):
    """One service's word that its keys of that person are destroyed."""

    __tablename__ = "erasure_confirmation"

    erasure_id: str = Field(primary_key=True, max_length=64)
    service: str = Field(primary_key=True, max_length=20)
    confirmed_at: datetime = Field(sa_type=Instant)


class EmergencyRow(Base, table=True):
    """Something told without a grant, to avert a danger. Why, and what the person was told of it, lies sealed."""

    __tablename__ = "emergency"

    emergency_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(max_length=64, index=True)
    recipient: str = Field(max_length=30)
    assessor_id: str = Field(max_length=64)
    told_at: datetime = Field(sa_type=Instant, index=True)
    entry: int
    why: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    second_person_id: str | None = Field(default=None, max_length=64)
    confirmed_by: str | None = Field(default=None, max_length=64)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    reviewed_by: str | None = Field(default=None, max_length=64)
    reviewed_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome: str | None = Field(default=None, max_length=20)
    person_told_by: str | None = Field(default=None, max_length=64)
    person_told_at: datetime | None = Field(default=None, sa_type=Instant)
    person_told: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True), repr=False)
    overdue_announced_at: datetime | None = Field(default=None, sa_type=Instant)
    request_key: str | None = Field(default=None, max_length=64, unique=True)
    request_sha256: str = Field(max_length=64)


add_kit_tables(Base.metadata)
metadata = Base.metadata
