"""What cannot be accepted about a thread is refused with field and reason, and never with what was sent."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.intake.app import create_app
from shared.town import USUAL
from tests.intake.builders import NOON, Intake, running_intake, settings_in
from tests.intake.street import SPOKEN, WORKER, a_contact, a_thread, kept, want_case

MARKER = "Geheimniskrämer"


def at(**ago: int) -> dict[str, str]:
    """Return when somebody was met."""
    return {"met_at": (NOON - timedelta(**ago)).isoformat()}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (at(minutes=-6), "met_at"),
        (at(days=30, minutes=1), "met_at"),
        ({"met_at": "2026-03-02T12:00:00"}, "met_at"),
        ({"met_at": 1772452800}, "met_at"),
        ({"point": "no_such_place"}, "point"),
        ({"point": MARKER}, "point"),
        ({"done": []}, "done"),
        ({"done": [MARKER]}, "done.0"),
        ({"done": ["not_met", "talked"]}, "done"),
        ({"done": ["not_met", "wants_to_be_left_alone"]}, "done"),
        ({"note": MARKER * 40}, "note"),
        ({"note": "  "}, "note"),
        ({"look_again_on": "2026-03-01"}, "look_again_on"),
        ({"look_again_on": "2026-05-02"}, "look_again_on"),
        ({"look_again_on": 7}, "look_again_on"),
        ({"contact_id": "kurz"}, "contact_id"),
        ({"name": MARKER}, "name"),
    ],
)
def test_a_contact_that_cannot_be_names_the_field_only(lasting: Intake, change: dict[str, Any], field: str) -> None:
    thread_id = a_thread(lasting)
    before = kept(lasting)

    answer = lasting.ask("POST", f"/threads/{thread_id}/contacts", a_contact(lasting) | change, role=WORKER)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert MARKER not in answer.text
    assert kept(lasting) == before


@pytest.mark.parametrize(
    "change",
    [
        at(minutes=-5),
        at(days=30),
        {"look_again_on": "2026-03-02"},
        {"look_again_on": "2026-05-01"},
        {"note": "x" * 500},
    ],
)
def test_a_contact_at_the_edge_of_what_can_be_is_accepted(lasting: Intake, change: dict[str, Any]) -> None:
    thread_id = a_thread(lasting)

    answer = lasting.ask("POST", f"/threads/{thread_id}/contacts", a_contact(lasting) | change, role=WORKER)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"called": MARKER * 20}, "called"),
        ({"called": "\x1b"}, "called"),
        ({"contact": {"done": ["not_met"]}}, "contact.done"),
        ({"contact": {"done": ["met", "wants_to_be_left_alone"]}}, "contact.done"),
        ({"contact": {"point": "no_such_place"}}, "contact.point"),
        ({"contact": at(days=-1)}, "contact.met_at"),
    ],
)
def test_a_thread_that_cannot_begin_names_the_field_only(lasting: Intake, change: dict[str, Any], field: str) -> None:
    before = kept(lasting)

    body = {**change, "contact": a_contact(lasting) | change.get("contact", {})}
    answer = lasting.ask("POST", "/threads", body, role=WORKER)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert MARKER not in answer.text
    assert kept(lasting) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"wish": {"said": "guessed", "language": "de"}}, "wish.said"),
        ({"wish": {"said": "spoken", "language": MARKER}}, "wish.language"),
        ({}, "wish"),
        ({**SPOKEN, "contact": {"channel": "phone"}}, "contact.address"),
        ({**SPOKEN, "identity": {"name": "  "}}, "identity.name"),
        ({**SPOKEN, "case_id": "no-such-case"}, "case_id"),
        ({**SPOKEN, "case_id": "no-such-case", "identity": {"name": MARKER}}, "identity"),
        ({**SPOKEN, "case_id": "no-such-case", "contact": {"channel": "in_person"}}, "contact"),
        ({**SPOKEN, "case_id": "no-such-case", "shielded": True}, "shielded"),
    ],
)
def test_a_wish_that_cannot_be_names_the_field_only(lasting: Intake, body: dict[str, Any], field: str) -> None:
    thread_id = a_thread(lasting)

    answer = lasting.ask("POST", f"/threads/{thread_id}/case", body, role=WORKER)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert MARKER not in answer.text


def test_of_a_thread_that_nobody_knows_nothing_is_said(lasting: Intake) -> None:
    answers = [
        lasting.ask("GET", "/threads/no-such-thread", role=WORKER),
        lasting.ask("DELETE", "/threads/no-such-thread", role=WORKER),
        lasting.ask("POST", "/threads/no-such-thread/contacts", a_contact(lasting), role=WORKER),
        want_case(lasting, "no-such-thread"),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "thread_not_found")}


POINT = {"code": "day_centre", "name": "A place", "part_of_town": "Somewhere", "hours": "daily"}


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        json.dumps({"note": "synthetic", "meeting_points": [POINT, POINT]}),
        json.dumps({"note": "synthetic", "meeting_points": [{**POINT, "code": "elsewhere"}]}),
        json.dumps({"note": "synthetic", "meeting_points": [{**POINT, "code": MARKER}]}),
        json.dumps({"note": "synthetic", "meeting_points": [{**POINT, "phone": MARKER}]}),
    ],
)
def test_a_file_of_meeting_points_that_does_not_fit_ends_the_start_with_one_sentence(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "points.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(SystemExit, match=r"^not started: MEETING_POINTS_FILE: points.json") as refused:
        create_app(settings_in(tmp_path, meeting_points_file=file))

    assert MARKER not in str(refused.value)


def test_another_town_has_its_own_meeting_points_and_days(tmp_path: Path) -> None:
    with running_intake(tmp_path, town_folder=USUAL.parent / "musterstadt") as elsewhere:
        listed = elsewhere.ask("GET", "/meeting-points", role=WORKER).json()
        body = {"contact": a_contact(elsewhere, point="market_hall")}

        answer = elsewhere.ask("POST", "/threads", body, role=WORKER).json()

    assert {point["code"] for point in listed} == {"market_hall", "warming_room"}
    assert answer["look_again_on"] == "2026-03-12"


def test_a_town_without_meeting_points_does_not_take_those_of_another(tmp_path: Path) -> None:
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "town.toml").write_text('name = "Nirgendwo"')

    assert settings_in(tmp_path, town_folder=tmp_path / "town").meeting_points() == ()
