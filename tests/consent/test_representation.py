"""Somebody may answer for a person within a stated scope; the person's own objection wins."""

from typing import Any

import pytest

from services.consent.domain import Word
from shared.contracts.categories import Category
from tests.consent.builders import JOBCENTER, SHA, a_conclusion, a_declaration, a_proof
from tests.consent.gate import Gate

CONCLUSION, STATEMENT = Category.CONCLUSION, Category.STATEMENT


def a_representation(gate: Gate, person: str, **changes: Any) -> str:
    """Have a guardian recorded; return the id that answers are given under."""
    body = {
        "kind": "representative",
        "name": "Betreuerin Beispiel (synthetic)",
        "recipient_ids": [JOBCENTER],
        "categories": ["conclusion"],
        "valid_until": "2027-03-01",
        "document_sha256": SHA,
        **changes,
    }
    answer = gate.ask("POST", f"/persons/{person}/representations", body)
    gate.clock.pass_()
    assert answer.status_code == 201, answer.text
    return str(answer.json()["representation_id"])


def answer_for(gate: Gate, person: str, given_by: str, word: str = "yes", category: str = "conclusion") -> Any:
    """Have a representative answer; return the reply."""
    body = {
        "person_id": person,
        "recipient_id": JOBCENTER,
        "purpose": "benefit",
        "words": {category: word},
        "kinds": ["secrecy_release", "data_consent"],
        "reaches_back": True,
        "given_by": given_by,
        "evidence": a_proof(),
    }
    answer = gate.ask("POST", "/grants", body)
    gate.clock.pass_()
    return answer


