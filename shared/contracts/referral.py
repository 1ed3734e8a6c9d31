"""What the referral service announces: help is asked for at a provider, arranged, and the loop is closed."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from shared.contracts import care, figures
from shared.contracts.categories import Category, Structural
from shared.contracts.envelope import CareEvent, Code, Disclosable, Id, Sources


class ReferralRequested(CareEvent):
    """A team asks to pass a person on to a provider. Nothing leaves by this: the person's grant decides."""

    event_type: ClassVar[str] = "referral.requested.v1"

    referral_id: Structural[Id]
    case_id: Structural[Id]
    person_id: Structural[Id]
    recipient_id: Structural[str]
    service: Structural[Code]
    needed: Structural[tuple[Category, ...]]
    requested_at: Structural[datetime]


class ReferralStepPlanned(care.StepPlanned):
    """Where a referral stands: whose turn it is and until when."""

    event_type: ClassVar[str] = "referral.step_planned.v1"


class ReferralClosed(CareEvent):
    """The loop is closed: nothing more will be said to that provider in this referral."""

    event_type: ClassVar[str] = "referral.closed.v1"

    referral_id: Structural[Id]
    person_id: Structural[Id]
    closed_at: Structural[datetime]


class AppointmentArranged(Disclosable):
    """A provider offered an appointment and the person took it."""

    event_type: ClassVar[str] = "referral.appointment_arranged.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    referral_id: Structural[Id]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    derived_from: Structural[Sources | None] = None
    appointment_at: Annotated[datetime, Category.APPOINTMENT] = Field(repr=False)

    def category(self) -> Category:
        """Return `appointment`."""
        return Category.APPOINTMENT

    def content(self) -> dict[str, Any]:
        """Return the time of the appointment, without the place."""
        return {"appointment_at": self.appointment_at.isoformat()}


class ReferralWorkDone(care.WorkDone):
    """Work that is paid for was done: once somebody has set out, whatever comes of it at the door."""

    event_type: ClassVar[str] = "referral.work_done.v1"


class ReferralWorkCorrected(care.WorkCorrected):
    """That work was recorded by mistake."""

    event_type: ClassVar[str] = "referral.work_corrected.v1"


class ReferralErasureConfirmed(CareEvent):
    """In this service the person's keys are destroyed and their rows deleted."""

    event_type: ClassVar[str] = "referral.person_erasure_confirmed.v1"
    sealed_for: ClassVar[str] = "erasure_id"

    erasure_id: Structural[Id]
    confirmed_at: Structural[datetime]


class ReferralFiguresCounted(figures.FiguresCounted):
    """What referral counted of a quarter, for the town's steering. It is about nobody."""

    event_type: ClassVar[str] = "referral.figures_counted.v1"
