"""What a released snapshot may hold, per type. Absent means absent: withheld, not asked and not existing look alike.

Read with `extra="ignore"`: a category that this version does not know stays readable in `Released.released`.
`professional_secrecy`: something in it comes from a person bound by § 203 StGB, and binds you too (§ 76 SGB X).
`contested`: the person contests it; whoever may pass it on passes this on with it (§ 84 (2) SGB X).
"""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

FRAME = frozenset({"type", "reference", "service", "professional_secrecy"})
"""What a message says of itself and not of the person."""


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Fact(_Content):
    """A fact of one life domain, in codes."""

    code: str
    severity: int | None = None
    since_on: date | None = None
    amount_cents: int | None = None
    recorded_on: date | None = None
    contested: bool | None = None


class Conclusion(_Content):
    """What is possible now, without diagnoses."""

    code: str
    decided_on: date | None = None
    contested: bool | None = None


class Recommendation(_Content):
    """A recommendation of the team."""

    code: str
    recommended_on: date | None = None
    contested: bool | None = None


class Statement(_Content):
    """A sentence that the person approved word by word."""

    text: str
    approved_on: date | None = None


class Attendance(_Content):
    """A meeting that took place."""

    kind: str
    attended_on: date | None = None
    contested: bool | None = None


class Appointment(_Content):
    """An appointment that the person has."""

    appointment_at: datetime | None = None


class ReachedBy(_Content):
    """How the person may be reached."""

    channel: str
    address: str | None = None


class Identity(_Content):
    """Who the person is."""

    name: str
    born_on: date | None = None


class Situation(_Content):
    """What a Jobcenter may know of one commission now (`jobcenter.situation.v1`)."""

    type: Literal["jobcenter.situation.v1"]
    reference: str
    professional_secrecy: bool = False
    conclusion: Conclusion | None = None
    recommendations: tuple[Recommendation, ...] = ()
    statements: tuple[Statement, ...] = ()
    attendance: tuple[Attendance, ...] = ()
    work: tuple[Fact, ...] = ()
    contact: ReachedBy | None = None


class Referral(_Content):
    """What a provider may know of one referral now (`provider.referral.v1`)."""

    type: Literal["provider.referral.v1"]
    reference: str
    service: str | None = None
    professional_secrecy: bool = False
    identity: Identity | None = None
    contact: ReachedBy | None = None
    livelihood: tuple[Fact, ...] = ()
    housing: tuple[Fact, ...] = ()
    physical_health: tuple[Fact, ...] = ()
    mental_health: tuple[Fact, ...] = ()
    addiction: tuple[Fact, ...] = ()
    debts: tuple[Fact, ...] = ()
    family: tuple[Fact, ...] = ()
    safety: tuple[Fact, ...] = ()
    papers: tuple[Fact, ...] = ()
    language: tuple[Fact, ...] = ()
    daily_structure: tuple[Fact, ...] = ()
    work: tuple[Fact, ...] = ()
    statements: tuple[Statement, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    conclusion: Conclusion | None = None
    appointment: Appointment | None = None


CONTENT: dict[str, type[Situation] | type[Referral]] = {
    "jobcenter.situation.v1": Situation,
    "provider.referral.v1": Referral,
}
"""The class that reads each type."""
