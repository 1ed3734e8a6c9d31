"""A finding on safety or addiction is told to nobody before a second person has confirmed it."""

import pytest

from shared.contracts.assessment import FactRecorded, FactRemoved
from tests.assessment.builders import TEAM, Assessment, a_fact

ALCOHOL = {"life_domain": "addiction", "code": "alcohol_dependence_likely"}
VIOLENCE = {"life_domain": "safety", "code": "violence_by_partner"}


def a_case(assessment: Assessment) -> str:
    """Return a case that a team has taken."""
    case_id = assessment.open_case().case_id
    assessment.ask("POST", f"/cases/{case_id}/taking", {"team_id": TEAM, "responsible_id": "assessor-7"})
    return case_id


def confirm(
    assessment: Assessment, case_id: str, fact_id: str, version: int = 1, role: str = "lead"
) -> tuple[int, str]:
    """Have somebody confirm a finding; return status and code."""
    answer = assessment.ask("POST", f"/cases/{case_id}/facts/{fact_id}/confirmation", {"version": version}, role=role)
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize("found", [ALCOHOL, VIOLENCE])
def test_it_is_told_to_nobody_and_its_waiting_is_a_step(assessment: Assessment, found: dict[str, str]) -> None:
    case_id = a_case(assessment)

    assessment.fact(case_id, **found)

    assert assessment.announced(FactRecorded) == []
    assert assessment.planned(case_id).step == "confirm"


def test_a_second_person_confirms_it_and_it_keeps_its_day(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id, **ALCOHOL)
    found_at = assessment.clock.now
    assessment.clock.pass_days(3)

    assert confirm(assessment, case_id, fact["fact_id"]) == (200, "")

    [event] = assessment.announced(FactRecorded)
    assert (event.fact.code, event.version, event.recorded_at) == ("alcohol_dependence_likely", 2, found_at)
    assert assessment.planned(case_id).step == "contact"
    assert assessment.case(case_id)["facts"][0]["confirmed_by"] == "lead-1"


def test_whoever_wrote_it_down_is_no_second_person(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id, **ALCOHOL)

    assert confirm(assessment, case_id, fact["fact_id"], role="assessor") == (409, "same_person")
    assert assessment.announced(FactRecorded) == []


def test_what_was_corrected_since_is_not_what_is_confirmed(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id, **ALCOHOL)
    assessment.ask(
        "PUT",
        f"/cases/{case_id}/facts/{fact['fact_id']}",
        a_fact(life_domain="addiction", code="gambling_out_of_control"),
    )

    assert confirm(assessment, case_id, fact["fact_id"], version=1) == (422, "malformed")
    assert confirm(assessment, case_id, fact["fact_id"], version=2) == (200, "")


def test_confirming_twice_is_confirming_once(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id, **ALCOHOL)

    confirm(assessment, case_id, fact["fact_id"])

    assert confirm(assessment, case_id, fact["fact_id"]) == (200, "")
    assert len(assessment.announced(FactRecorded)) == 1


def test_a_correction_takes_back_what_was_told_until_it_is_confirmed_as_well(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id, **ALCOHOL)
    confirm(assessment, case_id, fact["fact_id"])

    assessment.ask(
        "PUT",
        f"/cases/{case_id}/facts/{fact['fact_id']}",
        a_fact(life_domain="addiction", code="abstinent_for_a_while"),
    )

    [removed] = assessment.announced(FactRemoved)
    assert (removed.fact_id, removed.version) == (fact["fact_id"], 3)
    assert confirm(assessment, case_id, fact["fact_id"], version=3) == (200, "")
    assert [(event.version, event.fact.code) for event in assessment.announced(FactRecorded)][-1] == (
        4,
        "abstinent_for_a_while",
    )


def test_a_mark_on_what_waits_tells_it_to_nobody(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id, **VIOLENCE)

    assessment.ask("PUT", f"/cases/{case_id}/facts/{fact['fact_id']}/contested", {"contested": True})

    assert assessment.announced(FactRecorded) == []


def test_other_findings_need_nobody_else(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id)

    assert len(assessment.announced(FactRecorded)) == 1
    assert confirm(assessment, case_id, fact["fact_id"]) == (409, "nothing_to_confirm")


def test_a_mark_of_a_colleague_makes_nobody_the_second_person_of_their_own_finding(assessment: Assessment) -> None:
    case_id = a_case(assessment)
    fact = assessment.fact(case_id, **VIOLENCE)

    marked = assessment.ask(
        "PUT", f"/cases/{case_id}/facts/{fact['fact_id']}/contested", {"contested": True}, role="lead"
    )

    assert marked.json()["version"] == 2
    assert confirm(assessment, case_id, fact["fact_id"], version=2, role="assessor") == (409, "same_person")
    assert assessment.announced(FactRecorded) == []
