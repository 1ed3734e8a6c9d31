"""The care watch: knows what every case needs next, and sees to it that nothing is overdue in silence.

Every open case has a strand of intake's own, kept with the case itself, so a case without a next step cannot be written
down. The other strands are what the other services announce, and each ends when its service says so: what is owed to
somebody outlives the case. An alarm is a row: once for each plan and level of the ladder, whoever looks, however often,
and however long nobody looked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import update
from sqlmodel import Session, col

from services.intake import care_store
from services.intake.care import ORDINARY, Call, Ladder, Lane, Rung, Step, acute_ladder, guard_ladder
from services.intake.care_store import Alarm, Strand
from services.intake.domain import AlarmNotFound
from services.intake.store import Case
from shared.contracts.care import StepPlanned, Turn, end_of
from shared.database import Database
from shared.inbox import TooEarly
from shared.keys import PersonKeys, UnreadableValue
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

OWN: Final = "intake"
ACUTE: Final = "acute"
ASSESSMENT: Final = "assessment"
REFERRAL: Final = "referral"

UNREADABLE: Final = Call(-1, Rung.LEAD)
"""A level of its own: whoever was told that the step is overdue has not been told this."""

Plan = tuple[str, int]
"""A strand and the number of its plan."""


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody has to be told, and has not been."""

    strand_key: str
    number: int
    call: Call


def hear_step(work: UnitOfWork, event: StepPlanned) -> None:
    """Keep what a service says of a strand, also when the case has ended. The highest number of a strand counts."""
    case = work.session.get(Case, event.case_id)
    if case is None or case.person_id != event.person_id:
        raise TooEarly
    source = event.event_type.split(".", 1)[0]
    step = None
    if event.step is not None and event.due_at is not None:
        lane = Lane.GUARDED if event.is_guarded else Lane.ORDINARY
        step = Step(event.step, event.responsible_id, event.turn, event.due_at, lane)
    strand_key = f"{source}.{event.strand_id}"
    known = work.session.get(Strand, strand_key)
    if known is None or known.number < event.number:
        keep(work, case, strand_key, step, number=event.number, planned_at=event.planned_at)


def keep(
    work: UnitOfWork,
    case: Case,
    strand_key: str,
    step: Step | None,
    *,
    number: int | None = None,
    planned_at: datetime | None = None,
) -> None:
    """Write down what a strand needs next; without a step it is over. What was told of the plan before is settled."""
    row = work.session.get(Strand, strand_key)
    is_new = row is None
    if row is None:
        row = Strand(strand_key=strand_key, case_id=case.case_id, number=0, planned_at=work.now, is_open=False)
    elif number is None and row.is_open and care_store.readable_step(work.keys, case.person_id, row) == step:
        return
    row.number = number if number is not None else row.number + 1
    row.planned_at = planned_at or work.now
    row.is_open = step is not None
    row.plan = None if step is None else care_store.seal_step(work, case, strand_key, step)
    work.session.add(row)
    if not is_new:
        settle(work.session, strand_key, now=work.now)


def settle(session: Session, strand_key: str, *, now: datetime) -> None:
    """Settle the alarms of a strand: somebody has acted."""
    unsettled = (col(Alarm.strand_key) == strand_key, col(Alarm.settled_at).is_(None))
    session.execute(update(Alarm).where(*unsettled).values(settled_at=now))


def goes_on(session: Session, case: Case, *, since: datetime) -> bool:
    """Say whether the assessment of a case was planned further after that moment."""
    strand = session.get(Strand, f"{ASSESSMENT}.{case.case_id}")
    return strand is not None and strand.is_open and strand.planned_at > since


def has_open(session: Session, case_id: str, *, of: str) -> bool:
    """Say whether a service has an open strand in a case."""
    return any(strand.strand_key.startswith(f"{of}.") for strand, _ in care_store.open_strands(session, case_id))


def responsible(work: UnitOfWork, case: Case) -> str:
    """Return who is called for a case now: whoever has it in assessment, else whoever took it in."""
    strand = work.session.get(Strand, f"{ASSESSMENT}.{case.case_id}")
    step = care_store.readable_step(work.keys, case.person_id, strand) if strand is not None else None
    return case.responsible_id if step is None else step.responsible_id


