"""What tests of emergencies have in common: a person in danger, and how a team tells somebody."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from services.consent import emergency
from services.consent.emergency_domain import REASONS, EmergencyRecipient, FamilyNotice
from services.consent.emergency_release import tellable
from shared.contracts.categories import Category
from tests.consent.builders import a_conclusion, a_contact, a_finding, a_statement, an_identity
from tests.consent.gate import Answer, Gate
from tests.consent.histories import Step, World

HOUR = timedelta(hours=1)
RESCUE, CRISIS, YOUTH, POLICE = "rescue_service", "crisis_service", "youth_welfare_office", "police_service"
KEY = "request-key-0000001"
JUSTIFIED = {"outcome": "justified"}
TODAY = {"told_on": "2026-03-02", "language": "de"}


def a_person_in_danger(gate: Gate) -> str:
    """Return a person about whom the gate knows a lot, whom the Jobcenter commissioned."""
    person = gate.a_person()
    gate.hear(
        an_identity(person, "Testperson"),
        a_contact(person, "0201 555"),
        a_finding(person, Category.PHYSICAL_HEALTH, "diabetes_untreated"),
        a_finding(person, Category.MENTAL_HEALTH, "low_mood", contested=True),
        a_finding(person, Category.SAFETY, "alone_at_home"),
        a_finding(person, Category.FAMILY, "two_children"),
        a_finding(person, Category.ADDICTION, "alcohol"),
        a_finding(person, Category.DEBTS, "rent_arrears", amount_cents=4711),
        a_finding(person, Category.WORK, "short_shifts"),
        a_statement(person, "I want to work again."),
        a_conclusion(person),
    )
    return person


def a_telling(person_id: str, recipient: str = RESCUE, **changes: Any) -> dict[str, Any]:
    """Return how assessor-1 tells somebody in an emergency."""
    reason = {
        RESCUE: "danger_to_life",
        CRISIS: "danger_of_suicide",
        YOUTH: "child_in_danger",
        POLICE: "missing_and_in_danger",
    }
    told: dict[str, Any] = {
        "person_id": person_id,
        "recipient": recipient,
        "assessor_id": "assessor-1",
        "reason": reason.get(recipient, "danger_to_life"),
        "reason_text": "Found on the floor, hardly answers.",
        "categories": ["identity", "contact", "safety"],
    }
    if recipient == YOUTH:
        told["family"] = "told_before"
    return {**told, **changes}


def tell(gate: Gate, person_id: str, recipient: str = RESCUE, *, role: str = "assessor", **changes: Any) -> Answer:
    """Have somebody told in an emergency; return what the human who tells is answered."""
    answer = gate.ask("POST", "/emergencies", a_telling(person_id, recipient, **changes), role=role)
    gate.clock.pass_()
    assert answer.status_code == 201, answer.text
    found: Answer = answer.json()
    return found


def an_emergency(gate: Gate, **changes: Any) -> str:
    """Return an emergency in which assessor-1 told the rescue service."""
    return str(tell(gate, a_person_in_danger(gate), **changes)["emergency_id"])


def act(gate: Gate, emergency_id: str, what: str, body: Any = None, *, role: str) -> tuple[int, Answer]:
    """Have somebody confirm, review or tell the person; return status and answer."""
    answer = gate.ask("POST", f"/emergencies/{emergency_id}/{what}", body, role=role)
    gate.clock.pass_()
    return answer.status_code, answer.json()


def listed(gate: Gate, role: str = "lead") -> list[Answer]:
    """Return the list of emergencies."""
    found: list[Answer] = gate.ask("GET", "/emergencies", role=role).json()
    return found


def watch(gate: Gate) -> None:
    """Have the gate look after its emergencies once."""
    asyncio.run(gate.service.timers.watch_emergencies())
    gate.clock.pass_()


def told_in_an_emergency(name: str, recipient: EmergencyRecipient, categories: Iterable[Category]) -> Step:
    """Have an assessor tell somebody in an emergency, and a second person confirm it."""
    chosen = frozenset(categories) & tellable(recipient)

    def step(world: World) -> None:
        disclosure = emergency.Disclosure(
            person_id=world.person(name),
            recipient=recipient,
            assessor_id="assessor-1",
            reason=min(REASONS[recipient], key=lambda reason: reason.value),
            reason_text="found on the floor",
            categories=chosen,
            second_person_id=None,
            family=FamilyNotice.TOLD_BEFORE if recipient is EmergencyRecipient.YOUTH_WELFARE_OFFICE else None,
        )
        told = emergency.disclose(world.work, disclosure, by="assessor-1")
        emergency.confirm(world.work, emergency_id=told["emergency_id"], by="lead-1")

    return step
