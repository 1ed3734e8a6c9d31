"""A declaration that the person does not recognise stops, and is settled by the person or as invalid."""

from typing import Any

import pytest

from services.consent.domain import Word
from shared.contracts.categories import Category
from tests.consent.builders import a_conclusion
from tests.consent.gate import Gate, Reader

CONCLUSION = Category.CONCLUSION


def after(gate: Gate, path: str, body: Any = None) -> int:
    """Send a request of the person's desk; return the status."""
    status = gate.ask("POST", path, body).status_code
    gate.clock.pass_()
    return status


def states(gate: Gate, person: str) -> set[str]:
    """Return the states of a person's answers."""
    return {answer["state"] for answer in gate.ask("GET", f"/persons/{person}/answers").json()}


def a_released_conclusion(gate: Gate) -> tuple[str, list[str], Reader]:
    """Return a person, the grants that released something, and the recipient that opened it."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    grants = gate.grant(person, CONCLUSION)
    reading = gate.reading()
    reading.news()
    return person, grants, reading


def test_what_rested_on_a_disputed_declaration_is_retracted(gate: Gate) -> None:
    person, grants, reading = a_released_conclusion(gate)

    assert after(gate, f"/grants/{grants[0]}/dispute") == 200

    assert states(gate, person) == {"disputed", "granted"}
    assert [answer["result"] for answer in reading.news()] == ["retracted"]


def test_a_disputed_declaration_stands_again_only_by_the_persons_own_word_elsewhere(gate: Gate) -> None:
    person, grants, reading = a_released_conclusion(gate)
    after(gate, f"/grants/{grants[0]}/dispute")
    settle = f"/grants/{grants[0]}/dispute-settlement"

    there = after(gate, settle, {"outcome": "stands", "place": "jobcenter_premises"})
    elsewhere = after(gate, settle, {"outcome": "stands", "place": "elsewhere"})

    assert (there, elsewhere) == (422, 200)
    assert states(gate, person) == {"granted"}
    assert [answer["result"] for answer in reading.news()] == ["retracted", "released"]


@pytest.mark.parametrize("way", ["settled", "found"])
def test_what_is_invalid_never_stands_again(gate: Gate, way: str) -> None:
    person, grants, reading = a_released_conclusion(gate)
    grant = f"/grants/{grants[0]}"

    if way == "settled":
        after(gate, f"{grant}/dispute")
        after(gate, f"{grant}/dispute-settlement", {"outcome": "invalid", "place": "jobcenter_premises"})
    else:
        after(gate, f"{grant}/invalidity", {"reason": "not_capable"})

    assert states(gate, person) == {"invalid", "granted"}
    assert [answer["result"] for answer in reading.news()] == ["retracted"]
    assert after(gate, f"{grant}/confirmation", {"place": "elsewhere"}) == 409
    assert after(gate, f"{grant}/dispute") == 409


@pytest.mark.parametrize(("path", "body"), [("dispute", None), ("invalidity", {"reason": "forged"})])
def test_a_no_is_neither_disputed_nor_invalid(gate: Gate, path: str, body: Any) -> None:
    person = gate.a_person()
    grants = gate.grant(person, CONCLUSION, word=Word.NO)

    assert after(gate, f"/grants/{grants[0]}/{path}", body) == 409
    assert states(gate, person) == {"refused"}


def test_a_new_answer_ends_a_disputed_one(gate: Gate) -> None:
    person, grants, _ = a_released_conclusion(gate)
    after(gate, f"/grants/{grants[0]}/dispute")

    gate.grant(person, CONCLUSION)

    assert states(gate, person) == {"superseded", "granted"}


def test_a_disputed_declaration_can_be_withdrawn(gate: Gate) -> None:
    person, grants, _ = a_released_conclusion(gate)
    after(gate, f"/grants/{grants[0]}/dispute")

    gate.withdraw(person)

    assert states(gate, person) == {"withdrawn"}


def test_a_reason_that_is_none_is_refused(gate: Gate) -> None:
    _, grants, _ = a_released_conclusion(gate)

    answer = gate.ask("POST", f"/grants/{grants[0]}/invalidity", {"reason": "inconvenient"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "reason")
