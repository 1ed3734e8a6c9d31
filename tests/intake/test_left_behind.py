"""Nobody is left behind when a case ends by joining, and nothing is left behind where it should not be."""

import pytest

from services.intake.store import metadata
from shared.contracts.consent import PersonErased
from tests.intake.builders import IN_PERSON, NOON, SHA, Intake, a_commission, a_referral_step

NOTICES = {"language": "de", "text_version": "v1", "text_sha256": SHA}


def test_a_case_in_which_a_referral_is_under_way_is_not_joined_to_an_earlier_one(intake: Intake) -> None:
    earlier = intake.open_case()["case_id"]
    intake.ask("POST", f"/cases/{earlier}/notices", NOTICES)
    intake.hear(a_commission())
    [former] = [line for line in intake.lines() if line["case_id"] != earlier]
    intake.hear(a_referral_step(former, step="person_attends"))

    answer = intake.ask("POST", f"/cases/{earlier}/joined-commission", {"former_case_id": former["case_id"]})

    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_be_joined")
    assert "person_attends" in {strand["step"] for strand in intake.care(former["case_id"])["strands"]}


def test_no_row_names_the_case_of_a_person_who_was_erased(intake: Intake) -> None:
    body = {"origin": "self", "contact": IN_PERSON}
    case = intake.ask("POST", "/cases", body, key="k" * 20).json()
    intake.report_need(case["case_id"])
    intake.look()

    intake.hear(PersonErased(erasure_id="erasure-0001", person_id=case["person_id"], erased_at=NOON))

    with intake.app.state.service.database.read() as session:
        left = {
            name: [row for row in session.execute(table.select()) if case["case_id"] in str(row)]
            for name, table in metadata.tables.items()
        }
    assert {name: rows for name, rows in left.items() if rows} == {}


def test_no_log_line_says_which_case_is_shielded(intake: Intake, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = intake.open_case()["case_id"]
    capsys.readouterr()

    intake.ask("POST", f"/cases/{case_id}/shield")

    logged = capsys.readouterr().out
    assert case_id in logged
    assert "shield" not in logged
