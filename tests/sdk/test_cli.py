"""The command line, without a broker."""

import json
from datetime import date
from pathlib import Path

import pytest

from sdk import Store
from sdk.cli import main, parse
from sdk.keys import make_key_pair
from tests.sdk.builders import a_connection_file, a_release, a_status


def test_keygen_says_what_to_keep_and_what_to_send_and_prints_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keygen", "lvr-klinik", "--folder", str(tmp_path)]) == 0

    printed = capsys.readouterr().out
    private = json.loads((tmp_path / "lvr-klinik.key.json").read_text())
    assert set(json.loads(printed)) == {"keep", "send", "thumbprint"}
    assert private["d"] not in printed


def test_keygen_a_second_time_fails_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_key_pair("lvr-klinik", tmp_path)

    assert main(["keygen", "lvr-klinik", "--folder", str(tmp_path)]) == 2
    assert "there already" in capsys.readouterr().err


def test_held_prints_a_line_for_each_release_and_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(tmp_path / "held.sqlite3") as store:
        store.apply(a_release(conclusion={"code": "work_possible"}))
        store.apply(a_status("running"))

    assert main(["held", "--store", str(tmp_path / "held.sqlite3")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["released"]["conclusion"] == {"code": "work_possible"}
    assert lines[1] == {"result": "status", "reference": "E-1", "status": "running"}


def test_a_commission_is_read_from_the_command_line() -> None:
    line = "commission --connection c --key k --reference E-1 --service outreach --deadline 2030-01-31"

    options = parse([*line.split(), "--budget-line", "A-1", "--channel", "in_person"])

    assert (options.reference, options.deadline, options.address) == ("E-1", date(2030, 1, 31), None)


@pytest.mark.parametrize(
    "notice", ["-q2-7wXxkLr0aF0v4mJc2b8oZC9o4p2uWJ0hN1sQe5Y", "--keywXxkLr0aF0v4mJc2b8oZC9o4p2uWJ0hN1sQe5Y"]
)
def test_a_notice_may_begin_with_a_hyphen_and_stand_anywhere(notice: str) -> None:
    options = [
        parse(["open", *line])
        for line in (
            [notice, "--connection", "c", "--key", "k"],
            ["--connection", "c", notice, "--key", "k"],
            ["--connection", "c", "--key", "k", "--", notice],
        )
    ]

    assert [(one.notice, str(one.connection), str(one.key)) for one in options] == [(notice, "c", "k")] * 3


@pytest.mark.parametrize("line", ["", "open", "open n --connection c", "answer --connection c --key k", "other"])
def test_an_incomplete_command_line_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(line.split())

    assert caught.value.code == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("commission --deadline MARKER", "argument --deadline: must be a day like 2026-01-31"),
        ("commission --channel MARKER", "argument --channel: must be one of phone, email, letter, in_person"),
        ("answer --appointment-at MARKER", "argument --appointment-at: must be a time like 2026-01-31T09:00:00+01:00"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_in_plain_words_and_not_repeated(
    line: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(line.split())

    said = capsys.readouterr().err
    assert reason in said
    assert "MARKER" not in said


def test_a_missing_key_file_is_said_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connection = a_connection_file(tmp_path)

    assert main(["open", "n", "--connection", str(connection), "--key", str(tmp_path / "gone.json")]) == 2
    assert capsys.readouterr().err.strip().endswith("cannot be read: No such file or directory")
