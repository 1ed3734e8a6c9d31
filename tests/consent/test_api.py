"""HTTP of the gate: who may ask what, and what is answered to everybody else."""

from typing import Any

import pytest

from shared.contracts.categories import Category
from shared.web import Role
from tests.consent.builders import JOBCENTER, a_conclusion, a_statement
from tests.consent.gate import Gate

PERSON_DESK, OPERATOR, TEAM = {Role.PERSON_DESK}, {Role.OPERATOR}, {Role.ASSESSOR, Role.LEAD}
ROUTES: dict[tuple[str, str], set[Role]] = {
    ("GET", "/billing"): {Role.LEAD, Role.OPERATOR},
    ("GET", "/billing/disputes"): {Role.LEAD, Role.OPERATOR},
    ("POST", "/billing/disputes/{serial}/settling"): {Role.LEAD},
    ("GET", "/figures"): {Role.OPERATOR},
    ("GET", "/capacity-queries"): {Role.OPERATOR, Role.LEAD, Role.ASSESSOR},
    ("POST", "/grants"): PERSON_DESK,
    ("POST", "/withdrawals"): PERSON_DESK,
    ("POST", "/previews"): PERSON_DESK,
    ("GET", "/persons/{person_id}/answers"): PERSON_DESK,
    ("GET", "/persons/{person_id}/ledger"): PERSON_DESK,
    ("GET", "/persons/{person_id}/ledger/in-plain-words"): PERSON_DESK,
    ("GET", "/persons/{person_id}/ledger/{recipient_id}/{number}/grounds"): PERSON_DESK,
    ("POST", "/grants/{grant_id}/confirmation"): PERSON_DESK,
    ("POST", "/grants/{grant_id}/dispute"): PERSON_DESK,
    ("POST", "/grants/{grant_id}/dispute-settlement"): PERSON_DESK,
    ("POST", "/grants/{grant_id}/invalidity"): PERSON_DESK,
    ("POST", "/persons/{person_id}/hold"): {Role.PERSON_DESK, Role.ASSESSOR},
    ("POST", "/persons/{person_id}/hold-lifting"): PERSON_DESK,
    ("GET", "/persons/{person_id}/inquiries"): PERSON_DESK,
    ("POST", "/inquiries/{inquiry_id}/word"): PERSON_DESK,
    ("POST", "/persons/{person_id}/representations"): PERSON_DESK,
    ("GET", "/persons/{person_id}/representations"): PERSON_DESK,
    ("POST", "/representations/{representation_id}/stopping"): PERSON_DESK,
    ("GET", "/persons/{person_id}/export"): PERSON_DESK,
    ("POST", "/persons/{person_id}/erasure"): PERSON_DESK,
    ("GET", "/erasures"): OPERATOR,
    ("GET", "/persons/{person_id}/facts"): PERSON_DESK,
    ("POST", "/persons/{person_id}/facts/{fact_id}/contest"): PERSON_DESK,
    ("POST", "/persons/{person_id}/facts/{fact_id}/contest-withdrawal"): PERSON_DESK,
    ("GET", "/persons/{person_id}/receipts"): PERSON_DESK,
    ("GET", "/grants/{grant_id}/receipt"): PERSON_DESK,
    ("GET", "/grants/{grant_id}/receipt/in-plain-words"): PERSON_DESK,
    ("GET", "/signing-key"): PERSON_DESK | OPERATOR,
    ("GET", "/gate-key"): OPERATOR,
    ("PUT", "/recipients/{recipient_id}"): OPERATOR,
    ("GET", "/recipients"): OPERATOR,
    ("PUT", "/recipients/{recipient_id}/key"): OPERATOR,
    ("POST", "/recipients/{recipient_id}/ending"): OPERATOR,
    ("POST", "/recipients/{recipient_id}/reinstatement"): OPERATOR,
    ("GET", "/ledger/{recipient_id}/verification"): OPERATOR,
    ("POST", "/emergencies"): TEAM,
    ("GET", "/emergencies"): {Role.LEAD, Role.OPERATOR},
    ("GET", "/emergencies/{emergency_id}"): TEAM,
    ("POST", "/emergencies/{emergency_id}/second-person"): TEAM,
    ("POST", "/emergencies/{emergency_id}/review"): {Role.LEAD},
    ("POST", "/emergencies/{emergency_id}/person-told"): TEAM,
    ("GET", "/emergencies/ledger/{recipient}/verification"): OPERATOR,
    ("GET", "/parked"): OPERATOR,
    ("GET", "/parked/{parked_id}"): OPERATOR,
    ("POST", "/parked/{parked_id}/handling"): OPERATOR,
    ("POST", "/parked/{parked_id}/dropping"): OPERATOR,
}
OPEN_TO_ALL = {("GET", "/health"), ("GET", "/ready")}


