"""What is about somebody else says so in every version, and no person approves it in their place (§ 67d (2) SGB X)."""

from typing import Any

import pytest

from shared.contracts.assessment import ConclusionDrawn, FactRecorded, RecommendationMade, StatementApproved
from tests.assessment.builders import Assessment, a_fact

OTHERS = {"about": "somebody_else"}
TEXT = "Meine Schwester trinkt nicht mehr."


def test_a_finding_about_somebody_else_is_announced_with_a_subject_of_its_own(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id

    assessment.fact(case_id)
    assessment.fact(case_id, **OTHERS)
    assessment.fact(case_id, **OTHERS)

    mine, one, other = assessment.announced(FactRecorded)
    assert mine.about_id is None
    assert len({one.about_id, other.about_id, one.person_id, None}) == 4
    assert [fact.get("about") for fact in assessment.case(case_id)["facts"]].count("somebody_else") == 2


def test_a_correction_keeps_whom_a_finding_is_about(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    path = f"/cases/{case_id}/facts/{assessment.fact(case_id, **OTHERS)['fact_id']}"

    assessment.ask("PUT", path, a_fact(severity=1))
    assessment.ask("PUT", path, a_fact(severity=2, **OTHERS))
    assessment.ask("PUT", f"{path}/contested", {"contested": True})

    subjects = [event.about_id for event in assessment.announced(FactRecorded)]
    assert (len(subjects), len(set(subjects)), None in subjects) == (4, 1, False)


def test_a_correction_can_say_that_a_finding_is_about_somebody_else_and_never_the_opposite(
    assessment: Assessment,
) -> None:
    case_id = assessment.open_case().case_id
    path = f"/cases/{case_id}/facts/{assessment.fact(case_id)['fact_id']}"

    answer = assessment.ask("PUT", path, a_fact(**OTHERS))
    back = assessment.ask("PUT", path, a_fact(about="the_person"))

    assert (answer.json()["version"], back.status_code) == (2, 422)
    assert [event.about_id is None for event in assessment.announced(FactRecorded)] == [True, False]


@pytest.mark.parametrize("about", ["the_person", "child", "", None, 1])
def test_nothing_else_can_be_said_of_whom_it_is_about(lasting: Assessment, about: Any) -> None:
    case_id = lasting.open_case().case_id

    answer = lasting.ask("POST", f"/cases/{case_id}/facts", a_fact(about=about))

    assert answer.status_code == (201 if about is None else 422)


def test_a_statement_about_somebody_else_cannot_be_approved_however_often_it_is_drafted(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": TEXT, **OTHERS}).json()
    path = f"/cases/{case_id}/statements/{draft['statement_id']}"
    again = assessment.ask("PUT", path, {"text": TEXT + " Seit Mai."}).json()

    answers = [
        assessment.ask("POST", f"{path}/approval", {"text_sha256": one["text_sha256"]}) for one in (draft, again)
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "about_somebody_else")] * 2
    assert assessment.announced(StatementApproved) == []
    assert assessment.case(case_id)["statements"][0]["about"] == "somebody_else"


def test_whom_a_statement_is_about_is_said_once_and_for_all(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": TEXT}).json()

    answer = assessment.ask("PUT", f"/cases/{case_id}/statements/{draft['statement_id']}", {"text": TEXT, **OTHERS})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "about")


def test_what_rests_on_findings_names_them_and_its_next_version_still_does(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    one, two = (assessment.fact(case_id)["fact_id"] for _ in range(2))
    said = {"recommendations": "begin_debt_counselling", "conclusion": "training_possible_now"}
    for path, code in said.items():
        assessment.ask("POST", f"/cases/{case_id}/{path}", {"code": code, "derived_from": [one]})
        assessment.clock.pass_days(1)
        assessment.ask("POST", f"/cases/{case_id}/{path}", {"code": code, "derived_from": [two]})
        assessment.ask("POST", f"/cases/{case_id}/{path}", {"code": code})
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": TEXT, "derived_from": [one]}).json()
    path = f"/cases/{case_id}/statements/{draft['statement_id']}"
    draft = assessment.ask("PUT", path, {"text": TEXT + " "}).json()
    assessment.ask("POST", f"{path}/approval", {"text_sha256": draft["text_sha256"]})

    for kind in (RecommendationMade, ConclusionDrawn):
        first, second = assessment.announced(kind)
        assert [set(event.sources) for event in (first, second)] == [{one}, {one, two}]
        assert first.content() == second.content()
    assert [event.sources for event in assessment.announced(StatementApproved)] == [(one,)]


@pytest.mark.parametrize("path", ["recommendations", "conclusion", "statements"])
def test_nothing_rests_on_what_is_not_in_the_case(lasting: Assessment, path: str) -> None:
    case_id, other = lasting.open_case().case_id, lasting.open_case().case_id
    gone = lasting.fact(case_id)["fact_id"]
    lasting.ask("DELETE", f"/cases/{case_id}/facts/{gone}")
    note = lasting.ask("POST", f"/cases/{case_id}/notes", {"text": "Eine Notiz."}).json()["note_id"]
    words = {"recommendations": "begin_debt_counselling", "conclusion": "training_possible_now"}
    body = {"code": words[path]} if path in words else {"text": TEXT}
    before = len(lasting.outgoing())

    answers = [
        lasting.ask("POST", f"/cases/{case_id}/{path}", {**body, "derived_from": [source]})
        for source in (lasting.fact(other)["fact_id"], gone, note, "fact-nobody-wrote")
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert {error["field"] for answer in answers for error in answer.json()["errors"]} == {"derived_from"}
    assert len(lasting.outgoing()) == before + 1
