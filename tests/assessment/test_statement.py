"""A statement is announced only as the person approved it, letter by letter."""

from shared.contracts.assessment import StatementApproved
from tests.assessment.builders import Assessment

TEXT = "Ich möchte arbeiten,\nsobald ich wieder schlafen kann. "
HERS = {"text": TEXT}


def test_a_draft_is_told_to_nobody(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id

    answer = assessment.ask("POST", f"/cases/{case_id}/statements", HERS)

    assert answer.status_code == 201
    assert assessment.told() == []
    assert assessment.case(case_id)["statements"][0]["text"] == TEXT


def test_the_approved_text_is_announced_letter_by_letter_and_once(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", HERS).json()
    path = f"/cases/{case_id}/statements/{draft['statement_id']}/approval"

    first = assessment.ask("POST", path, {"text_sha256": draft["text_sha256"]})
    again = assessment.ask("POST", path, {"text_sha256": draft["text_sha256"]})

    assert first.json() == again.json()
    assert [(event.text, event.version) for event in assessment.announced(StatementApproved)] == [(TEXT, 1)]


def test_another_hash_is_a_conflict(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", HERS).json()

    answer = assessment.ask(
        "POST", f"/cases/{case_id}/statements/{draft['statement_id']}/approval", {"text_sha256": "0" * 64}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "text_differs")
    assert assessment.told() == []


def test_a_new_draft_needs_an_approval_of_its_own(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    first = assessment.ask("POST", f"/cases/{case_id}/statements", HERS).json()
    path = f"/cases/{case_id}/statements/{first['statement_id']}"

    second = assessment.ask("PUT", path, {"text": "Ich möchte arbeiten."}).json()
    late = assessment.ask("POST", f"{path}/approval", {"text_sha256": first["text_sha256"]})
    right = assessment.ask("POST", f"{path}/approval", {"text_sha256": second["text_sha256"]})

    assert (second["version"], late.status_code, right.status_code) == (2, 409, 200)
    events = assessment.announced(StatementApproved)
    assert [(event.text, event.version) for event in events] == [("Ich möchte arbeiten.", 1)]


def test_what_was_approved_stands_until_the_new_draft_is(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    first = assessment.ask("POST", f"/cases/{case_id}/statements", HERS).json()
    path = f"/cases/{case_id}/statements/{first['statement_id']}"
    assessment.ask("POST", f"{path}/approval", {"text_sha256": first["text_sha256"]})

    assessment.ask("PUT", path, {"text": "Ein anderer Satz."})

    shown = assessment.case(case_id)["statements"][0]
    assert (shown["version"], shown["approved_version"]) == (2, 1)
    assert "approved_at" not in shown
    assert len(assessment.told()) == 1


def test_the_same_text_drafted_again_keeps_its_approval(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    first = assessment.ask("POST", f"/cases/{case_id}/statements", HERS).json()

    again = assessment.ask("PUT", f"/cases/{case_id}/statements/{first['statement_id']}", HERS).json()

    assert again == first
