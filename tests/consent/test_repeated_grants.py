"""A grant that is sent again is answered the same and recorded once: it undoes no withdrawal that came meanwhile."""

from typing import Any

import pytest

from services.consent.tables import AnswerRow, GrantRow
from tests.consent.builders import a_conclusion
from tests.consent.gate import Gate
from tests.consent.test_refused_grants import a_form

KEY = "k" * 20


def test_a_grant_that_is_sent_again_with_its_key_does_not_undo_a_withdrawal(gate: Gate) -> None:
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person))
    first = gate.ask("POST", "/grants", a_form(person), key=KEY)
    gate.withdraw(person)
    jobcenter.news()

    again = gate.ask("POST", "/grants", a_form(person), key=KEY)

    assert (again.status_code, again.json()) == (201, first.json())
    assert len(gate.rows(GrantRow)) == 2
    assert {row.ended_by for row in gate.rows(AnswerRow)} == {"withdrawn"}
    assert jobcenter.news() == []


def test_a_grant_without_a_key_is_a_new_one_each_time(gate: Gate) -> None:
    person = gate.a_person()

    ids = [gate.ask("POST", "/grants", a_form(person)).json()["grant_ids"] for _ in range(2)]

    assert set(ids[0]).isdisjoint(ids[1])


@pytest.mark.parametrize("changes", [{"words": {"conclusion": "no"}}, {"kinds": ["data_consent"]}, {"valid_days": 31}])
def test_a_key_that_comes_again_with_another_declaration_is_refused(gate: Gate, changes: dict[str, Any]) -> None:
    person = gate.a_person()
    gate.ask("POST", "/grants", a_form(person), key=KEY)

    answer = gate.ask("POST", "/grants", a_form(person, **changes), key=KEY)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert len(gate.rows(GrantRow)) == 2


def test_a_key_that_comes_again_for_another_person_is_refused(gate: Gate) -> None:
    person, other = gate.a_person(), gate.a_person()
    gate.ask("POST", "/grants", a_form(person), key=KEY)

    answer = gate.ask("POST", "/grants", a_form(other), key=KEY)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert {row.person_id for row in gate.rows(GrantRow)} == {person}


def test_the_order_of_words_and_kinds_makes_no_other_declaration(gate: Gate) -> None:
    person = gate.a_person()
    form = a_form(person, words={"conclusion": "yes", "work": "no"})
    turned = {**form, "words": {"work": "no", "conclusion": "yes"}, "kinds": form["kinds"][::-1]}

    first, again = (gate.ask("POST", "/grants", body, key=KEY).json() for body in (form, turned))

    assert first == again


def test_a_refused_declaration_uses_no_key_up(gate: Gate) -> None:
    person = gate.a_person()
    refused = gate.ask("POST", "/grants", a_form(person, words={"debts": "yes"}), key=KEY)

    accepted = gate.ask("POST", "/grants", a_form(person), key=KEY)

    assert (refused.status_code, accepted.status_code) == (422, 201)


@pytest.mark.parametrize("key", ["short", "x" * 65, "with a space in it"])
def test_a_key_that_cannot_be_one_is_malformed(unmoved_gate: Gate, key: str) -> None:
    assert unmoved_gate.ask("POST", "/grants", a_form("person-0001"), key=key).status_code == 422


def test_a_withdrawal_from_a_recipient_whom_nobody_knows_is_not_taken_for_one(gate: Gate) -> None:
    person = gate.a_person()
    gate.ask("POST", "/grants", a_form(person))

    answer = gate.ask("POST", "/withdrawals", {"person_id": person, "recipient_id": "jobcenter-esen"})

    assert (answer.status_code, answer.json()["code"]) == (404, "recipient_not_found")
    assert {row.ended_by for row in gate.rows(AnswerRow)} == {None}


def test_a_withdrawal_from_a_recipient_that_was_ended_is_taken(gate: Gate) -> None:
    person = gate.a_person()
    gate.ask("POST", "/grants", a_form(person))
    gate.ask("POST", "/recipients/jobcenter-essen/ending", role="operator")

    answer = gate.ask("POST", "/withdrawals", {"person_id": person, "recipient_id": "jobcenter-essen"})

    assert answer.json()["answers_ended"] == 2
