"""A declaration that cannot be accepted: the answer names each field and the reason, never the value."""

from typing import Any

import pytest

from services.consent.domain import RecipientRole
from services.consent.tables import AnswerRow, GrantRow
from shared.contracts.categories import Category
from tests.consent.builders import DAY, DEBT_HELP, JOBCENTER, a_proof
from tests.consent.gate import Gate

SECRET = "kowalski"


def a_form(person_id: str, **changes: Any) -> dict[str, Any]:
    """Return a declaration as the person's desk sends it."""
    return {
        "person_id": person_id,
        "recipient_id": JOBCENTER,
        "purpose": "benefit",
        "words": {"conclusion": "yes"},
        "kinds": ["secrecy_release", "data_consent"],
        "reaches_back": True,
        "valid_days": 30,
        "evidence": a_proof(),
        **changes,
    }


def test_a_whole_declaration_is_accepted(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()

    answer = sqlite_gate.ask("POST", "/grants", a_form(person))

    assert answer.status_code == 201
    assert len(answer.json()["grant_ids"]) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"words": {}}, "words"),
        ({"words": {SECRET: "yes"}}, "words"),
        ({"words": {"conclusion": SECRET}}, "words.conclusion"),
        ({"words": {"debts": "yes"}}, "words.debts"),
        ({"kinds": []}, "kinds"),
        ({"kinds": [SECRET]}, "kinds.0"),
        ({"purpose": SECRET}, "purpose"),
        ({"purpose": "referral:" + SECRET}, "purpose"),
        ({"purpose": "*"}, "purpose"),
        ({"valid_days": 0}, "valid_days"),
        ({"valid_days": 184}, "valid_days"),
        ({"valid_days": None}, "valid_days"),
        ({"reaches_back": SECRET}, "reaches_back"),
        ({"surname": SECRET}, "surname"),
        ({"evidence": None}, "evidence"),
        ({"evidence": a_proof(channel=SECRET)}, "evidence.channel"),
        ({"evidence": a_proof(language="KOWALSKI")}, "evidence.language"),
        ({"evidence": a_proof(text_sha256=SECRET)}, "evidence.text_sha256"),
        ({"evidence": a_proof(document_sha256=SECRET)}, "evidence.document_sha256"),
        ({"evidence": a_proof(text_version="")}, "evidence.text_version"),
        ({"evidence": a_proof(told_purpose=False)}, "evidence.told_purpose"),
        ({"evidence": a_proof(told_refusal_is_free=False)}, "evidence.told_refusal_is_free"),
        ({"evidence": a_proof(told_right_to_withdraw=False)}, "evidence.told_right_to_withdraw"),
        ({"evidence": a_proof(told_right_to_withdraw=None)}, "evidence.told_right_to_withdraw"),
    ],
)
def test_a_field_that_cannot_be_accepted_is_named_with_a_reason_and_without_its_value(
    unmoved_gate: Gate, changes: dict[str, Any], field: str
) -> None:
    person = unmoved_gate.a_person()

    answer = unmoved_gate.ask("POST", "/grants", a_form(person, **changes))

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"].startswith(field)
    assert error["reason"]
    assert SECRET not in answer.text.lower().replace(field, "")
    assert unmoved_gate.rows(GrantRow) == []


@pytest.mark.parametrize("missing", ["person_id", "recipient_id", "purpose", "words", "kinds", "evidence"])
def test_a_missing_field_is_named(unmoved_gate: Gate, missing: str) -> None:
    form = a_form(unmoved_gate.a_person())
    del form[missing]

    answer = unmoved_gate.ask("POST", "/grants", form)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [missing]


def test_all_faults_are_named_at_once(unmoved_gate: Gate) -> None:
    person = unmoved_gate.a_person()

    answer = unmoved_gate.ask("POST", "/grants", a_form(person, purpose="billing", words={"debts": "yes"}))

    assert {error["field"] for error in answer.json()["errors"]} == {"purpose", "words.debts"}


