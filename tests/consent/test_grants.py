"""A person's answers: recorded with proof, superseded by later ones, ended by time. An older one never returns."""

from datetime import timedelta
from functools import partial

import pytest

from services.consent import grants
from services.consent.domain import Kind, Word
from services.consent.errors import NotAcceptable
from services.consent.opening import EMPTY
from services.consent.tables import AnswerRow, GrantRow
from shared.contracts.categories import Category
from shared.contracts.consent import GrantRecorded, GrantWithdrawn
from tests.consent.builders import DAY, SHA, a_conclusion, a_statement
from tests.consent.gate import Gate

CONCLUSION, STATEMENT = Category.CONCLUSION, Category.STATEMENT


def a_known_person(gate: Gate) -> str:
    """Return a person with a conclusion that the Jobcenter does not know."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.reading().news()
    return person


def can_be_opened(gate: Gate) -> bool:
    """Say whether the Jobcenter's newest notice opens to content."""
    return bool(gate.open(gate.notices()[-1])["result"] == "released")


def test_a_grant_is_one_record_per_kind_with_its_proof(gate: Gate) -> None:
    person = a_known_person(gate)

    grant_ids = gate.grant(person, CONCLUSION, STATEMENT)

    rows = gate.rows(GrantRow)
    assert {row.grant_id for row in rows} == set(grant_ids)
    assert {row.kind for row in rows} == set(Kind)
    assert {(row.channel, row.language, row.text_version, row.text_sha256) for row in rows} == {
        ("paper", "de", "v1", SHA)
    }
    assert {row.recorded_by for row in rows} == {"person_desk-1"}
    assert len(gate.rows(AnswerRow)) == 4


def test_the_care_circle_hears_that_answers_were_given_and_not_which(gate: Gate) -> None:
    person = a_known_person(gate)

    grant_ids = gate.grant(person, CONCLUSION, word=Word.NO)

    announced = gate.announced(GrantRecorded)
    assert {event.grant_id for event in announced} == set(grant_ids)
    assert set(GrantRecorded.model_fields) == {"grant_id", "person_id", "recorded_at"}


