"""A person is forgotten: the case goes with everything that the team wrote down, and with the key."""

from sqlalchemy import LargeBinary
from sqlmodel import select

from services.assessment.store import Case, Entry, metadata
from shared.contracts.assessment import AssessmentErasureConfirmed
from shared.contracts.consent import PersonErased
from shared.erasure import KIT, rows_of
from tests.assessment.builders import NOON, Assessment


def an_erasure(person_id: str) -> PersonErased:
    """Return that the gate has forgotten a person."""
    return PersonErased(erasure_id="erasure-0001", person_id=person_id, erased_at=NOON)


def test_the_case_and_all_that_was_written_in_it_is_gone_and_its_key_is_destroyed(assessment: Assessment) -> None:
    case = assessment.open_case()
    assessment.fact(case.case_id)

    assessment.hear(an_erasure(case.person_id))

    assert assessment.app.state.service.keys.is_destroyed(case.person_id)
    with assessment.app.state.service.database.read() as session:
        assert [session.exec(select(table)).all() for table in (Case, Entry)] == [[], []]
    assert assessment.ask("GET", f"/cases/{case.case_id}").status_code == 404
    assert [event.erasure_id for event in assessment.announced(AssessmentErasureConfirmed)] == ["erasure-0001"]


def test_a_person_of_whom_nobody_here_ever_heard_is_confirmed_too(assessment: Assessment) -> None:
    assessment.hear(an_erasure("person-unheard-of"))

    assert assessment.app.state.service.keys.is_destroyed("person-unheard-of")
    assert len(assessment.announced(AssessmentErasureConfirmed)) == 1


def test_others_keep_their_cases(assessment: Assessment) -> None:
    kept, gone = assessment.open_case(), assessment.open_case()

    assessment.hear(an_erasure(gone.person_id))

    assert [case["case_id"] for case in assessment.lines()] == [kept.case_id]


def test_every_table_with_sealed_values_is_emptied() -> None:
    sealed = {table.name for table in metadata.tables.values() if any(isinstance(c.type, LargeBinary) for c in table.c)}

    assert {name for name in sealed - KIT if rows_of(metadata.tables[name], "x") is None} == set()
