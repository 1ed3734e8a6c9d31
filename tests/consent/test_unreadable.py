"""What cannot be read does not count, and stops nothing: least of all a withdrawal."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from services.consent.domain import Word
from services.consent.opening import EMPTY
from services.consent.tables import AnswerRow, InquiryRow, ReleaseRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import GrantWithdrawn
from tests.consent.builders import CLINIC, JOBCENTER, a_conclusion, a_finding
from tests.consent.gate import Gate, a_gate_with_recipients, running_gate
from tests.consent.surroundings import Store

CONCLUSION, WORK, HEALTH = Category.CONCLUSION, Category.WORK, Category.MENTAL_HEALTH


def damage(gate: Gate, table: type[SQLModel], row_id: str, column: str) -> None:
    """Have the disk change a sealed value."""
    gate.write(lambda work: setattr(work.session.get_one(table, row_id), column, b"x" * 40))


def a_person_with_a_damaged_answer(gate: Gate, word: Word = Word.YES) -> str:
    """Return a person who said a word to two categories, of which one cannot be read any more."""
    person = gate.a_person()
    gate.hear(a_conclusion(person), a_finding(person, WORK))
    gate.grant(person, CONCLUSION, word=word)
    [damaged, *_] = gate.rows(AnswerRow)
    gate.grant(person, WORK, word=word)
    damage(gate, AnswerRow, damaged.answer_id, "said")
    return person


def test_an_answer_that_cannot_be_read_opens_nothing_and_the_others_count(gate: Gate) -> None:
    a_person_with_a_damaged_answer(gate)

    told = gate.open(gate.notices()[-1])["released"]

    assert set(told) - {"professional_secrecy"} == {"type", "reference", "work"}


def test_an_answer_that_cannot_be_read_is_ended_by_a_withdrawal_of_everything(gate: Gate) -> None:
    person = a_person_with_a_damaged_answer(gate)

    answer = gate.ask("POST", "/withdrawals", {"person_id": person})

    assert (answer.status_code, answer.json()["answers_ended"]) == (200, 4)
    assert {row.ended_by for row in gate.rows(AnswerRow)} == {"withdrawn"}
    assert len(gate.announced(GrantWithdrawn)) == 4


@pytest.mark.parametrize(
    ("narrowed", "ended"),
    [({"recipient_id": JOBCENTER}, 4), ({"recipient_id": CLINIC}, 0), ({"categories": ["work"]}, 3)],
    ids=str,
)
def test_a_narrowed_withdrawal_ends_it_wherever_it_may_be_meant(
    gate: Gate, narrowed: dict[str, Any], ended: int
) -> None:
    person = a_person_with_a_damaged_answer(gate)

    answer = gate.ask("POST", "/withdrawals", {"person_id": person, **narrowed})

    assert answer.json()["answers_ended"] == ended


def test_a_person_with_an_answer_that_cannot_be_read_sees_the_others_and_can_answer_anew(gate: Gate) -> None:
    person = a_person_with_a_damaged_answer(gate, Word.NO)

    listed = gate.ask("GET", f"/persons/{person}/answers").json()
    gate.grant(person, CONCLUSION)

    assert len(listed) == 3
    assert gate.open(gate.notices()[-1])["released"]["conclusion"]


def test_an_inquiry_that_cannot_be_read_stops_no_withdrawal(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=Word.ASK)
    [inquiry] = gate.rows(InquiryRow)
    damage(gate, InquiryRow, inquiry.inquiry_id, "asked")

    assert gate.withdraw(person) == 2
    assert gate.ask("GET", f"/persons/{person}/inquiries").json() == []


def test_a_subject_whose_reference_cannot_be_read_stops_no_withdrawal_and_is_retracted(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    [notice] = gate.notices()[-1:]
    gate.open(notice)
    [subject] = gate.rows(SubjectRow)
    damage(gate, SubjectRow, subject.subject_id, "reference")

    assert gate.withdraw(person) == 2
    assert gate.open(notice) == EMPTY
    assert gate.open(gate.notices()[-1])["result"] == "retracted"


def test_a_representative_cannot_open_what_may_be_a_no_that_nobody_can_read(gate: Gate) -> None:
    person = a_person_with_a_damaged_answer(gate, Word.NO)
    representation = gate.ask(
        "POST",
        f"/persons/{person}/representations",
        {
            "kind": "representative",
            "name": "Vertreterin",
            "recipient_ids": [JOBCENTER],
            "categories": ["statement"],
            "valid_until": "2026-12-31",
            "document_sha256": "a" * 64,
        },
    ).json()

    with pytest.raises(Exception, match="stands against this"):
        gate.grant(person, Category.STATEMENT, given_by=representation["representation_id"])


def test_a_subject_whose_key_cannot_be_unwrapped_stops_neither_a_withdrawal_nor_the_other_subjects(
    store: Store, tmp_path: Path
) -> None:
    with a_gate_with_recipients(tmp_path, store) as gate:
        person = gate.a_person()
        referral = gate.a_referral_of(person, HEALTH)
        gate.grant(person, CONCLUSION)
        gate.agree(person, referral, HEALTH)
        gate.hear(a_conclusion(person, at=gate.clock.now))
    [commission] = [row.subject_id for row in gate.rows(SubjectRow) if row.kind == "commission"]
    engine = create_engine(gate.settings.key_store_url)
    with engine.begin() as keys:
        damaged = text("UPDATE person_key SET wrapped = :wrapped WHERE key_id = :key_id")
        assert keys.execute(damaged, {"wrapped": b"x" * 60, "key_id": commission}).rowcount == 1
    engine.dispose()

    with running_gate(tmp_path, store, gate.clock) as gate:  # a new process remembers no key
        gate.hear(a_finding(person, HEALTH, at=gate.clock.now))
        assert gate.open(gate.notices(CLINIC)[-1], CLINIC)["result"] == "released"
        assert gate.withdraw(person) > 0
        told = [row for row in gate.rows(ReleaseRow, ReleaseRow.kind == "content") if row.subject_id == commission]
        assert [gate.open(row.release_id) for row in told] == [EMPTY]