def a_known_person(gate: Gate) -> str:
    """Return somebody of whom something is known."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    return person


def test_within_the_scope_a_representative_answers_for_the_person(gate: Gate) -> None:
    person = a_known_person(gate)

    assert answer_for(gate, person, a_representation(gate, person)).status_code == 201
    assert gate.open(gate.notices()[-1])["result"] == "released"


def test_both_stand_in_the_record(gate: Gate) -> None:
    person = a_known_person(gate)
    representation = a_representation(gate, person)
    answer_for(gate, person, representation)

    (answer, _) = gate.ask("GET", f"/persons/{person}/answers").json()
    (held,) = gate.ask("GET", f"/persons/{person}/representations").json()

    assert answer["given_by"] == held["representation_id"] == representation
    assert held["name"] == "Betreuerin Beispiel (synthetic)"


@pytest.mark.parametrize(
    ("changes", "category", "field"),
    [
        ({"categories": ["work"]}, "conclusion", "words.conclusion"),
        ({"recipient_ids": ["lvr-klinik"]}, "conclusion", "recipient_id"),
        ({"works_for": JOBCENTER}, "conclusion", "given_by"),
    ],
)
def test_outside_the_scope_or_in_a_conflict_nothing_is_accepted(
    gate: Gate, changes: dict[str, Any], category: str, field: str
) -> None:
    person = a_known_person(gate)

    answer = answer_for(gate, person, a_representation(gate, person, **changes), category=category)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_after_its_time_a_representation_answers_nothing(gate: Gate) -> None:
    person = a_known_person(gate)
    representation = a_representation(gate, person, valid_until="2026-03-02")

    gate.clock.now = gate.clock.now.replace(day=3)

    assert answer_for(gate, person, representation).status_code == 422


@pytest.mark.parametrize("objection", ["no", "withdrawal"])
@pytest.mark.parametrize("word", ["yes", "ask"])
def test_the_persons_own_objection_wins(gate: Gate, objection: str, word: str) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    if objection == "no":
        gate.grant(person, CONCLUSION, word=Word.NO)
    else:
        gate.withdraw(person)

    answer = answer_for(gate, person, a_representation(gate, person), word)

    assert (answer.status_code, answer.json()["code"]) == (409, "objection_stands")


def test_the_persons_own_no_ends_what_a_representative_opened(gate: Gate) -> None:
    person = a_known_person(gate)
    answer_for(gate, person, a_representation(gate, person))
    reading = gate.reading()
    reading.news()

    gate.grant(person, CONCLUSION, word=Word.NO)

    assert [answer["result"] for answer in reading.news()] == ["retracted"]
    assert answer_for(gate, person, a_representation(gate, person)).status_code == 409


@pytest.mark.parametrize("because", ["conflict_of_interest", "objection", "revoked"])
def test_when_a_representation_stops_so_does_what_it_opened(gate: Gate, because: str) -> None:
    person = a_known_person(gate)
    representation = a_representation(gate, person)
    answer_for(gate, person, representation)
    reading = gate.reading()
    reading.news()

    stopped = gate.ask("POST", f"/representations/{representation}/stopping", {"because": because})

    assert stopped.json()["answers_ended"] == 2
    assert [answer["result"] for answer in reading.news()] == ["retracted"]
    assert answer_for(gate, person, representation).status_code == 422


def test_what_the_person_said_stays_when_a_representation_stops(gate: Gate) -> None:
    person = a_known_person(gate)
    representation = a_representation(gate, person)
    gate.grant(person, CONCLUSION)

    gate.ask("POST", f"/representations/{representation}/stopping", {"because": "objection"})

    assert gate.open(gate.notices()[-1])["result"] == "released"


def test_nobody_answers_under_the_representation_of_somebody_else(gate: Gate) -> None:
    person, other = a_known_person(gate), a_known_person(gate)

    answer = answer_for(gate, person, a_representation(gate, other))

    assert (answer.status_code, answer.json()["code"]) == (404, "representation_not_found")


def test_a_scope_that_covers_nobody_or_nothing_is_refused(gate: Gate) -> None:
    person = gate.a_person()
    body = {
        "kind": "trusted_person",
        "name": "x",
        "recipient_ids": [],
        "categories": [],
        "valid_until": "2027-01-01",
        "document_sha256": SHA,
    }

    answer = gate.ask("POST", f"/persons/{person}/representations", body)

    assert {item["field"] for item in answer.json()["errors"]} == {"recipient_ids", "categories"}


def test_a_name_is_nowhere_readable(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    a_representation(sqlite_gate, person)

    files = [path.read_bytes() for path in sqlite_gate.folder.iterdir() if path.is_file()]

    assert not any(b"Betreuerin Beispiel" in content for content in files)


def test_a_declaration_without_representation_is_the_persons_own(gate: Gate) -> None:
    assert a_declaration("person-1", CONCLUSION).given_by is None


@pytest.mark.parametrize("act", ["withdrawal", "dispute"])
def test_what_the_person_took_back_no_representative_opens_again(gate: Gate, act: str) -> None:
    person = a_known_person(gate)
    representation = a_representation(gate, person)
    grants = answer_for(gate, person, representation).json()["grant_ids"]
    if act == "withdrawal":
        gate.withdraw(person)
    else:
        gate.ask("POST", f"/grants/{grants[0]}/dispute")
        gate.clock.pass_()

    answer = answer_for(gate, person, representation)

    assert (answer.status_code, answer.json()["code"]) == (409, "objection_stands")


def test_a_forged_yes_of_the_person_hides_no_objection(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, word=Word.NO)
    for grant in gate.grant(person, CONCLUSION):
        gate.ask("POST", f"/grants/{grant}/invalidity", {"reason": "forged"})
        gate.clock.pass_()

    assert answer_for(gate, person, a_representation(gate, person)).status_code == 409


def test_who_wants_to_be_asked_is_not_answered_for(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, word=Word.ASK)

    assert answer_for(gate, person, a_representation(gate, person)).status_code == 409


def test_a_yes_does_not_outlive_the_power_that_it_was_given_under(gate: Gate) -> None:
    person = a_known_person(gate)
    answer_for(gate, person, a_representation(gate, person, valid_until="2026-03-04"))
    reading = gate.reading()
    reading.news()

    gate.clock.now = gate.clock.now.replace(day=5, hour=0, minute=0, second=0)
    gate.expire(person)

    assert [answer["result"] for answer in reading.news()] == ["retracted"]


def test_after_a_conflict_another_guardian_may_answer_and_after_an_objection_nobody(gate: Gate) -> None:
    found = []
    for because in ("conflict_of_interest", "objection"):
        person = a_known_person(gate)
        first = a_representation(gate, person)
        answer_for(gate, person, first)
        gate.ask("POST", f"/representations/{first}/stopping", {"because": because})
        gate.clock.pass_()
        found.append(answer_for(gate, person, a_representation(gate, person)).status_code)

    assert found == [201, 409]
