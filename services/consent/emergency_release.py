"""Builds what can be told in an emergency, field by field, from the facts of the categories that a human chose.

It takes an `EmergencyRecipient` and nothing else: neither a registered recipient nor a role can be handed to it.
"""

from collections.abc import Iterable
from typing import Any, assert_never

from services.consent.domain import KnownFact
from services.consent.emergency_domain import EmergencyRecipient, Reason
from services.consent.release import provider_referral
from shared.contracts.categories import Category
from shared.contracts.emergency import (
    EMERGENCY_FIELDS,
    CrisisServiceMessage,
    EmergencyMessage,
    PoliceServiceMessage,
    RescueServiceMessage,
    YouthWelfareOfficeMessage,
)

_MESSAGES: dict[EmergencyRecipient, type[EmergencyMessage]] = {
    EmergencyRecipient.RESCUE_SERVICE: RescueServiceMessage,
    EmergencyRecipient.CRISIS_SERVICE: CrisisServiceMessage,
    EmergencyRecipient.YOUTH_WELFARE_OFFICE: YouthWelfareOfficeMessage,
    EmergencyRecipient.POLICE_SERVICE: PoliceServiceMessage,
}


def tellable(recipient: EmergencyRecipient) -> frozenset[Category]:
    """Return the categories that this recipient can be told at all: those that its message has a field for."""
    return frozenset(EMERGENCY_FIELDS[_MESSAGES[recipient]])


def emergency_message(
    recipient: EmergencyRecipient, reason: Reason, categories: frozenset[Category], facts: Iterable[KnownFact]
) -> EmergencyMessage:
    """Return what is told: of the facts those of the chosen categories that this recipient can be told at all."""
    chosen = categories & tellable(recipient)
    # The values are built as for a provider, marks included; below only those of this recipient's list are taken over.
    # What is about somebody else is left out: it would be told as if it were about the person (§ 67d (2) SGB X).
    hers = [fact for fact in facts if fact.category in chosen and fact.about_id is None]
    values = provider_referral("", "", hers)
    match recipient:
        case EmergencyRecipient.RESCUE_SERVICE:
            return RescueServiceMessage(
                reason=reason.value,
                identity=values.identity,
                contact=values.contact,
                physical_health=values.physical_health,
                mental_health=values.mental_health,
                safety=values.safety,
            )
        case EmergencyRecipient.CRISIS_SERVICE:
            return CrisisServiceMessage(
                reason=reason.value,
                identity=values.identity,
                contact=values.contact,
                mental_health=values.mental_health,
                addiction=values.addiction,
                safety=values.safety,
            )
        case EmergencyRecipient.YOUTH_WELFARE_OFFICE:
            return YouthWelfareOfficeMessage(
                reason=reason.value,
                identity=values.identity,
                contact=values.contact,
                family=values.family,
                safety=values.safety,
            )
        case EmergencyRecipient.POLICE_SERVICE:
            return PoliceServiceMessage(
                reason=reason.value, identity=values.identity, contact=values.contact, safety=values.safety
            )
        case _:
            assert_never(recipient)


def told_fields(message: EmergencyMessage) -> dict[str, Any]:  # Any: JSON values
    """Return the message as it is handed over: absent means absent."""
    return {"type": message.message_type, **message.model_dump(mode="json", exclude_none=True)}
