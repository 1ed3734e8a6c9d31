"""Whether somebody fell through, worked out from the three services' own rows and not from the care watch's answers.

At the end of every day: has each open case somebody responsible and a next step with a day? Which steps are overdue?
At the end: was each step that was ever seen overdue told to somebody of the care circle, and how soon?
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from services.assessment.store import Case as AssessmentCase
from services.intake import care_store
from services.intake.care_store import Strand
from services.intake.store import Case
from services.referral.store import Referrals
from shared.contracts.care import end_of
from shared.service import Service

RUNGS = {"responsible", "lead", "on_call"}
GRACE = timedelta(days=2)
"""A service may be down for a day; somebody has to be told soon after it is back."""


@dataclass(slots=True)
class Overdue:
    """A step that was overdue at the end of a day."""

    due_at: datetime
    seen_at: datetime


@dataclass(slots=True)
class Oracle:
    """What was seen, day by day."""

    without_step: list[str] = field(default_factory=list)
    overdue: dict[tuple[str, datetime], Overdue] = field(default_factory=dict)
    told: dict[tuple[str, datetime], datetime] = field(default_factory=dict)
    open_by_day: list[int] = field(default_factory=list)
    overdue_by_day: list[int] = field(default_factory=list)

    def look(self, up: dict[str, Service], *, now: datetime) -> None:
        """Look at the end of a day at whatever runs."""
        late: list[tuple[str, datetime]] = []
        if "intake" in up:
            late += self._intake(up["intake"], now=now)
        if "assessment" in up:
            late += self._assessment(up["assessment"], now=now)
        if "referral" in up:
            late += self._referral(up["referral"], now=now)
        for key in late:
            self.overdue.setdefault(key, Overdue(key[1], now))
        self.overdue_by_day.append(len(late))

    def _intake(self, service: Service, *, now: datetime) -> list[tuple[str, datetime]]:
        with service.database.read() as session:
            cases = session.exec(select(Case).where(col(Case.ended_at).is_(None))).all()
            strands = set(session.exec(select(Strand.case_id).where(col(Strand.is_open))))
        self.open_by_day.append(len(cases))
        self.without_step += [
            case.case_id for case in cases if not (case.responsible_id and case.next_step and case.due_on)
        ]
        self.without_step += [case.case_id for case in cases if case.case_id not in strands]
        due = [(f"intake.{case.case_id}", end_of(case.due_on)) for case in cases]
        return [(key, due_at) for key, due_at in due if due_at <= now]

    def _assessment(self, service: Service, *, now: datetime) -> list[tuple[str, datetime]]:
        with service.database.read() as session:
            found = select(AssessmentCase).where(
                col(AssessmentCase.ended_at).is_(None), col(AssessmentCase.finished_at).is_(None)
            )
            cases = session.exec(found).all()
        self.without_step += [
            case.case_id for case in cases if not case.responsible_id or case.next_step in ("", "none")
        ]
        due = [(f"assessment.{case.case_id}", end_of(case.due_on)) for case in cases]
        return [(key, due_at) for key, due_at in due if due_at <= now]

    def _referral(self, service: Service, *, now: datetime) -> list[tuple[str, datetime]]:
        with service.database.read() as session:
            referrals = Referrals(session, service.keys).open()
        due = [(f"referral.{one.referral_id}", one.standing.due_at, one.responsible_id) for one in referrals]
        self.without_step += [key for key, due_at, responsible_id in due if due_at is None or not responsible_id]
        return [(key, due_at) for key, due_at, _ in due if due_at is not None and due_at <= now]

    def hear(self, intake: Service, *, now: datetime) -> None:
        """Note what stands told: the very step, by its day, and not just something about the same case."""
        with intake.database.read() as session:
            for alarm, strand, person_id in care_store.open_alarms(session):
                step = care_store.step_of(intake.keys, person_id, strand)
                if step is not None and alarm.rung in RUNGS:
                    self.told.setdefault((strand.strand_key, step.due_at), now)

    def untold(self, *, now: datetime) -> list[tuple[str, datetime]]:
        """Return the steps that were overdue at the end of a day and of which nobody was told soon."""
        told, never = self.told, datetime.max.replace(tzinfo=UTC)
        return [
            key
            for key, seen in self.overdue.items()
            if seen.seen_at + GRACE < now and told.get(key, never) > seen.seen_at + GRACE  # the last days still may be
        ]
