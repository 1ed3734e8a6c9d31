"""Findings keep every version, are announced with the newest, and are gone when they were wrong."""

import pytest

from shared.contracts.assessment import (
    AssessmentWorkCorrected,
    AssessmentWorkDone,
    ConclusionDrawn,
    FactRecorded,
    FactRemoved,
    RecommendationMade,
    StatementApproved,
)
from shared.contracts.categories import Category
from tests.assessment.builders import Assessment, a_fact

KEY = "k" * 20


def test_a_finding_is_announced_in_its_life_domain(assessment: Assessment) -> None:
    opened = assessment.open_case()

    recorded = assessment.fact(opened.case_id, since_on="2024-05-01", amount_cents=1_250_000, contested=True)

    event = assessment.announced(FactRecorded)[0]
    assert recorded == {"fact_id": event.fact_id, "version": 1}
    assert (event.category(), event.person_id) == (Category.DEBTS, opened.person_id)
    assert event.content() == {
        "code": "creditors_many_and_unclear",
        "severity": 3,
        "since_on": "2024-05-01",
        "amount_cents": 1_250_000,
        "recorded_on": "2026-03-02",
        "contested": True,
    }


def test_a_correction_is_the_next_version_and_the_earlier_one_stays_with_the_team(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    fact_id = assessment.fact(case_id)["fact_id"]

    answer = assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}", a_fact(severity=1))

    shown = assessment.case(case_id)["facts"][0]
    assert answer.json() == {"fact_id": fact_id, "version": 2}
    assert [event.version for event in assessment.announced(FactRecorded)] == [1, 2]
    assert (shown["severity"], [earlier["severity"] for earlier in shown["earlier"]]) == (1, [3])


def test_a_correction_that_says_the_same_is_no_new_version(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    fact_id = assessment.fact(case_id)["fact_id"]

    answer = assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}", a_fact())

    assert answer.json()["version"] == len(assessment.announced(FactRecorded)) == 1


def test_a_correction_may_leave_the_life_domain_out(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    fact_id = assessment.fact(case_id)["fact_id"]

    answer = assessment.ask(
        "PUT", f"/cases/{case_id}/facts/{fact_id}", {"code": "instalment_plan_agreed", "severity": 0}
    )

    assert answer.json()["version"] == 2


def test_a_correction_keeps_the_life_domain(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    fact_id = assessment.fact(case_id)["fact_id"]

    answer = assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}", a_fact(life_domain="work"))

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "life_domain", "reason": "stays the same in a correction"}]


def test_a_finding_that_was_wrong_is_gone_with_its_history_and_a_higher_version_says_so(
    assessment: Assessment,
) -> None:
    case_id = assessment.open_case().case_id
    fact_id = assessment.fact(case_id)["fact_id"]
    assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}", a_fact(severity=1))

    first = assessment.ask("DELETE", f"/cases/{case_id}/facts/{fact_id}")
    again = assessment.ask("DELETE", f"/cases/{case_id}/facts/{fact_id}")

    assert first.json() == again.json() == {"fact_id": fact_id, "version": 3}
    assert [(event.fact_id, event.version) for event in assessment.announced(FactRemoved)] == [(fact_id, 3)]
    assert assessment.case(case_id)["facts"] == []
    assert assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}", a_fact()).status_code == 404


def test_a_finding_belongs_to_its_case(assessment: Assessment) -> None:
    mine, other = assessment.open_case().case_id, assessment.open_case().case_id
    fact_id = assessment.fact(mine)["fact_id"]

    answer = assessment.ask("DELETE", f"/cases/{other}/facts/{fact_id}")

    assert (answer.status_code, answer.json()["code"]) == (404, "entry_not_found")
    assert len(assessment.case(mine)["facts"]) == 1