def plan_own(work: UnitOfWork, case: Case) -> None:
    """Keep intake's own strand of a case: what stands on its line."""
    step = Step(case.next_step, case.responsible_id, Turn.TEAM, end_of(case.due_on))
    keep(work, case, f"{OWN}.{case.case_id}", step)


def take_in(work: UnitOfWork) -> int:
    """Plan what no strand of ours watches over (a case from before there was a watch); return how many."""
    found, taken_in = care_store.cases_without_strand(work.session, OWN), 0
    for case in found:
        try:
            with work.attempt():
                plan_own(work, case)
            taken_in += 1
        except UnreadableValue:  # of that one the log is loud, and readiness; the others are watched
            log.error("case_not_taken_in", case_id=case.case_id)
    return taken_in


def close_own(work: UnitOfWork, case: Case) -> None:
    """Close intake's own strand of a case that ends. Every other service closes its own, once nothing is owed there."""
    keep(work, case, f"{OWN}.{case.case_id}", None)


class Watch:
    """Looks at every open strand. Plans that were unsealed once are kept in memory until they change."""

    def __init__(
        self,
        database: Database,
        keys: PersonKeys,
        *,
        acknowledge_within: timedelta,
        guard_within: timedelta,
        ordinary: Ladder = ORDINARY,
    ) -> None:
        self._database = database
        self._keys = keys
        self._ladders = {
            Lane.ORDINARY: ordinary,
            Lane.ACUTE: acute_ladder(acknowledge_within),
            Lane.GUARDED: guard_ladder(guard_within),
        }
        self._plans: dict[Plan, Step | None] = {}

    def overdue(self, *, now: datetime) -> list[Due]:
        """Return whom nobody has told yet that a step is overdue."""
        with self._database.read() as session:
            self._follow(care_store.open_strands(session))
            calls = [
                Due(strand_key, number, call)
                for (strand_key, number), step in self._plans.items()
                for call in self._calls(step, now=now)
            ]
            told = care_store.told(session)
        return [due for due in calls if (due.strand_key, due.number, due.call.level) not in told]

    def is_blind(self) -> bool:
        """Say whether there is an open case that nothing watches over."""
        with self._database.read() as session:
            return bool(care_store.cases_without_strand(session, OWN))

    def _follow(self, strands: Iterable[tuple[Strand, str]]) -> None:
        """Take over what has changed, and forget what is over: nothing of an erased person stays in memory."""
        known, self._plans = self._plans, {}
        for strand, person_id in strands:
            key = (strand.strand_key, strand.number)
            # What could not be read is tried again at every look: a key that comes back lets the ladder go on.
            self._plans[key] = known.get(key) or _step(self._keys, person_id, strand)

    def _calls(self, step: Step | None, *, now: datetime) -> tuple[Call, ...]:
        if step is None:  # nobody knows when it is due: that is told to the lead, and not passed over
            return (UNREADABLE,)
        return self._ladders[step.lane].calls(step.due_at, now=now)


def raise_alarms(work: UnitOfWork, due: Iterable[Due]) -> list[Alarm]:
    """Tell whoever has to be told, unless the strand has moved on or another instance has told them."""
    raised = []
    for one in due:
        strand = work.session.get(Strand, one.strand_key)
        if strand is None or not strand.is_open or strand.number != one.number:
            continue
        if (one.strand_key, one.number, one.call.level) in care_store.told(work.session, one.strand_key):
            continue
        raised.append(_alarm(work, strand, one))
    return raised


def see_alarm(work: UnitOfWork, *, alarm_id: str, by: str) -> Alarm:
    """Record that a human has seen an alarm. It goes on climbing until somebody acts on the step."""
    alarm = work.session.get(Alarm, alarm_id)
    if alarm is None:
        raise AlarmNotFound
    if alarm.seen_at is None:
        alarm.seen_at, alarm.seen_by = work.now, by
    return alarm


def _alarm(work: UnitOfWork, strand: Strand, due: Due) -> Alarm:
    alarm = Alarm(
        alarm_id=random_id(),
        case_id=strand.case_id,
        strand_key=due.strand_key,
        number=due.number,
        level=due.call.level,
        rung=due.call.rung.value,
        raised_at=work.now,
    )
    work.session.add(alarm)
    work.session.flush()
    return alarm


def _step(keys: PersonKeys, person_id: str, strand: Strand) -> Step | None:
    step = care_store.readable_step(keys, person_id, strand)
    if step is None:
        log.error("step_unreadable", strand_key=strand.strand_key)
    return step
