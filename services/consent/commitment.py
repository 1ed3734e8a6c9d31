"""What a recipient signs before it may receive anything, and until when that holds. Pure: no clock, no database.

Two papers, both in force: a *purpose commitment* (the organisation uses what it is given for the stated purposes alone,
§ 78 (1) SGB X, § 35 SGB I) and a *staff secrecy notice* (the people there who handle it were told that the duty of
§ 203 StGB and § 76 SGB X goes on with them, § 78 (2) SGB X). When either runs out, nothing leaves any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.consent.domain import RecipientRole
from services.consent.errors import NotAcceptable

LONGEST_YEARS = 3
"""A paper of either kind holds for three years at the most; then it is signed, or given, anew."""

WARN_DAYS = (30, 7)
"""So many days before the end it is said loudly, once each."""


class CommittedPurpose(StrEnum):
    """What a recipient may use anything for. The list is closed."""

    BENEFIT = "benefit"
    REFERRAL = "referral"
    BILLING = "billing"
    STEERING = "steering"


_FITTING: dict[RecipientRole, frozenset[CommittedPurpose]] = {
    RecipientRole.JOBCENTER: frozenset({CommittedPurpose.BENEFIT, CommittedPurpose.BILLING, CommittedPurpose.STEERING}),
    RecipientRole.PROVIDER: frozenset({CommittedPurpose.REFERRAL, CommittedPurpose.BILLING}),
    RecipientRole.STEERING: frozenset({CommittedPurpose.STEERING}),
}
_NEEDED: dict[RecipientRole, CommittedPurpose] = {
    RecipientRole.JOBCENTER: CommittedPurpose.BENEFIT,
    RecipientRole.PROVIDER: CommittedPurpose.REFERRAL,
    RecipientRole.STEERING: CommittedPurpose.STEERING,
}


class RecipientState(StrEnum):
    """Where a recipient stands. Only an active one is sent anything, and opens anything."""

    ACTIVE = "active"
    LAPSED = "lapsed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Commitment:
    """The two papers of a recipient."""

    purposes: frozenset[CommittedPurpose]
    signed_on: date
    valid_until: date
    document_sha256: str
    staff_told_on: date
    staff_document_sha256: str

    def last_day(self) -> date:
        """Return the last day on which both papers hold."""
        return min(self.valid_until, years_after(self.staff_told_on, LONGEST_YEARS))

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """Return the midnight, in the town's own time, from which nothing leaves any more."""
        return datetime.combine(self.last_day() + timedelta(days=1), time(), zone).astimezone(UTC)


def last_day_before(ends_at: datetime, zone: ZoneInfo) -> date:
    """Return the last day that ends at this midnight."""
    return (ends_at.astimezone(zone) - timedelta(days=1)).date()


def check(commitment: Commitment, *, role: RecipientRole, today: date) -> None:
    """Refuse papers that do not hold today, or do not fit the role; every fault is named by its field."""
    faults = [*_faults_of_purposes(commitment, role), *_faults_of_time(commitment, today=today)]
    if faults:
        raise NotAcceptable(*faults)


def years_after(day: date, years: int) -> date:
    """Return the same day so many years later; the 29th of February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _faults_of_purposes(commitment: Commitment, role: RecipientRole) -> Iterable[tuple[str, str]]:
    field = "purpose_commitment.purposes"
    if not commitment.purposes <= _FITTING[role]:
        yield field, "names a purpose that this role never has"
    if _NEEDED[role] not in commitment.purposes:
        yield field, f"must name {_NEEDED[role]}, which is what this role receives anything for"


def _faults_of_time(commitment: Commitment, *, today: date) -> Iterable[tuple[str, str]]:
    if commitment.signed_on > today:
        yield "purpose_commitment.signed_on", "must not lie in the future"
    elif commitment.valid_until < today:
        yield "purpose_commitment.valid_until", "lies in the past: it has to be signed anew"
    elif commitment.valid_until > years_after(commitment.signed_on, LONGEST_YEARS):
        yield "purpose_commitment.valid_until", "must lie within three years of the signature"
    if commitment.staff_told_on > today:
        yield "staff_secrecy_notice.given_on", "must not lie in the future"
    elif years_after(commitment.staff_told_on, LONGEST_YEARS) < today:
        yield "staff_secrecy_notice.given_on", "lies more than three years back: the staff have to be told anew"
