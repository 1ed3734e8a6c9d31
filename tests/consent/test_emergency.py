"""In an emergency a named human tells what they chose: no grant is needed or changed, and nobody else hears of it."""

import json
from typing import Any

import pytest

from services.consent.opening import EMPTY
from services.consent.tables import AnswerRow, EmergencyRow, GrantRow, LedgerRow, ReleaseRow
from shared.contracts.categories import Category
from shared.contracts.consent import EmergencyDisclosed
from shared.writer import StoreUnavailable
from tests.consent.builders import CLINIC
from tests.consent.emergencies import CRISIS, KEY, POLICE, RESCUE, YOUTH, a_person_in_danger, a_telling, listed, tell
from tests.consent.gate import Gate
from tests.consent.test_faults import failing_commits

ALL = ["identity", "contact", "physical_health", "mental_health", "safety"]


def test_the_human_is_given_what_was_chosen_to_hand_it_over(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    told = tell(gate, person, RESCUE, categories=ALL)

    finding = {"severity": 0, "recorded_on": "2026-03-02"}
    assert told["message"] == {
        "type": "emergency.rescue_service.v1",
        "reason": "danger_to_life",
        "identity": {"name": "Testperson", "born_on": "1980-01-01"},
        "contact": {"channel": "phone", "address": "0201 555"},
        "physical_health": [{"code": "diabetes_untreated"} | finding],
        "mental_health": [{"code": "low_mood", "contested": True} | finding],
        "safety": [{"code": "alone_at_home"} | finding],
    }


def test_what_was_not_chosen_is_not_told(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    told = tell(gate, person, RESCUE, categories=["identity"])

    assert set(told["message"]) == {"type", "reason", "identity"}


def test_of_what_is_not_known_nothing_is_told_and_the_emergency_is_recorded_all_the_same(gate: Gate) -> None:
    person = gate.a_person()

    told = tell(gate, person)

    assert told["message"] == {"type": "emergency.rescue_service.v1", "reason": "danger_to_life"}
    assert len(gate.rows(LedgerRow)) == 1


def test_the_youth_welfare_office_is_told_only_once_it_is_said_whether_the_family_knows(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    answer = gate.ask("POST", "/emergencies", a_telling(person, YOUTH, family=None), role="assessor")
    told = tell(gate, person, YOUTH, family="would_endanger_the_child", categories=["identity", "family"])

    assert [error["field"] for error in answer.json()["errors"]] == ["family"]
    shown = gate.ask("GET", f"/emergencies/{told['emergency_id']}", role="lead").json()
    assert shown["why"]["family"] == "would_endanger_the_child"
    assert "endanger" not in json.dumps(told["message"])


def test_of_a_person_whom_nobody_knows_nothing_is_told(gate: Gate) -> None:
    answer = gate.ask("POST", "/emergencies", a_telling("person-nobody"), role="assessor")

    assert (answer.status_code, answer.json()["code"]) == (404, "person_not_found")


def test_a_lead_tells_in_their_own_name(gate: Gate) -> None:
    told = tell(gate, a_person_in_danger(gate), role="lead", assessor_id="lead-1")

    assert told["assessor_id"] == "lead-1"


def test_no_grant_is_needed_made_or_changed_and_nobody_is_notified(gate: Gate) -> None:
    person = a_person_in_danger(gate)
    gate.grant(person, Category.CONCLUSION)
    before = [row.model_dump() for table in (GrantRow, AnswerRow, ReleaseRow) for row in gate.rows(table)]
    notices = gate.notices(), gate.notices(CLINIC)

    for recipient in (RESCUE, CRISIS, YOUTH, POLICE):
        tell(gate, person, recipient)

    after = [row.model_dump() for table in (GrantRow, AnswerRow, ReleaseRow) for row in gate.rows(table)]
    assert after == before
    assert (gate.notices(), gate.notices(CLINIC)) == notices


def test_an_emergency_is_no_notice_that_anybody_can_open(gate: Gate) -> None:
    told = tell(gate, a_person_in_danger(gate))

    assert gate.open(told["emergency_id"]) == EMPTY
    assert gate.open(told["emergency_id"], CLINIC) == EMPTY


def test_a_no_of_the_person_does_not_stand_in_the_way_of_help(gate: Gate) -> None:
    person = a_person_in_danger(gate)
    gate.withdraw(person)

    assert "identity" in tell(gate, person)["message"]


def test_the_team_hears_that_it_happened_and_nothing_of_what_was_told(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    told = tell(gate, person)

    [event] = gate.announced(EmergencyDisclosed)
    assert (event.emergency_id, event.person_id) == (told["emergency_id"], person)
    assert event.tell_person_by.isoformat() == told["tell_person_by"].replace("Z", "+00:00")
    assert set(EmergencyDisclosed.model_fields) == {"emergency_id", "person_id", "at", "tell_person_by", "review_by"}


def test_what_cannot_be_committed_is_not_told(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    with failing_commits(gate.service.database.engine):
        answer = gate.ask("POST", "/emergencies", a_telling(person), role="assessor")

    assert (answer.status_code, answer.json()["code"]) == (503, StoreUnavailable.code)
    assert "Testperson" not in answer.text
    assert gate.rows(LedgerRow) == []
    assert gate.rows(EmergencyRow) == []


def ask_with_key(gate: Gate, body: dict[str, Any], *, role: str = "assessor", key: str = KEY) -> Any:
    """Tell somebody, with a key by which a repeated request is known again."""
    headers = {"Authorization": f"Bearer {role}", "Idempotency-Key": key}
    answer = gate.http.request("POST", "/emergencies", json=body, headers=headers)
    gate.clock.pass_()
    return answer


def test_a_request_that_is_repeated_with_its_key_is_answered_the_same_and_entered_once(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    answers = [ask_with_key(gate, a_telling(person)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(gate.rows(LedgerRow)) == 1
    assert len(gate.announced(EmergencyDisclosed)) == 1


@pytest.mark.parametrize(
    "changes", [{"recipient": CRISIS}, {"categories": ["identity"]}, {"reason_text": "Quite another reason."}]
)
def test_another_request_with_the_same_key_is_a_conflict(gate: Gate, changes: dict[str, Any]) -> None:
    person = a_person_in_danger(gate)
    ask_with_key(gate, a_telling(person, reason="danger_of_suicide"))

    answer = ask_with_key(gate, a_telling(person, **{"reason": "danger_of_suicide", **changes}))

    assert (answer.status_code, answer.json()["code"]) == (409, "request_key_used")
    assert len(gate.rows(LedgerRow)) == 1


def test_anothers_key_gives_nobody_what_was_told(gate: Gate) -> None:
    person = a_person_in_danger(gate)
    ask_with_key(gate, a_telling(person))

    answer = ask_with_key(gate, a_telling(person), role="assessor-2")

    assert (answer.status_code, answer.json()["code"]) == (409, "request_key_used")


def test_a_key_that_cannot_be_one_is_malformed(unmoved_gate: Gate) -> None:
    assert ask_with_key(unmoved_gate, a_telling("person-nobody"), key="short").status_code == 422


def test_without_a_key_each_request_is_an_emergency_of_its_own(gate: Gate) -> None:
    person = a_person_in_danger(gate)

    ids = {tell(gate, person)["emergency_id"] for _ in range(2)}

    assert {row["emergency_id"] for row in listed(gate)} == ids
    assert len(ids) == 2
