"""Builds what leaves, field by field, from the facts that the decision lets through. Redaction is construction.

There is no path from a care event to a recipient but this: a field that is not written here cannot leave.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from services.consent.domain import KnownFact
from shared.contracts.categories import Category
from shared.contracts.envelope import canonical
from shared.contracts.released import (
    FRAME,
    RELEASED_FIELDS,
    JobcenterSituation,
    ProviderReferral,
    ReleasedAppointment,
    ReleasedAttendance,
    ReleasedConclusion,
    ReleasedContact,
    ReleasedFact,
    ReleasedIdentity,
    ReleasedMessage,
    ReleasedRecommendation,
    ReleasedStatement,
)

Contents = dict[Category, list[dict[str, Any]]]  # Any: JSON values

ONLY_THE_LAST = {
    Category.CONCLUSION: "decided_on",
    Category.CONTACT: "channel",
    Category.IDENTITY: "name",
    Category.APPOINTMENT: "appointment_at",
}
"""Of these only one is told, whatever is known: the last by this field."""


def jobcenter_situation(reference: str, known: Iterable[KnownFact]) -> JobcenterSituation:
    """Return what the Jobcenter may know about the person behind its own reference."""
    known = tuple(known)
    by = _by_category(known)
    return JobcenterSituation(
        reference=reference,
        professional_secrecy=_secrecy(by, known, JobcenterSituation),
        conclusion=_conclusion(by),
        recommendations=_recommendations(by),
        statements=_statements(by),
        attendance=_attendance(by),
        work=_facts(by, Category.WORK),
        contact=_contact(by),
    )


def provider_referral(reference: str, service: str, known: Iterable[KnownFact]) -> ProviderReferral:
    """Return what a provider may know about the person behind one referral."""
    known = tuple(known)
    by = _by_category(known)
    return ProviderReferral(
        reference=reference,
        service=service,
        professional_secrecy=_secrecy(by, known, ProviderReferral),
        identity=_identity(by),
        contact=_contact(by),
        livelihood=_facts(by, Category.LIVELIHOOD),
        housing=_facts(by, Category.HOUSING),
        physical_health=_facts(by, Category.PHYSICAL_HEALTH),
        mental_health=_facts(by, Category.MENTAL_HEALTH),
        addiction=_facts(by, Category.ADDICTION),
        debts=_facts(by, Category.DEBTS),
        family=_facts(by, Category.FAMILY),
        safety=_facts(by, Category.SAFETY),
        papers=_facts(by, Category.PAPERS),
        language=_facts(by, Category.LANGUAGE),
        daily_structure=_facts(by, Category.DAILY_STRUCTURE),
        work=_facts(by, Category.WORK),
        recommendations=_recommendations(by),
        conclusion=_conclusion(by),
        statements=_statements(by),
        appointment=_appointment(by),
    )


def released_fields(message: ReleasedMessage) -> dict[str, Any]:  # Any: JSON values
    """Return the message as it travels: absent means absent, so there is no null and no empty list."""
    return {"type": message.message_type, **message.model_dump(mode="json", exclude_none=True)}


def names_told(fields: dict[str, Any]) -> list[str]:  # Any: JSON values
    """Return the fields of a message that tell something, beyond what it says of itself."""
    return sorted(fields.keys() - FRAME)


def says_anything(fields: dict[str, Any]) -> bool:  # Any: JSON values
    """Whether a message tells something beyond the frame."""
    return bool(names_told(fields))


def hash_of(fields: dict[str, Any]) -> str:  # Any: JSON values
    """Return the hash of the released fields: the one that a person is shown, and that the ledger holds."""
    return hashlib.sha256(canonical(fields)).hexdigest()


def is_within(told: dict[str, Any], allowed: dict[str, Any]) -> bool:  # Any: JSON values
    """Whether everything that was once told may still be known now; otherwise it is retracted."""
    return items_of(told) <= items_of(allowed)


def adds_nothing(now: dict[str, Any], before: dict[str, Any]) -> bool:  # Any: JSON values
    """Whether a message tells nothing that an earlier one did not, and binds to no secrecy beyond it (§ 76 SGB X)."""
    binds_more = "professional_secrecy" in now and "professional_secrecy" not in before
    return is_within(now, before) and not binds_more


def items_of(fields: dict[str, Any]) -> set[tuple[str, bytes]]:  # Any: JSON values
    """Return the single things that a message tells, each with the field that it stands in."""
    found: set[tuple[str, bytes]] = set()
    for name in names_told(fields):
        value = fields[name]
        found |= {(name, canonical(item)) for item in (value if isinstance(value, list) else [value])}
    return found


def _by_category(known: Iterable[KnownFact]) -> Contents:
    """Group contents. Their order says nothing about when or in which order they came to be known."""
    grouped: Contents = defaultdict(list)
    for fact in known:
        grouped[fact.category].append(fact.content)
    for contents in grouped.values():
        if len(contents) > 1:
            contents.sort(key=canonical)
    return grouped


def _secrecy(by: Contents, known: Iterable[KnownFact], message: type[ReleasedMessage]) -> bool | None:
    """Whether anything that is told comes from a person bound by § 203 StGB: their duty goes with it (§ 76 SGB X)."""
    told = {
        category: [_last(by, category)] if category in ONLY_THE_LAST else by[category]
        for category in RELEASED_FIELDS[message]
        if category in by
    }
    return any(fact.professional and fact.content in told.get(fact.category, ()) for fact in known) or None


def _facts(by: Contents, category: Category) -> tuple[ReleasedFact, ...] | None:
    return (
        tuple(
            ReleasedFact(
                code=content["code"],
                severity=content["severity"],
                recorded_on=content["recorded_on"],
                since_on=content.get("since_on"),
                amount_cents=content.get("amount_cents"),
                contested=content.get("contested"),
            )
            for content in by.get(category, ())
        )
        or None
    )


def _statements(by: Contents) -> tuple[ReleasedStatement, ...] | None:
    contents = by.get(Category.STATEMENT, ())
    return tuple(ReleasedStatement(text=c["text"], approved_on=c["approved_on"]) for c in contents) or None


def _recommendations(by: Contents) -> tuple[ReleasedRecommendation, ...] | None:
    contents = by.get(Category.RECOMMENDATION, ())
    found = tuple(
        ReleasedRecommendation(code=c["code"], recommended_on=c["recommended_on"], contested=c.get("contested"))
        for c in contents
    )
    return found or None


def _attendance(by: Contents) -> tuple[ReleasedAttendance, ...] | None:
    contents = by.get(Category.ATTENDANCE, ())
    found = tuple(
        ReleasedAttendance(kind=c["kind"], attended_on=c["attended_on"], contested=c.get("contested")) for c in contents
    )
    return found or None


def _conclusion(by: Contents) -> ReleasedConclusion | None:
    content = _last(by, Category.CONCLUSION)
    if content is None:
        return None
    return ReleasedConclusion(
        code=content["code"], decided_on=content["decided_on"], contested=content.get("contested")
    )


def _contact(by: Contents) -> ReleasedContact | None:
    content = _last(by, Category.CONTACT)
    return ReleasedContact(channel=content["channel"], address=content.get("address")) if content else None


def _identity(by: Contents) -> ReleasedIdentity | None:
    content = _last(by, Category.IDENTITY)
    return ReleasedIdentity(name=content["name"], born_on=content.get("born_on")) if content else None


def _appointment(by: Contents) -> ReleasedAppointment | None:
    content = _last(by, Category.APPOINTMENT)
    return ReleasedAppointment(appointment_at=content["appointment_at"]) if content else None


def _last(by: Contents, category: Category) -> dict[str, Any] | None:
    contents, key = by.get(category, ()), ONLY_THE_LAST[category]
    return max(contents, key=lambda content: str(content[key])) if contents else None
