"""Who answers for somebody is on nobody else's side, and an objection of the person binds whoever comes next."""

import pytest

from services.consent.domain import Word
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import AnswerRow
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import CLINIC, JOBCENTER, a_conclusion
from tests.consent.gate import Gate
from tests.consent.test_refused_grants import a_form
from tests.consent.test_representation import CONCLUSION, a_representation, answer_for
from tests.consent.test_shield import SHIELD, register_shield
from tests.consent.test_unreadable import damage


def stop(gate: Gate, representation: str, because: str) -> None:
    """Stop a representation."""
    answer = gate.ask("POST", f"/representations/{representation}/stopping", {"because": because})
    assert answer.status_code == 200, answer.text
    gate.clock.pass_()


def test_whoever_works_for_a_jobcenter_answers_nothing_towards_its_shield(sqlite_gate: Gate) -> None:
    register_shield(sqlite_gate)
    person = sqlite_gate.a_person()
    representation = a_representation(sqlite_gate, person, recipient_ids=[SHIELD], works_for=JOBCENTER)

    answer = sqlite_gate.ask("POST", "/grants", a_form(person, recipient_id=SHIELD, given_by=representation))

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["given_by"]


@pytest.mark.parametrize("answered", [False, True], ids=["nothing answered", "answered"])
def test_an_objection_binds_whoever_comes_next_whether_or_not_the_first_had_answered(
    sqlite_gate: Gate, answered: bool
) -> None:
    person = sqlite_gate.a_person()
    first = a_representation(sqlite_gate, person)
    if answered:
        answer_for(sqlite_gate, person, first)

    stop(sqlite_gate, first, "objection")

    second = a_representation(sqlite_gate, person)
    assert answer_for(sqlite_gate, person, second).json()["code"] == "objection_stands"


def test_an_objection_to_a_representation_that_was_over_binds_as_well(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    first = a_representation(sqlite_gate, person)
    answer_for(sqlite_gate, person, first)
    stop(sqlite_gate, first, "revoked")

    stop(sqlite_gate, first, "objection")

    second = a_representation(sqlite_gate, person)
    assert answer_for(sqlite_gate, person, second).json()["code"] == "objection_stands"


def test_a_conflict_that_is_found_after_the_end_is_on_record(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    representation = a_representation(sqlite_gate, person)
    stop(sqlite_gate, representation, "revoked")

    stop(sqlite_gate, representation, "conflict_of_interest")

    [held] = sqlite_gate.ask("GET", f"/persons/{person}/representations").json()
    assert held["ended_by"] == "conflict_of_interest"


def test_a_representatives_yes_lifts_no_hold(sqlite_gate: Gate) -> None:
    person, jobcenter = sqlite_gate.a_person(), sqlite_gate.reading()
    sqlite_gate.hear(a_conclusion(person))
    jobcenter.news()
    sqlite_gate.ask("POST", f"/persons/{person}/hold", {})
    sqlite_gate.clock.pass_()

    answered = answer_for(sqlite_gate, person, a_representation(sqlite_gate, person))

    assert answered.status_code == 201
    assert jobcenter.news() == []


@pytest.mark.parametrize("word", [Word.ASK, Word.NO])
def test_the_persons_own_word_stands_although_the_representative_said_no_meanwhile(
    sqlite_gate: Gate, word: Word
) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.grant(person, CONCLUSION, word=word)
    representation = a_representation(sqlite_gate, person)
    assert answer_for(sqlite_gate, person, representation, "no").status_code == 201

    assert answer_for(sqlite_gate, person, representation).json()["code"] == "objection_stands"


def test_an_objection_towards_a_house_binds_towards_its_shield(sqlite_gate: Gate) -> None:
    register_shield(sqlite_gate)
    person = sqlite_gate.a_person()
    stop(sqlite_gate, a_representation(sqlite_gate, person), "objection")
    second = a_representation(sqlite_gate, person, recipient_ids=[SHIELD])

    answer = sqlite_gate.ask("POST", "/grants", a_form(person, recipient_id=SHIELD, given_by=second))

    assert (answer.status_code, answer.json()["code"]) == (409, "objection_stands")


def test_a_withdrawn_word_that_nobody_can_read_binds_the_representative(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.grant(person, CONCLUSION)
    for row in sqlite_gate.rows(AnswerRow):
        damage(sqlite_gate, AnswerRow, row.answer_id, "said")
    sqlite_gate.withdraw(person)

    answer = answer_for(sqlite_gate, person, a_representation(sqlite_gate, person))

    assert (answer.status_code, answer.json()["code"]) == (409, "objection_stands")


def test_recipients_without_an_organisation_are_not_one_house(sqlite_gate: Gate) -> None:
    def forget_organisations(work: UnitOfWork) -> None:
        for recipient_id in (JOBCENTER, CLINIC):
            work.session.get_one(RecipientRow, recipient_id).organisation = ""

    person = sqlite_gate.a_person()
    sqlite_gate.write(forget_organisations)

    answer = answer_for(sqlite_gate, person, a_representation(sqlite_gate, person, works_for=CLINIC))

    assert answer.status_code == 201
