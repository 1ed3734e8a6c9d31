"""What the team writes down lies sealed, and a private note is in no event, whatever happens in the case."""

import pytest
from sqlmodel import select

from services.assessment.form import FactBody, NoteBody
from services.assessment.store import Entry, entries_of, load_case
from services.assessment.view import whole
from shared.unit_of_work import UnitOfWork
from tests.assessment.builders import Assessment, a_case_ended, a_fact

NOTE = "Geheimnotiz: sie weinte, als sie von ihrer Schwester sprach."
TEXT = "Geheimsatz: ich schlafe seit Monaten kaum."
FACT = a_fact(life_domain="addiction", code="gambling_out_of_control", amount_cents=98_765_432, since_on="1987-06-05")
CORRECTED = {**FACT, "code": "relapse_happened_recently", "contested": True}
SECRETS = (
    "Geheim",
    "gambling_out_of_control",
    "relapse_happened_recently",
    "addiction",
    "98765432",
    "1987-06-05",
    "refused",
    "letter",
    "first_talk",
    "2026-03-01",
    "prevent_loss_of_flat",
    "home_needed_before_work",
)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], assessment: Assessment) -> Assessment:
    """Return a service with a secret in every personal field; asking for `capsys` first has its log captured."""
    opened = assessment.open_case()
    path = f"/cases/{opened.case_id}"
    assessment.ask("POST", f"{path}/contact-attempts", {"channel": "letter", "outcome": "refused"})
    assessment.ask("POST", f"{path}/attendance", {"kind": "first_talk", "attended_on": "2026-03-01"})
    assessment.ask("POST", f"{path}/notes", {"text": NOTE}, key="n" * 20)
    fact_id = assessment.fact(opened.case_id, **FACT)["fact_id"]
    assessment.ask("PUT", f"{path}/facts/{fact_id}", CORRECTED)
    draft = assessment.ask("POST", f"{path}/statements", {"text": TEXT}, key="s" * 20).json()
    approval = {"text_sha256": draft["text_sha256"]}
    assessment.ask("POST", f"{path}/statements/{draft['statement_id']}/approval", approval)
    assessment.ask("POST", f"{path}/recommendations", {"code": "prevent_loss_of_flat"})
    assessment.ask("POST", f"{path}/conclusion", {"code": "home_needed_before_work"})
    assessment.ask("GET", path)
    return assessment


def found_in(text: str) -> list[str]:
    """Return the secrets that a text holds."""
    return [secret for secret in SECRETS if secret in text]


def test_no_file_of_the_service_can_be_read(written: Assessment) -> None:
    found = [path for path in written.folder.rglob("*") if path.is_file()]
    files = {path.name: path.read_bytes().decode("latin-1") for path in found}

    assert written.lines()[0]["case_id"] in files["assessment.sqlite3-wal"]
    assert {name: found_in(text) for name, text in files.items()} == {name: [] for name in files}


def test_the_hash_of_a_statement_is_sealed_too(written: Assessment) -> None:
    digest = written.case(written.lines()[0]["case_id"])["statements"][0]["text_sha256"]

    assert digest.encode() not in b"".join(path.read_bytes() for path in written.folder.rglob("*") if path.is_file())


def test_no_log_line_holds_what_was_written(capsys: pytest.CaptureFixture[str], written: Assessment) -> None:
    logged = "".join(capsys.readouterr())

    assert '"event": "conclusion_drawn"' in logged
    assert found_in(logged) == []


def test_nothing_printed_holds_what_was_written(written: Assessment) -> None:
    case_id, service = written.lines()[0]["case_id"], written.app.state.service
    bodies = (FactBody.model_validate(FACT), NoteBody(text=NOTE))
    rows = written.write(lambda work: list(work.session.exec(select(Entry))))
    with service.database.read() as session:
        shown = whole(service.keys, load_case(session, case_id), entries_of(session, case_id))

    assert found_in(f"{bodies!r} {rows!r} {shown!r} {shown}") == []
    assert "content=" not in repr(rows)


def test_no_event_holds_anything_of_a_note(written: Assessment) -> None:
    opened_id = written.lines()[0]["case_id"]
    note = written.case(opened_id)["notes"][0]

    bodies = b"".join(item.body for item in written.outgoing()).decode()

    assert note["text"] == NOTE
    assert "Geheimnotiz" not in bodies
    assert note["note_id"] not in bodies


def test_no_event_says_that_contact_was_tried(written: Assessment) -> None:
    bodies = b"".join(item.body for item in written.outgoing()).decode()

    assert "refused" not in bodies
    assert "letter" not in bodies


def test_a_note_is_never_announced_by_removing_it(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    note_id = assessment.ask("POST", f"/cases/{case_id}/notes", {"text": NOTE}).json()["note_id"]

    answer = assessment.ask("DELETE", f"/cases/{case_id}/facts/{note_id}")

    assert (answer.status_code, assessment.told()) == (404, [])


def test_the_end_of_a_case_announces_nothing_of_it(assessment: Assessment) -> None:
    opened = assessment.open_case()
    assessment.ask("POST", f"/cases/{opened.case_id}/notes", {"text": NOTE})

    assessment.hear(a_case_ended(opened))

    assert assessment.told() == []
    assert assessment.case(opened.case_id)["notes"][0]["text"] == NOTE


def test_an_entry_that_was_moved_to_another_case_cannot_be_read(assessment: Assessment) -> None:
    first, second = assessment.open_case(), assessment.open_case()
    assessment.ask("POST", f"/cases/{first.case_id}/notes", {"text": NOTE})

    def move(work: UnitOfWork) -> None:
        entry = work.session.exec(select(Entry)).one()
        entry.case_id = second.case_id
        work.seal(second.person_id, "any", "a key of its own")

    assessment.write(move)

    answer = assessment.ask("GET", f"/cases/{second.case_id}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreadable_value")


def test_no_log_line_says_that_a_person_came_to_a_talk(
    capsys: pytest.CaptureFixture[str], assessment: Assessment
) -> None:
    case_id = assessment.open_case().case_id
    capsys.readouterr()

    assessment.ask("POST", f"/cases/{case_id}/attendance", {"kind": "talk", "attended_on": "2026-03-01"})

    logged = capsys.readouterr().out
    assert case_id in logged
    assert "attendance" not in logged
