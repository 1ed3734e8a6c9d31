"""All care events by their type: what the bus can carry. An unknown type is not an error of the sender."""

from shared.contracts import assessment, consent, intake, referral
from shared.contracts.envelope import CareEvent, Disclosable

_MODULES = (intake, assessment, referral, consent)


def _events() -> dict[str, type[CareEvent]]:
    found = [
        item
        for module in _MODULES
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, CareEvent) and item not in (CareEvent, Disclosable)
    ]
    return {event.event_type: event for event in sorted(found, key=lambda event: event.event_type)}


EVENTS: dict[str, type[CareEvent]] = _events()
"""Every care event class by its `event_type`, which is also its routing key."""


def producer_of(event_type: str) -> str:
    """Return the service that alone may announce this type."""
    return event_type.split(".", 1)[0]
