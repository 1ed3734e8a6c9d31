"""HTTP of visit packets, for workers: hand in a public key, take a packet along, hand in what was noted meanwhile."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from services.referral import handing
from services.referral.visit_permission import allowed_at_visits
from services.referral.visit_state import VisitDeed
from services.referral.visit_store import lock_of
from shared.contracts.envelope import Id
from shared.contracts.packet import Journal, SettledJournal
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Forbidden, Role, allow

R = TypeVar("R")

SEALED = "application/jose"
Coordinate = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
Worker = Annotated[Caller, Depends(allow(Role.ASSESSOR, Role.OUTREACH_WORKER))]


class PublicKey(BaseModel):
    """The public half of a worker's key (JWK). The private half is refused like any other field."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate


class KeyKept(BaseModel):
    """Since when packets are sealed for that key."""

    since: datetime


def packet_routes(service: Service) -> APIRouter:
    """Return the routes of packets."""
    router = APIRouter(tags=["visit"])
    taking, handing_in = (
        Depends(allowed_at_visits(service, deed)) for deed in (VisitDeed.TAKE_PACKET, VisitDeed.HAND_IN)
    )

    async def write(visit_id: str, handler: Callable[[UnitOfWork], R]) -> R:
        return await service.writer.run(handler, locks=lambda session: lock_of(session, visit_id))

    @router.put("/workers/me/key")
    async def set_key(key: PublicKey, caller: Worker) -> KeyKept:
        """Have the next packets sealed for this key; those that were made keep theirs."""
        since = await service.writer.run(
            lambda work: handing.set_key(work, worker_id=caller.caller_id, jwk=key.model_dump())
        )
        return KeyKept(since=since)

    @router.post("/visits/{visit_id}/packet", response_class=Response, responses={200: {"content": {SEALED: {}}}})
    async def hand_out(visit_id: Id, caller: Annotated[Caller, taking]) -> Response:
        """Return the packet of a permitted visit, sealed for whoever asks; their former one of that visit ends."""
        sealed = await write(visit_id, lambda work: handing.hand_out(work, visit_id=visit_id, to=caller))
        if sealed is None:  # the visit of others
            raise Forbidden
        return Response(sealed, media_type=SEALED)

    @router.post("/visits/{visit_id}/journal")
    async def hear(visit_id: Id, journal: Journal, caller: Annotated[Caller, handing_in]) -> SettledJournal:
        """Take what was noted without network; handed in again it changes nothing."""
        return await write(
            visit_id,
            lambda work: handing.hear(work, visit_id=visit_id, journal=journal, by=caller),
        )

    return router
