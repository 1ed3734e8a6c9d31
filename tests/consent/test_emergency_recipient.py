"""Whom an emergency can reach: a list of its own that no registered recipient is on, each with its own categories."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.domain import KnownFact, RecipientRole
from services.consent.emergency_domain import REASONS, EmergencyRecipient, Reason, chain_of
from services.consent.emergency_release import emergency_message, tellable, told_fields
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import EmergencyRow, LedgerRow
from shared.contracts.categories import Category
from shared.contracts.emergency import EMERGENCY_FIELDS, EMERGENCY_MESSAGES
from shared.topology import is_recipient_id
from tests.consent.builders import CLINIC, JOBCENTER, NOON, a_known_fact
from tests.consent.emergencies import CRISIS, POLICE, RESCUE, YOUTH, a_telling
from tests.consent.gate import Gate
from tests.consent.pairs import FACTS
from tests.consent.steps import an_event

TOLD = {
    RESCUE: {"identity", "contact", "physical_health", "mental_health", "safety"},
    CRISIS: {"identity", "contact", "mental_health", "addiction", "safety"},
    YOUTH: {"identity", "contact", "family", "safety"},
    POLICE: {"identity", "contact", "safety"},
}
KNOWN = (*FACTS, Category.PHYSICAL_HEALTH, Category.ADDICTION, Category.FAMILY, Category.SAFETY)


def test_each_recipient_can_be_told_its_own_list_and_no_more() -> None:
    assert {one.value: set(tellable(one)) for one in EmergencyRecipient} == TOLD


def test_every_field_of_a_message_but_the_reason_belongs_to_a_category() -> None:
    fields = {message: set(message.model_fields) - {"reason"} for message in EMERGENCY_MESSAGES}

    assert fields == {message: set(EMERGENCY_FIELDS[message].values()) for message in EMERGENCY_MESSAGES}


def a_fact(number: int, category: Category) -> KnownFact:
    """Return a fact that says what it is about."""
    event = an_event("person-1", category, f"mark_{category.value}", fact_id="fact-0001", version=1, at=NOON)
    return a_known_fact(category, fact_id=f"fact-{number}", content=event.content())


@given(
    st.sampled_from(EmergencyRecipient),
    st.frozensets(st.sampled_from(Category)),
    st.lists(st.sampled_from(KNOWN), max_size=12),
    st.sampled_from(Reason),
)
def test_a_message_holds_what_is_known_of_the_chosen_categories_of_its_list_and_nothing_else(
    recipient: EmergencyRecipient, chosen: frozenset[Category], known: list[Category], reason: Reason
) -> None:
    facts = [a_fact(number, category) for number, category in enumerate(known)]

    told = told_fields(emergency_message(recipient, reason, chosen, facts))

    belongs = chosen & set(known) & {Category(name) for name in TOLD[recipient.value]}
    assert told.keys() - {"type", "reason"} == belongs
    body = json.dumps(told)
    assert {category for category in KNOWN if f"mark_{category.value}" in body} == belongs


@pytest.mark.parametrize("stranger", [RecipientRole.JOBCENTER, RecipientRole.PROVIDER, JOBCENTER, CLINIC, RESCUE])
def test_neither_a_role_nor_an_id_can_be_told_by_type(stranger: Any) -> None:
    # mypy refuses each of these; should it ever accept one, the unused ignore fails the check.
    role: RecipientRole = RecipientRole.JOBCENTER
    with pytest.raises((KeyError, AssertionError)):
        tellable(stranger)
    with pytest.raises((KeyError, AssertionError)):
        emergency_message(role, Reason.HELPLESS, frozenset(Category), [])  # type: ignore[arg-type]  # a role
    with pytest.raises((KeyError, AssertionError)):
        emergency_message(JOBCENTER, Reason.HELPLESS, frozenset(Category), [])  # type: ignore[arg-type]  # an id
    with pytest.raises(AttributeError):
        chain_of(role.value)  # type: ignore[arg-type]  # a text


@pytest.mark.parametrize("one", EmergencyRecipient)
def test_no_emergency_recipient_equals_a_role_or_any_id_that_can_be_registered(one: EmergencyRecipient) -> None:
    roles = {role.value for role in RecipientRole}

    assert one not in {*RecipientRole, *roles, one.value}
    assert one.value not in roles
    assert not is_recipient_id(one.value)
    assert not is_recipient_id(chain_of(one))


def test_nobody_can_be_registered_by_the_name_of_a_chain_of_emergencies(gate: Gate) -> None:
    names = [name for one in EmergencyRecipient for name in (one.value, chain_of(one))]

    statuses = {gate.ask("PUT", f"/recipients/{name}", {}, role="operator").status_code for name in names}

    assert statuses == {422}
    assert {row.recipient_id for row in gate.rows(RecipientRow)} == {JOBCENTER, CLINIC}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "the Jobcenter": ({"recipient": JOBCENTER}, "recipient"),
    "the role of a Jobcenter": ({"recipient": "jobcenter"}, "recipient"),
    "a clinic": ({"recipient": CLINIC}, "recipient"),
    "a chain": ({"recipient": "emergency.rescue_service"}, "recipient"),
    "several": ({"recipient": [RESCUE, POLICE]}, "recipient"),
    "nobody": ({"recipient": None}, "recipient"),
    "a registered recipient beside": ({"recipient_id": JOBCENTER}, "recipient_id"),
    "a purpose": ({"purpose": "benefit"}, "purpose"),
    "a copy": ({"cc": "jobcenter"}, "cc"),
    "debts": ({"categories": ["identity", "debts"]}, "categories"),
    "work": ({"categories": ["work"]}, "categories"),
    "a statement": ({"categories": ["statement"]}, "categories"),
    "everything": ({"categories": [category.value for category in Category]}, "categories"),
    "nothing": ({"categories": []}, "categories"),
    "no category": ({"categories": ["gossip"]}, "categories"),
    "another's reason": ({"reason": "child_in_danger"}, "reason"),
    "a reason of one's own": ({"reason": "seemed_odd"}, "reason"),
    "no words": ({"reason_text": ""}, "reason_text"),
    "blanks": ({"reason_text": " " * 40}, "reason_text"),
    "a novel": ({"reason_text": "x" * 501}, "reason_text"),
    "control characters": ({"reason_text": "on the floor \x00\x1b[2J"}, "reason_text"),
    "another's name": ({"assessor_id": "assessor-2"}, "assessor_id"),
    "no name": ({"assessor_id": None}, "assessor_id"),
    "oneself as second": ({"second_person_id": "assessor-1"}, "second_person_id"),
    "a family without a child": ({"family": "told_before"}, "family"),
    "no person": ({"person_id": "x"}, "person_id"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_whatever_does_not_belong_is_refused_with_field_and_reason_and_told_to_nobody(
    unmoved_gate: Gate, what: str
) -> None:
    changes, field = REFUSED[what]
    person = unmoved_gate.a_person()

    answer = unmoved_gate.ask("POST", "/emergencies", {**a_telling(person), **changes}, role="assessor")

    assert answer.status_code == 422
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {field}
    assert all(error["reason"] for error in answer.json()["errors"])
    assert unmoved_gate.rows(EmergencyRow) == []
    assert unmoved_gate.rows(LedgerRow) == []


def test_a_refusal_never_repeats_what_was_written(unmoved_gate: Gate) -> None:
    person = unmoved_gate.a_person()
    strange = a_telling(person, recipient="markname", reason="markreason", reason_text="mark\x00text", categories=[])

    answer = unmoved_gate.ask("POST", "/emergencies", strange, role="assessor")

    assert answer.status_code == 422
    assert "mark" not in answer.text


@pytest.mark.parametrize("recipient", EmergencyRecipient)
def test_each_reason_is_for_its_own_recipients(unmoved_gate: Gate, recipient: EmergencyRecipient) -> None:
    # No such person: whoever gets that far has passed every rule.
    wrong = {"assessor_id": "nobody"}
    tried = {
        reason: unmoved_gate.ask(
            "POST", "/emergencies", a_telling("person-0001", recipient.value, reason=reason.value, **wrong), role="lead"
        ).json()["errors"]
        for reason in Reason
    }

    accepted = {reason for reason, faults in tried.items() if "reason" not in {fault["field"] for fault in faults}}
    assert accepted == REASONS[recipient]
