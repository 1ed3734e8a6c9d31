"""A home visit: one type for each state, so that nothing can start that the person has not permitted. Pure rules.

Only `Proposed.agree` makes an `Agreed`, and it takes a `Permission`; only `Agreed.set_out` makes an `UnderWay`, and it
spends the permission. What a visit needs (`permitted`) can be had of these two alone.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from services.referral.errors import FieldRefused, PlanChanged, TooEarlyToSetOut, WindowOver
from services.referral.visit_state import VISIT_STEPS, Due, VisitState, VisitStep
from shared.contracts.envelope import canonical
from shared.contracts.packet import EARLY

LONGEST: Final = timedelta(hours=4)
FARTHEST: Final = timedelta(days=31)
MOST_WORKERS: Final = 2
GRACE: Final = timedelta(minutes=15)
"""How long after its window they check out, unless they say otherwise."""
OVERRUN: Final = timedelta(minutes=60)
"""How long after its window they check out at the latest, whatever they say."""
LEAVE_WITHIN: Final = timedelta(minutes=15)
"""How long whoever is called back has to say that they left."""
LAPSES_AFTER: Final = timedelta(days=3)
"""How long a visit that nobody set out on stays, so that it is loud: its plan was over with its window."""
LAST_NUMBER: Final = 2**31 - 1
"""The number of the last plan of every visit: it does not tell how far the visit came."""


class Purpose(StrEnum):
    """What somebody comes for."""

    GET_TO_KNOW = "get_to_know"
    BRING_PAPERS = "bring_papers"
    ACCOMPANY = "accompany"
    LOOK_AFTER = "look_after"
    OTHER_AGREED = "other_agreed"


class GivenHow(StrEnum):
    """How the person gave their permission."""

    SPOKEN = "spoken"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Plan:
    """What for, who comes, when and where: what the person says yes to, all of it at once."""

    purpose: Purpose = field(repr=False)
    workers: tuple[str, ...]
    from_at: datetime = field(repr=False)
    until_at: datetime = field(repr=False)
    where: str = field(repr=False)
    ask_for: str | None = field(repr=False)
    language: str | None = field(repr=False)
    salt: str = field(repr=False)
    """Random and never shown: a plan can be compared by its hash, and not be guessed from it."""

    @property
    def sha256(self) -> str:
        """Return what a permission is bound to: any other plan has another one."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return sha256(canonical({**said, "workers": list(self.workers)})).hexdigest()

    def says_the_same(self, other: "Plan") -> bool:
        """Say whether the other is this plan, made twice."""
        return replace(other, salt=self.salt) == self

    def check(self, *, now: datetime, team: frozenset[str]) -> None:
        """Refuse, by field and reason, what nobody could permit in good faith."""
        if not 1 <= len(self.workers) <= MOST_WORKERS or len(set(self.workers)) < len(self.workers):
            raise FieldRefused("workers", "must be one or two, each named once")
        if not team >= set(self.workers):
            raise FieldRefused("workers", "names somebody who visits nobody here")
        if not now < self.from_at <= now + FARTHEST:
            raise FieldRefused("from_at", "must lie in the future, within 31 days")
        if not self.from_at < self.until_at <= self.from_at + LONGEST:
            raise FieldRefused("until_at", "must lie after from_at, by four hours at most")


