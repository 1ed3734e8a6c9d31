"""What the care circle sees of every case: the next step, what is overdue, who was told, who needs help now."""

from collections import defaultdict
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field
from sqlmodel import Session

from services.intake import care_store
from services.intake.care import Lane, Rung, Step, next_step
from services.intake.care_store import AcuteNeed, Alarm, Strand
from shared.contracts.care import Turn
from shared.keys import PersonKeys


class StepLine(BaseModel):
    """One strand of a case: who is responsible, whose turn it is, what comes next, by when."""

    strand_key: str
    responsible_id: str
    turn: Turn = Field(repr=False)
    step: str = Field(repr=False)
    due_at: datetime = Field(repr=False)
    overdue: bool

    @classmethod
    def of(cls, strand_key: str, step: Step, *, now: datetime) -> Self:
        """Return it as it is shown."""
        return cls(
            strand_key=strand_key,
            responsible_id=step.responsible_id,
            turn=step.turn,
            step=step.code,
            due_at=step.due_at,
            overdue=step.is_overdue(now=now),
        )


class CareLine(BaseModel):
    """A case with its next step. `unreadable` counts strands whose plan cannot be read: they are alarms."""

    case_id: str
    next: StepLine | None
    strands: list[StepLine]
    unreadable: int = 0


class AlarmLine(BaseModel):
    """That somebody has to be told: what is overdue in a case or a thread, and whom it has reached."""

    alarm_id: str
    case_id: str | None = None
    thread_id: str | None = None
    strand_key: str
    rung: Rung
    level: int
    raised_at: datetime
    seen_by: str | None
    step: str | None = Field(repr=False)
    responsible_id: str | None
    due_at: datetime | None = Field(repr=False)


class NeedLine(BaseModel):
    """Somebody needs help now. Of which kind, nobody knows whose key cannot be read: the need is on the list."""

    need_id: str
    case_id: str
    kind: str | None = Field(repr=False)
    reported_at: datetime
    reported_by: str
    acknowledge_by: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    settled_at: datetime | None
    overdue: bool

    @classmethod
    def of(cls, keys: PersonKeys, need: AcuteNeed, person_id: str, *, now: datetime) -> Self:
        """Return it as it is shown."""
        return cls(
            need_id=need.need_id,
            case_id=need.case_id,
            kind=care_store.kind_of(keys, person_id, need),
            reported_at=need.reported_at,
            reported_by=need.reported_by,
            acknowledge_by=need.acknowledge_by,
            acknowledged_at=need.acknowledged_at,
            acknowledged_by=need.acknowledged_by,
            settled_at=need.settled_at,
            overdue=need.acknowledged_at is None and need.acknowledge_by <= now,
        )


def care_lines(session: Session, keys: PersonKeys, *, now: datetime, case_id: str | None = None) -> list[CareLine]:
    """Return every case in which something is owed, the most urgent first; one case if it is named."""
    steps: dict[str, list[tuple[Strand, Step | None]]] = defaultdict(list)
    for strand, person_id in care_store.open_strands(session, case_id):
        steps[strand.case_id].append((strand, care_store.readable_step(keys, person_id, strand)))
    lines = sorted((_urgency(known), one) for one, known in steps.items())
    return [_line(one, steps[one], now=now) for _, one in lines]


def alarm_lines(session: Session, keys: PersonKeys, *, rung: Rung | None = None) -> list[AlarmLine]:
    """Return the alarms whose step nobody has done yet, the oldest first; those of one rung if it is named."""
    found = care_store.open_alarms(session)
    return [
        _alarm(alarm, care_store.readable_step(keys, person_id, strand))
        for alarm, strand, person_id in found
        if rung is None or alarm.rung == rung
    ]


def need_lines(session: Session, keys: PersonKeys, *, now: datetime) -> list[NeedLine]:
    """Return the acute needs that are open: those that nobody has acknowledged first, the longest waiting first."""
    return [NeedLine.of(keys, need, person_id, now=now) for need, person_id in care_store.open_needs(session)]


def _line(case_id: str, known: list[tuple[Strand, Step | None]], *, now: datetime) -> CareLine:
    steps = [(strand, step) for strand, step in known if step is not None]
    shown = [StepLine.of(strand.strand_key, step, now=now) for strand, step in steps]
    first = next_step(step for _, step in steps) if steps else None
    chosen = next((line for line, (_, step) in zip(shown, steps, strict=True) if step is first), None)
    return CareLine(case_id=case_id, next=chosen, strands=shown, unreadable=len(known) - len(steps))


def _urgency(known: list[tuple[Strand, Step | None]]) -> tuple[bool, bool, str]:
    """Sort what cannot be read first, then acute need, then by the day."""
    steps = [step for _, step in known if step is not None]
    if len(steps) < len(known) or not steps:
        return (False, False, "")
    first = next_step(steps)
    return (True, first.lane is not Lane.ACUTE, first.due_at.isoformat())


def _alarm(alarm: Alarm, step: Step | None) -> AlarmLine:
    return AlarmLine(
        alarm_id=alarm.alarm_id,
        case_id=alarm.case_id,
        strand_key=alarm.strand_key,
        rung=Rung(alarm.rung),
        level=alarm.level,
        raised_at=alarm.raised_at,
        seen_by=alarm.seen_by,
        step=step.code if step else None,
        responsible_id=step.responsible_id if step else None,
        due_at=step.due_at if step else None,
    )
