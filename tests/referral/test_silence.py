"""What this service does not say: roles, refusals without values, and no value of a person in files or logs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.referral.app import create_app
from services.referral.tables import metadata
from shared import migrations
from shared.contracts.consent import Outcome
from shared.database import open_engine
from shared.web import Role
from tests.referral.builders import (
    CASE,
    CLINIC,
    FOLDER,
    Desk,
    an_answer,
    cleared,
    not_cleared,
    opened,
    running_desk,
)
from tests.referral.builders import settings_in as settings_for

ROUTES = (
    ("GET", "/providers"),
    ("GET", "/referrals"),
    ("POST", "/referrals"),
    ("GET", "/referrals/no-such-referral"),
    ("POST", "/referrals/no-such-referral/closing"),
    ("POST", "/referrals/no-such-referral/answers"),
    ("POST", "/referrals/no-such-referral/hand-over"),
    ("POST", "/referrals/no-such-referral/re-opening"),
    ("GET", "/overdue"),
    ("GET", "/capacity"),
    ("POST", "/holds"),
    ("GET", "/waiting-order?recipient_id=tafel&service=food"),
    ("POST", "/waiting-order"),
    ("POST", "/waiting-order/no-such-waiting/leaving"),
)
TEAM = (Role.ASSESSOR, Role.LEAD)
OTHERS = tuple(sorted(set(Role) - set(TEAM)))
MARKED_TIME = datetime(2031, 7, 13, 9, 41, 27, tzinfo=UTC)
MARKS = (
    "marked-klinik", "marked_service", "marked-address", "2031-07-13", "09:41:27", "mental_health",
    "appointment_offered", "not_helped", '"not_cleared"', '"opened"', '"ended"', '"cleared"',
)  # fmt: skip
MARKED_DIRECTORY = {
    "note": "Synthetic: marks that a test looks for.",
    "providers": [
        {
            "recipient_id": "marked-klinik",
            "display_name": "Marked",
            "services": [{"service": "marked_service", "needed": ["mental_health"]}],
            "hours": "never",
        }
    ],
}


def marked_story(desk: Desk) -> None:
    """Let marks pass through every field that this service keeps."""
    desk.open_case(address="marked-address")
    asked = {"case_id": CASE, "recipient_id": "marked-klinik", "service": "marked_service"}
    referral = desk.ask("POST", "/referrals", asked).json()["referral_id"]
    desk.hear(not_cleared(referral, minute=0))
    desk.hear(an_answer(referral, "accepted", minute=3))
    desk.hear(opened(referral))
    desk.hear(cleared(referral))
    desk.hear(an_answer(referral, "appointment_offered", minute=4, appointment_at=MARKED_TIME))
    desk.ask("POST", f"/referrals/{referral}/appointment")
    desk.hear(an_answer(referral, "ended", minute=5, outcome=Outcome.NOT_HELPED))
    assert desk.shown(referral)["answer"]["outcome"] == "not_helped"


def marks_in(text: str) -> set[str]:
    """Return the marks that a text holds."""
    return {mark for mark in MARKS if mark in text}


@pytest.mark.parametrize("role", OTHERS)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_but_the_team_is_let_in(shared_desk: Desk, method: str, path: str, role: Role) -> None:
    answer = shared_desk.ask(method, path, CLINIC if method == "POST" else None, role=role)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("role", TEAM)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_team_is_let_in(shared_desk: Desk, method: str, path: str, role: Role) -> None:
    answer = shared_desk.ask(method, path, CLINIC if path == "/referrals" else None, role=role)

    assert answer.status_code in {200, 201, 404, 422}


@pytest.mark.parametrize("role", sorted(set(OTHERS) - {Role.PERSON_DESK}))
def test_an_appointment_is_taken_by_the_team_or_the_persons_desk_alone(shared_desk: Desk, role: Role) -> None:
    path = "/referrals/no-such-referral/appointment"

    assert shared_desk.ask("POST", path, role=role).status_code == 403
    assert shared_desk.ask("POST", path, role="person_desk").status_code == 404


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_known_token_nobody_is_let_in(shared_desk: Desk, method: str, path: str) -> None:
    assert shared_desk.ask(method, path, role="unknown").status_code == 401
    assert shared_desk.http.request(method, path).status_code == 401


@pytest.mark.parametrize(
    ("changes", "field", "status"),
    [
        ({"service": "debt_counselling"}, "service", 422),
        ({"service": "Marked Value!"}, "service", 422),
        ({"recipient_id": "marked-klinik"}, "recipient_id", 422),
        ({"recipient_id": "Marked Klinik"}, "recipient_id", 422),
        ({"recipient_id": 7}, "recipient_id", 422),
        ({"case_id": "x"}, "case_id", 422),
        ({"case_id": None}, "case_id", 422),
        ({"diagnosis": "marked-address"}, "diagnosis", 422),
    ],
)
def test_a_field_that_cannot_be_accepted_is_named_without_its_value(
    shared_desk: Desk, changes: dict[str, Any], field: str, status: int
) -> None:
    shared_desk.open_case()

    answer = shared_desk.ask("POST", "/referrals", {**CLINIC, **changes})

    assert answer.status_code == status
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert error["reason"]
    assert not {str(value) for value in changes.values()} & {answer.text, error["reason"]}
    assert not marks_in(answer.text)


def test_a_body_that_is_not_json_is_refused_without_repeating_it(shared_desk: Desk) -> None:
    headers = {"Authorization": "Bearer assessor", "Content-Type": "application/json"}

    answer = shared_desk.http.post("/referrals", content=b'{"service": "marked_service', headers=headers)

    assert answer.status_code == 422
    assert not marks_in(answer.text)


def test_a_case_that_is_not_known_is_not_found(desk: Desk) -> None:
    answer = desk.ask("POST", "/referrals", CLINIC)

    assert (answer.status_code, answer.json()["code"]) == (404, "case_not_found")


def test_no_value_of_a_person_lies_in_the_files(tmp_path: Path) -> None:
    directory = tmp_path / "directory.json"
    directory.write_text(json.dumps(MARKED_DIRECTORY))

    with running_desk(tmp_path, directory_file=directory) as desk:
        marked_story(desk)
        files = sorted(tmp_path.glob("*.sqlite3*"))
        stored = b"".join(path.read_bytes() for path in files)

    assert any(path.name.endswith("-wal") for path in files)
    assert b"person_decides" not in stored
    assert {mark for mark in MARKS if mark.encode() in stored} == set()


def test_no_value_of_a_person_stands_in_the_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "directory.json"
    directory.write_text(json.dumps(MARKED_DIRECTORY))

    with running_desk(tmp_path, directory_file=directory) as desk:
        marked_story(desk)
        desk.ask("POST", "/referrals", {**CLINIC, "diagnosis": "marked-address"})
        desk.ask("GET", "/referrals/marked-klinik")

    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    events = {line["event"] for line in lines}
    assert {"event_received", "referral_requested", "referral_closed"} <= events
    assert marks_in(said.out + said.err) == set()


def test_the_migrations_make_the_tables_of_the_models(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'migrated.sqlite3'}"
    migrations.upgrade(FOLDER, url)
    migrations.upgrade(FOLDER, url)

    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def test_a_directory_that_does_not_fit_stops_the_start(tmp_path: Path) -> None:
    directory = tmp_path / "directory.json"
    twice = [*MARKED_DIRECTORY["providers"], *MARKED_DIRECTORY["providers"]]
    directory.write_text(json.dumps({**MARKED_DIRECTORY, "providers": twice}))

    with pytest.raises(ValueError, match="twice"):
        create_app(settings_for(tmp_path, directory_file=directory))
