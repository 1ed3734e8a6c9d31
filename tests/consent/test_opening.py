"""A recipient opens a notice: decided again now, entered, answered. Everything else is `empty`, all alike."""

import pytest

from services.consent import ledger_view
from services.consent.domain import RecipientRole
from services.consent.opening import EMPTY
from services.consent.release import names_told
from services.consent.tables import FactRow, LedgerRow, ReleaseRow
from shared.contracts.categories import Category
from shared.outbox import random_id
from tests.consent.builders import (
    CLINIC,
    DAY,
    JOBCENTER,
    a_conclusion,
    a_finding,
    a_statement,
    an_attendance,
)
from tests.consent.gate import Gate

CONCLUSION, WORK, STATEMENT, ATTENDANCE = (
    Category.CONCLUSION,
    Category.WORK,
    Category.STATEMENT,
    Category.ATTENDANCE,
)


def entered(gate: Gate) -> list[str]:
    """Return what kinds of entries the Jobcenter's chain holds."""
    return [row.kind for row in sorted(gate.rows(LedgerRow), key=lambda row: row.number)]


def test_an_opening_shows_the_facts_of_now_not_those_of_the_notice(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person, "outdated", fact_id="fact-0001"))
    gate.hear(a_conclusion(person, "of_now", fact_id="fact-0001", version=2))

    answer = gate.open(gate.notices()[-1])

    assert answer["released"]["conclusion"]["code"] == "of_now"


def test_the_same_content_opened_again_is_entered_again_and_names_the_first_entry(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    notice = gate.notices()[-1]

    answers = [gate.open(notice) for _ in range(3)]

    assert [answer["released"] for answer in answers] == [answers[0]["released"]] * 3
    assert [answer["sequence"] for answer in answers] == [1, 2, 3]
    assert entered(gate) == ["released", "opened_again", "opened_again"]
    contents = [ledger_view.read_content(gate.service.keys, row) for row in gate.rows(LedgerRow)]
    assert [content.get("again_of") for content in contents] == [None, 1, 1]


def test_other_content_opened_under_the_same_notice_is_a_release_of_its_own(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION, WORK)
    gate.hear(a_conclusion(person))
    notice = gate.notices()[-1]
    gate.open(notice)

    gate.hear(a_finding(person, WORK))
    answer = gate.open(notice)

    assert "work" in answer["released"]
    assert entered(gate) == ["released", "released"]


def test_an_opening_after_the_withdrawal_is_empty_and_leaves_no_entry(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))

    gate.withdraw(person)

    assert gate.open(gate.notices()[-1]) == EMPTY
    assert gate.rows(LedgerRow) == []


def test_an_answer_ends_with_its_time_even_if_no_timer_has_run(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION, valid_for=DAY)
    gate.hear(a_conclusion(person))
    notice = gate.notices()[-1]

    gate.clock.pass_(DAY)

    assert gate.open(notice) == EMPTY


def test_an_answer_that_was_seen_to_end_never_stands_again_even_if_the_clock_goes_back(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION, valid_for=DAY)
    gate.hear(a_conclusion(person))
    gate.clock.pass_(DAY)
    gate.open(gate.notices()[-1])
    before = gate.notices()

    gate.clock.pass_(-DAY)
    gate.hear(a_conclusion(person))

    assert gate.notices() == before


@pytest.mark.parametrize("notice", ["A" * 43, "x", "-" * 64])
def test_an_unknown_notice_is_empty_and_leaves_no_row(gate: Gate, notice: str) -> None:
    assert gate.open(notice) == EMPTY
    assert gate.rows(ReleaseRow) == []
    assert gate.rows(LedgerRow) == []


def test_a_heartbeat_is_empty_and_leaves_no_row(gate: Gate) -> None:
    assert gate.open(random_id()) == EMPTY
    assert gate.rows(ReleaseRow) == []


def test_a_notice_of_somebody_else_is_empty_and_stays_openable_for_them(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    status, content = gate.notices()

    assert gate.open(content, CLINIC) == EMPTY
    assert gate.open(status, CLINIC) == EMPTY
    assert gate.rows(LedgerRow) == []
    assert gate.open(content)["result"] == "released"


def test_an_ended_recipient_opens_nothing_not_even_what_it_had_opened(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    gate.open(gate.notices()[-1])

    gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")

    assert [gate.open(notice) for notice in gate.notices()] == [EMPTY, EMPTY]


def test_an_ended_recipient_is_not_told_of_what_is_released_to_it(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    before = gate.notices()

    gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")
    gate.hear(a_conclusion(person))

    assert gate.notices() == before


def test_an_offer_that_was_narrowed_narrows_what_is_opened(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION, ATTENDANCE)
    gate.hear(a_conclusion(person), an_attendance(person))

    gate.register(JOBCENTER, RecipientRole.JOBCENTER, CONCLUSION)

    assert names_told(gate.open(gate.notices()[-1])["released"]) == ["conclusion"]


def test_an_erased_person_is_empty_like_any_other(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    notice = gate.notices()[-1]
    gate.open(notice)

    gate.service.keys.destroy(person)

    assert gate.open(notice) == EMPTY
    assert entered(gate) == ["released"]


def test_an_unreadable_fact_is_not_known_and_stops_neither_the_rest_nor_the_withdrawal(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.hear(a_conclusion(person, fact_id="fact-0001"), a_statement(person))
    gate.write(lambda work: setattr(work.session.get_one(FactRow, "fact-0001"), "content", b"damaged by somebody"))

    content = gate.open(gate.notices()[-1])
    gate.withdraw(person)

    assert names_told(content["released"]) == ["statements"]
    assert gate.open(gate.notices()[-1])["result"] == "retracted"
