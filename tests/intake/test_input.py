"""What cannot be accepted is refused with field and reason, and never with what was sent."""

from typing import Any

import pytest

from tests.intake.builders import IN_PERSON, SHA, Intake

MARKER = "Geheimniskrämer"
IDENTITY = {"name": "Erika Beispiel"}
NOTICES = {"language": "ar", "text_version": "2026-1", "text_sha256": SHA}


def a_body(**changes: Any) -> dict[str, Any]:  # Any: JSON values
    """Return a case to open."""
    return {"origin": "self", "contact": IN_PERSON, **changes}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (a_body(origin=MARKER), "origin"),
        (a_body(origin="commissioned"), "origin"),
        (a_body(contact={"channel": MARKER}), "contact.channel"),
        (a_body(contact={"channel": "phone"}), "contact.address"),
        (a_body(contact={"channel": "phone", "address": MARKER * 20}), "contact.address"),
        (a_body(contact={"channel": "phone", "address": f"{MARKER}\n"[:-1] + "\x00"}), "contact.address"),
        (a_body(contact=MARKER), "contact"),
        (a_body(identity={"name": MARKER * 20}), "identity.name"),
        (a_body(identity={"name": f"{MARKER}\u0007"}), "identity.name"),
        (a_body(identity={"name": "   "}), "identity.name"),
        (a_body(identity={"name": {"first": MARKER}}), "identity.name"),
        (a_body(identity={**IDENTITY, "born_on": MARKER}), "identity.born_on"),
        (a_body(identity={**IDENTITY, "born_on": 0}), "identity.born_on"),
        (a_body(identity={**IDENTITY, "born_on": "2026-03-03"}), "identity.born_on"),
        (a_body(identity={**IDENTITY, "born_on": "1899-12-31"}), "identity.born_on"),
        (a_body(identity={**IDENTITY, "diagnosis": MARKER}), "identity.diagnosis"),
        (a_body(diagnosis=MARKER), "diagnosis"),
        ({"contact": {"channel": "in_person", "address": MARKER}}, "origin"),
    ],
)
def test_a_case_that_cannot_be_opened_names_the_field_only(lasting: Intake, body: dict[str, Any], field: str) -> None:
    before = len(lasting.lines())

    answer = lasting.ask("POST", "/cases", body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert MARKER not in answer.text
    assert len(lasting.lines()) == before


@pytest.mark.parametrize(
    ("method", "what", "body", "field"),
    [
        ("PUT", "identity", {"name": f"\n{MARKER}\x1b"}, "name"),
        ("PUT", "identity", {"name": "Erika", "born_on": "2026-03-03"}, "born_on"),
        ("PUT", "contact", {"channel": "letter"}, "address"),
        ("PUT", "contact", {"channel": "letter", "address": [MARKER]}, "address"),
        ("POST", "notices", {**NOTICES, "language": MARKER}, "language"),
        ("POST", "notices", {**NOTICES, "text_version": f"{MARKER} {MARKER}"}, "text_version"),
        ("POST", "notices", {**NOTICES, "text_sha256": MARKER}, "text_sha256"),
        ("POST", "notices", {**NOTICES, "text": MARKER}, "text"),
    ],
)
def test_a_change_that_cannot_be_accepted_names_the_field_only(
    lasting: Intake, method: str, what: str, body: dict[str, Any], field: str
) -> None:
    case_id = lasting.open_case()["case_id"]
    before = len(lasting.outgoing())

    answer = lasting.ask(method, f"/cases/{case_id}/{what}", body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert MARKER not in answer.text
    assert len(lasting.outgoing()) == before


@pytest.mark.parametrize("raw", [f'{{"name": "{MARKER}"', f'"{MARKER}"', '{"name": "\\ud800Geheimniskr\\u00e4mer"}'])
def test_a_body_that_cannot_be_read_is_not_repeated(lasting: Intake, raw: str) -> None:
    case_id = lasting.open_case()["case_id"]
    headers = {"Authorization": "Bearer intake_worker", "Content-Type": "application/json"}

    answer = lasting.http.put(f"/cases/{case_id}/identity", content=raw.encode(), headers=headers)

    assert answer.status_code == 422
    assert "Geheimnis" not in answer.text


@pytest.mark.parametrize("path", ["/cases/kurz", "/cases/Erika%20Beispielmann", f"/cases/{'x' * 65}"])
def test_an_id_that_cannot_be_one_is_not_repeated(lasting: Intake, path: str) -> None:
    answer = lasting.ask("GET", path)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "case_id")
    assert path.rsplit("/", maxsplit=1)[-1] not in answer.text


def test_a_key_that_cannot_be_one_is_refused(lasting: Intake) -> None:
    before = len(lasting.lines())

    answer = lasting.ask("POST", "/cases", a_body(), key="kurz")

    assert answer.status_code == 422
    assert "kurz" not in answer.text
    assert len(lasting.lines()) == before