def a_path(path: str) -> str:
    """Return a path with ids in it that nobody has."""
    return path.format(
        person_id="person-nobody",
        recipient_id="recipient-nobody",
        parked_id="parked-nobody",
        grant_id="grant-nobody",
        inquiry_id="inquiry-nobody",
        representation_id="representation-nobody",
        fact_id="fact-nobody",
        serial="serialofnobodyatall123",
        number=1,
        emergency_id="emergency-nobody",
        recipient="rescue_service",
    )


def test_the_description_names_every_route_and_no_other(unmoved_gate: Gate) -> None:
    described = unmoved_gate.http.get("/openapi.json").json()["paths"]

    found = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert found == set(ROUTES) | OPEN_TO_ALL


def test_each_route_is_for_its_own_role_alone(unmoved_gate: Gate) -> None:
    found = {
        route: {role for role in Role if unmoved_gate.ask(route[0], a_path(route[1]), {}, role=role).status_code != 403}
        for route in ROUTES
    }

    assert found == ROUTES


def test_nobody_unknown_gets_further_than_the_door(unmoved_gate: Gate) -> None:
    answers = [unmoved_gate.ask(method, a_path(path), {}, role="nobody") for method, path in ROUTES]
    without_token = [unmoved_gate.http.request(method, a_path(path)) for method, path in ROUTES]

    assert {answer.status_code for answer in [*answers, *without_token]} == {401}


def test_documentation_pages_that_load_scripts_from_elsewhere_are_not_there(unmoved_gate: Gate) -> None:
    assert [unmoved_gate.http.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_the_gates_key_is_given_without_its_private_half(unmoved_gate: Gate) -> None:
    key = unmoved_gate.ask("GET", "/gate-key", role="operator").json()

    assert (key["kty"], key["crv"]) == ("EC", "P-256")
    assert "d" not in key


@pytest.mark.parametrize("path", ["answers", "export", "facts", "ledger", "ledger/in-plain-words", "receipts"])
def test_of_a_person_whom_nobody_knows_nothing_is_said(unmoved_gate: Gate, path: str) -> None:
    answer = unmoved_gate.ask("GET", f"/persons/person-nobody/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "person_not_found")


def test_the_chain_of_a_recipient_whom_nobody_knows_is_not_called_whole(unmoved_gate: Gate) -> None:
    answer = unmoved_gate.ask("GET", "/ledger/jobcenter-bochum/verification", role="operator")

    assert (answer.status_code, answer.json()["code"]) == (404, "recipient_not_found")


@pytest.mark.parametrize("strange", ["a%00b", "ABC DEF", "x" * 99])
def test_an_id_that_cannot_be_one_is_malformed(gate: Gate, strange: str) -> None:
    answers = [
        gate.ask("GET", f"/persons/{strange}/answers"),
        gate.ask("GET", f"/ledger/{strange}/verification", role="operator"),
        gate.ask("POST", f"/recipients/{strange}/ending", role="operator"),
    ]

    assert {answer.status_code for answer in answers} == {422}


def test_the_person_sees_every_answer_and_which_of_them_stand(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, Category.CONCLUSION)
    gate.grant(person, Category.CONCLUSION)

    answers = gate.ask("GET", f"/persons/{person}/answers").json()

    assert [answer["stands"] for answer in answers] == [False, False, True, True]
    assert {answer["word"] for answer in answers} == {"yes"}
    assert {answer["kind"] for answer in answers} == {"secrecy_release", "data_consent"}


def a_preview(person: str, **changes: Any) -> dict[str, Any]:
    """Return what the person's desk asks before a person decides."""
    words = {"conclusion": "yes", "statement": "yes"}
    return {
        "person_id": person,
        "recipient_id": JOBCENTER,
        "purpose": "benefit",
        "words": words,
        "reaches_back": True,
        **changes,
    }


def test_a_preview_shows_what_the_recipient_then_sees_and_its_hash(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person), a_statement(person))

    preview = gate.ask("POST", "/previews", a_preview(person)).json()
    gate.grant(person, Category.CONCLUSION, Category.STATEMENT)

    assert preview["would_see"] == gate.open(gate.notices()[-1])["released"]
    assert len(preview["sha256"]) == 64


def test_a_preview_records_nothing_and_tells_nobody(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    before = gate.notices()

    gate.ask("POST", "/previews", a_preview(person))

    assert gate.notices() == before
    assert gate.ask("GET", f"/persons/{person}/answers").json() == []


def test_a_preview_of_what_is_not_known_shows_that_nothing_would_be_seen(gate: Gate) -> None:
    person = gate.a_person()

    assert gate.ask("POST", "/previews", a_preview(person)).json()["would_see"] is None


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"person_id": "person-nobody"}, 404), ({"recipient_id": "jobcenter-bochum"}, 404), ({"purpose": "billing"}, 422)],
)
def test_a_preview_is_for_known_persons_recipients_and_purposes(
    unmoved_gate: Gate, changes: dict[str, str], status: int
) -> None:
    person = unmoved_gate.a_person()

    assert unmoved_gate.ask("POST", "/previews", a_preview(person, **changes)).status_code == status
