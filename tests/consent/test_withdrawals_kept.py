"""What a person takes back where nothing stands is kept: no older paper, and nobody in their name, opens it later."""

from typing import Any

import pytest

from services.consent.tables import WithdrawalRow
from shared.contracts.categories import Category
from tests.consent.builders import CLINIC, DAY, JOBCENTER, a_conclusion
from tests.consent.gate import Gate
from tests.consent.test_export import export_of, of_kind
from tests.consent.test_joining import told_by_joining, two_ids_of_one_human
from tests.consent.test_older_paper import fields, hand_in_paper
from tests.consent.test_representation import a_representation, answer_for
from tests.consent.test_restore import Restorable, town  # noqa: F401  a fixture
from tests.consent.test_unreadable import damage

CONCLUSION = Category.CONCLUSION


def take_back(gate: Gate, person: str, **narrowed: Any) -> None:
    """Have somebody withdraw, two days after the paper of these tests was signed, and nothing stands."""
    gate.clock.pass_(2 * DAY)
    reply = gate.ask("POST", "/withdrawals", {"person_id": person, **narrowed})
    assert reply.json() == {"answers_ended": 0, "receipt": None}
    gate.clock.pass_()


@pytest.mark.parametrize(
    "narrowed",
    [{}, {"recipient_id": JOBCENTER}, {"purpose": "benefit"}, {"categories": ["conclusion", "work"]}],
    ids=["everything", "recipient", "purpose", "category"],
)
def test_an_older_paper_does_not_undo_a_withdrawal_that_ended_nothing(gate: Gate, narrowed: dict[str, Any]) -> None:
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person))
    take_back(gate, person, **narrowed)

    paper = hand_in_paper(gate, person)

    assert fields(paper) == {"evidence.declared_on"}
    assert "released" not in [news["result"] for news in jobcenter.news()]


@pytest.mark.parametrize(
    "narrowed", [{"recipient_id": CLINIC}, {"categories": ["work"]}], ids=["recipient", "category"]
)
def test_a_withdrawal_of_something_else_lets_the_paper_in(gate: Gate, narrowed: dict[str, Any]) -> None:
    person = gate.a_person()
    take_back(gate, person, **narrowed)

    assert hand_in_paper(gate, person).status_code == 201


def test_a_word_that_comes_after_the_withdrawal_counts(gate: Gate) -> None:
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person))
    take_back(gate, person)

    gate.grant(person, CONCLUSION)

    assert "released" in [news["result"] for news in jobcenter.news()]


def test_a_withdrawal_whose_categories_nobody_can_read_was_of_everything(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    take_back(sqlite_gate, person, categories=["work"])
    [kept] = sqlite_gate.rows(WithdrawalRow)
    damage(sqlite_gate, WithdrawalRow, kept.withdrawal_id, "categories")

    assert fields(hand_in_paper(sqlite_gate, person)) == {"evidence.declared_on"}


def test_one_that_is_said_again_is_kept_once_and_counts_from_the_last_time_on(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    take_back(sqlite_gate, person, categories=["conclusion"])
    take_back(sqlite_gate, person, categories=["conclusion"])

    [kept] = sqlite_gate.rows(WithdrawalRow)

    assert sqlite_gate.clock.now - kept.at < DAY
    assert fields(hand_in_paper(sqlite_gate, person, declared_on="2026-03-05")) == {"evidence.declared_on"}


def test_a_restored_backup_does_not_forget_it(town: Restorable) -> None:  # noqa: F811  the fixture
    with town.running() as gate:
        person = gate.a_person()
    restore = town.back_up()
    with town.running() as gate:
        take_back(gate, person)

    restore()

    with town.running() as gate:
        assert fields(hand_in_paper(gate, person)) == {"evidence.declared_on"}


def test_a_representative_does_not_open_what_the_person_took_back(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    guardian = a_representation(gate, person)
    take_back(gate, person)

    answer = answer_for(gate, person, guardian)

    assert (answer.status_code, answer.json()["code"]) == (409, "objection_stands")


def test_it_goes_along_when_the_commission_is_joined(sqlite_gate: Gate) -> None:
    earlier, former = two_ids_of_one_human(sqlite_gate)
    take_back(sqlite_gate, former)

    assert told_by_joining(sqlite_gate, earlier, former) == []


def test_the_person_reads_of_it_and_an_erasure_forgets_it(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    take_back(gate, person, categories=["conclusion"])

    [told] = of_kind(export_of(gate, person), "withdrawal")
    gate.ask("POST", f"/persons/{person}/erasure")
    gate.clock.pass_()

    assert told["categories"] == ["conclusion"]
    assert gate.rows(WithdrawalRow) == []
