"""What a request about an emergency may bring. It has no field in which a registered recipient could be named."""

from typing import Annotated

from pydantic import Field, StringConstraints

from services.consent.emergency import Disclosure
from services.consent.emergency_domain import EmergencyRecipient, FamilyNotice, Outcome, Reason
from services.consent.form import Body, Day
from shared.contracts.categories import Category
from shared.contracts.envelope import Id

CallerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
RequestKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]

ReasonText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f]*$"),
]


class EmergencyTold(Body):
    """Whom a named human tells what about a person, and why. The reason in words stays inside."""

    person_id: Id
    recipient: EmergencyRecipient
    assessor_id: CallerId
    reason: Reason
    reason_text: ReasonText = Field(repr=False)
    categories: frozenset[Category] = Field(min_length=1)
    second_person_id: CallerId | None = None
    family: FamilyNotice | None = None

    def disclosure(self) -> Disclosure:
        """Return what was decided."""
        return Disclosure(**dict(self))


class Reviewed(Body):
    """What a review came to."""

    outcome: Outcome


class PersonTold(Body):
    """Since when the person knows, today if it is left out, and in which language it was said."""

    told_on: Day | None = None
    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,8})?$")
