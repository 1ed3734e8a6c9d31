"""Who hears that there is something to open, and when."""

import pytest

from services.consent.domain import Kind, Word
from services.consent.tables import FactRow
from shared.contracts.categories import Category
from tests.consent.builders import (
    CLINIC,
    DAY,
    JOBCENTER,
    a_case,
    a_case_end,
    a_conclusion,
    a_contact,
    a_finding,
    a_removal,
    a_statement,
    an_attendance,
)
from tests.consent.gate import Gate

CONCLUSION, WORK, DEBTS, CONTACT = Category.CONCLUSION, Category.WORK, Category.DEBTS, Category.CONTACT


def test_without_a_grant_a_recipient_hears_of_the_status_and_nothing_else(gate: Gate) -> None:
    person = gate.a_person()

    gate.hear(a_conclusion(person), a_finding(person, DEBTS), a_finding(person, WORK), an_attendance(person))

    assert [answer["result"] for answer in gate.reading().news()] == ["status"]
    assert gate.notices(CLINIC) == []


@pytest.mark.parametrize("word", [Word.NO, Word.ASK])
def test_a_no_or_an_ask_brings_no_notice(gate: Gate, word: Word) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    before = gate.notices()

    gate.grant(person, CONCLUSION, word=word)

    assert gate.notices() == before


@pytest.mark.parametrize("kind", Kind)
def test_a_yes_under_one_kind_alone_brings_no_notice(gate: Gate, kind: Kind) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    before = gate.notices()

    gate.grant(person, CONCLUSION, kinds=frozenset({kind}))

    assert gate.notices() == before


