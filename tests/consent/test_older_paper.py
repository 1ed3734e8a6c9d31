"""A paper that is older than what the person has said since undoes nothing of it, by whichever desk it comes in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from httpx2 import Response

from services.consent.tables import AnswerRow
from tests.consent.builders import DAY, a_conclusion, a_proof
from tests.consent.gate import Gate
from tests.consent.test_refused_grants import a_form
from tests.consent.test_unreadable import damage


def hand_in_paper(gate: Gate, person: str, *, declared_on: str = "2026-03-01", **changes: Any) -> Response:
    """Have a desk send a paper that was signed on the day before the first one of these tests."""
    paper = a_proof(declared_on=declared_on, document_sha256="b" * 64)
    answer = gate.ask("POST", "/grants", a_form(person, evidence=paper, **changes))
    gate.clock.pass_()
    return answer


def say(gate: Gate, person: str, word: str) -> list[str]:
    """Have the person say a word to the conclusion, two days later; return the grants."""
    gate.clock.pass_(2 * DAY)
    answer = gate.ask("POST", "/grants", a_form(person, words={"conclusion": word}))
    gate.clock.pass_()
    grants: list[str] = answer.json()["grant_ids"]
    return grants


def fields(answer: Response) -> set[str]:
    """Return which fields of a paper were refused."""
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in answer.json()["errors"]}


def test_one_that_nothing_newer_stands_against_is_recorded(gate: Gate) -> None:
    assert hand_in_paper(gate, gate.a_person()).status_code == 201


def test_one_that_the_person_disputed_since_is_not_recorded_once_more(gate: Gate) -> None:
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person))
    grants = hand_in_paper(gate, person).json()["grant_ids"]
    gate.clock.pass_(DAY)
    for grant in grants:
        assert gate.ask("POST", f"/grants/{grant}/dispute").status_code == 200
        gate.clock.pass_()
    jobcenter.news()

    again = hand_in_paper(gate, person)

    assert fields(again) == {"evidence.declared_on"}
    assert "released" not in [news["result"] for news in jobcenter.news()]


def test_one_that_the_person_withdrew_since_is_not_recorded_once_more(gate: Gate) -> None:
    person = gate.a_person()
    hand_in_paper(gate, person)
    gate.clock.pass_(DAY)
    gate.withdraw(person)

    assert fields(hand_in_paper(gate, person)) == {"evidence.declared_on"}


@pytest.mark.parametrize(("older", "newer"), [("yes", "ask"), ("ask", "no"), ("yes", "no")])
def test_an_older_word_does_not_undo_a_newer_one_that_opens_less(gate: Gate, older: str, newer: str) -> None:
    person = gate.a_person()
    say(gate, person, newer)

    assert fields(hand_in_paper(gate, person, words={"conclusion": older})) == {"evidence.declared_on"}


def test_one_is_not_recorded_after_the_newer_yes_was_found_not_to_have_been_free(gate: Gate) -> None:
    person = gate.a_person()
    for grant in say(gate, person, "yes"):
        assert gate.ask("POST", f"/grants/{grant}/invalidity", {"reason": "not_free"}).status_code == 200
        gate.clock.pass_()

    assert fields(hand_in_paper(gate, person)) == {"evidence.declared_on"}


def test_one_is_not_recorded_against_a_newer_word_that_nobody_can_read(gate: Gate) -> None:
    person = gate.a_person()
    say(gate, person, "no")
    for row in gate.rows(AnswerRow):
        damage(gate, AnswerRow, row.answer_id, "said")

    assert fields(hand_in_paper(gate, person)) == {"evidence.declared_on"}


def test_the_day_of_a_no_is_that_of_the_town(gate: Gate) -> None:
    person = gate.a_person()
    gate.clock.now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # the 3rd in Essen
    gate.ask("POST", "/grants", a_form(person, words={"conclusion": "no"}))
    gate.clock.pass_(DAY)

    assert fields(hand_in_paper(gate, person, declared_on="2026-03-02")) == {"evidence.declared_on"}
