"""A paper that is older than what the person has said since undoes nothing of it, by whichever desk it comes in."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx2 import Response

from services.consent.tables import AnswerRow
from shared.contracts.categories import Category
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


def dispute(gate: Gate, grants: list[str]) -> None:
    """Have the person say that they never gave these grants."""
    for grant in grants:
        assert gate.ask("POST", f"/grants/{grant}/dispute").status_code == 200
        gate.clock.pass_()


def settle(gate: Gate, person: str, grants: list[str]) -> None:
    """Have the dispute settled: the grants were never valid."""
    for grant in grants:
        settlement = {"outcome": "invalid", "place": "elsewhere"}
        assert gate.ask("POST", f"/grants/{grant}/dispute-settlement", settlement).status_code == 200
        gate.clock.pass_()


def withdraw(gate: Gate, person: str, grants: list[str]) -> None:
    """Have the person withdraw what they dispute."""
    gate.withdraw(person)


def say_yes_anew(gate: Gate, person: str, grants: list[str]) -> None:
    """Have the person say yes on the day after."""
    gate.clock.pass_(DAY)
    gate.grant(person, Category.CONCLUSION)


def leave_open(gate: Gate, person: str, grants: list[str]) -> None:
    """Leave the dispute as it is."""


@pytest.mark.parametrize("end", [settle, withdraw, say_yes_anew, leave_open])
def test_one_that_is_newer_than_a_dispute_is_recorded(
    sqlite_gate: Gate, end: Callable[[Gate, str, list[str]], None]
) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    grants = gate.grant(person, Category.CONCLUSION)
    dispute(gate, grants)
    end(gate, person, grants)
    gate.clock.pass_(10 * DAY)

    assert hand_in_paper(gate, person, declared_on="2026-03-10").status_code == 201


@pytest.mark.parametrize("end", [settle, withdraw, leave_open])
def test_one_that_is_older_than_a_dispute_is_not_recorded(
    sqlite_gate: Gate, end: Callable[[Gate, str, list[str]], None]
) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    grants = gate.grant(person, Category.CONCLUSION)
    dispute(gate, grants)
    end(gate, person, grants)
    gate.clock.pass_(10 * DAY)

    assert fields(hand_in_paper(gate, person)) == {"evidence.declared_on"}


@pytest.mark.parametrize("hour", [12, 22], ids=["noon", "late evening"])
def test_one_of_the_same_day_is_recorded_after_a_dispute_of_an_earlier_day_at_any_hour(
    sqlite_gate: Gate, hour: int
) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    dispute(gate, gate.grant(person, Category.CONCLUSION))
    gate.clock.now = datetime(2026, 3, 5, hour, 30, tzinfo=UTC)

    assert hand_in_paper(gate, person, declared_on="2026-03-05").status_code == 201