def test_a_later_no_ends_a_yes_at_once(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    notice = gate.notices()[-1]

    gate.grant(person, CONCLUSION, word=Word.NO)

    assert gate.open(notice) == EMPTY


def test_a_later_ask_ends_a_yes_at_once(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    notice = gate.notices()[-1]

    gate.grant(person, CONCLUSION, word=Word.ASK)

    assert gate.open(notice) == EMPTY


def test_a_no_under_one_kind_closes_the_category(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    notice = gate.notices()[-1]

    gate.grant(person, CONCLUSION, word=Word.NO, kinds=frozenset({Kind.DATA_CONSENT}))

    assert gate.open(notice) == EMPTY


def test_a_second_yes_after_a_no_takes_effect_at_once(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    gate.grant(person, CONCLUSION, word=Word.NO)

    gate.grant(person, CONCLUSION)

    assert can_be_opened(gate)


def test_an_older_yes_does_not_come_back_when_the_no_after_it_or_the_second_yes_ends(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    gate.grant(person, CONCLUSION, valid_for=DAY)
    before = gate.notices()

    gate.clock.pass_(DAY)
    gate.write(partial(grants.expire, person_id=person))

    assert gate.notices() == before
    assert gate.open(before[-1]) == EMPTY


def test_a_new_answer_names_the_one_that_it_ends(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, kinds=frozenset({Kind.DATA_CONSENT}))
    gate.grant(person, CONCLUSION, kinds=frozenset({Kind.DATA_CONSENT}))

    first, second = sorted(gate.rows(AnswerRow), key=lambda row: row.given_at)

    assert (first.ended_by, first.ended_at, first.supersedes) == ("superseded", second.given_at, None)
    assert (second.ended_by, second.supersedes) == (None, first.answer_id)


def test_an_answer_ends_none_of_another_category_kind_recipient_or_purpose(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person, STATEMENT)
    gate.grant(person, CONCLUSION)
    gate.agree(person, referral, STATEMENT)

    gate.grant(person, STATEMENT, word=Word.NO)

    assert [row.ended_by for row in gate.rows(AnswerRow)] == [None] * 6


def test_an_answer_ends_with_its_time(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, valid_for=DAY)
    assert can_be_opened(gate)

    gate.clock.pass_(DAY)
    assert gate.write(grants.persons_with_expired_answers) == [person]
    gate.write(partial(grants.expire, person_id=person))

    assert gate.open(gate.notices()[-1])["result"] == "retracted"
    assert {row.ended_by for row in gate.rows(AnswerRow)} == {"expired"}
    assert gate.write(grants.persons_with_expired_answers) == []


def test_the_timer_ends_an_answer_exactly_when_its_time_is_over(gate: Gate) -> None:
    person = a_known_person(gate)
    given_at = gate.clock.now
    gate.grant(person, CONCLUSION, valid_for=DAY)

    gate.clock.now = given_at + DAY - timedelta(microseconds=1)
    before = gate.write(grants.persons_with_expired_answers)
    gate.clock.now = given_at + DAY
    after = gate.write(grants.persons_with_expired_answers)

    assert (before, after) == ([], [person])


def test_a_no_has_no_end(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, word=Word.NO, valid_for=DAY)

    gate.clock.pass_(9 * DAY)

    assert gate.write(grants.persons_with_expired_answers) == []


def test_the_answers_of_an_erased_person_end_too_and_stop_nobody_elses(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, valid_for=DAY)
    gate.service.keys.destroy(person)
    gate.clock.pass_(DAY)

    gate.write(partial(grants.expire, person_id=person))

    assert gate.write(grants.persons_with_expired_answers) == []


def test_a_withdrawal_of_everything_ends_every_yes_towards_everybody(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.hear(a_statement(person))
    referral = gate.a_referral_of(person, STATEMENT)
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.agree(person, referral, STATEMENT)

    ended = gate.withdraw(person)

    assert ended == 6
    assert {row.ended_by for row in gate.rows(AnswerRow)} == {"withdrawn"}
    assert len(gate.announced(GrantWithdrawn)) == 4


def test_a_withdrawal_can_be_narrowed_to_a_recipient_a_purpose_or_a_category(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person, STATEMENT)
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.agree(person, referral, STATEMENT)

    assert gate.withdraw(person, recipient_id="lvr-klinik") == 2
    assert gate.withdraw(person, purpose=f"referral:{referral}") == 0
    assert gate.withdraw(person, STATEMENT, purpose="benefit") == 2
    assert gate.withdraw(person, CONCLUSION) == 2


def test_a_withdrawal_under_a_purpose_never_answered_is_refused_and_ends_nothing(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)

    with pytest.raises(NotAcceptable) as refused:
        gate.withdraw(person, purpose="referral:a-slip-of-the-pen")

    assert refused.value.fields == [{"field": "purpose", "reason": "is none under which the person could ever answer"}]
    assert gate.announced(GrantWithdrawn) == []
    assert gate.withdraw(person) == 2


def test_a_repeated_withdrawal_changes_nothing(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    gate.withdraw(person)
    before = gate.notices(), gate.announced(GrantWithdrawn)

    assert gate.withdraw(person) == 0

    assert (gate.notices(), gate.announced(GrantWithdrawn)) == before


def test_a_withdrawal_leaves_a_no_as_it_is(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, word=Word.NO)

    assert gate.withdraw(person) == 0

    assert {row.ended_at for row in gate.rows(AnswerRow)} == {None}


def test_a_withdrawal_ends_an_ask(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION, word=Word.ASK)

    assert gate.withdraw(person) == 2


def test_after_a_withdrawal_a_new_yes_opens_again(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.grant(person, CONCLUSION)
    gate.withdraw(person)

    gate.grant(person, CONCLUSION)

    assert can_be_opened(gate)


def test_a_withdrawal_of_one_person_touches_no_other(gate: Gate) -> None:
    person, other = a_known_person(gate), a_known_person(gate)
    gate.grant(person, CONCLUSION)
    gate.grant(other, CONCLUSION)

    gate.withdraw(person)

    assert can_be_opened(gate)
