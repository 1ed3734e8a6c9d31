"""A person is forgotten: case, name, contact and commission go with the keys, and nothing that comes late is kept."""

from sqlalchemy import LargeBinary
from sqlmodel import select

from services.intake.store import Case, Commission, Notice, metadata
from shared.contracts.consent import PersonErased
from shared.contracts.intake import IntakeErasureConfirmed
from shared.erasure import KIT, rows_of
from tests.intake.builders import NOON, SHA, Intake, a_commission

NOTICES = {"language": "de", "text_version": "v1", "text_sha256": SHA}


def an_erasure(person_id: str) -> PersonErased:
    """Return that the gate has forgotten a person."""
    return PersonErased(erasure_id="erasure-0001", person_id=person_id, erased_at=NOON)


def test_the_case_and_all_that_belongs_to_it_is_gone_and_its_keys_are_destroyed(intake: Intake) -> None:
    commission = a_commission()
    intake.hear(commission)
    [case] = intake.lines()
    intake.ask("POST", f"/cases/{case['case_id']}/notices", NOTICES)

    intake.hear(an_erasure(case["person_id"]))

    keys = intake.app.state.service.keys
    assert (keys.is_destroyed(case["person_id"]), keys.is_destroyed(commission.commission_id)) == (True, True)
    with intake.app.state.service.database.read() as session:
        assert [session.exec(select(table)).all() for table in (Case, Commission, Notice)] == [[], [], []]
    assert intake.ask("GET", f"/cases/{case['case_id']}").status_code == 404


def test_it_is_confirmed_each_time_that_it_is_heard(intake: Intake) -> None:
    person = intake.open_case()["person_id"]

    intake.hear(an_erasure(person))
    intake.hear(an_erasure(person))

    assert [event.erasure_id for event in intake.announced(IntakeErasureConfirmed)] == ["erasure-0001"] * 2


def test_others_keep_their_cases(intake: Intake) -> None:
    kept, gone = intake.open_case(), intake.open_case()

    intake.hear(an_erasure(gone["person_id"]))

    assert [case["case_id"] for case in intake.lines()] == [kept["case_id"]]


def test_every_table_with_sealed_values_is_emptied_or_holds_a_hash_alone() -> None:
    sealed = {table.name for table in metadata.tables.values() if any(isinstance(c.type, LargeBinary) for c in table.c)}

    # A repeated request is known by ids and the hash of its body, which nobody can read without the person's key.
    assert {name for name in sealed - KIT if rows_of(metadata.tables[name], "x") is None} == {"answered_request"}
