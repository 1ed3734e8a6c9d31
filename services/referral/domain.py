"""Where a referral stands and what comes next. Pure rules: no clock, no database, no bus.

A referral is the list of what has happened to it. Its state follows from that list taken in order of time, so it does
not matter in which order news arrive: late or repeated news change nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from shared.contracts.consent import Outcome, ProviderAnswer


class State(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"
    NOT_CLEARED = "not_cleared"
    CLEARED = "cleared"
    OPENED = "opened"
    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    DECLINED = "declined"
    APPOINTMENT_OFFERED = "appointment_offered"
    APPOINTMENT_TAKEN = "appointment_taken"
    ATTENDED = "attended"
    NOT_ATTENDED = "not_attended"
    ENDED = "ended"
    CLOSED = "closed"


class News(StrEnum):
    """What can happen to a referral: the gate's word, the provider's answer, a deed of person or team."""

    CLEARED = "cleared"
    NOT_CLEARED = "not_cleared"
    OPENED = "opened"
    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    DECLINED = "declined"
    APPOINTMENT_OFFERED = "appointment_offered"
    ATTENDED = "attended"
    NOT_ATTENDED = "not_attended"
    ENDED = "ended"
    APPOINTMENT_TAKEN = "appointment_taken"
    CLOSED = "closed"


class Owner(StrEnum):
    """Whose turn it is. The team member who asked stays responsible throughout."""

    TEAM = "team"
    PERSON = "person"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose turn it is in a state, what the next step is, and after how many days it is overdue."""

    owner: Owner
    next_step: str
    days: int


ANSWERS: Final = frozenset(News(answer.value) for answer in ProviderAnswer)
FINAL: Final = frozenset({State.ENDED, State.CLOSED})

_ANSWERED: Final[Mapping[News, State]] = MappingProxyType({news: State(news.value) for news in ANSWERS})
_CLOSED: Final[Mapping[News, State]] = MappingProxyType({News.CLOSED: State.CLOSED})

# What is not named here changes nothing. Once a provider has answered, the gate's word moves the referral no more:
# taking a release back costs nobody the help that has begun. A provider that had opened may answer after that too.
TRANSITIONS: Final[Mapping[State, Mapping[News, State]]] = MappingProxyType(
    {
        State.REQUESTED: {News.CLEARED: State.CLEARED, News.NOT_CLEARED: State.NOT_CLEARED, **_CLOSED},
        State.NOT_CLEARED: {News.CLEARED: State.CLEARED, **_ANSWERED, **_CLOSED},
        State.CLEARED: {News.OPENED: State.OPENED, News.NOT_CLEARED: State.NOT_CLEARED, **_ANSWERED, **_CLOSED},
        State.OPENED: {News.NOT_CLEARED: State.NOT_CLEARED, **_ANSWERED, **_CLOSED},
        State.ACCEPTED: {**_ANSWERED, **_CLOSED},
        State.WAITING_LIST: {**_ANSWERED, **_CLOSED},
        State.DECLINED: {**_ANSWERED, **_CLOSED},
        State.APPOINTMENT_OFFERED: {News.APPOINTMENT_TAKEN: State.APPOINTMENT_TAKEN, **_ANSWERED, **_CLOSED},
        State.APPOINTMENT_TAKEN: {**_ANSWERED, **_CLOSED},
        State.ATTENDED: {**_ANSWERED, **_CLOSED},
        State.NOT_ATTENDED: {**_ANSWERED, **_CLOSED},
        State.ENDED: {},
        State.CLOSED: {},
    }
)

PLANS: Final[Mapping[State, Plan]] = MappingProxyType(
    {
        State.REQUESTED: Plan(Owner.PERSON, "person_decides_on_release", 3),
        State.NOT_CLEARED: Plan(Owner.TEAM, "talk_with_person", 7),
        State.CLEARED: Plan(Owner.PROVIDER, "provider_opens", 3),
        State.OPENED: Plan(Owner.PROVIDER, "provider_answers", 5),
        State.ACCEPTED: Plan(Owner.PROVIDER, "provider_offers_appointment", 10),
        State.WAITING_LIST: Plan(Owner.TEAM, "ask_for_place", 14),
        State.DECLINED: Plan(Owner.TEAM, "find_another_provider", 3),
        State.APPOINTMENT_OFFERED: Plan(Owner.PERSON, "person_decides_on_appointment", 2),
        State.APPOINTMENT_TAKEN: Plan(Owner.PERSON, "person_attends", 1),
        State.ATTENDED: Plan(Owner.PROVIDER, "provider_says_how_it_goes", 30),
        State.NOT_ATTENDED: Plan(Owner.TEAM, "make_contact", 2),
    }
)
"""Every state that is not final has one: nobody falls through."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One piece of news with its time, as its source tells it."""

    news: News
    at: datetime
    appointment_at: datetime | None = field(default=None, repr=False)
    outcome: Outcome | None = field(default=None, repr=False)


LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No time of a provider's is taken for later than this: one that nothing can be added to must not spoil a list."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a referral stands, since when, and what the provider said last."""

    state: State
    since: datetime
    appointment_at: datetime | None = field(default=None, repr=False)
    answer: Happening | None = field(default=None, repr=False)

    @property
    def plan(self) -> Plan | None:
        """Return whose turn it is; None when the referral is over."""
        return PLANS.get(self.state)

    @property
    def due_at(self) -> datetime | None:
        """Return when the next step is overdue: an appointment is decided on before it, and asked about after it."""
        if self.plan is None:
            return None
        days = timedelta(days=self.plan.days)
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
        return Standing(
            state=state,
            since=happening.at,
            appointment_at=happening.appointment_at,
            answer=happening if happening.news in ANSWERS else self.answer,
        )


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
    handed_over: int = 0
    """How often another human became responsible."""
    history: tuple[Happening, ...] = ()

    @property
    def standing(self) -> Standing:
        """Return where it stands."""
        return standing(self.requested_at, self.history)

    @property
    def number(self) -> int:
        """Return a number that grows with everything that happens: of two plans the one with the higher counts."""
        return 1 + len(self.history) + self.handed_over

    @property
    def next(self) -> tuple[str, str, datetime] | None:
        """Return who is responsible, for which step, until when; None when it is over."""
        standing = self.standing
        if standing.plan is None or standing.due_at is None:
            return None
        return self.responsible_id, standing.plan.next_step, standing.due_at

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

    def given_to(self, responsible_id: str) -> "Referral":
        """Return the referral with somebody else responsible; the same human again changes nothing."""
        if self.is_over() or responsible_id == self.responsible_id:
            return self
        return replace(self, responsible_id=responsible_id, handed_over=self.handed_over + 1)

    def appointments_taken(self) -> int:
        """Count the appointments that the person has taken, one after the other."""
        return sum(happening.news is News.APPOINTMENT_TAKEN for happening in self.history)

    def next_at(self, now: datetime) -> datetime:
        """Return a time for a deed of the team: after what it answers, even if the gate's clock is ahead."""
        return max([now, *(happening.at for happening in self.history)])


def standing(requested_at: datetime, history: Iterable[Happening]) -> Standing:
    """Return where a referral stands after its history, taken in order of time."""
    current = Standing(State.REQUESTED, since=requested_at)
    for happening in sorted(history, key=lambda one: one.at):
        current = current.after(happening)
    return current


def overdue(referrals: Iterable[Referral], *, now: datetime) -> list[Referral]:
    """Return the referrals whose next step is overdue, the longest first."""
    late = [(due, one) for one in referrals if (due := one.standing.due_at) is not None and due < now]
    return [one for _, one in sorted(late, key=lambda pair: pair[0])]
