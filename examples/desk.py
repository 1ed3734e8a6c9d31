"""What both desks share: receive, hold, show. Built on the sdk alone.

A desk is a stand-in for the partner's own software: it writes down everything that ever reached it over the bus, so
that anybody can check what that partner knows. Local use only: bound to 127.0.0.1, no sign-in.
"""

import argparse
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # a JSON body is passed through as it is

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from examples.page import CONTENT_SECURITY_POLICY, render
from examples.received import ReceivedLog
from sdk import Event, FieldError, GesehenError, Received, Recipient, Refused, Store, Subscription

log = logging.getLogger("desk")


@dataclass(frozen=True, slots=True)
class Options:
    """How a desk is started."""

    connection: Path
    key: Path
    data: Path
    port: int


@dataclass(slots=True)
class Desk:
    """A running desk."""

    title: str
    recipient: Recipient
    store: Store
    received: ReceivedLog
    subscription: Subscription

    def state(self) -> dict[str, Any]:
        """Return what this desk holds, as JSON."""
        return {
            "recipient_id": self.recipient.connection.recipient_id,
            "held": [one.model_dump(mode="json", exclude={"result"}) for one in self.store.held()],
            "statuses": self.store.statuses(),
            "received": len(self.received),
            "paused": self.subscription.is_paused,
            "connected": self.recipient.is_connected,
        }


class MalformedRequest(Exception):
    """Raised when a request to the desk itself is malformed."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.refused = Refused(errors=(FieldError(field=field, reason=reason),))


def create_desk(title: str, options: Options) -> FastAPI:
    """Build the desk's app; it connects when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        options.data.mkdir(parents=True, exist_ok=True)
        received = ReceivedLog(options.data / "received.jsonl")
        with Store(options.data / "held.sqlite3") as store:
            async with Recipient.from_files(options.connection, options.key, wire_log=received.add) as recipient:
                subscription = await recipient.subscribe(_note, store=store)
                app.state.desk = Desk(title, recipient, store, received, subscription)
                yield

    app = FastAPI(title=title, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])

    @app.exception_handler(MalformedRequest)
    async def refuse(_: Request, error: MalformedRequest) -> JSONResponse:
        return _answered(error.refused)

    _add_views(app)
    _add_reception(app)
    return app


def desk_of(request: Request) -> Desk:
    """Return the desk that answers the request."""
    desk: Desk = request.app.state.desk
    return desk


async def json_object(request: Request) -> dict[str, Any]:
    """Read the body as it is; the gate, not the desk, says what is wrong with it."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise MalformedRequest("body", "must be a JSON object")
    return body


async def send(request: Request, command: str) -> JSONResponse:
    """Send the body as a command; 202 received, 422 refused with field and reason, 503 try again."""
    fields = await json_object(request)
    try:
        reply = await desk_of(request).recipient.command(command, fields)
    except GesehenError as error:
        return _unavailable(error)
    return _answered(reply)


def run(title: str, make_app: Callable[[Options], FastAPI], arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve until told to stop."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--connection", type=Path, required=True, help="the connection file")
    parser.add_argument("--key", type=Path, required=True, help="this desk's own private key file")
    parser.add_argument("--data", type=Path, required=True, help="folder for what this desk holds and has received")
    parser.add_argument("--port", type=int, required=True)
    options = Options(**vars(parser.parse_args(arguments)))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("aiormq").setLevel(logging.WARNING)  # at DEBUG it prints raw frames
    uvicorn.run(make_app(options), host="127.0.0.1", port=options.port, log_level="warning", access_log=False)


async def _note(event: Event) -> None:
    log.info("event received: %s", event.result)


def _add_views(app: FastAPI) -> None:
    @app.get("/")
    async def page(request: Request) -> HTMLResponse:
        desk = desk_of(request)
        text = render(title=desk.title, state=desk.state())
        return HTMLResponse(text, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})

    @app.get("/held")
    async def held(request: Request) -> JSONResponse:
        return JSONResponse(desk_of(request).state())

    @app.get("/received")
    async def received(request: Request) -> JSONResponse:
        return JSONResponse(desk_of(request).received.entries())

    @app.get("/health")
    async def health(request: Request) -> JSONResponse:
        connected = desk_of(request).recipient.is_connected
        return JSONResponse({"connected": connected}, status_code=200 if connected else 503)


def _add_reception(app: FastAPI) -> None:
    @app.post("/pause")
    async def pause(request: Request) -> JSONResponse:
        await desk_of(request).subscription.pause()
        return JSONResponse({"paused": True})

    @app.post("/resume")
    async def resume(request: Request) -> JSONResponse:
        await desk_of(request).subscription.resume()
        return JSONResponse({"paused": False})

    @app.get("/unopened")
    async def unopened(request: Request) -> JSONResponse:
        desk = desk_of(request)
        return JSONResponse({"paused": desk.subscription.is_paused, "count": await desk.recipient.count_inbox()})

    @app.post("/reopen")
    async def reopen(request: Request) -> JSONResponse:
        notice = (await json_object(request)).get("notice")
        if not isinstance(notice, str):
            raise MalformedRequest("notice", "must be a notice id")
        try:
            answer = await desk_of(request).subscription.open(notice)
        except GesehenError as error:
            return _unavailable(error)
        return JSONResponse(answer.model_dump(mode="json"))


def _answered(reply: Received | Refused) -> JSONResponse:
    return JSONResponse(reply.model_dump(mode="json"), status_code=202 if isinstance(reply, Received) else 422)


def _unavailable(error: GesehenError) -> JSONResponse:
    return JSONResponse({"result": error.code}, status_code=503)
