"""What was told in an emergency stands in chains of its own: the person reads it, erasure leaves it whole and mute."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from services.consent.emergency_domain import EmergencyRecipient
from services.consent.tables import EmergencyRow, LedgerHeadRow, LedgerRow
from tests.consent.builders import JOBCENTER
from tests.consent.emergencies import CRISIS, RESCUE, a_person_in_danger, a_telling, act, tell
from tests.consent.gate import Gate


def verification(gate: Gate, recipient: str = RESCUE) -> dict[str, Any]:
    """Return what the operator is told about the chain of an emergency recipient."""
    found: dict[str, Any] = gate.ask("GET", f"/emergencies/ledger/{recipient}/verification", role="operator").json()
    return found


def test_each_emergency_recipient_has_a_chain_of_its_own(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    for recipient in (RESCUE, RESCUE, CRISIS):
        tell(gate, person, recipient)

    heads = {row.recipient_id: row.number for row in gate.rows(LedgerHeadRow)}
    assert heads == {"emergency.rescue_service": 2, "emergency.crisis_service": 1}
    assert verification(gate) == {"recipient": RESCUE, "whole": True, "fault": None}


def test_the_entry_holds_the_very_message_that_was_handed_over(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    told = tell(gate, person)

    [entry] = gate.ask("GET", f"/persons/{person}/ledger").json()
    assert entry["content"] == {"told": told["message"], "by": "assessor-1"}
    assert (entry["kind"], entry["release_id"]) == ("emergency", told["emergency_id"])


def test_the_person_reads_in_plain_words_what_was_told_to_whom_why_and_by_whom(gate: Gate) -> None:
    person = a_person_in_danger(gate)
    tell(gate, person)
    tell(gate, gate.a_person(), CRISIS)

    words = gate.ask("GET", f"/persons/{person}/ledger/in-plain-words").text

    assert words.split(": ", 1)[1] == (
        "in an emergency, the rescue service was told your contact (address: 0201 555, channel: phone), "
        "your identity (born on: 1980-01-01, name: Testperson), "
        "your safety (code: alone at home, recorded on: 2026-03-02, severity: 0); "
        "reason: danger to life; by assessor-1."
    )


def test_where_nothing_was_known_the_person_reads_that_too(gate: Gate) -> None:
    person = gate.a_person()
    tell(gate, person, CRISIS)

    words = gate.ask("GET", f"/persons/{person}/ledger/in-plain-words").text

    assert words.endswith(
        "in an emergency, the crisis service was told that there is a danger, and nothing that is recorded about you; "
        "reason: danger of suicide; by assessor-1."
    )


def test_the_words_of_the_assessor_stay_inside(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    told = tell(gate, person, reason_text="A neighbour rang and was afraid.")

    assert "neighbour" not in json.dumps(told)
    assert "neighbour" not in gate.ask("GET", f"/persons/{person}/ledger").text


def test_erasure_leaves_the_commitments_and_a_whole_chain_that_nobody_can_read(gate: Gate) -> None:
    person = a_person_in_danger(gate)
    emergency = tell(gate, person)["emergency_id"]

    gate.service.keys.destroy(person)

    assert verification(gate)["whole"] is True
    [row] = gate.rows(LedgerRow)
    assert len(row.commitment) == 64
    seen = gate.ask("GET", f"/emergencies/{emergency}", role="lead").json()
    assert (seen["message"], seen["why"], seen["person_told"]) == (None, None, None)
    words = gate.ask("GET", f"/persons/{person}/ledger/in-plain-words").text
    assert words.endswith("the rescue service received something that nobody can read here any more.")


def test_an_erased_person_cannot_be_told_about(gate: Gate) -> None:
    person = a_person_in_danger(gate)
    gate.service.keys.destroy(person)

    assert gate.ask("POST", "/emergencies", a_telling(person), role="assessor").status_code == 410
    assert gate.rows(EmergencyRow) == []


def test_acts_after_it_add_nothing_to_the_chain(gate: Gate) -> None:
    emergency = tell(gate, a_person_in_danger(gate))["emergency_id"]

    act(gate, emergency, "second-person", role="lead")
    act(gate, emergency, "review", {"outcome": "justified"}, role="lead-2")

    assert len(gate.rows(LedgerRow)) == 1


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE ledger SET kind = 'status' WHERE number = 1",
        "UPDATE ledger SET content = (SELECT content FROM ledger WHERE number = 2) WHERE number = 1",
        "DELETE FROM ledger WHERE number = 2",
        "DELETE FROM ledger",
    ],
)
def test_whatever_is_done_to_a_chain_of_emergencies_is_found(gate: Gate, tampering: str) -> None:
    person = a_person_in_danger(gate)
    tell(gate, person)
    tell(gate, person)

    gate.write(lambda work: work.session.execute(text(tampering)))

    assert verification(gate)["whole"] is False


@pytest.mark.parametrize("stranger", [JOBCENTER, "emergency.rescue_service", "nobody"])
def test_only_chains_of_emergencies_are_checked_here(unmoved_gate: Gate, stranger: str) -> None:
    answer = unmoved_gate.ask("GET", f"/emergencies/ledger/{stranger}/verification", role="operator")

    assert answer.status_code == 422


def test_a_chain_to_which_nobody_was_told_anything_is_whole(unmoved_gate: Gate) -> None:
    found = {one: verification(unmoved_gate, one.value)["whole"] for one in EmergencyRecipient}

    assert set(found.values()) == {True}
