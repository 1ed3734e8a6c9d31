"""Before somebody was given the notices a team makes contact and protects a child, and writes nothing else down."""

from typing import Any

import pytest

from shared.inbox import TooEarly
from tests.assessment.builders import Assessment, a_case_opened, a_fact, notices_given

WRITTEN: dict[str, dict[str, Any]] = {
    "facts": a_fact(),
    "statements": {"text": "I look for a flat."},
    "recommendations": {"code": "begin_debt_counselling"},
    "conclusion": {"code": "regular_work_possible_now"},
    "attendance": {"kind": "first_talk", "attended_on": "2026-03-02"},
    "notes": {"text": "synthetic"},
}


@pytest.mark.parametrize("what", WRITTEN)
def test_nothing_is_written_down_before_the_notices(assessment: Assessment, what: str) -> None:
    opened = assessment.open_case(informed=False)
    path = f"/cases/{opened.case_id}/{what}"

    refused = assessment.ask("POST", path, WRITTEN[what])
    told = assessment.told()
    assessment.hear(notices_given(opened))

    assert (refused.status_code, refused.json()["code"]) == (409, "notices_not_given")
    assert told == []
    assert assessment.ask("POST", path, WRITTEN[what]).status_code == 201


def test_contact_is_made_and_a_child_protected_before_them(assessment: Assessment) -> None:
    opened = assessment.open_case(informed=False)
    path = f"/cases/{opened.case_id}"
    taking = {"team_id": "team-nord", "responsible_id": "assessor-1"}
    attempt = {"channel": "phone", "outcome": "reached"}

    assert assessment.ask("POST", f"{path}/taking", taking).status_code == 200
    assert assessment.ask("POST", f"{path}/contact-attempts", attempt).status_code == 201
    assert assessment.ask("POST", f"{path}/concerns").status_code == 201


def test_notices_of_a_case_that_was_not_announced_yet_wait(assessment: Assessment) -> None:
    with pytest.raises(TooEarly):
        assessment.hear(notices_given(a_case_opened()))
