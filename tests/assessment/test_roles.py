"""Who may do what in assessment, cell by cell; a route that is missing in the table fails."""

import pytest

from tests.assessment.builders import Assessment

ROLES = ("intake_worker", "assessor", "outreach_worker", "lead", "person_desk", "operator")
TEAM = {"assessor", "lead"}
NOBODYS = {
    "quarter": "2020-Q1",
    "case_id": "no-such-case",
    "fact_id": "no-such-fact",
    "statement_id": "no-such-text",
    "telling_id": "no-such-item",
    "concern_id": "no-such-note",
    "member_id": "no-such-member",
    "from_on": "2026-03-02",
    "person_id": "no-such-person",
}
MATRIX: dict[tuple[str, str], set[str]] = {
    ("POST", "/figures/{quarter}/announcement"): {"operator"},
    ("GET", "/cases"): TEAM,
    ("GET", "/overdue"): TEAM,
    ("GET", "/vocabulary"): TEAM,
    ("GET", "/members"): TEAM,
    ("GET", "/cases/{case_id}"): TEAM,
    ("POST", "/cases/{case_id}/taking"): TEAM,
    ("POST", "/cases/{case_id}/contact-attempts"): TEAM,
    ("POST", "/cases/{case_id}/attendance"): TEAM,
    ("POST", "/cases/{case_id}/finishing"): TEAM,
    ("POST", "/cases/{case_id}/tellings/{telling_id}"): TEAM,
    ("POST", "/cases/{case_id}/facts/{fact_id}/confirmation"): TEAM,
    ("POST", "/cases/{case_id}/facts"): TEAM,
    ("PUT", "/cases/{case_id}/facts/{fact_id}"): TEAM,
    ("DELETE", "/cases/{case_id}/facts/{fact_id}"): TEAM,
    ("PUT", "/cases/{case_id}/facts/{fact_id}/contested"): TEAM,
    ("POST", "/cases/{case_id}/notes"): TEAM,
    ("POST", "/cases/{case_id}/assignment-proposals"): TEAM,
    ("PUT", "/members/{member_id}/absence"): TEAM,
    ("DELETE", "/members/{member_id}/absence/{from_on}"): TEAM,
    ("POST", "/cases/{case_id}/concerns"): TEAM,
    ("POST", "/cases/{case_id}/concerns/{concern_id}/moves"): TEAM,
    ("POST", "/cases/{case_id}/recommendations"): TEAM,
    ("POST", "/cases/{case_id}/conclusion"): TEAM,
    ("POST", "/cases/{case_id}/statements"): TEAM,
    ("PUT", "/cases/{case_id}/statements/{statement_id}"): TEAM,
    ("POST", "/cases/{case_id}/statements/{statement_id}/approval"): TEAM,
    ("GET", "/persons/{person_id}/export"): {"person_desk"},
}


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_a_route_lets_in_exactly_the_roles_of_the_table(lasting: Assessment, method: str, path: str) -> None:
    asked = path.format(**NOBODYS)

    answers = {role: lasting.ask(method, asked, {}, role=role).status_code for role in ROLES}

    assert {role for role, status in answers.items() if status != 403} == MATRIX[method, path]
    assert 401 not in answers.values()


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_nobody_comes_in_without_a_known_token(lasting: Assessment, method: str, path: str) -> None:
    asked = path.format(**NOBODYS)

    without = lasting.http.request(method, asked, json={})
    unknown = lasting.ask(method, asked, {}, role="stolen-or-guessed")

    assert (without.status_code, unknown.status_code) == (401, 401)


def test_the_table_has_every_route(lasting: Assessment) -> None:
    paths = lasting.app.openapi()["paths"]

    served = {(method.upper(), path) for path, methods in paths.items() for method in methods}

    assert {cell for cell in served if cell[1].split("/")[1] not in ("health", "ready", "parked")} == set(MATRIX)