def test_a_grant_that_reaches_back_brings_one_notice_that_opens_to_what_was_released(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    jobcenter.news()
    gate.hear(a_conclusion(person, "able_part_time"), a_finding(person, DEBTS), a_statement(person))

    gate.grant(person, CONCLUSION, WORK)

    [answer] = jobcenter.news()
    assert answer["result"] == "released"
    assert answer["released"] == {
        "type": "jobcenter.situation.v1",
        "reference": gate.reference_of(person),
        "professional_secrecy": True,
        "conclusion": {"code": "able_part_time", "decided_on": "2026-03-02"},
    }


def test_a_grant_from_now_on_is_silent_about_what_was_known_and_tells_what_comes(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_finding(person, WORK, "before", at=gate.clock.now))
    before = gate.notices()

    gate.grant(person, WORK, reaches_back=False)
    assert gate.notices() == before
    gate.hear(a_finding(person, WORK, "after", at=gate.clock.now))

    [notice] = gate.notices()[len(before) :]
    assert [fact["code"] for fact in gate.open(notice)["released"]["work"]] == ["after"]


def test_a_new_version_of_an_old_fact_does_not_become_new_by_it(gate: Gate) -> None:
    person = gate.a_person()
    old = a_finding(person, WORK, "before", at=gate.clock.now)
    gate.hear(old)
    gate.grant(person, WORK, reaches_back=False)
    before = gate.notices()

    gate.hear(a_finding(person, WORK, "corrected", fact_id=old.fact_id, version=2, at=gate.clock.now))

    assert gate.notices() == before


def test_a_second_version_that_comes_first_is_told_from_now_on_only_when_the_first_proves_new(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK, reaches_back=False)
    before, gate_time = gate.notices(), gate.clock.now
    gate.hear(a_finding(person, WORK, "second", fact_id="fact-0001", version=2, at=gate_time))
    assert gate.notices() == before

    gate.hear(a_finding(person, WORK, "first", fact_id="fact-0001", version=1, at=gate_time))

    [notice] = gate.notices()[len(before) :]
    assert [fact["code"] for fact in gate.open(notice)["released"]["work"]] == ["second"]


def test_a_first_version_from_before_the_grant_proves_a_late_second_one_old(gate: Gate) -> None:
    person = gate.a_person()
    recorded_at = gate.clock.now
    gate.grant(person, WORK, reaches_back=False)
    before = gate.notices()

    gate.hear(a_finding(person, WORK, "second", fact_id="fact-0001", version=2, at=gate.clock.now))
    gate.hear(a_finding(person, WORK, "first", fact_id="fact-0001", version=1, at=recorded_at))

    assert gate.notices() == before


def test_a_fact_that_is_not_released_sends_nothing_to_anybody(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.a_referral_of(person)
    before = gate.notices(JOBCENTER), gate.notices(CLINIC)

    gate.hear(a_finding(person, WORK), a_finding(person, DEBTS), a_contact(person), a_statement(person))

    assert (gate.notices(JOBCENTER), gate.notices(CLINIC)) == before


def test_what_comes_while_a_notice_waits_needs_no_second_notice(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK)
    gate.hear(a_finding(person, WORK, "one"), a_finding(person, WORK, "two"), a_finding(person, WORK, "three"))

    _status, notice = gate.notices()

    assert [fact["code"] for fact in gate.open(notice)["released"]["work"]] == ["one", "three", "two"]


def test_a_fact_heard_twice_is_told_once(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK)
    found = a_finding(person, WORK)
    gate.hear(found, found)
    jobcenter = gate.reading()
    assert [answer["result"] for answer in jobcenter.news()] == ["status", "released"]

    gate.hear(found)

    assert jobcenter.news() == []


def test_a_late_older_version_changes_nothing(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK)
    jobcenter = gate.reading()
    gate.hear(a_finding(person, WORK, "newest", fact_id="fact-0001", version=3))
    jobcenter.news()

    gate.hear(a_finding(person, WORK, "older", fact_id="fact-0001", version=2))

    assert jobcenter.news() == []


def test_a_removed_fact_does_not_come_back_with_a_late_version(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK)
    before = gate.notices()

    gate.hear(a_removal(person, "fact-0001", version=2), a_finding(person, WORK, fact_id="fact-0001", version=1))

    assert gate.notices() == before


def test_a_fact_never_changes_hands(gate: Gate) -> None:
    person, other = gate.a_person(), gate.a_person()
    gate.grant(person, WORK)
    gate.grant(other, WORK)
    gate.hear(a_finding(person, WORK, "first", fact_id="fact-0001"))
    before = gate.notices()

    gate.hear(a_finding(other, WORK, "second", fact_id="fact-0001", version=2), a_removal(other, "fact-0001", 3))

    assert gate.notices() == before


def test_a_person_who_came_without_a_commission_cannot_be_named_to_the_jobcenter(gate: Gate) -> None:
    gate.hear(a_case("person-0001"), a_conclusion("person-0001"))

    gate.grant("person-0001", CONCLUSION)

    assert gate.notices() == []


def test_facts_go_with_the_case_when_nobody_may_know_them(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person), a_finding(person, DEBTS))

    gate.hear(a_case_end(person))
    gate.grant(person, CONCLUSION)

    assert gate.rows(FactRow, FactRow.content != None) == []  # noqa: E711  SQL
    assert [answer["result"] for answer in gate.reading().news()] == ["status"]


def test_facts_outlive_the_case_while_a_grant_stands_and_go_with_the_last_one(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    gate.hear(a_case_end(person))
    assert gate.reading().news()[-1]["result"] == "released"

    gate.withdraw(person)

    assert gate.rows(FactRow, FactRow.content != None) == []  # noqa: E711  SQL


@pytest.mark.parametrize(("word", "kept"), [(Word.YES, 1), (Word.ASK, 1), (Word.NO, 0)])
def test_only_a_yes_or_an_ask_keeps_facts_beyond_the_case(gate: Gate, word: Word, kept: int) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=word)

    gate.hear(a_case_end(person))

    assert len(gate.rows(FactRow, FactRow.content != None)) == kept  # noqa: E711  SQL


def test_a_later_no_lets_go_of_the_facts_of_a_case_that_has_ended(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    gate.hear(a_case_end(person))

    gate.grant(person, CONCLUSION, word=Word.NO)

    assert gate.rows(FactRow, FactRow.content != None) == []  # noqa: E711  SQL


def test_a_held_yes_keeps_the_facts_of_a_case_that_has_ended(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    gate.ask("POST", f"/persons/{person}/hold", {})

    gate.hear(a_case_end(person))

    assert len(gate.rows(FactRow, FactRow.content != None)) == 1  # noqa: E711  SQL


def test_what_was_forgotten_with_the_case_does_not_come_back_with_a_late_version(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_finding(person, WORK, "outdated", fact_id="fact-0001", version=1))
    gate.hear(a_removal(person, "fact-0001", version=2), a_case_end(person))
    gate.grant(person, WORK)
    before = gate.notices()

    gate.hear(a_finding(person, WORK, "outdated", fact_id="fact-0001", version=1))

    assert gate.notices() == before


def test_a_notice_survives_an_instance_whose_clock_is_behind(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)

    gate.clock.pass_(-DAY)
    gate.hear(a_finding(person, DEBTS))

    assert gate.open(gate.notices()[-1])["result"] == "released"
