"""What a recipient can ever receive, written out field by field. Only the consent service builds these.

Absent means absent: withheld, not asked and not existing look the same. Nothing here inherits from a care event,
and a field that is not named here cannot leave.
"""

from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.categories import Category


class Released(BaseModel):
    """A value that may go outside: frozen, and nothing but the fields that are written here."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ReleasedFact(Released):
    """A structured finding of one life domain."""

    code: str
    severity: int
    recorded_on: date
    since_on: date | None = None
    amount_cents: int | None = None
    contested: bool | None = None


class ReleasedStatement(Released):
    """A sentence that the person approved word by word."""

    text: str
    approved_on: date


class ReleasedRecommendation(Released):
    """A recommendation of the team."""

    code: str
    recommended_on: date
    contested: bool | None = None


class ReleasedConclusion(Released):
    """What is possible now, without diagnoses."""

    code: str
    decided_on: date
    contested: bool | None = None


class ReleasedAttendance(Released):
    """A talk that the person came to."""

    kind: str
    attended_on: date
    contested: bool | None = None


class ReleasedAppointment(Released):
    """A time, without the place."""

    appointment_at: datetime


class ReleasedIdentity(Released):
    """Who the person is."""

    name: str
    born_on: date | None = None


class ReleasedContact(Released):
    """How the person may be reached."""

    channel: str
    address: str | None = None


class JobcenterSituation(Released):
    """What a Jobcenter may know about the person behind one of its own references."""

    message_type: ClassVar[str] = "jobcenter.situation.v1"

    reference: str
    professional_secrecy: bool | None = None
    conclusion: Annotated[ReleasedConclusion | None, Category.CONCLUSION] = None
    recommendations: Annotated[tuple[ReleasedRecommendation, ...] | None, Category.RECOMMENDATION] = None
    statements: Annotated[tuple[ReleasedStatement, ...] | None, Category.STATEMENT] = None
    attendance: Annotated[tuple[ReleasedAttendance, ...] | None, Category.ATTENDANCE] = None
    work: Annotated[tuple[ReleasedFact, ...] | None, Category.WORK] = None
    contact: Annotated[ReleasedContact | None, Category.CONTACT] = None


class ProviderReferral(Released):
    """What a provider may know about the person behind one referral."""

    message_type: ClassVar[str] = "provider.referral.v1"

    reference: str
    service: str
    professional_secrecy: bool | None = None
    identity: Annotated[ReleasedIdentity | None, Category.IDENTITY] = None
    contact: Annotated[ReleasedContact | None, Category.CONTACT] = None
    livelihood: Annotated[tuple[ReleasedFact, ...] | None, Category.LIVELIHOOD] = None
    housing: Annotated[tuple[ReleasedFact, ...] | None, Category.HOUSING] = None
    physical_health: Annotated[tuple[ReleasedFact, ...] | None, Category.PHYSICAL_HEALTH] = None
    mental_health: Annotated[tuple[ReleasedFact, ...] | None, Category.MENTAL_HEALTH] = None
    addiction: Annotated[tuple[ReleasedFact, ...] | None, Category.ADDICTION] = None
    debts: Annotated[tuple[ReleasedFact, ...] | None, Category.DEBTS] = None
    family: Annotated[tuple[ReleasedFact, ...] | None, Category.FAMILY] = None
    safety: Annotated[tuple[ReleasedFact, ...] | None, Category.SAFETY] = None
    papers: Annotated[tuple[ReleasedFact, ...] | None, Category.PAPERS] = None
    language: Annotated[tuple[ReleasedFact, ...] | None, Category.LANGUAGE] = None
    daily_structure: Annotated[tuple[ReleasedFact, ...] | None, Category.DAILY_STRUCTURE] = None
    work: Annotated[tuple[ReleasedFact, ...] | None, Category.WORK] = None
    recommendations: Annotated[tuple[ReleasedRecommendation, ...] | None, Category.RECOMMENDATION] = None
    conclusion: Annotated[ReleasedConclusion | None, Category.CONCLUSION] = None
    statements: Annotated[tuple[ReleasedStatement, ...] | None, Category.STATEMENT] = None
    appointment: Annotated[ReleasedAppointment | None, Category.APPOINTMENT] = None


FRAME = frozenset({"type", "reference", "service", "professional_secrecy"})
"""What a message says of itself and not of the person. `professional_secrecy` is true, or absent: something in the
message comes from a person bound by § 203 StGB, so that the same duty binds the recipient (§ 76 SGB X)."""

ReleasedMessage = JobcenterSituation | ProviderReferral
"""Every message that can ever be opened by a recipient."""

RELEASED_FIELDS: dict[type[Released], dict[Category, str]] = {
    role: {
        item: name for name, field in role.model_fields.items() for item in field.metadata if isinstance(item, Category)
    }
    for role in (JobcenterSituation, ProviderReferral)
}
"""Which field of a role's message holds a category; a category that is missing here never leaves to that role."""
