"""Whether somebody fell through, worked out from the three services' own rows and not from the care watch's answers.

At the end of every day: has each open case somebody responsible who exists, and a next step with a day? Does the team
know of it? Which steps are overdue? In the end: was each step that was ever seen overdue told to whoever is
responsible, and to the lead if it went on, and how soon? After every look of the watch: is there an acute need of which
somebody who should know of it by that minute does not?
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from services.assessment.store import Case as AssessmentCase
from services.intake import care_store
from services.intake.care_store import AcuteNeed, Alarm, Strand
from services.intake.store import Case
from services.referral.store import Referrals
from shared.contracts.care import end_of
from shared.service import Service

GRACE = timedelta(days=2)
"""A service may be down for a day; somebody has to be told soon after it is back."""
LEAD_AFTER = timedelta(days=2)
ACKNOWLEDGE_WITHIN, HELP_WITHIN = timedelta(minutes=15), timedelta(hours=4)
NEVER = datetime.max.replace(tzinfo=UTC)

Key = tuple[str, datetime]
"""A strand of a case, and when its step was due."""


@dataclass(slots=True)
class Spell:
    """For how long a step was seen overdue at the end of every day. It may be planned otherwise, and so again later."""

    first: datetime
    last: datetime


@dataclass(slots=True)
class Oracle:
    """What was seen, day by day."""

    staff: set[str] = field(default_factory=set)
    """Everybody, and every team, that can be responsible."""
    without_step: list[str] = field(default_factory=list)
    in_nobodys_hands: list[str] = field(default_factory=list)
    unknown_to_team: list[str] = field(default_factory=list)
    silent_needs: list[str] = field(default_factory=list)
    overdue: dict[Key, list[Spell]] = field(default_factory=lambda: defaultdict(list))
    told: dict[Key, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    """Who was told of a step, and when: the rungs of the ladder."""
    about: dict[Key, str] = field(default_factory=dict)
    """What a step that was told of was, and whose turn."""
    open_by_day: list[int] = field(default_factory=list)
    overdue_by_day: list[int] = field(default_factory=list)

    def look(self, up: dict[str, Service], *, away: set[str], now: datetime) -> None:
        """Look at the end of a day at whatever runs."""
        late: list[Key] = []
        if "intake" in up:
            late += self._intake(up["intake"], now=now)
        if "assessment" in up:
            late += self._assessment(up["assessment"], away, now=now)
        if "referral" in up:
            late += self._referral(up["referral"], now=now)
        if "intake" in up and "assessment" in up:
            self._compare(up["intake"], up["assessment"], now=now)
        for key in late:
            spells = self.overdue[key]
            if not spells or spells[-1].last + GRACE < now:
                spells.append(Spell(now, now))
            spells[-1].last = now
        self.overdue_by_day.append(len(late))

    def _intake(self, service: Service, *, now: datetime) -> list[Key]:
        with service.database.read() as session:
            cases = session.exec(select(Case).where(col(Case.ended_at).is_(None))).all()
            strands = set(session.exec(select(Strand.case_id).where(col(Strand.is_open))))
        self.open_by_day.append(len(cases))
        self.without_step += [case.case_id for case in cases if not (case.next_step and case.due_on)]
        self.without_step += [case.case_id for case in cases if case.case_id not in strands]
        self.in_nobodys_hands += [case.case_id for case in cases if case.responsible_id not in self.staff]
        due = [(f"intake.{case.case_id}", end_of(case.due_on)) for case in cases]
        return [(key, due_at) for key, due_at in due if due_at <= now]

    def _assessment(self, service: Service, away: set[str], *, now: datetime) -> list[Key]:
        with service.database.read() as session:
            found = select(AssessmentCase).where(
                col(AssessmentCase.ended_at).is_(None), col(AssessmentCase.finished_at).is_(None)
            )
            cases = session.exec(found).all()
        self.without_step += [case.case_id for case in cases if case.next_step in ("", "none")]
        self.in_nobodys_hands += [case.case_id for case in cases if case.responsible_id not in self.staff - away]
        due = [(f"assessment.{case.case_id}", end_of(case.due_on)) for case in cases]
        return [(key, due_at) for key, due_at in due if due_at <= now]

    def _referral(self, service: Service, *, now: datetime) -> list[Key]:
        with service.database.read() as session:
            referrals = Referrals(session, service.keys).open()
        due = [(f"referral.{one.referral_id}", one.standing.due_at, one.responsible_id) for one in referrals]
        self.without_step += [key for key, due_at, _ in due if due_at is None]
        self.in_nobodys_hands += [key for key, _, responsible_id in due if responsible_id not in self.staff]
        return [(key, due_at) for key, due_at, _ in due if due_at is not None and due_at <= now]

    def _compare(self, intake: Service, assessment: Service, *, now: datetime) -> None:
        with intake.database.read() as session:
            of_some_time = (col(Case.ended_at).is_(None), col(Case.opened_at) < now - GRACE)
            cases = set(session.exec(select(Case.case_id).where(*of_some_time)))
        with assessment.database.read() as session:
            known = set(session.exec(select(AssessmentCase.case_id).where(col(AssessmentCase.ended_at).is_(None))))
        self.unknown_to_team += sorted(cases - known)

    def hear(self, intake: Service, *, now: datetime) -> None:
        """Note what stands told: the very step, by its day, and not just something about the same case."""
        with intake.database.read() as session:
            for alarm, strand, person_id in care_store.open_alarms(session):
                step = care_store.step_of(intake.keys, person_id, strand)
                if step is not None:
                    key = (strand.strand_key, step.due_at)
                    self.told[key].setdefault(alarm.rung, now)
                    self.about[key] = f"{strand.strand_key.split('.', 1)[0]}: {step.code}, turn of {step.turn.value}"

    def hear_needs(self, intake: Service, *, now: datetime) -> None:
        """Note each acute need of which somebody was not told who had to be told by this minute."""
        with intake.database.read() as session:
            needs = session.exec(select(AcuteNeed).where(col(AcuteNeed.settled_at).is_(None))).all()
            told = defaultdict(list)
            for alarm in session.exec(select(Alarm).where(col(Alarm.strand_key).startswith("acute."))):
                told[alarm.strand_key.removeprefix("acute."), alarm.rung].append(alarm.raised_at)
        for need in needs:
            for rung, since in _to_be_told(need, now=now):
                if not any(at >= since for at in told[need.need_id, rung]):
                    self.silent_needs.append(need.need_id)

    def untold(self, *, now: datetime) -> list[Key]:
        """Return the steps that were overdue at the end of a day and of which the responsible was not told soon."""
        return [
            key
            for key, spell in self._spells()
            if (by := spell.first + GRACE) < now and self._told(key, "responsible") > by  # the last days still may be
        ]

    def not_climbed(self) -> list[Key]:
        """Return the steps that stayed overdue and of which the lead was not told soon."""
        return [key for key, spell in self._spells() if spell.last > _by(key, spell) < self._told(key, "lead")]

    def _spells(self) -> Iterator[tuple[Key, Spell]]:
        return ((key, spell) for key, spells in self.overdue.items() for spell in spells)

    def _told(self, key: Key, rung: str) -> datetime:
        return self.told.get(key, {}).get(rung, NEVER)


def _by(key: Key, spell: Spell) -> datetime:
    """Return by when the lead has to know of a step that goes on being overdue."""
    _, due_at = key
    return max(due_at + LEAD_AFTER, spell.first) + GRACE


def _to_be_told(need: AcuteNeed, *, now: datetime) -> list[tuple[str, datetime]]:
    """Return who has to know of a need by now, and since when: worked out anew, from the rule as it is written down."""
    if need.acknowledged_at is None:
        due_at, owed = need.reported_at + ACKNOWLEDGE_WITHIN, [("responsible", need.reported_at)]
    else:
        due_at, owed = need.acknowledged_at + HELP_WITHIN, []
    climbing = [("lead", due_at), ("on_call", due_at + ACKNOWLEDGE_WITHIN)]
    return owed + [(rung, since) for rung, since in climbing if since <= now]
