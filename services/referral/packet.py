"""What whoever visits takes along: the least that the visit needs, sealed for one worker's key. Pure rules.

Only the two types that need a permission have what is read here, so a packet of any other visit cannot be made.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final  # a JWK is a dict[str, Any]

from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import ECKey
from joserfc.registry import HeaderParameter

from services.referral.errors import FieldRefused, PacketTooEarly, WindowOver
from services.referral.visit import Agreed, UnderWay
from shared.contracts.packet import Packet, Permitted, Window, end_of_packet

PUBLIC_FIELDS: Final = ("kty", "crv", "x", "y")
_BLOCK: Final = 4096
"""Packets are filled up to a multiple of it: their size must not tell how long an address is."""
_ALGORITHMS: Final = {"alg": "ECDH-ES", "enc": "A256GCM"}
_REGISTRY: Final = JWERegistry(
    header_registry={
        "packet_id": HeaderParameter("Which packet", "str"),
        "visit_id": HeaderParameter("Of which visit", "str"),
        "exp": HeaderParameter("Until when it can be read", "int"),
    },
    algorithms=list(_ALGORITHMS.values()),
)


def packet_of(visit: Agreed | UnderWay, *, packet_id: str, now: datetime) -> Packet:
    """Return the packet of a visit: no name, no case, nothing about the person but how to ask for them.

    Refuse one that would end before the visit begins, or be made after it.
    """
    plan, permission = visit.permitted, visit.permission
    ends_at = min(plan.until_at, permission.until_at)
    if max(now, plan.from_at) >= ends_at:
        raise WindowOver
    issued_at = _whole(now)
    window = Window(starts_at=plan.from_at, ends_at=ends_at)
    expires_at = _whole(end_of_packet(issued_at, window))
    if expires_at <= plan.from_at:
        raise PacketTooEarly
    return Packet(
        packet_id=packet_id,
        visit_id=visit.visit_id,
        issued_at=issued_at,
        expires_at=expires_at,
        permission=Permitted(plan_sha256=permission.plan_sha256, window=window),
        purpose=plan.purpose.value,
        workers=plan.workers,
        where=plan.where,
        ask_for=plan.ask_for,
        language=plan.language,
    )


def seal(packet: Packet, key: ECKey) -> str:
    """Return the packet so that only the holder of the key can read it (JWE, ECDH-ES and A256GCM)."""
    outside = {
        **_ALGORITHMS,
        "kid": key.thumbprint(),
        "packet_id": packet.packet_id,
        "visit_id": packet.visit_id,
        "exp": int(packet.expires_at.timestamp()),
    }
    plaintext = packet.model_dump_json().encode()
    filled = plaintext.ljust(-(-len(plaintext) // _BLOCK) * _BLOCK)
    return encrypt_compact(outside, filled, key, registry=_REGISTRY)


def read_public_key(jwk: Mapping[str, Any]) -> ECKey:
    """Return a worker's public key; refuse what cannot be sealed for. Nothing but the point is taken over."""
    try:
        key = ECKey.import_key({name: jwk[name] for name in PUBLIC_FIELDS})
        encrypt_compact(_ALGORITHMS, b"trial", key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError):
        raise FieldRefused("x", "is with y no point on the curve P-256") from None
    return key


def _whole(at: datetime) -> datetime:
    """Return the second that has begun: what stands outside of the seal counts no smaller ones."""
    return datetime.fromtimestamp(int(at.timestamp()), UTC)
