"""What an operator may do with parked messages: see them without a value, have one handled again, give one up.

Each act is kept in the message's row (what, by whom, when, and why one was given up) and said in a log line.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.database import Database
from shared.inbox import Parking
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow, problem
from shared.writer import StoreUnavailable, Writer

log = structlog.get_logger()

Facts = dict[str, Any]  # Any: JSON values


class NoBroker(RuntimeError):
    """Raised when a service that runs without a broker is asked for what needs one."""

    code = "no_broker"

    def __init__(self) -> None:
        super().__init__("this service runs without a broker")


def _a_reason_code(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[a-z_]{3,60}", value):
        return value
    raise PydanticCustomError("must_be_3_to_60_small_letters_or_underscores", "is no code")


class DropParked(BaseModel):
    """Why a parked message is given up: a code such as `sent_twice`, for what people write could name somebody."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, BeforeValidator(_a_reason_code)] = Field(
        pattern=r"^[a-z_]{3,60}$", examples=["sent_twice", "of_an_unknown_version"]
    )


def parked_routes(
    database: Database, writer: Writer, parking: Parking, *, handle: Callable[[str, str], Awaitable[bool]]
) -> APIRouter:
    """Return the routes of one service; `handle` takes the id of a message and who asks, and says if there is one."""
    router = APIRouter(tags=["operation"])
    operator = Annotated[Caller, Depends(allow(Role.OPERATOR))]

    @router.get("/parked")
    def parked(_caller: operator) -> list[Facts]:
        """List messages that no retry could help: ids, type, reason, time."""
        with database.read() as session:
            return [_plain(row) for row in parking.listed(session)]

    @router.get("/parked/{parked_id}")
    def parked_message(parked_id: str, _caller: operator) -> JSONResponse:
        """Show the same of one message, also of one that was settled: then what was done, by whom and when."""
        with database.read() as session:
            found = parking.shown(session, parked_id)
        return JSONResponse(_plain(found)) if found else _unknown()

    @router.post("/parked/{parked_id}/handling")
    async def handle_parked(parked_id: str, caller: operator) -> JSONResponse:
        """Handle a parked message again, after its cause was mended."""
        try:
            found = await handle(parked_id, caller.caller_id)
        except StoreUnavailable:
            raise
        except NoBroker as error:
            return problem(503, error.code, str(error))
        except Exception as error:
            log.error("parked_message_failed_again", parked_id=parked_id, by=caller.caller_id, exc_info=error)
            return problem(409, "still_fails", f"it stays parked: {getattr(error, 'code', 'handler_failed')}")
        if not found:
            return _unknown()
        log.info("parked_message_handled", parked_id=parked_id, by=caller.caller_id)
        return JSONResponse({"parked_id": parked_id, "resolution": "handled"})

    @router.post("/parked/{parked_id}/dropping")
    async def drop_parked(parked_id: str, drop: DropParked, caller: operator) -> JSONResponse:
        """Give a parked message up, with a reason."""
        resolution = f"dropped: {drop.reason} by {caller.caller_id}"

        def give_up(work: UnitOfWork) -> bool:
            return parking.resolve(work.session, parked_id, resolution=resolution, now=work.now)

        if not await writer.run(give_up):
            return _unknown()
        log.info("parked_message_dropped", parked_id=parked_id, reason=drop.reason, by=caller.caller_id)
        return JSONResponse({"parked_id": parked_id, "resolution": "dropped"})

    return router


def _unknown() -> JSONResponse:
    return problem(404, "parked_message_not_found", "no parked message by that id")


def _plain(row: dict[str, object]) -> Facts:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
