"""Where a referral stands and what comes next. Pure rules: no clock, no database, no bus.

A referral is the list of what has happened to it. Its state follows from that list taken in order of time, so it does
not matter in which order news arrive: late or repeated news change nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from services.referral.state import ANSWERS, FINAL, PLANS, TRANSITIONS, USUAL_DAYS, News, Plan, Reopening, State
from shared.contracts.care import Turn
from shared.contracts.consent import Outcome


@dataclass(frozen=True, slots=True)
class Happening:
    """One piece of news with its time, as its source tells it."""

    news: News
    at: datetime
    appointment_at: datetime | None = field(default=None, repr=False)
    outcome: Outcome | None = field(default=None, repr=False)
    noted_by: str | None = None
    """Who of the team wrote down what the provider said by telephone, say; nobody, if it answered itself."""


LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No time of a provider's is taken for later than this: one that nothing can be added to must not spoil a list."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a referral stands, since when, and what the provider said last."""

    state: State
    since: datetime
    appointment_at: datetime | None = field(default=None, repr=False)
    answer: Happening | None = field(default=None, repr=False)
    days: Mapping[State, int] = field(default_factory=lambda: USUAL_DAYS, repr=False)
    """After how many days each step is overdue in the town."""

    @property
    def plan(self) -> Plan | None:
        """Return whose turn it is; None when the referral is over."""
        return PLANS.get(self.state)

    @property
    def due_at(self) -> datetime | None:
        """Return when the next step is overdue: an appointment is decided on before it, and asked about after it."""
        if self.plan is None:
            return None
        days = timedelta(days=self.days[self.state])
        if self.state is State.APPOINTMENT_TAKEN and self.appointment_at is not None:
            return min(self.appointment_at, LATEST) + days
        due = self.since + days
        if self.state is State.APPOINTMENT_OFFERED and self.appointment_at is not None:
            return min(due, self.appointment_at)
        return due

    def after(self, happening: Happening) -> "Standing":
        """Return where the referral stands after one more piece of news."""
        state = TRANSITIONS[self.state].get(happening.news)
        outdated = happening.news is News.APPOINTMENT_TAKEN and happening.appointment_at != self.appointment_at
        if state is None or outdated:
            return self
        return replace(
            self,
            state=state,
            since=happening.at,
            appointment_at=happening.appointment_at,
            answer=happening if happening.news in ANSWERS else self.answer,
        )


@dataclass(frozen=True, slots=True)
class Planned:
    """What the care circle was told last of a referral: who is responsible, whose turn, what, by when."""

    number: int
    responsible_id: str
    turn: Turn
    step: str | None = field(repr=False)
    due_at: datetime | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Referral:
    """Help that was asked for at one provider, with all that has happened since."""

    referral_id: str
    case_id: str
    person_id: str
    responsible_id: str
    requested_at: datetime
    recipient_id: str = field(repr=False)  # where somebody is sent tells what they need
    service: str = field(repr=False)
    needed: tuple[str, ...] = field(repr=False)
    history: tuple[Happening, ...] = ()
    planned: Planned | None = field(default=None, repr=False)
    has_place: bool = False
    reopens: str | None = field(default=None, repr=False)
    reopened_because: Reopening | None = field(default=None, repr=False)
    days: Mapping[State, int] = field(default_factory=lambda: USUAL_DAYS, repr=False)

    @property
    def standing(self) -> Standing:
        """Return where it stands."""
        return standing(self.requested_at, self.history, self.days)

    def is_over(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.standing.state in FINAL

    def is_too_early(self, news: News) -> bool:
        """Say whether news came before what must have happened first: cleared, then opened, then answered."""
        heard = {happening.news for happening in self.history}
        if news is News.OPENED:
            return News.CLEARED not in heard
        return news in ANSWERS and News.OPENED not in heard

    def told(self, happening: Happening) -> "Referral":
        """Return the referral with one more piece of news; what is known already, or comes after the end, adds none."""
        if self.is_over() or happening in self.history:
            return self
        return replace(self, history=(*self.history, happening))

    def plan_to_tell(self) -> Planned | None:
        """Return what is to be told of where it stands, with the next number; nothing if that was told last."""
        standing, last = self.standing, self.planned
        plan = standing.plan
        new = Planned(
            number=last.number + 1 if last else 1,
            responsible_id=self.responsible_id,
            turn=plan.owner if plan else Turn.TEAM,
            step=plan.next_step if plan else None,
            due_at=standing.due_at,
        )
        return None if last is not None and replace(new, number=last.number) == last else new

    def at(self, now: datetime) -> "Referral":
        """Return it as it is now: without its place once it is declined, over, or was not cleared in time."""
        standing = self.standing
        waits_for_release = standing.state in {State.REQUESTED, State.NOT_CLEARED}
        is_late = waits_for_release and standing.due_at is not None and standing.due_at < now
        is_lost = self.is_over() or standing.state is State.DECLINED or is_late
        return replace(self, has_place=False) if self.has_place and is_lost else self

    def appointments_taken(self) -> int:
        """Count the appointments that the person has taken, one after the other."""
        return sum(happening.news is News.APPOINTMENT_TAKEN for happening in self.history)

    def next_at(self, now: datetime) -> datetime:
        """Return a time for a deed of the team: after what it answers, even if the gate's clock is ahead."""
        return max([now, *(happening.at for happening in self.history)])


def standing(requested_at: datetime, history: Iterable[Happening], days: Mapping[State, int] = USUAL_DAYS) -> Standing:
    """Return where a referral stands after its history, taken in order of time."""
    current = Standing(State.REQUESTED, since=requested_at, days=days)
    for happening in sorted(history, key=lambda one: one.at):
        current = current.after(happening)
    return current


def overdue(referrals: Iterable[Referral], *, now: datetime) -> list[Referral]:
    """Return the referrals whose next step is overdue, the longest first."""
    late = [(due, one) for one in referrals if (due := one.standing.due_at) is not None and due < now]
    return [one for _, one in sorted(late, key=lambda pair: pair[0])]
