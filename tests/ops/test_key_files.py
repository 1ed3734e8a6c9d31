"""Keys are rotated in the file that is meant: a slip is said in one sentence, and changes nothing."""

from pathlib import Path
from types import ModuleType

import pytest

from ops import signing_key, zone_keys

COMMANDS = (zone_keys, signing_key)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_not_there_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: ModuleType
) -> None:
    file = tmp_path / "mistyped" / "keys.json"

    code = command.main(["rotate", str(file)])

    assert (code, file.parent.exists()) == (1, False)
    assert capsys.readouterr().err == "key_file_refused: there is no folder for keys.json\n"


NO_KEYS = (
    *("", "{", "[]", "5", "null", '"x"', "{}", "[" * 100_000),
    *('{"keys": null}', '{"keys": 5}', '{"keys": [5]}', '{"keys": [{}]}', '{"keys": [{"kty": "OKP"}]}'),
    '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": 5}]}',
    '{"kty": "oct", "k": "AAAA"}',
    *('{"zone_keys": null}', '{"zone_keys": 5}', '{"zone_keys": [5]}', '{"zone_keys": [{}]}', '{"zone_keys": "abc"}'),
    *('{"zone_keys": [{"created_on": 5}]}', '{"zone_keys": [{"created_on": "2999-01-01"}]}'),
)


@pytest.mark.parametrize("text", NO_KEYS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_key_file_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: ModuleType, text: str
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)

    code = command.main(["rotate", str(file)])

    assert (code, file.read_text()) == (1, text)
    assert capsys.readouterr().err.startswith("key_file_refused: keys.json is no file of ")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_first_keys_are_made_by_the_same_command(tmp_path: Path, command: ModuleType) -> None:
    assert command.main(["rotate", str(tmp_path / "keys.json")]) == 0
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
