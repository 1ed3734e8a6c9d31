"""Puts one service together: database, keys, writer, outbox relay, subscription, health. Importing it does nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from shared import topology
from shared.alarms import Alarms
from shared.bus import Line, Subscription
from shared.database import Database, SchemaBehind, open_engine
from shared.erasure import Erasing
from shared.inbox import Inbox, Parking
from shared.journal import Journal, JournalMissing, Replayed
from shared.journal_file import JournalUnreadable
from shared.keys import PersonKeys
from shared.metrics import Metrics
from shared.metrics_page import MetricsPage, serve
from shared.outbox import Outbox
from shared.parked_api import NoBroker, parked_routes
from shared.receiver import Handlers, Receiver
from shared.relay import Publish, Relay, care_publisher
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from shared.web import Tokens, new_app
from shared.writer import StoreUnavailable, Writer
from shared.zone import ZoneKeys

log = structlog.get_logger()

STALLED_SECONDS = 15.0


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


class Service:
    """The running parts of one service. `running` starts them in order and stops them in reverse."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        metadata: MetaData,
        handlers: Handlers,
        *,
        erasing: Erasing | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock
        self.town = settings.town
        self.database = Database(open_engine(settings.database_url), metadata)
        self.keys = PersonKeys(open_engine(settings.key_store_url), master_key=settings.master_key())
        self.zone_keys = ZoneKeys(settings.zone_keys_file)
        self.tokens = Tokens(settings.tokens_file)
        self.outbox = Outbox(metadata, self.keys)
        self.inbox = Inbox(metadata, self.keys)
        self.parking = Parking(metadata, self.keys)
        self.to_recipient: Publish | None = None
        self.name_in_logs: Callable[[str], str] = str
        self.journal = Journal(settings.journal_folder, metadata, service=name)
        self.metrics = Metrics()
        self.writer = Writer(
            self.database,
            self.keys,
            self.outbox,
            self.journal,
            clock=clock,
            town=settings.town,
            metrics=self.metrics,
        )
        self.metrics_page: MetricsPage | None = None
        self._alarms = Alarms(self._counts)
        self._erasing = erasing
        self._handlers = handlers
        self._relay: Relay | None = None
        self._line: Line | None = None
        self._subscription: Subscription | None = None
        self.receiver: Receiver | None = None
        self.replayed = Replayed(0, 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the service. Without a broker URL it keeps its outbox, answers HTTP and says that it is not ready."""
        try:
            self.database.check_schema()
            self.keys.create_store()
            self.replayed = self.journal.open(self.database, self.keys)
        except (SQLAlchemyError, OSError, SchemaBehind, JournalMissing, JournalUnreadable) as error:
            log.error("service_not_started", code=getattr(error, "code", None), exc_info=error)
            self._close()
            raise
        self.writer.start()
        if self._erasing is not None:
            await self.writer.run(self._erasing.again, locks=self._erasing.locks_for_again)
        if self.settings.broker_url:
            self._start_bus(self.settings.broker_url)
        self._alarms.start()
        own = self.settings
        self.metrics_page = serve(self.metrics, self.ready, host=own.metrics_host, port=own.metrics_port)
        log.info("service_started")
        try:
            yield
        finally:
            await self._stop()

    def _start_bus(self, url: str) -> None:
        self._line = Line(url, name="care.publish")
        self._line.start()
        self._relay = Relay(
            self.database,
            self.writer,
            self.outbox,
            to_care=care_publisher(self._line, self.zone_keys, source=self.name),
            to_recipient=self.to_recipient,
            clock=self.clock,
            name_in_logs=self.name_in_logs,
            metrics=self.metrics,
        )
        self.writer.on_commit(self._relay.take)
        self._relay.start()
        self.receiver = Receiver(
            self.name,
            self._handlers,
            writer=self.writer,
            inbox=self.inbox,
            parking=self.parking,
            zone_keys=self.zone_keys,
            line=self._line,
            metrics=self.metrics,
        )
        self._subscription = Subscription(url)
        self._subscription.consume(topology.events_queue(self.name), self.receiver.receive)
        self._subscription.consume(topology.parked_queue(self.name), self.receiver.park)
        self._subscription.start()

    async def _stop(self) -> None:
        if self.metrics_page is not None:
            await self.metrics_page.stop()
        await self._alarms.stop()
        if self._subscription is not None:
            await self._subscription.stop()
        if self._relay is not None:
            await self._relay.stop()
        if self._line is not None:
            await self._line.stop()
        await self.writer.stop()
        self._close()
        log.info("service_stopped")

    def _close(self) -> None:
        self.journal.close()
        self.database.engine.dispose()
        self.keys.close()

    async def ready(self) -> dict[str, Any]:  # Any: a JSON object
        """Say for each part whether it works, by trying it."""
        stalled = self.receiver is not None and self.receiver.oldest_in_flight_seconds() > STALLED_SECONDS
        parts = {
            "database": await self._database_writes(),
            "broker_publishing": self._line is not None and self._line.is_up,
            "broker_consuming": self._subscription is not None and self._subscription.is_up,
            "handlers_progress": not stalled,
        }
        counts = await self._counts() if parts["database"] else None
        parts["database"] = counts is not None
        parts["journal"] = await asyncio.to_thread(self.journal.is_writable)
        parts["tokens"] = self.tokens.are_readable()
        parts["no_message_waits_too_long"] = counts is None or counts["waiting_too_long"] == 0
        parts["no_message_unsent_too_long"] = counts is None or counts["unsent_too_long"] == 0
        parts |= self.own_parts()
        return {"ready": all(parts.values()), "parts": parts, "counts": counts or {}}

    def own_parts(self) -> dict[str, bool]:
        """Say for each part that only this service has whether it works."""
        return {}

    async def handle_parked(self, parked_id: str, by: str) -> bool:
        """Handle a parked message again; return False if there is none by that id."""
        if self.receiver is None:
            raise NoBroker
        return await self.receiver.handle_parked(parked_id, by=by)

    async def _database_writes(self) -> bool:
        def touch(work: UnitOfWork) -> None:
            work.session.execute(text("UPDATE row_lock SET name = name WHERE name = ''"))

        try:
            async with asyncio.timeout(STALLED_SECONDS / 3):
                await self.writer.run(touch)
        except (StoreUnavailable, TimeoutError):
            return False
        return True

    async def _counts(self) -> dict[str, int] | None:
        def count() -> dict[str, int]:
            now = self.clock()
            with self.database.read() as session:
                backlogs = {
                    "unsent": self.outbox.backlog(session),
                    "waiting": self.inbox.backlog(session),
                    "parked": self.parking.backlog(session),
                }
                late = {
                    "unsent_too_long": self.outbox.count_late(session, now=now),
                    "waiting_too_long": self.inbox.count_waiting(session, now=now),
                }
            ages = {f"oldest_{name}_seconds": int(one.oldest_seconds(now=now)) for name, one in backlogs.items()}
            return {name: one.count for name, one in backlogs.items()} | ages | late

        try:
            return await asyncio.to_thread(count)
        except SQLAlchemyError:
            return None


def new_service_app(service: Service, *, title: str, version: str) -> FastAPI:
    """Return the app of a service with what all services answer: health, readiness, parked messages."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = new_app(title, version=version, tokens=service.tokens, lifespan=lifespan)
    app.state.service = service

    @app.get("/health", tags=["operation"])
    async def health() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "alive", "service": service.name, "version": version}

    @app.get("/ready", tags=["operation"])
    async def ready() -> JSONResponse:
        """Say whether database, broker and handlers work, tried just now; 503 if any does not."""
        state = await service.ready()
        return JSONResponse(state, status_code=200 if state["ready"] else 503)

    app.include_router(parked_routes(service.database, service.writer, service.parking, handle=service.handle_parked))
    return app
