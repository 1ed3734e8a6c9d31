"""Key and connection files, sealing and unsealing."""

import json
import secrets
import stat
from pathlib import Path

import pytest
from joserfc.jwe import encrypt_compact
from joserfc.jwk import ECKey

from sdk import BadFile, ConnectionFile, KeyRing, UnknownKey, UnreadableAnswer
from sdk.keys import MAX_MESSAGE_BYTES, make_key_pair, read_private_key, seal, thumbprint, unseal
from tests.sdk.builders import a_connection_file


def test_the_private_key_is_for_its_owner_only_and_the_public_file_holds_no_private_half(tmp_path: Path) -> None:
    private, public = make_key_pair("lvr-klinik", tmp_path)

    assert (private.name, public.name) == ("lvr-klinik.key.json", "lvr-klinik.public.json")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert set(json.loads(public.read_text())) == {"kty", "crv", "x", "y"}


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    private, _ = make_key_pair("lvr-klinik", tmp_path)
    before = private.read_bytes()

    with pytest.raises(BadFile, match="there already"):
        make_key_pair("lvr-klinik", tmp_path)
    assert private.read_bytes() == before


def test_what_is_sealed_for_a_key_only_that_key_unseals(tmp_path: Path) -> None:
    key = read_private_key(make_key_pair("a", tmp_path)[0])
    other = read_private_key(make_key_pair("b", tmp_path)[0])
    sealed = seal(b"plain", to=key)

    assert unseal(sealed, key=key).plaintext == b"plain"
    with pytest.raises(UnreadableAnswer):
        unseal(sealed, key=other)


def test_the_protected_header_says_nothing_but_the_algorithms(tmp_path: Path) -> None:
    key = read_private_key(make_key_pair("a", tmp_path)[0])

    assert set(unseal(seal(b"", to=key), key=key).header) == {"alg", "enc", "epk"}


def test_a_message_as_large_as_the_broker_takes_can_be_unsealed(tmp_path: Path) -> None:
    key = read_private_key(make_key_pair("a", tmp_path)[0])
    plaintext = secrets.token_bytes(MAX_MESSAGE_BYTES * 3 // 4 - 500)
    sealed = seal(plaintext, to=key)

    assert MAX_MESSAGE_BYTES - 1000 < len(sealed) <= MAX_MESSAGE_BYTES
    assert unseal(sealed, key=key).plaintext == plaintext


def sealed_by_name(key: ECKey, kid: str | None = None) -> bytes:
    """Seal as the gate does, which names the key by its thumbprint."""
    protected = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": kid or thumbprint(key)}
    return encrypt_compact(protected, b"plain", key, algorithms=["ECDH-ES", "A256GCM"]).encode()


def test_the_next_key_lies_beside_the_one_that_is_there(tmp_path: Path) -> None:
    first, _ = make_key_pair("lvr-klinik", tmp_path)

    made = [make_key_pair("lvr-klinik", tmp_path, is_next=True)[0].name for _ in range(2)]

    assert made == ["lvr-klinik.2.key.json", "lvr-klinik.3.key.json"]
    assert first.exists()


def test_the_first_key_is_no_next_one(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="without --next"):
        make_key_pair("lvr-klinik", tmp_path, is_next=True)


@pytest.mark.parametrize("named", [True, False])
def test_a_folder_opens_what_is_sealed_for_any_key_in_it(named: bool, tmp_path: Path) -> None:
    old = read_private_key(make_key_pair("a", tmp_path)[0])
    new = read_private_key(make_key_pair("a", tmp_path, is_next=True)[0])
    ring = KeyRing.read(tmp_path)

    sealed = [sealed_by_name(key) if named else seal(b"plain", to=key) for key in (old, new)]

    assert [ring.unseal(token).plaintext for token in sealed] == [b"plain", b"plain"]


def test_a_key_set_in_one_file_will_do(tmp_path: Path) -> None:
    keys = [ECKey.generate_key("P-256") for _ in range(2)]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=True) for key in keys]}))

    ring = KeyRing.read(path)

    assert [ring.unseal(sealed_by_name(key)).plaintext for key in keys] == [b"plain", b"plain"]


