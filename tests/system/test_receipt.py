"""Anybody can check a receipt offline, with a small script that shares nothing with the gate but the format."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from examples.verify_receipt import check
from ops import signing_key
from services.consent.heads import ExportedHead, to_line
from services.consent.ledger import Head
from services.consent.signing import SignedAs, SigningKey, content_of
from shared.contracts.categories import Category
from tests.consent.builders import JOBCENTER, NOON
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import SqliteStores

SCRIPT = Path(__file__).parents[2] / "examples" / "verify_receipt.py"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """Return a gate whose signing key the operator's tool made."""
    folder = tmp_path_factory.mktemp("receipt")
    signing_key.make(folder)
    with SqliteStores(folder).fresh(folder) as fresh, a_gate_with_recipients(folder, fresh) as running:
        yield running


@pytest.fixture(scope="module")
def public(gate: Gate) -> Path:
    """Return the file with the public key that the operator's tool wrote."""
    return gate.settings.signing_key_file.with_name(signing_key.PUBLIC_FILE)


@pytest.fixture(scope="module")
def receipt(gate: Gate) -> str:
    """Return a genuine receipt."""
    [grant_id, _] = gate.grant(gate.a_person(), Category.CONCLUSION)
    return str(gate.ask("GET", f"/grants/{grant_id}/receipt").json()["receipt"])


def run(receipt: str, public: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the script far from the checkout, as somebody would who has nothing else."""
    (folder / "receipt.txt").write_text(receipt + "\n", encoding="utf-8")
    command = [sys.executable, "-I", str(SCRIPT), str(folder / "receipt.txt"), str(public)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_genuine_receipt_is_shown(receipt: str, public: Path, tmp_path: Path) -> None:
    done = run(receipt, public, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == content_of(receipt)


def test_the_key_that_the_gate_gives_out_is_the_one_in_the_file(gate: Gate, public: Path) -> None:
    assert gate.ask("GET", "/signing-key").json() == json.loads(public.read_text(encoding="utf-8"))


def edited(receipt: str) -> str:
    """Return the receipt with a no where a yes was."""
    header, payload, signature = receipt.split(".")
    plain = base64.urlsafe_b64decode(payload + "==").replace(b'"yes"', b'"no"')
    return f"{header}.{base64.urlsafe_b64encode(plain).decode().rstrip('=')}.{signature}"


def signed_by_another(receipt: str) -> str:
    """Return the same content under another's signature."""
    other = SigningKey(OKPKey.generate_key("Ed25519").as_dict(private=True))
    return other.sign(content_of(receipt), signed_as=SignedAs.RECEIPT)


@pytest.mark.parametrize("forge", [edited, signed_by_another, lambda receipt: receipt[:-20], lambda receipt: "ä"])
def test_what_is_not_genuine_is_refused(receipt: str, public: Path, tmp_path: Path, forge: object) -> None:
    assert callable(forge)

    done = run(forge(receipt), public, tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "NOT GENUINE: none of these keys signed this receipt\n"


def test_a_head_of_the_ledger_is_no_receipt(gate: Gate, public: Path, tmp_path: Path) -> None:
    line = to_line(ExportedHead(JOBCENTER, Head(), NOON), gate.service.issuer.key)

    assert run(line, public, tmp_path).returncode == 1


@settings(deadline=None)
@given(st.data())
def test_a_receipt_in_which_any_letter_was_changed_is_refused(receipt: str, public: Path, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(receipt) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_."))
    assume(receipt[place] != letter)
    key = json.loads(public.read_text(encoding="utf-8"))["keys"][0]["x"]

    with pytest.raises((InvalidSignature, ValueError, KeyError, TypeError)):
        check(receipt[:place] + letter + receipt[place + 1 :], key)


def test_after_a_change_of_keys_an_older_receipt_is_still_genuine(receipt: str, public: Path, tmp_path: Path) -> None:
    copy = tmp_path / signing_key.FILE
    copy.write_text(public.with_name(signing_key.FILE).read_text(encoding="utf-8"), encoding="utf-8")

    new, former = signing_key.rotate(copy)

    assert new != former
    assert run(receipt, copy.with_name(signing_key.PUBLIC_FILE), tmp_path).returncode == 0
    assert '"d"' not in copy.with_name(signing_key.PUBLIC_FILE).read_text(encoding="utf-8")
    assert len([key for key in json.loads(copy.read_text(encoding="utf-8"))["keys"] if "d" in key]) == 1


def test_the_script_is_small_and_needs_one_package() -> None:
    written = SCRIPT.read_text(encoding="utf-8")

    assert len(written.splitlines()) <= 40
    assert [line.split()[1].split(".")[0] for line in written.splitlines() if line.startswith("from crypt")] == [
        "cryptography",
        "cryptography",
    ]
    assert not any(f"from {inside}" in written for inside in ("services", "shared", "ops", "sdk", "joserfc"))
