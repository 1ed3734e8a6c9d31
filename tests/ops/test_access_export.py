"""The export of all services: one valid document in two files, or an error that says why, and nothing written."""

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from ops.access_export import (
    OutputNotWritable,
    PersonErased,
    PersonIdInvalid,
    PersonUnknown,
    ServiceDidNotAnswer,
    Services,
    StageNotRunning,
    fetch,
    main,
    services_of_stage,
    write,
)
from ops.run_folder import write_private_together
from shared.topology import SERVICES
from tests.ops.builders import PERSON, TOKEN, Answers, a_document, a_record, an_answer, four_services

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "export.schema.json"
NOT_FOUND = {"code": "person_not_found", "message": "", "errors": []}


@pytest.fixture
def answers() -> Iterator[Answers]:
    """Run four services that all know the person."""
    with four_services() as running:
        yield running


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "handover"


def faults_of(document: Any) -> list[str]:  # Any: JSON values
    """Return what is wrong with a document by the published schema."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return [
        error.message for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(document)
    ]


def arguments(answers: Answers, output: Path, tmp_path: Path) -> list[str]:
    """Return the command line that asks these services."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    named = [word for name, url in answers.urls.items() for word in ("--service-url", f"{name}={url}")]
    return [PERSON, *named, "--token-file", str(tmp_path / "token"), "--output", str(output)]


def test_all_four_are_asked_with_the_token_of_the_desk(answers: Answers) -> None:
    document = fetch(PERSON, answers.services, now=NOON)

    assert [one["service"] for one in document["services"]] == list(SERVICES)
    assert answers.asked == [(f"/{name}/persons/{PERSON}/export", f"Bearer {TOKEN}") for name in SERVICES]
    assert faults_of(document) == []


def test_the_schema_refuses_what_is_not_an_export(answers: Answers) -> None:
    document = fetch(PERSON, answers.services, now=NOON)

    assert faults_of({**document, "more": 1})
    assert faults_of(a_document({"assessment": [a_record(concerns_others="maybe")]}))
    assert faults_of(a_document({"assessment": [{**a_record(), "more": 1}]}))


def test_a_service_that_keeps_nothing_is_named(answers: Answers) -> None:
    answers.say("referral", 404, NOT_FOUND)

    document = fetch(PERSON, answers.services, now=NOON)

    assert document["unknown_to"] == ["referral"]
    assert "referral" not in [one["service"] for one in document["services"]]
    assert faults_of(document) == []


def test_a_person_whom_no_service_knows_is_unknown(answers: Answers) -> None:
    for name in SERVICES:
        answers.say(name, 404, NOT_FOUND)

    with pytest.raises(PersonUnknown):
        fetch(PERSON, answers.services, now=NOON)


def test_a_person_who_was_erased_anywhere_is_told_so(answers: Answers) -> None:
    answers.say("assessment", 410, {"code": "key_destroyed"})

    with pytest.raises(PersonErased, match="assessment"):
        fetch(PERSON, answers.services, now=NOON)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"code": "boom"}),
        (503, {"code": "store_unavailable"}),
        (401, {"code": "unauthorised"}),
        (404, {"code": "not_found"}),
        (302, {}),
        (200, b"<html>a proxy's page</html>"),
        (200, []),
        (200, an_answer("consent")),
        (200, {**an_answer("referral"), "person_id": "person-somebody-else"}),
    ],
)
def test_an_answer_that_is_not_the_services_own_is_an_error_that_names_it(
    answers: Answers, status: int, body: Any
) -> None:
    answers.say("referral", status, body)

    with pytest.raises(ServiceDidNotAnswer, match="referral"):
        fetch(PERSON, answers.services, now=NOON)


@pytest.mark.parametrize("strange", ["", "short", "../../parked", "person 1 with spaces", "person?x=1234", "a" * 65])
def test_what_cannot_be_an_id_is_asked_of_nobody(answers: Answers, strange: str) -> None:
    with pytest.raises(PersonIdInvalid):
        fetch(strange, answers.services, now=NOON)

    assert answers.asked == []


def test_when_a_service_is_down_the_error_names_it_and_nothing_is_written(
    answers: Answers, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.urls["consent"] = "http://127.0.0.1:1"

    ended = main(arguments(answers, output, tmp_path))

    said = capsys.readouterr()
    assert ended == 1
    assert said.err.startswith("service_did_not_answer: consent: no answer")
    assert not output.exists()


def test_both_files_are_written_for_their_owner_alone_and_say_the_same(
    answers: Answers, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.say("assessment", 200, an_answer("assessment", a_record(concerns_others="perhaps")))

    ended = main([*arguments(answers, output, tmp_path), "--language", "en"])

    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in output.iterdir()}
    told = json.loads((output / "export.json").read_text(encoding="utf-8"))
    assert ended == 0
    assert files == {"export.json": 0o600, "export.html": 0o600}
    assert stat.S_IMODE(output.stat().st_mode) == 0o700
    assert faults_of(told) == []
    assert "A synthetic text." in (output / "export.html").read_text(encoding="utf-8")
    assert "1 of them" in capsys.readouterr().out


@pytest.mark.parametrize("person_id", ["-erson_synthetic-1", "-hsynthetic-1", "--output-1234", "-1234567"])
def test_an_id_that_begins_with_a_hyphen_is_no_option(
    answers: Answers, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], person_id: str
) -> None:
    named = arguments(answers, output, tmp_path)[1:]
    for name in SERVICES:
        answers.say(name, 404, NOT_FOUND)

    for line in ([person_id, *named], [*named, person_id], [*named, "--", person_id]):
        assert main(line) == 1
        assert capsys.readouterr().err.startswith("person_not_found")

    assert {path for path, _ in answers.asked} == {f"/{name}/persons/{person_id}/export" for name in SERVICES}


def test_nothing_about_the_person_is_printed(
    answers: Answers, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.say("assessment", 200, an_answer("assessment", a_record()))
    main(arguments(answers, output, tmp_path))

    said = capsys.readouterr()

    assert "synthetic text" not in said.out + said.err
    assert TOKEN not in said.out + said.err + repr(answers.services)


def test_an_older_export_is_replaced_and_its_files_are_the_owners_alone_again(output: Path) -> None:
    output.mkdir()
    (output / "export.json").write_text("older")

    write(a_document(), output, language="de")

    assert json.loads((output / "export.json").read_text(encoding="utf-8")) == a_document()
    assert stat.S_IMODE((output / "export.json").stat().st_mode) == 0o600


def test_a_failure_while_writing_leaves_neither_file(output: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_private_together(output, {"export.json": "whole", "export.html": "half \ud800"})

    assert list(output.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputNotWritable):
        write(a_document(), tmp_path / "file", language="de")


def test_a_stage_that_does_not_run_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))

    with pytest.raises(StageNotRunning):
        services_of_stage("demo")

    assert list(tmp_path.iterdir()) == []


def test_a_stage_says_where_its_services_are_and_which_token_opens_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    folder = tmp_path / "stage" / "demo"
    (folder / "keys").mkdir(parents=True)
    (folder / "services.json").write_text('{"intake": "http://127.0.0.1:5"}')
    (folder / "keys" / "tokens.json").write_text('{"person_desk": "secret", "operator": "other"}')

    assert services_of_stage("demo") == Services({"intake": "http://127.0.0.1:5"}, "secret")


def test_a_service_that_there_is_none_of_is_refused(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = main([PERSON, "--service-url", "billing=http://127.0.0.1:5", "--output", str(output)])

    assert ended == 1
    assert "billing" in capsys.readouterr().err
