"""Who gets no credentials, and that the error names the field and never the value."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from ops.errors import RegistrationInvalid
from ops.provision import main
from ops.recipient import read_public_key, read_registration, registration

MARK = "marker-7f3a"


def said(**changes: object) -> dict[str, object]:
    """Give a complete registration with some fields changed; None takes a field away."""
    complete: dict[str, object] = {
        "recipient_id": "lvr-klinik",
        "public_key": ECKey.generate_key("P-256", private=False).as_dict(private=False),
        "secrecy_commitment": {"signed_on": "2026-01-12", "signed_by": "Leitung", "document": "V-2026-001"},
    }
    return {name: value for name, value in {**complete, **changes}.items() if value is not None}


def test_a_complete_registration_is_accepted() -> None:
    assert registration(said()).recipient_id == "lvr-klinik"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipient_id": None}, "recipient_id"),
        ({"recipient_id": MARK.upper()}, "recipient_id"),
        ({"public_key": None}, "public_key"),
        ({"public_key": {"kty": MARK}}, "public_key.kty"),
        ({"public_key": {"kty": "EC", "crv": "P-521"}}, "public_key.crv"),
        ({"public_key": {"kty": "EC", "crv": "P-256", "x": MARK, "y": MARK}}, "public_key"),
        ({"public_key": ECKey.generate_key("P-256").as_dict(private=True)}, "public_key.d"),
        ({"secrecy_commitment": None}, "secrecy_commitment"),
        ({"secrecy_commitment": {"signed_by": "L", "document": "V"}}, "secrecy_commitment.signed_on"),
        ({"secrecy_commitment": {"signed_on": MARK}}, "secrecy_commitment.signed_on"),
        ({"secrecy_commitment": {"signed_on": "2026-01-12", "signed_by": " "}}, "secrecy_commitment.signed_by"),
        ({"secrecy_commitment": {"signed_on": "2026-01-12", "signed_by": "L"}}, "secrecy_commitment.document"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_not_repeated(changes: dict[str, object], field: str) -> None:
    with pytest.raises(RegistrationInvalid) as refused:
        registration(said(**changes))

    assert refused.value.field == field
    assert MARK not in str(refused.value).lower()


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
def test_a_file_that_is_no_registration_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lvr-klinik.registration.json"
    path.write_text(text)

    with pytest.raises(RegistrationInvalid, match=r"^lvr-klinik.registration.json: "):
        read_registration(path)


def test_a_private_key_never_gets_into_a_connection_file(tmp_path: Path) -> None:
    path = tmp_path / "gate.key.json"
    path.write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))

    with pytest.raises(RegistrationInvalid, match=r"gate_public_key\.d: is the private half"):
        read_public_key(path, field="gate_public_key")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistrationInvalid, match=r"absent\.json: cannot be read"):
        read_registration(tmp_path / "absent.json")


def test_the_command_line_gives_no_credentials_without_a_commitment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lvr-klinik.registration.json"
    path.write_text(json.dumps(said(secrecy_commitment=None)))
    accounts, output = tmp_path / "accounts.json", tmp_path / "definitions.json"

    code = main(["definitions", str(path), "--accounts", str(accounts), "--output", str(output)])

    assert code == 1
    assert capsys.readouterr().err.startswith("registration_invalid: secrecy_commitment: is missing")
    assert not accounts.exists()
    assert not output.exists()