def test_a_wrong_attendance_can_be_taken_back(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    talk = {"kind": "talk", "attended_on": "2026-03-01"}
    fact_id = assessment.ask("POST", f"/cases/{case_id}/attendance", talk).json()["fact_id"]

    assessment.ask("DELETE", f"/cases/{case_id}/facts/{fact_id}")

    assert [event.fact_id for event in assessment.announced(FactRemoved)] == [fact_id]
    assert assessment.lines()[0]["next_step"] == "take"


@pytest.mark.parametrize("kind", ["first_talk", "talk"])
def test_a_talk_of_either_kind_is_the_same_work(assessment: Assessment, kind: str) -> None:
    case = assessment.open_case()
    body = {"kind": kind, "attended_on": "2026-03-01"}

    fact_id = assessment.ask("POST", f"/cases/{case.case_id}/attendance", body).json()["fact_id"]

    told = AssessmentWorkDone(work_id=fact_id, case_id=case.case_id, person_id=case.person_id, units=1)
    assert assessment.announced(AssessmentWorkDone) == [told]


def test_a_talk_that_is_contested_is_work_once(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    talk = {"kind": "talk", "attended_on": "2026-03-01"}
    fact_id = assessment.ask("POST", f"/cases/{case_id}/attendance", talk).json()["fact_id"]

    assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}/contested", {"contested": True})

    assert len(assessment.announced(AssessmentWorkDone)) == 1


def test_a_talk_that_is_taken_back_was_no_work(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    talk = {"kind": "talk", "attended_on": "2026-03-01"}
    fact_id = assessment.ask("POST", f"/cases/{case_id}/attendance", talk).json()["fact_id"]

    assessment.ask("DELETE", f"/cases/{case_id}/facts/{fact_id}")
    assessment.ask("DELETE", f"/cases/{case_id}/facts/{fact_id}")

    assert [event.work_id for event in assessment.announced(AssessmentWorkCorrected)] == [fact_id]


def test_a_draft_that_nobody_approved_goes_without_a_word(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": "Ein Entwurf."}).json()

    assessment.ask("DELETE", f"/cases/{case_id}/facts/{draft['statement_id']}")

    assert assessment.case(case_id)["statements"] == []
    assert assessment.told() == []


def test_an_approved_statement_that_goes_is_announced_as_gone(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": "Ich habe eine Wohnung."}).json()
    path = f"/cases/{case_id}/statements/{draft['statement_id']}/approval"
    assessment.ask("POST", path, {"text_sha256": draft["text_sha256"]})

    assessment.ask("DELETE", f"/cases/{case_id}/facts/{draft['statement_id']}")

    assert assessment.announced(StatementApproved)[0].version < assessment.announced(FactRemoved)[0].version


def test_a_recommendation_that_is_made_twice_is_one(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    body = {"code": "begin_debt_counselling"}

    first = assessment.ask("POST", f"/cases/{case_id}/recommendations", body)
    again = assessment.ask("POST", f"/cases/{case_id}/recommendations", body)

    assert (first.status_code, first.json()) == (201, again.json())
    assert [event.code for event in assessment.announced(RecommendationMade)] == ["begin_debt_counselling"]


def test_a_case_has_one_conclusion_and_a_later_one_is_its_next_version(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    path = f"/cases/{case_id}/conclusion"

    first = assessment.ask("POST", path, {"code": "no_result_possible_yet"}).json()
    again = assessment.ask("POST", path, {"code": "no_result_possible_yet"}).json()
    later = assessment.ask("POST", path, {"code": "training_possible_now"}).json()

    assert first == again == {"fact_id": later["fact_id"], "version": 1}
    assert [event.version for event in assessment.announced(ConclusionDrawn)] == [1, 2]
    assert assessment.case(case_id)["conclusion"]["code"] == "training_possible_now"


def test_a_finding_that_is_sent_again_with_its_key_is_recorded_once(assessment: Assessment) -> None:
    path = f"/cases/{assessment.open_case().case_id}/facts"

    first = assessment.ask("POST", path, a_fact(), key=KEY)
    again = assessment.ask("POST", path, a_fact(), key=KEY)

    assert first.json() == again.json()
    assert len(assessment.announced(FactRecorded)) == 1


def test_a_key_that_comes_again_with_another_finding_is_refused_and_records_nothing(assessment: Assessment) -> None:
    path = f"/cases/{assessment.open_case().case_id}/facts"
    assessment.ask("POST", path, a_fact(), key=KEY)

    answer = assessment.ask("POST", path, a_fact() | {"contested": True}, key=KEY)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert len(assessment.announced(FactRecorded)) == 1


def test_how_a_finding_is_known_stays_with_the_team_and_in_a_correction(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    fact_id = assessment.fact(case_id, known_from="document")["fact_id"]

    assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}", {"code": "creditors_many_and_unclear", "severity": 1})

    [shown] = assessment.case(case_id)["facts"]
    assert (shown["known_from"], shown["earlier"][0]["known_from"]) == ("document", "document")
    assert all("known_from" not in event.model_dump_json() for event in assessment.announced(FactRecorded))


def test_a_source_that_is_no_word_of_the_list_is_refused_by_its_field(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id

    refused = assessment.ask("POST", f"/cases/{case_id}/facts", a_fact(known_from="hearsay"))

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "known_from")
