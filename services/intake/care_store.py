"""The tables of the care watch: what every strand of a case needs next, who was told what, and acute need.

When a step is due, and whose turn it is, tells what happened to a person: it lies sealed under the person's key.
"""

import json
from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, Session, col, select

from services.intake.care import Lane, Step
from services.intake.store import Base, Case
from shared.contracts.care import Turn
from shared.database import Instant
from shared.keys import KeyDestroyed, PersonKeys, UnreadableValue
from shared.unit_of_work import UnitOfWork


class Strand(Base, table=True):
    """One strand of a case as its service told it last. A strand that is over has no plan."""

    strand_key: str = Field(primary_key=True, max_length=80)
    """Which service's strand it is, and its id there."""
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    number: int
    planned_at: datetime = Field(sa_type=Instant)
    is_open: bool = Field(index=True)
    plan: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)


class Alarm(Base, table=True):
    """Somebody was told that a step is overdue: once for each strand, number of its plan, and level of the ladder."""

    alarm_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    strand_key: str = Field(foreign_key="strand.strand_key", index=True, max_length=80)
    number: int
    level: int
    rung: str = Field(max_length=20)
    raised_at: datetime = Field(sa_type=Instant)
    seen_at: datetime | None = Field(default=None, sa_type=Instant)
    seen_by: str | None = Field(default=None, max_length=64)
    settled_at: datetime | None = Field(default=None, index=True, sa_type=Instant)


class AcuteNeed(Base, table=True):
    """Somebody needs help now. What kind of need it is, and what came of it, is the person's."""

    __tablename__ = "acute_need"

    need_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    reported_at: datetime = Field(sa_type=Instant)
    reported_by: str = Field(max_length=64)
    acknowledge_by: datetime = Field(sa_type=Instant)
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_by: str | None = Field(default=None, max_length=64)
    settled_at: datetime | None = Field(default=None, index=True, sa_type=Instant)
    settled_by: str | None = Field(default=None, max_length=64)
    kind: bytes = Field(sa_type=LargeBinary, repr=False)
    outcome: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)


metadata = Base.metadata
"""All tables of intake, these included."""


def seal_step(work: UnitOfWork, case: Case, strand_key: str, step: Step) -> bytes:
    """Return a step, sealed for its row."""
    value = {
        "step": step.code,
        "responsible_id": step.responsible_id,
        "turn": step.turn.value,
        "due_at": step.due_at.isoformat(),
        "lane": step.lane.value,
    }
    return work.seal(case.person_id, _plan_place(strand_key), value)


def step_of(keys: PersonKeys, person_id: str, strand: Strand) -> Step | None:
    """Unseal what a strand needs next; None if it is over. Raises UnreadableValue or KeyDestroyed."""
    if strand.plan is None:
        return None
    value = json.loads(keys.unseal(person_id, _plan_place(strand.strand_key), strand.plan))
    return Step(
        code=value["step"],
        responsible_id=value["responsible_id"],
        turn=Turn(value["turn"]),
        due_at=datetime.fromisoformat(value["due_at"]),
        lane=Lane(value["lane"]),
    )


def kind_of(keys: PersonKeys, person_id: str, need: AcuteNeed) -> str | None:
    """Return of which kind a need is; None if nobody can read it: the need stands all the same."""
    try:
        return str(json.loads(keys.unseal(person_id, kind_place(need.need_id), need.kind)))
    except (UnreadableValue, KeyDestroyed):
        return None


def readable_step(keys: PersonKeys, person_id: str, strand: Strand) -> Step | None:
    """Return what an open strand needs next; None if nobody can read it."""
    try:
        return step_of(keys, person_id, strand)
    except (UnreadableValue, KeyDestroyed):
        return None


def open_strands(session: Session, case_id: str | None = None) -> list[tuple[Strand, str]]:
    """Return the strands that are not over, each with whose it is; of one case if it is named."""
    found = select(Strand, Case.person_id).join(Case).where(col(Strand.is_open))
    if case_id is not None:
        found = found.where(Strand.case_id == case_id)
    return [(strand, person_id) for strand, person_id in session.exec(found.order_by(Strand.strand_key))]


def cases_without_strand(session: Session, source: str) -> list[Case]:
    """Return the open cases that have no open strand of that service."""
    strands = select(Strand.case_id).where(col(Strand.is_open), col(Strand.strand_key).startswith(f"{source}."))
    found = select(Case).where(col(Case.ended_at).is_(None), col(Case.case_id).not_in(strands))
    return list(session.exec(found))


def open_alarms(session: Session) -> list[tuple[Alarm, Strand, str]]:
    """Return the alarms whose step nobody has done yet, the oldest first, each with its strand and whose it is."""
    found = (
        select(Alarm, Strand, Case.person_id)
        .join(Strand, col(Alarm.strand_key) == col(Strand.strand_key))
        .join(Case, col(Alarm.case_id) == col(Case.case_id))
        .where(col(Alarm.settled_at).is_(None))
        .order_by(col(Alarm.raised_at), col(Alarm.level), Alarm.alarm_id)
    )
    return [(alarm, strand, person_id) for alarm, strand, person_id in session.exec(found)]


def told(session: Session, strand_key: str | None = None) -> set[tuple[str, int, int]]:
    """Return which alarms stand: strand, number of its plan, level. Those of one plan settle when it changes."""
    found = select(Alarm.strand_key, Alarm.number, Alarm.level).where(col(Alarm.settled_at).is_(None))
    if strand_key is not None:
        found = found.where(Alarm.strand_key == strand_key)
    return {(strand_key, number, level) for strand_key, number, level in session.exec(found)}


def open_needs(session: Session, case_id: str | None = None) -> list[tuple[AcuteNeed, str]]:
    """Return the acute needs that are not settled, the longest waiting first, each with whose; of one case if named."""
    found = (
        select(AcuteNeed, Case.person_id)
        .join(Case)
        .where(col(AcuteNeed.settled_at).is_(None))
        .order_by(col(AcuteNeed.acknowledged_at).is_not(None), col(AcuteNeed.reported_at), AcuteNeed.need_id)
    )
    if case_id is not None:
        found = found.where(AcuteNeed.case_id == case_id)
    return [(need, person_id) for need, person_id in session.exec(found)]


def need_lock(session: Session, need_id: str) -> set[str]:
    """Name the row to lock before a need is read for a change."""
    found = select(Case.person_id).join(AcuteNeed).where(AcuteNeed.need_id == need_id)
    person_id = session.exec(found).first()
    return {f"person:{person_id}"} if person_id else set()


def kind_place(need_id: str) -> str:
    """Name the place that the kind of a need is sealed for."""
    return f"acute_need.kind.{need_id}"


def outcome_place(need_id: str) -> str:
    """Name the place that the outcome of a need is sealed for."""
    return f"acute_need.outcome.{need_id}"


def _plan_place(strand_key: str) -> str:
    return f"strand.plan.{strand_key}"
