"""What can be told in an emergency, written out field by field. Only the consent service builds these.

No wire carries them: a human hands them over. They are no released messages, so no opening can answer with one, and
what a class has no field for can never be told to that recipient: no debts, no work, no statement.
"""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.categories import Category
from shared.contracts.released import ReleasedContact, ReleasedFact, ReleasedIdentity


class EmergencyMessage(BaseModel):
    """What every one of them holds: why, as a code. The words of the assessor stay inside."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    message_type: ClassVar[str]

    reason: str


class RescueServiceMessage(EmergencyMessage):
    """What helps to find somebody and keep them alive (§ 34 StGB)."""

    message_type: ClassVar[str] = "emergency.rescue_service.v1"

    identity: Annotated[ReleasedIdentity | None, Category.IDENTITY] = None
    contact: Annotated[ReleasedContact | None, Category.CONTACT] = None
    physical_health: Annotated[tuple[ReleasedFact, ...] | None, Category.PHYSICAL_HEALTH] = None
    mental_health: Annotated[tuple[ReleasedFact, ...] | None, Category.MENTAL_HEALTH] = None
    safety: Annotated[tuple[ReleasedFact, ...] | None, Category.SAFETY] = None


class CrisisServiceMessage(EmergencyMessage):
    """What helps to reach somebody in a mental crisis (§ 34 StGB)."""

    message_type: ClassVar[str] = "emergency.crisis_service.v1"

    identity: Annotated[ReleasedIdentity | None, Category.IDENTITY] = None
    contact: Annotated[ReleasedContact | None, Category.CONTACT] = None
    mental_health: Annotated[tuple[ReleasedFact, ...] | None, Category.MENTAL_HEALTH] = None
    addiction: Annotated[tuple[ReleasedFact, ...] | None, Category.ADDICTION] = None
    safety: Annotated[tuple[ReleasedFact, ...] | None, Category.SAFETY] = None


class YouthWelfareOfficeMessage(EmergencyMessage):
    """What helps to protect a child (§ 4 (3) KKG)."""

    message_type: ClassVar[str] = "emergency.youth_welfare_office.v1"

    identity: Annotated[ReleasedIdentity | None, Category.IDENTITY] = None
    contact: Annotated[ReleasedContact | None, Category.CONTACT] = None
    family: Annotated[tuple[ReleasedFact, ...] | None, Category.FAMILY] = None
    safety: Annotated[tuple[ReleasedFact, ...] | None, Category.SAFETY] = None


class PoliceServiceMessage(EmergencyMessage):
    """What helps to find somebody or to avert a grave crime, and nothing about anybody's health (§§ 34, 138 StGB)."""

    message_type: ClassVar[str] = "emergency.police_service.v1"

    identity: Annotated[ReleasedIdentity | None, Category.IDENTITY] = None
    contact: Annotated[ReleasedContact | None, Category.CONTACT] = None
    safety: Annotated[tuple[ReleasedFact, ...] | None, Category.SAFETY] = None


EMERGENCY_MESSAGES: tuple[type[EmergencyMessage], ...] = (
    RescueServiceMessage,
    CrisisServiceMessage,
    YouthWelfareOfficeMessage,
    PoliceServiceMessage,
)
"""Every message that can be told in an emergency."""

EMERGENCY_FIELDS: dict[type[EmergencyMessage], dict[Category, str]] = {
    message: {
        item: name
        for name, field in message.model_fields.items()
        for item in field.metadata
        if isinstance(item, Category)
    }
    for message in EMERGENCY_MESSAGES
}
"""Which field of a message holds a category; a category that is missing here is never told to that recipient."""
