"""Who may say what where on the broker: queues, bindings and permissions are generated from this module alone.

Pure data and functions: no broker, no environment. Declaring and passwords are left to `ops.provision`.
One vhost is one zone: `care` for the four services, and one for every recipient, each of the same shape.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

Version = tuple[int, ...]

CARE: Final = "care"
EVENTS: Final = "care.events"
RETRY: Final = "care.retry"
INBOX: Final = "inbox"
REQUESTS: Final = "requests"
OPEN: Final = "requests.open"
COMMAND: Final = "requests.command"
COMMAND_PARKED: Final = "requests.command.parked"

GATE: Final = "consent"  # the only account with permissions in more than one vhost
PROVISIONER: Final = "provisioner"  # declares everything, reads and writes nothing
OPERATOR: Final = "operator"  # sees names and counts, no message
SERVICES: Final = ("intake", "assessment", "referral", GATE)

# Which events reach which service: the routing key of an event is its type.
SUBSCRIPTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "intake": (
            "consent.commission_received.v1",
            "consent.commission_cancelled.v1",
            "consent.commission_changed.v1",
            "consent.emergency_disclosed.v1",
            "consent.emergency_review_overdue.v1",
            "consent.emergency_settled.v1",
            "consent.person_erased.v1",
            "assessment.step_planned.v1",
            "assessment.finished.v1",
            "referral.step_planned.v1",
        ),
        "assessment": (
            "intake.case_opened.v1",
            "intake.notices_given.v1",
            "intake.case_ended.v1",
            "consent.fact_contested.v1",
            "consent.fact_contest_withdrawn.v1",
            "consent.person_awaited.v1",
            "consent.emergency_disclosed.v1",
            "consent.person_erased.v1",
        ),
        "referral": (
            "intake.case_opened.v1",
            "intake.notices_given.v1",
            "intake.case_ended.v1",
            "assessment.case_taken.v1",
            "consent.places_offered.v1",
            "consent.referral_cleared.v1",
            "consent.referral_not_cleared.v1",
            "consent.referral_opened.v1",
            "consent.referral_answered.v1",
            "consent.person_erased.v1",
        ),
        GATE: (
            "intake.case_ended.v1",
            "intake.case_opened.v1",
            "intake.case_shielded.v1",
            "intake.commission_joined.v1",
            "intake.contact_recorded.v1",
            "intake.figures_counted.v1",
            "intake.identity_recorded.v1",
            "intake.person_erasure_confirmed.v1",
            "assessment.attendance_recorded.v1",
            "assessment.conclusion_drawn.v1",
            "assessment.fact_recorded.v1",
            "assessment.fact_removed.v1",
            "assessment.figures_counted.v1",
            "assessment.person_erasure_confirmed.v1",
            "assessment.recommendation_made.v1",
            "assessment.statement_approved.v1",
            "assessment.work_corrected.v1",
            "assessment.work_done.v1",
            "referral.appointment_arranged.v1",
            "referral.closed.v1",
            "referral.figures_counted.v1",
            "referral.person_erasure_confirmed.v1",
            "referral.requested.v1",
            "referral.work_corrected.v1",
            "referral.work_done.v1",
        ),
    }
)

SECOND: Final = 1000  # the broker counts milliseconds
MIB: Final = 1024 * 1024
RETRY_TIERS: Final[Mapping[str, int]] = MappingProxyType({"5s": 5 * SECOND, "60s": 60 * SECOND})
MAX_MESSAGE_BYTES: Final = 256 * 1024
RESERVED: Final = frozenset({CARE, PROVISIONER, OPERATOR, *SERVICES})
_RECIPIENT_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue; everything beyond that is an argument."""

    name: str
    arguments: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Binding:
    """What an exchange hands to a queue."""

    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True)
class Permission:
    """What an account may do in the vhost: three regular expressions over names of queues and exchanges."""

    account: str
    write: str = "^$"
    read: str = "^$"
    configure: str = "^$"


@dataclass(frozen=True, slots=True)
class Zone:
    """A vhost with all that is in it."""

    vhost: str
    exchanges: Mapping[str, str]  # name -> type; all durable
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    permissions: tuple[Permission, ...]


def events_queue(service: str) -> str:
    """Return the queue from which a service takes its events."""
    return f"{service}.events"


def retry_queue(service: str, tier: str) -> str:
    """Return the queue in which an event waits for its next attempt; also the routing key that leads there."""
    return f"{service}.retry.{tier}"


