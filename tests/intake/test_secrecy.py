"""What a person told lies sealed: not in a file, not in a log line, not in anything printed."""

import pytest
from sqlmodel import select

from services.intake.form import OpenCaseBody
from services.intake.store import Case, Notice
from shared.unit_of_work import UnitOfWork
from tests.intake.builders import SHA, Intake, a_cancellation, a_commission

IDENTITY = {"name": "Geheimniskrämer", "born_on": "1987-06-05"}
CONTACT = {"channel": "email", "address": "geheim@beispiel.example"}
NOTICES = {"language": "tlh", "text_version": "fassung-77", "text_sha256": SHA}
SECRETS = ("Geheimnis", "1987-06-05", "geheim@", "email", "tlh", "fassung-77", SHA, "0201 555 0100", "phone")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], intake: Intake) -> Intake:
    """Return a service that was told a secret in every personal field, before its output was looked at."""
    commission = a_commission()
    intake.hear(commission)
    intake.hear(a_cancellation(commission))
    case_id = intake.open_case(identity=IDENTITY, contact=CONTACT)["case_id"]
    intake.ask("POST", f"/cases/{case_id}/notices", NOTICES)
    intake.ask("PUT", f"/cases/{case_id}/identity", {**IDENTITY, "name": "Geheimniskrämerin"})
    intake.ask("GET", f"/cases/{case_id}")
    return intake


def found_in(text: str) -> list[str]:
    """Return the secrets that a text holds."""
    return [secret for secret in SECRETS if secret in text]


def test_no_file_of_the_service_can_be_read(told: Intake) -> None:
    found = [path for path in told.folder.rglob("*") if path.is_file()]
    files = {path.name: path.read_bytes().decode("latin-1") for path in found}
    secrets = {name: found_in(text) for name, text in files.items()}

    assert told.lines()[0]["case_id"] in files["intake.sqlite3-wal"]
    assert set(map(tuple, secrets.values())) == {()}


def test_no_log_line_holds_what_was_told(capsys: pytest.CaptureFixture[str], told: Intake) -> None:
    logged = "".join(capsys.readouterr())

    assert '"event": "identity_recorded"' in logged
    assert found_in(logged) == []


def test_nothing_printed_holds_what_was_told(told: Intake) -> None:
    body = OpenCaseBody.model_validate({"origin": "self", "identity": IDENTITY, "contact": CONTACT})
    rows = told.write(lambda work: [*work.session.exec(select(Case)), *work.session.exec(select(Notice))])

    assert found_in(f"{body!r} {body} {rows!r} {told.outgoing()!r}") == []
    assert "contact=" not in repr(rows)


def test_a_row_that_was_moved_to_another_case_cannot_be_read(told: Intake) -> None:
    first, second = (line["case_id"] for line in told.lines())

    def swap(work: UnitOfWork) -> None:
        one, other = work.session.get_one(Case, first), work.session.get_one(Case, second)
        one.contact, other.contact = other.contact, one.contact

    told.write(swap)

    answer = told.ask("GET", f"/cases/{first}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreadable_value")
