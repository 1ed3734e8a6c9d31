"""Who gets no credentials, and that the error names the field and never the value."""

import json
from datetime import date
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from ops.errors import RegistrationInvalid
from ops.provision import main
from ops.recipient import read_public_key, read_registration, registration

MARK = "marker-7f3a"
TODAY = date(2026, 3, 2)
COMMITMENT = {
    "signed_on": "2026-01-12",
    "valid_until": "2029-01-12",
    "document_sha256": "a" * 64,
    "purposes": ["referral"],
}
NOTICE = {"given_on": "2026-01-12", "document_sha256": "b" * 64}


def said(**changes: object) -> dict[str, object]:
    """Give a complete registration with some fields changed; None takes a field away."""
    complete: dict[str, object] = {
        "recipient_id": "lvr-klinik",
        "public_key": ECKey.generate_key("P-256", private=False).as_dict(private=False),
        "organisation": "VR 1234 Amtsgericht Essen",
        "role": "provider",
        "display_name": "Klinik",
        "offered": ["identity"],
        "purpose_commitment": COMMITMENT,
        "staff_secrecy_notice": NOTICE,
    }
    return {name: value for name, value in {**complete, **changes}.items() if value is not None}


def test_a_complete_registration_is_accepted() -> None:
    assert registration(said(), today=TODAY).recipient_id == "lvr-klinik"


def test_a_towns_steering_is_registered_with_a_purpose_of_its_own_and_nothing_on_offer() -> None:
    steering = {"role": "steering", "offered": []}

    assert (
        registration(
            said(**steering, purpose_commitment={**COMMITMENT, "purposes": ["steering"]}), today=TODAY
        ).for_the_gate()["offered"]
        == []
    )
    with pytest.raises(RegistrationInvalid, match="purposes"):
        registration(said(**steering), today=TODAY)


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
        ({"organisation": " "}, "organisation"),
        ({"role": MARK}, "role"),
        ({"display_name": None}, "display_name"),
        ({"offered": MARK}, "offered"),
        ({"purpose_commitment": None}, "purpose_commitment"),
        ({"purpose_commitment": {**COMMITMENT, "signed_on": None}}, "purpose_commitment.signed_on"),
        ({"purpose_commitment": {**COMMITMENT, "signed_on": MARK}}, "purpose_commitment.signed_on"),
        ({"purpose_commitment": {**COMMITMENT, "signed_on": "2026-03-03"}}, "purpose_commitment.signed_on"),
        ({"purpose_commitment": {**COMMITMENT, "valid_until": "2026-03-01"}}, "purpose_commitment.valid_until"),
        ({"purpose_commitment": {**COMMITMENT, "valid_until": "2029-01-13"}}, "purpose_commitment.valid_until"),
        ({"purpose_commitment": {**COMMITMENT, "document_sha256": MARK}}, "purpose_commitment.document_sha256"),
        ({"purpose_commitment": {**COMMITMENT, "purposes": []}}, "purpose_commitment.purposes"),
        ({"purpose_commitment": {**COMMITMENT, "purposes": "referral"}}, "purpose_commitment.purposes"),
        ({"purpose_commitment": {**COMMITMENT, "purposes": ["referral", MARK]}}, "purpose_commitment.purposes"),
        ({"purpose_commitment": {**COMMITMENT, "purposes": ["benefit"]}}, "purpose_commitment.purposes"),
        ({"staff_secrecy_notice": None}, "staff_secrecy_notice"),
        ({"staff_secrecy_notice": {**NOTICE, "given_on": "2026-03-03"}}, "staff_secrecy_notice.given_on"),
        ({"staff_secrecy_notice": {**NOTICE, "given_on": "2023-03-01"}}, "staff_secrecy_notice.given_on"),
        ({"staff_secrecy_notice": {"given_on": "2026-01-12"}}, "staff_secrecy_notice.document_sha256"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_not_repeated(changes: dict[str, object], field: str) -> None:
    with pytest.raises(RegistrationInvalid) as refused:
        registration(said(**changes), today=TODAY)

    assert refused.value.field == field
    assert MARK not in str(refused.value).lower()


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
def test_a_file_that_is_no_registration_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lvr-klinik.registration.json"
    path.write_text(text)

    with pytest.raises(RegistrationInvalid, match=r"^lvr-klinik.registration.json: "):
        read_registration(path, today=TODAY)


def test_a_private_key_never_gets_into_a_connection_file(tmp_path: Path) -> None:
    path = tmp_path / "gate.key.json"
    path.write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))

    with pytest.raises(RegistrationInvalid, match=r"gate_public_key\.d: is the private half"):
        read_public_key(path, field="gate_public_key")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistrationInvalid, match=r"absent\.json: cannot be read"):
        read_registration(tmp_path / "absent.json", today=TODAY)


@pytest.fixture
def own_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep commands out of the checkout's run folder."""
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path / "run"))


LAPSED = {**COMMITMENT, "signed_on": "2021-01-12", "valid_until": "2022-01-12"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"purpose_commitment": None}, "purpose_commitment: is missing"),
        ({"purpose_commitment": LAPSED}, "purpose_commitment.valid_until: lies in the past"),
        ({"staff_secrecy_notice": None}, "staff_secrecy_notice: is missing"),
    ],
)
@pytest.mark.parametrize("command", ["definitions", "add-recipient"])
@pytest.mark.usefixtures("own_run_folder")
def test_the_command_line_gives_no_credentials_without_papers_in_force(
    command: str,
    changes: dict[str, object],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "lvr-klinik.registration.json"
    path.write_text(json.dumps(said(**changes)))
    accounts, output = tmp_path / "accounts.json", tmp_path / "definitions.json"
    options = {
        "definitions": ["--accounts", str(accounts), "--output", str(output)],
        "add-recipient": ["--gate-key", str(path), "--folder", str(tmp_path / "handover")],
    }

    code = main([command, str(path), *options[command]])

    assert code == 1
    assert capsys.readouterr().err.startswith(f"registration_invalid: {message}")
    assert [found for found in (accounts, output, tmp_path / "handover") if found.exists()] == []
