"""Somebody gets a token of their own, and what one service alone needs is made by one command."""

import json
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


def test_a_half_written_file_is_named_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tokens.json"
    file.write_text('{"tokens": [')

    code = tokens.main([str(file), "add", "--role", "lead", "--caller-id", "lead-beispiel"])

    assert (code, file.read_text()) == (1, '{"tokens": [')
    assert "tokens_refused: tokens.json is no file of tokens" in capsys.readouterr().err


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
