"""Who may do what in intake, cell by cell; a route that is missing in the table fails."""

import pytest

from tests.intake.builders import Intake

ROLES = ("intake_worker", "assessor", "outreach_worker", "lead", "person_desk", "operator")
MATRIX: dict[tuple[str, str], set[str]] = {
    ("POST", "/figures/{quarter}/announcement"): {"operator"},
    ("POST", "/cases"): {"intake_worker", "lead"},
    ("GET", "/cases"): {"intake_worker", "lead"},
    ("GET", "/overdue"): {"intake_worker", "lead"},
    ("GET", "/cases/{case_id}"): {"intake_worker"},
    ("GET", "/cases/{case_id}/contact"): {"intake_worker", "assessor"},
    ("PUT", "/cases/{case_id}/identity"): {"intake_worker"},
    ("PUT", "/cases/{case_id}/contact"): {"intake_worker"},
    ("POST", "/cases/{case_id}/notices"): {"intake_worker"},
    ("POST", "/cases/{case_id}/reviews"): {"intake_worker", "lead"},
    ("POST", "/cases/{case_id}/shield"): {"intake_worker", "lead"},
    ("POST", "/cases/{case_id}/joined-commission"): {"intake_worker"},
    ("POST", "/cases/{case_id}/end"): {"intake_worker", "lead"},
    ("GET", "/care"): {"intake_worker", "assessor", "lead"},
    ("GET", "/care/{case_id}"): {"intake_worker", "assessor", "lead"},
    ("GET", "/alarms"): {"intake_worker", "assessor", "outreach_worker", "lead"},
    ("POST", "/alarms/{alarm_id}/seen"): {"intake_worker", "assessor", "outreach_worker", "lead"},
    ("GET", "/acute-needs"): {"intake_worker", "assessor", "lead"},
    ("POST", "/acute-needs"): {"intake_worker", "assessor", "outreach_worker", "lead"},
    ("POST", "/acute-needs/{need_id}/acknowledgement"): {"intake_worker", "assessor", "outreach_worker", "lead"},
    ("POST", "/acute-needs/{need_id}/settling"): {"intake_worker", "assessor", "outreach_worker", "lead"},
    ("GET", "/meeting-points"): {"outreach_worker", "lead"},
    ("GET", "/threads"): {"outreach_worker", "lead"},
    ("POST", "/threads"): {"outreach_worker"},
    ("GET", "/threads/{thread_id}"): {"outreach_worker"},
    ("DELETE", "/threads/{thread_id}"): {"outreach_worker", "lead"},
    ("POST", "/threads/{thread_id}/contacts"): {"outreach_worker"},
    ("POST", "/threads/{thread_id}/hand-over"): {"lead"},
    ("POST", "/threads/{thread_id}/joining"): {"outreach_worker"},
    ("POST", "/threads/{thread_id}/case"): {"outreach_worker"},
    ("GET", "/persons/{person_id}/export"): {"person_desk"},
}
IDS = dict.fromkeys(("case_id", "person_id", "alarm_id", "need_id", "thread_id"), "no-such-thing") | {
    "quarter": "2020-Q1"
}


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_a_route_lets_in_exactly_the_roles_of_the_table(lasting: Intake, method: str, path: str) -> None:
    asked = path.format(**IDS)

    answers = {role: lasting.ask(method, asked, {}, role=role).status_code for role in ROLES}

    assert {role for role, status in answers.items() if status != 403} == MATRIX[method, path]
    assert 401 not in answers.values()


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_nobody_comes_in_without_a_known_token(lasting: Intake, method: str, path: str) -> None:
    asked = path.format(**IDS)

    without = lasting.http.request(method, asked, json={})
    unknown = lasting.ask(method, asked, {}, role="stolen-or-guessed")

    assert (without.status_code, unknown.status_code) == (401, 401)


def test_the_table_has_every_route(lasting: Intake) -> None:
    paths = lasting.app.openapi()["paths"]

    served = {(method.upper(), path) for path, methods in paths.items() for method in methods}

    assert {cell for cell in served if cell[1].split("/")[1] not in ("health", "ready", "parked")} == set(MATRIX)