@dataclass(frozen=True, slots=True)
class Permission:
    """The person's own word for one plan, once, until its window is over. A record; nothing is disclosed by it."""

    plan_sha256: str = field(repr=False)
    until_at: datetime = field(repr=False)
    given_how: GivenHow = field(repr=False)
    language: str = field(repr=False)
    recorded_by: str
    given_at: datetime = field(repr=False)

    def check(self, plan: Plan, *, at: datetime) -> None:
        """Refuse to let it stand for another plan, or after its time."""
        if self.plan_sha256 != plan.sha256:
            raise PlanChanged
        if at >= min(self.until_at, plan.until_at):
            raise WindowOver


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    visit_id: str
    case_id: str
    person_id: str
    proposed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed(_Visit):
    """The person has been asked, or will be. Nobody may come."""

    plan: Plan = field(repr=False)
    number: int = field(default=1, repr=False)

    state = VisitState.PROPOSED

    def agree(self, permission: Permission) -> "Agreed":
        """Return the visit that the person has permitted."""
        return Agreed(**_clear(self), plan=self.plan, permission=permission, number=self.number + 1)

    def changed(self, plan: Plan) -> "Proposed":
        """Return the visit with another plan."""
        return replace(self, plan=plan, number=self.number + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed(_Visit):
    """The person has said yes to this plan. It can be used once."""

    plan: Plan = field(repr=False)
    permission: Permission = field(repr=False)
    number: int = field(repr=False)

    state = VisitState.AGREED

    def __post_init__(self) -> None:
        """Refuse to be without a permission for this very plan."""
        self.permission.check(self.plan, at=self.permission.given_at)

    @property
    def permitted(self) -> Plan:
        """Return the plan that the person has said yes to."""
        return self.plan

    def changed(self, plan: Plan) -> Proposed:
        """Return the visit with another plan: the permission was for the former one, and is gone."""
        return Proposed(**_clear(self), plan=plan, number=self.number + 1)

    def set_out(self, at: datetime, *, check_out_by: datetime) -> "UnderWay":
        """Spend the permission: whoever visits is on their way, and will have checked out by a time."""
        if at < self.plan.from_at - EARLY:
            raise TooEarlyToSetOut
        return UnderWay(
            **_clear(self),
            plan=self.plan,
            permission=self.permission,
            set_out_at=at,
            check_out_by=min(check_out_by, self.plan.until_at + OVERRUN),
            number=self.number + 1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay(_Visit):
    """Whoever visits is on their way or inside, by a permission that is spent by it."""

    plan: Plan = field(repr=False)
    permission: Permission = field(repr=False)
    set_out_at: datetime = field(repr=False)
    check_out_by: datetime = field(repr=False)
    number: int = field(repr=False)

    state = VisitState.UNDER_WAY

    def __post_init__(self) -> None:
        """Refuse to be without a permission for this very plan that stood at setting out."""
        self.permission.check(self.plan, at=self.set_out_at)

    @property
    def permitted(self) -> Plan:
        """Return the plan that the person has said yes to."""
        return self.plan

    def called_back(self, at: datetime) -> "Leaving":
        """Return the visit without a permission: whoever is there leaves, and is guarded until they say so."""
        by = min(self.check_out_by, at + LEAVE_WITHIN)
        return Leaving(**_clear(self), plan=self.plan, check_out_by=by, number=self.number + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving(_Visit):
    """The permission is gone and whoever visits has to go. The plan is kept to find them if they do not check out."""

    plan: Plan = field(repr=False)
    check_out_by: datetime = field(repr=False)
    number: int = field(repr=False)

    state = VisitState.LEAVING


@dataclass(frozen=True, slots=True, kw_only=True)
class Over(_Visit):
    """It took place, or not; nothing tells which."""

    state = VisitState.OVER


Open = Proposed | Agreed | UnderWay | Leaving
Visit = Open | Over


def check_out_by(plan: Plan, minutes: int | None, *, now: datetime) -> datetime:
    """Return by when somebody who sets out now has checked out: as they say, else soon after the window."""
    return plan.until_at + GRACE if minutes is None else now + timedelta(minutes=minutes)


def step_of(visit: Open) -> VisitStep:
    """Return whose turn it is, and what comes next."""
    return VISIT_STEPS[visit.state]


def due_at(visit: Open) -> datetime:
    """Return when the next step is overdue."""
    due = step_of(visit).due
    if due is Due.CHECK_OUT_BY and isinstance(visit, UnderWay | Leaving):
        return visit.check_out_by
    return visit.plan.from_at if due is Due.FROM_AT else visit.plan.until_at


def has_lapsed(visit: Visit, *, now: datetime) -> bool:
    """Say whether nobody has set out on it for so long that it goes."""
    return isinstance(visit, Proposed | Agreed) and visit.plan.until_at + LAPSES_AFTER <= now


def is_missing(visit: Visit, *, now: datetime) -> bool:
    """Say whether there is no word of somebody in time who set out, or was to."""
    return isinstance(visit, Agreed | UnderWay | Leaving) and step_of(visit).is_guarded and due_at(visit) <= now


def _clear(visit: _Visit) -> dict[str, str]:
    return {name: getattr(visit, name) for name in ("visit_id", "case_id", "person_id", "proposed_by")}
