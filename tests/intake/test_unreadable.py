"""What cannot be read of one case stops nothing: it is seen to, written anew, and hides no other case."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel, col, select

from services.intake.care_store import AcuteNeed, Strand
from services.intake.store import Case, Notice
from shared.unit_of_work import UnitOfWork
from tests.intake.builders import SHA, Intake

NOTICES = {"language": "de", "text_version": "v1", "text_sha256": SHA}


def damage(intake: Intake, table: type[SQLModel], column: str) -> None:
    """Have the disk change a sealed value in every row of a table."""

    def change(work: UnitOfWork) -> None:
        rows = work.session.exec(select(table)).all()
        assert rows
        for row in rows:
            setattr(row, column, b"x" * 40)

    intake.write(change)


def damage_key(intake: Intake, person_id: str) -> None:
    """Have the disk change the wrapped key of a person."""
    keys = intake.app.state.service.keys
    with keys._engine.begin() as connection:
        damaged = text("UPDATE person_key SET wrapped = :wrapped WHERE key_id = :key_id")
        assert connection.execute(damaged, {"wrapped": b"x" * 60, "key_id": person_id}).rowcount == 1
    keys._cache.clear()  # as after a restart


def forget_strands(work: UnitOfWork, case_id: str) -> None:
    """Have a case be as one from before there was a watch."""
    for strand in work.session.exec(select(Strand).where(col(Strand.case_id) == case_id)):
        work.session.delete(strand)


def test_an_older_need_that_cannot_be_read_does_not_stop_the_next_one(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]
    intake.report_need(case_id, "hunger")
    damage(intake, AcuteNeed, "kind")

    answer = intake.ask("POST", "/acute-needs", {"case_id": case_id, "kind": "danger_to_life"})

    assert answer.status_code == 201


def test_a_need_whose_kind_cannot_be_read_is_acknowledged_and_settled(intake: Intake) -> None:
    need = intake.report_need(intake.open_case()["case_id"])
    damage(intake, AcuteNeed, "kind")

    taken = intake.ask("POST", f"/acute-needs/{need['need_id']}/acknowledgement", role="lead")
    settled = intake.ask("POST", f"/acute-needs/{need['need_id']}/settling", {"outcome": "helped"}, role="lead")

    assert (taken.status_code, settled.status_code) == (200, 200)


@pytest.mark.parametrize(
    ("field", "anew"),
    [("identity", {"name": "Testperson"}), ("contact", {"channel": "phone", "address": "0201 555 0101"})],
)
def test_a_field_that_cannot_be_read_is_written_anew(intake: Intake, field: str, anew: dict[str, Any]) -> None:
    case_id = intake.open_case(identity={"name": "Testperson, misspelt"})["case_id"]
    damage(intake, Case, field)

    answer = intake.ask("PUT", f"/cases/{case_id}/{field}", anew)

    assert answer.status_code == 200


def test_a_plan_that_cannot_be_read_does_not_stop_a_review(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]
    intake.ask("POST", f"/cases/{case_id}/notices", NOTICES)
    damage(intake, Strand, "plan")

    assert intake.ask("POST", f"/cases/{case_id}/reviews").status_code == 200


def test_a_proof_that_cannot_be_read_does_not_stop_the_notices_from_being_given_anew(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]
    intake.ask("POST", f"/cases/{case_id}/notices", NOTICES)
    damage(intake, Notice, "proof")

    assert intake.ask("POST", f"/cases/{case_id}/notices", {**NOTICES, "language": "en"}).status_code == 201


def test_a_case_that_nothing_watches_and_nobody_can_read_hides_no_other_and_is_loud(
    intake: Intake, capsys: pytest.CaptureFixture[str]
) -> None:
    readable, other = intake.open_case(), intake.open_case()
    intake.write(lambda work: forget_strands(work, other["case_id"]))
    damage_key(intake, other["person_id"])
    intake.clock.pass_days(30)

    intake.look()

    assert {alarm["case_id"] for alarm in intake.alarms()} == {readable["case_id"]}
    loud = [line for line in capsys.readouterr().out.splitlines() if "case_not_taken_in" in line]
    assert [other["case_id"] in line for line in loud] == [True]
