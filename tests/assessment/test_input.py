"""What cannot be accepted is refused with field and reason, and never with what was sent."""

from typing import Any

import pytest

from tests.assessment.builders import Assessment, a_fact

MARKER = "Geheimniskraemer"
WORD = "geheimniskraemer"
NOT_A_WORD = "is not a word of this life domain"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (a_fact(code=WORD), "code"),
        (a_fact(code=MARKER), "code"),
        (a_fact(code="sleeping_rough"), "code"),
        (a_fact(life_domain=WORD), "life_domain"),
        (a_fact(life_domain="identity", code=WORD), "life_domain"),
        (a_fact(severity=5), "severity"),
        (a_fact(severity=-1), "severity"),
        (a_fact(severity=True), "severity"),
        (a_fact(severity=MARKER), "severity"),
        (a_fact(since_on=MARKER), "since_on"),
        (a_fact(since_on=0), "since_on"),
        (a_fact(since_on="2026-03-03"), "since_on"),
        (a_fact(since_on="1899-12-31"), "since_on"),
        (a_fact(amount_cents=-1), "amount_cents"),
        (a_fact(amount_cents=12.5), "amount_cents"),
        (a_fact(amount_cents=MARKER), "amount_cents"),
        (a_fact(contested=MARKER), "contested"),
        (a_fact(remark=MARKER), "remark"),
        ({"life_domain": "debts", "code": "creditors_many_and_unclear"}, "severity"),
    ],
)
def test_a_finding_that_cannot_be_recorded_names_the_field_only(
    lasting: Assessment, body: dict[str, Any], field: str
) -> None:
    case_id = lasting.open_case().case_id
    before = len(lasting.outgoing())

    answer = lasting.ask("POST", f"/cases/{case_id}/facts", body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert MARKER.lower() not in answer.text.lower()
    assert len(lasting.outgoing()) == before


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("taking", {"team_id": "team-sued", "responsible_id": f"{MARKER} {MARKER}"}, "responsible_id"),
        ("taking", {"team_id": "kurz", "responsible_id": "assessor-1"}, "team_id"),
        ("contact-attempts", {"channel": MARKER, "outcome": "reached"}, "channel"),
        ("contact-attempts", {"channel": "phone", "outcome": MARKER}, "outcome"),
        ("contact-attempts", {"channel": "phone", "outcome": "reached", "remark": MARKER}, "remark"),
        ("attendance", {"kind": MARKER, "attended_on": "2026-03-01"}, "kind"),
        ("attendance", {"kind": "talk", "attended_on": MARKER}, "attended_on"),
        ("attendance", {"kind": "talk", "attended_on": 1}, "attended_on"),
        ("notes", {"text": MARKER * 1000}, "text"),
        ("notes", {"text": f"{MARKER}\x00"}, "text"),
        ("notes", {"text": " \n\t"}, "text"),
        ("notes", {"text": {"de": MARKER}}, "text"),
        ("statements", {"text": MARKER * 200}, "text"),
        ("statements", {"text": ""}, "text"),
        ("recommendations", {"code": WORD}, "code"),
        ("recommendations", {"code": "training_possible_now"}, "code"),
        ("conclusion", {"code": WORD}, "code"),
        ("conclusion", {"code": "begin_debt_counselling"}, "code"),
        ("conclusion", {"code": "training_possible_now", "text": MARKER}, "text"),
    ],
)
def test_what_cannot_be_written_down_names_the_field_only(
    lasting: Assessment, what: str, body: dict[str, Any], field: str
) -> None:
    case_id = lasting.open_case().case_id
    before = len(lasting.outgoing())

    answer = lasting.ask("POST", f"/cases/{case_id}/{what}", body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert MARKER.lower() not in answer.text.lower()
    assert len(lasting.outgoing()) == before


def test_an_unknown_word_is_refused_with_its_reason(lasting: Assessment) -> None:
    case_id = lasting.open_case().case_id

    answer = lasting.ask("POST", f"/cases/{case_id}/facts", a_fact(code=WORD))

    assert answer.json()["errors"] == [{"field": "code", "reason": NOT_A_WORD}]


def test_a_correction_is_checked_like_a_finding(lasting: Assessment) -> None:
    case_id = lasting.open_case().case_id
    fact_id = lasting.fact(case_id)["fact_id"]
    before = len(lasting.outgoing())

    answer = lasting.ask("PUT", f"/cases/{case_id}/facts/{fact_id}", a_fact(code=WORD))

    assert (answer.status_code, answer.json()["errors"][0]["reason"]) == (422, NOT_A_WORD)
    assert len(lasting.outgoing()) == before


@pytest.mark.parametrize("raw", [f'{{"text": "{MARKER}"', f'"{MARKER}"', '{"text": "\\ud800 Geheimniskraemer"}'])
def test_a_body_that_cannot_be_read_is_not_repeated(lasting: Assessment, raw: str) -> None:
    case_id = lasting.open_case().case_id
    headers = {"Authorization": "Bearer assessor", "Content-Type": "application/json"}

    answer = lasting.http.post(f"/cases/{case_id}/notes", content=raw.encode(), headers=headers)

    assert answer.status_code == 422
    assert MARKER not in answer.text


@pytest.mark.parametrize("path", ["/cases/kurz", f"/cases/{MARKER}%20{MARKER}", f"/cases/{MARKER}"])
def test_an_id_in_a_path_is_not_repeated(lasting: Assessment, path: str) -> None:
    answer = lasting.ask("GET", path)

    assert answer.status_code in (404, 422)
    assert MARKER not in answer.text
    assert "kurz" not in answer.text