@pytest.mark.parametrize("days", [1, 183])
def test_an_answer_stands_for_a_day_at_least_and_half_a_year_at_most(sqlite_gate: Gate, days: int) -> None:
    person = sqlite_gate.a_person()

    assert sqlite_gate.ask("POST", "/grants", a_form(person, valid_days=days)).status_code == 201

    spans = {(row.expires_at or row.given_at) - row.given_at for row in sqlite_gate.rows(AnswerRow)}
    assert {span.days for span in spans} == {days}


def test_a_referral_that_is_another_persons_is_no_purpose(unmoved_gate: Gate) -> None:
    person, other = unmoved_gate.a_person(), unmoved_gate.a_person()
    referral = unmoved_gate.a_referral_of(other)

    form = a_form(person, recipient_id="lvr-klinik", purpose=f"referral:{referral}", words={"identity": "yes"})
    answer = unmoved_gate.ask("POST", "/grants", form)

    assert [error["field"] for error in answer.json()["errors"]] == ["purpose"]


def test_a_referral_at_another_provider_is_no_purpose_for_this_one(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.register(DEBT_HELP, RecipientRole.PROVIDER)
    referral = sqlite_gate.a_referral_of(person)

    form = a_form(person, recipient_id=DEBT_HELP, purpose=f"referral:{referral}", words={"identity": "yes"})
    answer = sqlite_gate.ask("POST", "/grants", form)

    assert [error["field"] for error in answer.json()["errors"]] == ["recipient_id"]


def test_the_id_of_a_referral_without_its_word_is_no_purpose(unmoved_gate: Gate) -> None:
    person = unmoved_gate.a_person()
    referral = unmoved_gate.a_referral_of(person)

    form = a_form(person, recipient_id="lvr-klinik", purpose=referral, words={"identity": "yes"})

    assert unmoved_gate.ask("POST", "/grants", form).status_code == 422


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"person_id": "person-nobody"}, "person_not_found"),
        ({"recipient_id": "jobcenter-bochum"}, "recipient_not_found"),
    ],
)
def test_nobody_unknown_is_accepted(unmoved_gate: Gate, changes: dict[str, str], code: str) -> None:
    person = unmoved_gate.a_person()

    answer = unmoved_gate.ask("POST", "/grants", {**a_form(person), **changes})

    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_an_ended_recipient_is_granted_nothing(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")

    assert sqlite_gate.ask("POST", "/grants", a_form(person)).status_code == 404


def test_a_withdrawal_that_names_no_category_at_all_is_refused_rather_than_taken_for_done(unmoved_gate: Gate) -> None:
    person = unmoved_gate.a_person()

    answer = unmoved_gate.ask("POST", "/withdrawals", {"person_id": person, "categories": []})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["categories"]


def test_a_withdrawal_of_a_person_whom_nobody_knows_is_refused(unmoved_gate: Gate) -> None:
    answer = unmoved_gate.ask("POST", "/withdrawals", {"person_id": "person-nobody"})

    assert (answer.status_code, answer.json()["code"]) == (404, "person_not_found")


def test_an_erased_person_is_gone_and_that_is_said(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.ask("POST", "/grants", a_form(person))
    sqlite_gate.service.keys.destroy(person)

    answers = [
        sqlite_gate.ask("POST", "/grants", a_form(person)),
        sqlite_gate.ask("POST", "/withdrawals", {"person_id": person}),
        sqlite_gate.ask("GET", f"/persons/{person}/answers"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(410, "key_destroyed")] * 3


def test_a_paper_that_is_older_than_a_later_withdrawal_is_refused(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, Category.CONCLUSION)
    gate.withdraw(person)
    gate.clock.pass_(DAY)

    old = gate.ask("POST", "/grants", a_form(person, evidence=a_proof(declared_on="2026-03-01")))
    new = gate.ask("POST", "/grants", a_form(person, evidence=a_proof(declared_on="2026-03-02")))

    assert (old.status_code, old.json()["errors"][0]["field"]) == (422, "evidence.declared_on")
    assert new.status_code == 201