def parked_queue(service: str) -> str:
    """Return the queue that keeps what a service could not handle; also the routing key that leads there."""
    return f"{service}.parked"


def readers_of(event_type: str) -> tuple[str, ...]:
    """Return the services whose queue an event reaches. An event that nobody reads yet cannot be routed."""
    return tuple(service for service in SERVICES if event_type in SUBSCRIPTIONS[service])


def is_recipient_id(text: str) -> bool:
    """Tell whether a text may name a recipient: it becomes a vhost and an account, so it must be no name of ours."""
    return _RECIPIENT_ID.fullmatch(text) is not None and text not in RESERVED


def care_zone(version: Version) -> Zone:
    """Return the vhost in which the services talk to each other."""
    return Zone(
        vhost=CARE,
        exchanges={EVENTS: "topic", RETRY: "direct"},
        queues=tuple(queue for service in SERVICES for queue in _care_queues(service, version)),
        bindings=tuple(binding for service in SERVICES for binding in _care_bindings(service)),
        permissions=(
            *(
                Permission(one, write=_only(EVENTS, RETRY), read=_only(events_queue(one), parked_queue(one)))
                for one in SERVICES
            ),
            Permission(OPERATOR),
        ),
    )


def recipient_zone(recipient_id: str, version: Version) -> Zone:
    """Return the vhost of one recipient. All have the same names in them, so that none tells about another."""
    return Zone(
        vhost=recipient_id,
        exchanges={REQUESTS: "direct"},
        queues=(
            # Notices may expire: the gate's table is the truth and renews them. Rejecting in a loop loses none.
            Queue(INBOX, {"x-message-ttl": 7 * 24 * 3600 * SECOND, **_unlimited_deliveries(version)}),
            # Nobody answers a caller who has gone.
            Queue(OPEN, {"x-message-ttl": 10 * SECOND, **_at_most(10_000, 8 * MIB)}),
            Queue(COMMAND, {"x-delivery-limit": 50, **_at_most(10_000, 64 * MIB), **_dead_letters_to(COMMAND_PARKED)}),
            Queue(COMMAND_PARKED, _unlimited_deliveries(version)),
        ),
        # Parked commands come by the default exchange: by `requests` the recipient could put something there itself.
        bindings=(Binding(REQUESTS, OPEN, "open"), Binding(REQUESTS, COMMAND, "command")),
        permissions=(
            Permission(recipient_id, write=_only(REQUESTS), read=_only(INBOX)),
            Permission(GATE, write=_only(INBOX, "amq.default"), read=_only(OPEN, COMMAND, COMMAND_PARKED)),
        ),
    )


def _care_queues(service: str, version: Version) -> tuple[Queue, ...]:
    parked = parked_queue(service)
    return (
        # The limit of 50 is a fuse (it also counts crashes); retries go through the waiting queues.
        Queue(events_queue(service), {"x-delivery-limit": 50, **_dead_letters_to(parked, exchange=RETRY)}),
        *(
            Queue(retry_queue(service, tier), {"x-message-ttl": wait, **_dead_letters_to(events_queue(service))})
            for tier, wait in RETRY_TIERS.items()
        ),
        Queue(parked, _unlimited_deliveries(version)),
    )


def _care_bindings(service: str) -> tuple[Binding, ...]:
    back = (*(retry_queue(service, tier) for tier in RETRY_TIERS), parked_queue(service))
    return (
        *(Binding(EVENTS, events_queue(service), key) for key in SUBSCRIPTIONS[service]),
        *(Binding(RETRY, queue, queue) for queue in back),
    )


def _dead_letters_to(key: str, *, exchange: str = "") -> dict[str, str | int]:
    """At least once: without `reject-publish` the broker silently falls back to at most once."""
    return {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-routing-key": key,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _at_most(messages: int, size: int) -> dict[str, str | int]:
    return {"x-max-length": messages, "x-max-length-bytes": size, "x-overflow": "reject-publish"}


def _unlimited_deliveries(version: Version) -> dict[str, str | int]:
    """4.x has a default of 20 and takes -1 for no limit; 3.x has none and dead-letters at once if given -1."""
    return {"x-delivery-limit": -1} if version >= (4,) else {}


def _only(*names: str) -> str:
    pattern = "|".join(re.escape(name) for name in names)
    return f"^({pattern})$" if len(names) > 1 else f"^{pattern}$"
