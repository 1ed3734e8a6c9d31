"""The tables of this service. Where somebody is sent and what came of it lies sealed; places are about nobody."""

from datetime import date, datetime

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.database import Instant
from shared.figures import figures_table
from shared.tables import add_kit_tables


class Base(SQLModel, registry=registry()):
    """The tables of this service."""


class Case(Base, table=True):
    """A case as far as a referral needs it: whose it is, who took it, and whether it is over."""

    case_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(index=True, max_length=64)
    opened_at: datetime = Field(sa_type=Instant)
    notices_given_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    responsible_id: str | None = Field(default=None, max_length=100)
    taken_at: datetime | None = Field(default=None, sa_type=Instant)


class ReferralRow(Base, table=True):
    """One referral; `asked` holds provider, service and needs, `planned` what the care circle was told last.

    No date of the next step in clear, nor how often it changed: both would tell the state.
    """

    __tablename__ = "referral"

    referral_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    person_id: str = Field(index=True, max_length=64)
    responsible_id: str = Field(max_length=100)
    requested_at: datetime = Field(sa_type=Instant)
    is_open: bool = Field(default=True, index=True)
    asked: bytes = Field(repr=False)
    planned: bytes | None = Field(default=None, repr=False)


class HappeningRow(Base, table=True):
    """One piece of news in a referral. Even the gate's word and its time are the person's secret: all is sealed."""

    __tablename__ = "happening"

    referral_id: str = Field(primary_key=True, foreign_key="referral.referral_id", max_length=64)
    position: int = Field(primary_key=True)
    news: bytes = Field(repr=False)


class RefusalRow(Base, table=True):
    """Somebody wanted to do what they may not: who, what, when. No word of what the referral is about."""

    __tablename__ = "refusal"

    refusal_id: str = Field(primary_key=True, max_length=64)
    referral_id: str | None = Field(default=None, foreign_key="referral.referral_id", index=True, max_length=64)
    refused_id: str = Field(max_length=100)
    role: str = Field(max_length=30)
    deed: str = Field(max_length=40)
    refused_at: datetime = Field(sa_type=Instant)


class VisitRow(Base, table=True):
    """One home visit. Everything about it lies in `kept`, under a key of its own; over, it is gone with the key.

    Neither its state nor any time is in clear, so all visits that are over look the same. It refers to its case by no
    foreign key: the journal may bring back the end of a visit whose case a restored backup does not know.
    """

    __tablename__ = "visit"

    visit_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(index=True, max_length=64)
    person_id: str = Field(index=True, max_length=64)
    proposed_by: str = Field(max_length=100)
    is_over: bool = Field(default=False, index=True)
    kept: bytes | None = Field(default=None, repr=False)


class VisitAuditRow(Base, table=True):
    """Somebody was refused a deed on a visit, or a lead searched for whoever was missing: who, what, when."""

    __tablename__ = "visit_audit"

    entry_id: str = Field(primary_key=True, max_length=64)
    visit_id: str | None = Field(default=None, foreign_key="visit.visit_id", index=True, max_length=64)
    by_id: str = Field(max_length=100)
    role: str = Field(max_length=30)
    deed: str = Field(max_length=40)
    was_refused: bool
    at: datetime = Field(sa_type=Instant)


class WorkerKeyRow(Base, table=True):
    """The public key for which a worker's packets are sealed, and since when."""

    __tablename__ = "worker_key"

    worker_id: str = Field(primary_key=True, max_length=100)
    jwk: str = Field(max_length=300)
    since: datetime = Field(sa_type=Instant)


class PacketRow(Base, table=True):
    """That a packet was made: of which visit, for whom, when. The packet itself is not kept.

    It stays after the end: when a machine is lost, somebody has to say whose data was on it.
    """

    __tablename__ = "visit_packet"

    packet_id: str = Field(primary_key=True, max_length=64)
    visit_id: str = Field(foreign_key="visit.visit_id", index=True, max_length=64)
    worker_id: str = Field(max_length=100)
    plan_sha256: str = Field(max_length=64)
    issued_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class NoteRow(Base, table=True):
    """That a note was heard. What it says lies in `kept` under its visit's key, and goes with that key."""

    __tablename__ = "visit_note"

    entry_id: str = Field(primary_key=True, max_length=64)
    visit_id: str = Field(foreign_key="visit.visit_id", index=True, max_length=64)
    packet_id: str = Field(foreign_key="visit_packet.packet_id", max_length=64)
    has_ended: bool
    kept: bytes | None = Field(default=None, repr=False)


class ContingentRow(Base, table=True):
    """How many places a provider keeps for a service. How many of them referrals have is counted in the referrals."""

    __tablename__ = "contingent"

    recipient_id: str = Field(primary_key=True, max_length=40)
    service: str = Field(primary_key=True, max_length=48)
    places: int
    taken: int = 0
    """Written by no version any more; the next contraction of the tables drops it."""
    valid_until: datetime = Field(sa_type=Instant)
    offered_at: datetime = Field(sa_type=Instant)


class HoldRow(Base, table=True):
    """A place that is kept free for a while, for nobody by name. Neither who held it nor when is kept."""

    __tablename__ = "hold"

    hold_id: str = Field(primary_key=True, max_length=64)
    recipient_id: str = Field(index=True, max_length=40)
    service: str = Field(max_length=48)
    held_until: datetime = Field(sa_type=Instant)


class WaitingRow(Base, table=True):
    """Somebody waits for a place, under an id that is known nowhere else."""

    __tablename__ = "waiting"

    waiting_id: str = Field(primary_key=True, max_length=64)
    recipient_id: str = Field(index=True, max_length=40)
    service: str = Field(max_length=48)
    since: datetime = Field(sa_type=Instant)


class OutOfOrderRow(Base, table=True):
    """A place was held out of order: by whom, from which position, why. The day alone: a time would tell for whom."""

    __tablename__ = "out_of_order"

    entry_id: str = Field(primary_key=True, max_length=64)
    recipient_id: str = Field(max_length=40)
    service: str = Field(max_length=48)
    position: int | None = Field(default=None)
    waiting: int
    reason: str = Field(max_length=40)
    held_by: str = Field(max_length=100)
    held_on: date


add_kit_tables(Base.metadata)
figures_table(Base.metadata)
metadata = Base.metadata
