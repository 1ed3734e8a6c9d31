"""Signatures: what the gate signed is known again by everybody who has the public key, and nothing else is."""

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey

from services.consent.signing import (
    NotSigned,
    PublicKeys,
    SignedAs,
    SigningKey,
    UnusableSigningKey,
    content_of,
    is_complete,
)

RAW = OKPKey.generate_key("Ed25519").as_dict(private=True)
KEY = SigningKey(RAW)
OTHER = SigningKey(OKPKey.generate_key("Ed25519").as_dict(private=True))
TOKEN = KEY.sign({"says": "this"}, signed_as=SignedAs.RECEIPT)


def encoded(value: dict[str, Any]) -> str:
    """Return a part of a JWS."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_was_signed_is_read_with_the_public_half_alone() -> None:
    public = PublicKeys(KEY.public.as_dict())

    assert public.read(TOKEN, signed_as=SignedAs.RECEIPT) == {"says": "this"} == content_of(TOKEN)


def test_the_public_half_holds_no_private_one() -> None:
    [key] = KEY.public.as_dict()["keys"]

    assert "d" not in key
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")


def test_the_same_content_has_the_same_signature() -> None:
    assert KEY.sign({"says": "this"}, signed_as=SignedAs.RECEIPT) == TOKEN


def test_a_head_is_no_receipt() -> None:
    with pytest.raises(NotSigned):
        KEY.public.read(KEY.sign({"says": "this"}, signed_as=SignedAs.HEAD), signed_as=SignedAs.RECEIPT)


def a_forgery(how: str) -> str:
    """Return what somebody made out of a signed text, or instead of one."""
    header, payload, signature = TOKEN.split(".")
    none = {"alg": "none", "kid": OKPKey.import_key(RAW).thumbprint()}
    others = {
        "other content": f"{header}.{encoded({'says': 'that'})}.{signature}",
        "another's key": OTHER.sign({"says": "this"}, signed_as=SignedAs.RECEIPT),
        "no signature": f"{encoded({'alg': 'none'})}.{payload}.",
        "algorithm none": f"{encoded(none)}.{payload}.{signature}",
        "a part less": f"{header}.{payload}",
        "nothing": "",
        "letters": "ä.ö.ü",
    }
    return others[how]


@pytest.mark.parametrize(
    "how",
    ["other content", "another's key", "no signature", "algorithm none", "a part less", "nothing", "letters"],
)
def test_what_the_gate_did_not_sign_is_refused(how: str) -> None:
    with pytest.raises(NotSigned):
        KEY.public.read(a_forgery(how), signed_as=SignedAs.RECEIPT)


def test_after_a_change_of_keys_the_first_one_signs_and_what_the_former_signed_is_still_known() -> None:
    fresh = OKPKey.generate_key("Ed25519").as_dict(private=True)
    former = {name: value for name, value in RAW.items() if name != "d"}

    changed = SigningKey({"keys": [fresh, former]})

    assert changed.public.read(TOKEN, signed_as=SignedAs.RECEIPT) == {"says": "this"}
    new = changed.sign({"says": "that"}, signed_as=SignedAs.RECEIPT)
    assert SigningKey(fresh).public.read(new, signed_as=SignedAs.RECEIPT) == {"says": "that"}


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"keys": []},
        {"keys": "x"},
        ECKey.generate_key("P-256").as_dict(private=True),
        OKPKey.generate_key("X25519").as_dict(private=True),
        {name: value for name, value in RAW.items() if name != "d"},
    ],
)
def test_a_key_that_cannot_sign_is_refused_at_the_start_and_not_repeated(raw: dict[str, Any]) -> None:
    with pytest.raises(UnusableSigningKey) as refused:
        SigningKey(raw)

    assert not any(str(value) in str(refused.value) for value in raw.values() if value)


def test_a_line_that_a_crash_cut_off_is_told_from_a_whole_one() -> None:
    assert is_complete(TOKEN)
    assert not is_complete(TOKEN[:-1])
    assert not is_complete(TOKEN[:20])
