"""HTTP of places: what is free, holds, and the order of waiting. No route takes or shows a person."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.referral import place
from services.referral.directory import Directory, RecipientId
from services.referral.permission import allowed_at_places
from services.referral.state import Deed, SkipReason
from shared.contracts.envelope import Code, Id
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow

Team = Annotated[Caller, Depends(allow(Role.ASSESSOR, Role.LEAD))]
LONGEST_HOLD_MINUTES = 72 * 60


class PlaceWanted(BaseModel):
    """Which service of which provider."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    recipient_id: RecipientId
    service: Code


class HoldPlace(PlaceWanted):
    """For how long, and on whose turn."""

    minutes: Annotated[int, Field(ge=1, le=LONGEST_HOLD_MINUTES, strict=True)]
    waiting_id: Id | None = None
    reason: SkipReason | None = None


class FreeShown(BaseModel):
    """How many places of a service a provider has free."""

    recipient_id: str
    service: str
    free: int
    waiting: int
    valid_until: datetime


class HoldShown(BaseModel):
    """A place that is kept free."""

    hold_id: str
    held_until: datetime


class WaitingShown(BaseModel):
    """One who waits."""

    position: int
    waiting_id: str
    since: datetime


def place_routes(service: Service, directory: Directory) -> APIRouter:
    """Return the routes of places."""
    router = APIRouter(tags=["place"])
    holding, waiting = (allowed_at_places(service, deed) for deed in (Deed.HOLD_PLACE, Deed.WAIT_FOR_PLACE))

    @router.get("/capacity")
    def capacity(_caller: Team, service_code: Annotated[Code | None, Query(alias="service")] = None) -> list[FreeShown]:
        """List what is free, at all providers at once."""
        with service.database.read() as session:
            found = place.capacity(session, service.keys, service=service_code, now=service.clock(), town=service.town)
        return [FreeShown(**asdict(one)) for one in found]

    @router.post("/holds", status_code=201)
    async def hold(request: HoldPlace, caller: Annotated[Caller, Depends(holding)]) -> HoldShown:
        """Keep a place free for a while."""
        directory.offer(request.recipient_id, request.service)
        held = await service.writer.run(
            lambda work: place.hold(work, held_by=caller.caller_id, **dict(request)),
        )
        return HoldShown(hold_id=held.hold_id, held_until=held.held_until)

    @router.get("/waiting-order")
    def waiting_order(
        _caller: Team, recipient_id: RecipientId, service_code: Annotated[Code, Query(alias="service")]
    ) -> list[WaitingShown]:
        """List who waits, the longest first."""
        with service.database.read() as session:
            order = place.waiting_order(session, recipient_id, service_code)
        return [
            WaitingShown(position=position, waiting_id=row.waiting_id, since=row.since)
            for position, row in enumerate(order, start=1)
        ]

    @router.post("/waiting-order", status_code=201)
    async def wait(request: PlaceWanted, _caller: Annotated[Caller, Depends(waiting)]) -> WaitingShown:
        """Queue for a place under a random id."""
        directory.offer(request.recipient_id, request.service)
        return await service.writer.run(lambda work: _wait(work, request))

    @router.post("/waiting-order/{waiting_id}/leaving", status_code=204)
    async def leave(waiting_id: Id, _caller: Annotated[Caller, Depends(waiting)]) -> None:
        """Wait no longer."""
        await service.writer.run(lambda work: place.leave(work, waiting_id=waiting_id))

    return router


def _wait(work: UnitOfWork, request: PlaceWanted) -> WaitingShown:
    waiting_id = place.wait(work, **dict(request))
    work.session.flush()
    order = [row.waiting_id for row in place.waiting_order(work.session, request.recipient_id, request.service)]
    return WaitingShown(position=order.index(waiting_id) + 1, waiting_id=waiting_id, since=work.now)
