"""One query answers for any disclosed message: which grant, which text, known since when, which rules."""

from datetime import date
from typing import Any

from services.consent.decision import RULES_VERSION
from services.consent.declaration import Evidence
from services.consent.domain import Word
from shared.contracts.categories import Category
from tests.consent.builders import DAY, JOBCENTER, NOON, SHA, a_conclusion, a_statement
from tests.consent.gate import Gate

ELSEWHERE = {"place": "elsewhere"}
CONCLUSION, STATEMENT = Category.CONCLUSION, Category.STATEMENT


def last_entry(gate: Gate, person: str) -> int:
    """Return the number of the last entry about a person."""
    return int(gate.ask("GET", f"/persons/{person}/ledger").json()[-1]["number"])


def grounds(gate: Gate, person: str, number: int) -> Any:
    """Ask why the Jobcenter received what an entry says."""
    return gate.ask("GET", f"/persons/{person}/ledger/{JOBCENTER}/{number}/grounds")


def test_a_disclosure_names_its_grants_texts_facts_and_rules(gate: Gate) -> None:
    person = gate.a_person()
    conclusion = a_conclusion(person, at=NOON - DAY)
    gate.hear(conclusion)
    paper = Evidence("paper", "ar", "2026-10", SHA, "d" * 64, "person_desk-1", declared_on=date(2026, 3, 1))
    granted_at = gate.clock.now
    grants = gate.grant(person, CONCLUSION, evidence=paper)
    gate.open(gate.notices()[-1])

    found = grounds(gate, person, last_entry(gate, person)).json()

    assert found["rules"] == RULES_VERSION
    assert found["told"]["conclusion"]["code"] == "able_part_time"
    assert [fact["fact_id"] for fact in found["facts"]] == [conclusion.fact_id]
    assert found["facts"][0]["recorded_at"] < found["facts"][0]["received_at"]
    assert sorted(grant["grant_id"] for grant in found["grants"]) == sorted(grants)
    for grant in found["grants"]:
        assert (grant["declared_on"], grant["known_since"]) == ("2026-03-01", granted_at.isoformat())
        assert (grant["text_sha256"], grant["language"], grant["version"]) == (SHA, "ar", 1)


def test_what_was_told_stays_explained_after_the_grant_ended(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    gate.open(gate.notices()[-1])
    number = last_entry(gate, person)
    gate.withdraw(person)

    found = grounds(gate, person, number).json()

    assert {grant["ended_at"] is None for grant in found["grants"]} == {False}


def test_a_later_declaration_has_a_higher_version(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=Word.NO)
    gate.grant(person, CONCLUSION)
    gate.open(gate.notices()[-1])

    found = grounds(gate, person, last_entry(gate, person)).json()

    assert {grant["version"] for grant in found["grants"]} == {2}


def test_a_disclosure_by_a_word_names_the_word(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=Word.ASK)
    (inquiry,) = gate.ask("GET", f"/persons/{person}/inquiries").json()
    gate.ask(
        "POST", f"/inquiries/{inquiry['inquiry_id']}/word", {"word": "yes", "sha256": inquiry["sha256"], **ELSEWHERE}
    )
    gate.open(gate.notices()[-1])

    assert grounds(gate, person, last_entry(gate, person)).json()["word"]["inquiry_id"] == inquiry["inquiry_id"]


def test_what_was_opened_again_under_a_hold_has_the_grounds_of_the_first_time(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person), a_statement(person))
    grants = gate.grant(person, CONCLUSION)
    notice = gate.notices()[-1]
    gate.open(notice)
    gate.ask("POST", f"/persons/{person}/hold", {})
    gate.open(notice)

    found = grounds(gate, person, last_entry(gate, person)).json()

    assert sorted(grant["grant_id"] for grant in found["grants"]) == sorted(grants)


def test_nobody_asks_about_somebody_elses_entry(gate: Gate) -> None:
    person, other = gate.a_person(), gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    gate.open(gate.notices()[-1])

    answer = grounds(gate, other, last_entry(gate, person))

    assert (answer.status_code, answer.json()["code"]) == (404, "entry_not_found")
