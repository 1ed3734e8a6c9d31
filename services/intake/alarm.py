"""Which alarms one sees: the care circle of cases, outreach workers of threads, a lead both; their own, everybody."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from services.intake import care_view, outreach_store, watch
from services.intake.care import Rung
from services.intake.care_view import AlarmLine
from services.intake.domain import AlarmNotFound
from services.intake.outreach_store import WARNING, Thread, ThreadAlarm
from shared.contracts.care import end_of
from shared.keys import PersonKeys
from shared.unit_of_work import UnitOfWork

LOOK_AGAIN = "look_again"
FORGOTTEN_SOON = "forgotten_soon"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose alarms somebody sees."""

    cases: bool
    threads: bool
    own_id: str
    """Whoever asks sees what they are responsible for themselves: their own missed check-out, say."""


def alarm_lines(
    session: Session, keys: PersonKeys, scope: Scope, *, forget_after: timedelta, rung: Rung | None = None
) -> list[AlarmLine]:
    """Return the alarms after which nobody has acted yet, the oldest first; those of one rung if it is named."""
    of_cases = care_view.alarm_lines(session, keys, rung=rung)
    lines = [line for line in of_cases if scope.cases or line.responsible_id == scope.own_id]
    if scope.threads:
        standing = outreach_store.standing_alarms(session)
        lines += [_line(*one, forget_after=forget_after) for one in standing if rung is None or one[0].rung == rung]
    return sorted(lines, key=lambda line: (line.raised_at, line.level, line.alarm_id))


def see(work: UnitOfWork, scope: Scope, *, alarm_id: str, by: str) -> None:
    """Record that a human has seen an alarm. It goes on climbing until somebody acts."""
    alarm = work.session.get(ThreadAlarm, alarm_id)
    if not (scope.threads if alarm else scope.cases or _is_own(work, scope, alarm_id)):
        raise AlarmNotFound
    if alarm is None:
        watch.see_alarm(work, alarm_id=alarm_id, by=by)
    elif alarm.seen_at is None:
        alarm.seen_at, alarm.seen_by = work.now, by


def _is_own(work: UnitOfWork, scope: Scope, alarm_id: str) -> bool:
    own = [one for one in care_view.alarm_lines(work.session, work.keys) if one.responsible_id == scope.own_id]
    return any(line.alarm_id == alarm_id for line in own)


def _line(alarm: ThreadAlarm, thread: Thread, *, forget_after: timedelta) -> AlarmLine:
    step, due_at = LOOK_AGAIN, end_of(thread.look_again_on) if thread.look_again_on else None
    if alarm.level == WARNING:
        step, due_at = FORGOTTEN_SOON, thread.last_met_at + forget_after if thread.last_met_at else None
    return AlarmLine(
        alarm_id=alarm.alarm_id,
        thread_id=alarm.thread_id,
        strand_key=f"outreach.{alarm.thread_id}",
        rung=Rung(alarm.rung),
        level=alarm.level,
        raised_at=alarm.raised_at,
        seen_by=alarm.seen_by,
        step=step,
        responsible_id=thread.responsible_id,
        due_at=due_at,
    )