def test_a_key_that_comes_into_the_folder_later_is_found(tmp_path: Path) -> None:
    make_key_pair("a", tmp_path)
    ring = KeyRing.read(tmp_path)

    later = read_private_key(make_key_pair("a", tmp_path, is_next=True)[0])

    assert ring.unseal(sealed_by_name(later)).plaintext == b"plain"


def test_an_answer_for_a_key_that_is_not_here_says_which_and_what_to_do(tmp_path: Path) -> None:
    private, _ = make_key_pair("a", tmp_path)
    here, gone = read_private_key(private), ECKey.generate_key("P-256")

    with pytest.raises(UnknownKey, match="Changing your key") as caught:
        KeyRing.read(private).unseal(sealed_by_name(gone))

    assert thumbprint(gone) in str(caught.value)
    assert thumbprint(here) in str(caught.value)


def test_a_wrong_name_on_an_answer_opens_nothing(tmp_path: Path) -> None:
    make_key_pair("a", tmp_path)
    other = read_private_key(make_key_pair("a", tmp_path, is_next=True)[0])
    mine = read_private_key(tmp_path / "a.key.json")

    with pytest.raises(UnreadableAnswer, match="could not be decrypted"):
        KeyRing.read(tmp_path).unseal(sealed_by_name(other, kid=thumbprint(mine)))


@pytest.mark.parametrize("kid", ["x", "../../etc/passwd", "marker" * 99])
def test_a_name_that_is_no_thumbprint_is_not_repeated(kid: str, tmp_path: Path) -> None:
    private, _ = make_key_pair("a", tmp_path)

    with pytest.raises(UnreadableAnswer) as caught:
        KeyRing.read(private).unseal(sealed_by_name(ECKey.generate_key("P-256"), kid=kid))
    assert kid not in str(caught.value)


def test_a_folder_without_a_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"holds no \*\.key\.json"):
        KeyRing.read(tmp_path)


@pytest.mark.parametrize("keys", [[], ["hush"], [{"kty": "EC", "d": "hush-hush"}]])
def test_a_bad_key_set_is_named_and_not_quoted(keys: list[object], tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": keys}))

    with pytest.raises(BadFile, match=r"keys\.json") as caught:
        KeyRing.read(path)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("token", [b"", b"....", b"a.b.c.d.e", b"\xff\xfe", b"e30.e30.e30.e30.e30", b"x" * 100])
def test_what_is_no_jwe_is_unreadable(token: bytes, tmp_path: Path) -> None:
    key = read_private_key(make_key_pair("a", tmp_path)[0])

    with pytest.raises(UnreadableAnswer):
        unseal(token, key=key)


def test_the_public_half_is_not_taken_for_the_private_one(tmp_path: Path) -> None:
    _, public = make_key_pair("a", tmp_path)

    with pytest.raises(BadFile, match="public half only"):
        read_private_key(public)


def test_a_key_on_another_curve_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.key.json"
    path.write_text(json.dumps(ECKey.generate_key("P-384").as_dict(private=True)))

    with pytest.raises(BadFile, match="P-256"):
        read_private_key(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kty":"EC","d":"hush-hush"}', '{"kty":"oct","k":"hush-hush"}'])
def test_a_bad_key_file_is_named_and_not_quoted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.key.json"
    path.write_text(text)

    with pytest.raises(BadFile, match=r"bad\.key\.json") as caught:
        read_private_key(path)
    assert "hush-hush" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"gone\.json"):
        ConnectionFile.read(tmp_path / "gone.json")


def test_a_connection_never_shows_its_password(tmp_path: Path) -> None:
    connection = ConnectionFile.read(a_connection_file(tmp_path))

    assert "hush" not in repr(connection)
    assert connection.place == "127.0.0.1:1/jobcenter-essen"


@pytest.mark.parametrize("changes", [{"broker_url": "http://u:hush@h"}, {"account": None}, {"gate_public_key": {}}])
def test_a_bad_connection_file_names_the_field_and_not_the_password(changes: dict[str, object], tmp_path: Path) -> None:
    path = a_connection_file(tmp_path, **changes)

    with pytest.raises(BadFile, match=next(iter(changes))) as caught:
        ConnectionFile.read(path)
    assert "hush" not in str(caught.value)
