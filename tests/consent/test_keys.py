"""What goes outside is sealed for one recipient; what comes from outside has to be sealed for the gate."""

from typing import Any

import pytest
from joserfc.errors import JoseError
from joserfc.jwe import decrypt_compact
from joserfc.jwk import ECKey

from services.consent.keys import GateKey, UnreadableRequest, UnusableKey, read_public_key, seal_for
from tests.consent.surroundings import GATE_KEY, PUBLIC_KEY

GATE = GateKey(GATE_KEY)
MINE, ANOTHERS = (ECKey.generate_key("P-256", private=True) for _ in range(2))


def public_half(key: ECKey) -> ECKey:
    """Return what a recipient registers."""
    return read_public_key({name: str(value) for name, value in key.as_dict(private=False).items()})


def test_an_answer_is_read_by_its_recipient_alone() -> None:
    sealed = seal_for(public_half(MINE), b"released")

    assert decrypt_compact(sealed, MINE).plaintext == b"released"
    with pytest.raises(JoseError):
        decrypt_compact(sealed, ANOTHERS)


def test_an_answer_tells_nothing_about_itself_but_how_it_is_sealed() -> None:
    protected = decrypt_compact(seal_for(public_half(MINE), b"released"), MINE).headers()

    assert set(protected) == {"alg", "enc", "epk", "kid"}
    assert protected["kid"] == MINE.thumbprint()
    assert (protected["alg"], protected["enc"]) == ("ECDH-ES", "A256GCM")


def test_two_answers_of_one_content_do_not_look_alike() -> None:
    assert seal_for(public_half(MINE), b"released") != seal_for(public_half(MINE), b"released")


def test_a_command_is_read_by_the_gate() -> None:
    to_the_gate = ECKey.import_key(GATE.public())

    assert GATE.unseal(seal_for(to_the_gate, b"command")) == b"command"


def test_a_large_command_within_the_brokers_limit_is_read() -> None:
    body = b"x" * 180_000

    assert GATE.unseal(seal_for(ECKey.import_key(GATE.public()), body)) == body


@pytest.mark.parametrize("token", [b"", b"x", b"....", b"a.b.c.d.e", b"\xff" * 99, seal_for(public_half(MINE), b"x")])
def test_what_is_not_sealed_for_the_gate_is_unreadable(token: bytes) -> None:
    with pytest.raises(UnreadableRequest):
        GATE.unseal(token)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC"},
        {**PUBLIC_KEY, "x": "AAAA"},
        {name: str(value) for name, value in MINE.as_dict(private=True).items()},
        ECKey.generate_key("P-384", private=False).as_dict(),
        {**PUBLIC_KEY, "use": "sig"},
        {**PUBLIC_KEY, "use": ""},
        {**PUBLIC_KEY, "key_ops": ["verify"]},
        {**PUBLIC_KEY, "key_ops": []},
        {**PUBLIC_KEY, "key_ops": "deriveKeys"},
        {**PUBLIC_KEY, "alg": "ES256"},
        {**PUBLIC_KEY, "x": 1},
    ],
)
def test_a_key_that_is_no_public_key_to_encrypt_with_is_unusable_and_not_repeated(jwk: dict[str, Any]) -> None:
    with pytest.raises(UnusableKey) as refused:
        read_public_key(jwk)

    assert not any(str(value) in str(refused.value) for name, value in jwk.items() if name in {"x", "y", "d", "k"})


@pytest.mark.parametrize(
    "more", [{"use": "enc"}, {"key_ops": ["deriveKey"]}, {"key_ops": ["deriveBits"]}, {"alg": "ECDH-ES"}, {"x5c": "?"}]
)
def test_of_a_public_key_only_what_makes_it_one_is_taken(more: dict[str, Any]) -> None:
    key = read_public_key({**public_half(MINE).as_dict(private=False), **more})

    assert set(key.as_dict(private=False)) == {"kty", "crv", "x", "y"}
    assert decrypt_compact(seal_for(key, b"released"), MINE).plaintext == b"released"
