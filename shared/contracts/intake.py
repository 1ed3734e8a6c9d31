"""What the intake service announces: a case begins or ends; who the person is and how to reach them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from shared.contracts import figures
from shared.contracts.categories import Category, Structural
from shared.contracts.envelope import CareEvent, Disclosable, Id, Value


class Origin(StrEnum):
    """How a case began. Only a commissioned one is known to the Jobcenter."""

    COMMISSIONED = "commissioned"
    SELF = "self"
    STREET = "street"


class Channel(StrEnum):
    """A way to reach a person."""

    PHONE = "phone"
    EMAIL = "email"
    LETTER = "letter"
    IN_PERSON = "in_person"


class Contact(Value):
    """How a person may be reached. No address is an ordinary value: then it is in person."""

    channel: Channel = Field(repr=False)
    address: Annotated[str, StringConstraints(min_length=3, max_length=120)] | None = Field(default=None, repr=False)


class Identity(Value):
    """Who a person is."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120)] = Field(repr=False)
    born_on: date | None = Field(default=None, repr=False)


class CaseOpened(CareEvent):
    """A person has a case, a responsible team and a first step with a date."""

    event_type: ClassVar[str] = "intake.case_opened.v1"

    case_id: Structural[Id]
    person_id: Structural[Id]
    commission_id: Structural[Id | None] = None
    origin: Structural[Origin]
    opened_at: Structural[datetime]
    first_contact_by: Structural[date]
    contact: Annotated[Contact | None, Category.CONTACT] = Field(default=None, repr=False)


class NoticesGiven(CareEvent):
    """The person was told who does what with their data, in a language that they know (Art. 13 and 14 GDPR).

    Until then nothing is found out about them and nobody is asked for help in their name.
    """

    event_type: ClassVar[str] = "intake.notices_given.v1"

    case_id: Structural[Id]
    person_id: Structural[Id]
    given_at: Structural[datetime]


class CaseEnded(CareEvent):
    """A case is over. Why is nobody's business outside the team, so it is not said."""

    event_type: ClassVar[str] = "intake.case_ended.v1"

    case_id: Structural[Id]
    person_id: Structural[Id]
    ended_at: Structural[datetime]


class CaseShielded(CareEvent):
    """The person is, or is related to, Jobcenter staff: whoever decides on personnel must hear nothing (§ 35 SGB I)."""

    event_type: ClassVar[str] = "intake.case_shielded.v1"

    case_id: Structural[Id]
    person_id: Structural[Id]
    shielded_at: Structural[datetime]


class CommissionJoined(CareEvent):
    """The person of a commission wants it to belong to the case that they had before. The commission moves there."""

    event_type: ClassVar[str] = "intake.commission_joined.v1"

    commission_id: Structural[Id]
    case_id: Structural[Id]
    person_id: Structural[Id]
    former_case_id: Structural[Id]
    former_person_id: Structural[Id]
    joined_at: Structural[datetime]


class AcuteNeedReported(CareEvent):
    """Somebody needs help now. Which kind stays in intake; a named human has to acknowledge it by that time."""

    event_type: ClassVar[str] = "intake.acute_need_reported.v1"

    need_id: Structural[Id]
    case_id: Structural[Id]
    person_id: Structural[Id]
    reported_at: Structural[datetime]
    acknowledge_by: Structural[datetime]


class IdentityRecorded(Disclosable):
    """A person told who they are."""

    event_type: ClassVar[str] = "intake.identity_recorded.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    identity: Annotated[Identity, Category.IDENTITY] = Field(repr=False)

    def category(self) -> Category:
        """Return `identity`."""
        return Category.IDENTITY

    def content(self) -> dict[str, Any]:
        """Return name and day of birth."""
        return self.identity.model_dump(mode="json", exclude_none=True)


class ContactRecorded(Disclosable):
    """A way to reach a person became known or changed."""

    event_type: ClassVar[str] = "intake.contact_recorded.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    contact: Annotated[Contact, Category.CONTACT] = Field(repr=False)

    def category(self) -> Category:
        """Return `contact`."""
        return Category.CONTACT

    def content(self) -> dict[str, Any]:
        """Return channel and address."""
        return self.contact.model_dump(mode="json", exclude_none=True)


class IntakeErasureConfirmed(CareEvent):
    """In this service the person's keys are destroyed and their rows deleted."""

    event_type: ClassVar[str] = "intake.person_erasure_confirmed.v1"
    sealed_for: ClassVar[str] = "erasure_id"

    erasure_id: Structural[Id]
    confirmed_at: Structural[datetime]


class IntakeFiguresCounted(figures.FiguresCounted):
    """What intake counted of a quarter, for the town's steering. It is about nobody."""

    event_type: ClassVar[str] = "intake.figures_counted.v1"
