"""Somebody gets a token of their own, and what one service alone needs is made by one command."""

import json
import os
from pathlib import Path

import pytest

from ops import service_files, tokens
from ops.errors import TokensRefused
from shared.topology import SERVICES
from shared.web import Caller, Role, Tokens


def test_a_token_opens_what_its_role_may_until_it_is_revoked(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    token = tokens.add(file, caller_id="lead-beispiel", role=Role.LEAD)
    running = Tokens(file)
    assert running.caller(token) == Caller("lead-beispiel", Role.LEAD)

    tokens.revoke(file, caller_id="lead-beispiel")

    assert running.caller(token) is None


def test_the_file_holds_no_token(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"

    token = tokens.add(file, caller_id="lead-beispiel", role=Role.LEAD)

    assert token not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert tokens.listed(file) == [{"caller_id": "lead-beispiel", "role": "lead"}]


@pytest.mark.parametrize(
    ("caller_id", "reason"),
    [("short", "8 to 64"), ("mit Leerzeichen", "8 to 64"), ("lead-beispiel", "revoke it first")],
)
def test_an_id_that_cannot_be_or_has_a_token_is_refused(tmp_path: Path, caller_id: str, reason: str) -> None:
    file = tmp_path / "tokens.json"
    tokens.add(file, caller_id="lead-beispiel", role=Role.LEAD)

    with pytest.raises(TokensRefused, match=reason):
        tokens.add(file, caller_id=caller_id, role=Role.LEAD)


NO_TOKENS = ("", "{", "[]", "5", "null", "{}", '{"tokens": 5}', '{"tokens": [5]}', '{"tokens": [{}]}', '{"tokens": [')
ADDING = ["add", "--role", "lead", "--caller-id", "lead-beispiel"]
REVOKING = ["revoke", "--caller-id", "lead-beispiel"]


@pytest.mark.parametrize("text", NO_TOKENS)
@pytest.mark.parametrize("command", [ADDING, ["list"], REVOKING], ids=lambda one: one[0])
def test_a_file_that_is_none_is_named_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], text: str
) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(text)

    code = tokens.main([str(file), *command])

    assert (code, file.read_text()) == (1, text)
    assert "tokens_refused: tokens.json is no file of tokens" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert tokens.main([str(tmp_path / "mistyped" / "tokens.json"), *ADDING]) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", NO_TOKENS)
def test_a_running_service_knows_whom_it_knew_until_the_file_can_be_read_again(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens.json"
    token = tokens.add(file, caller_id="lead-beispiel", role=Role.LEAD)
    running, whole = Tokens(file), file.read_text()
    assert running.are_readable()
    stamp = file.stat().st_mtime_ns

    file.write_text(text)
    os.utime(file, ns=(stamp + 10, stamp + 10))
    assert not running.are_readable()
    assert running.caller(token) == Caller("lead-beispiel", Role.LEAD)

    file.write_text(whole)
    os.utime(file, ns=(stamp, stamp))  # put back with its time, as a copy does
    assert running.are_readable()


@pytest.mark.parametrize("service", SERVICES)
def test_all_that_one_service_is_started_with_is_made_once(tmp_path: Path, service: str) -> None:
    made = service_files.make(service, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    again = service_files.make(service, tmp_path)

    assert (set(made), again) == ({role.value for role in Role}, {})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    named = [line.split("=", 1)[1].strip("'") for line in (tmp_path / "service.env").read_text().splitlines()]
    assert all(Path(value.removeprefix("sqlite:///")).is_relative_to(tmp_path) for value in named)
    assert json.loads((tmp_path / "zone-keys.json").read_text())["zone_keys"]
