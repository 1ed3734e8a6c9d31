"""The composition root of the consent service: `uvicorn services.consent.app:create_app --factory`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from services.consent import __version__, emergency_view, figures, funding, grants
from services.consent.api import routes
from services.consent.erasure import ERASING
from services.consent.erasures import NOT_READY_AFTER, open_erasures
from services.consent.errors import ConsentError
from services.consent.head_export import HeadExport
from services.consent.outside import Outside
from services.consent.receipts import Issuer
from services.consent.reception import PARKED_COMMAND
from services.consent.settings import ConsentSettings
from services.consent.signing import SigningKey
from services.consent.subscribers import subscriptions
from services.consent.tables import metadata
from services.consent.timers import Timers
from shared.observability import set_up_logging
from shared.service import STALLED_SECONDS, Service, new_service_app, utc_now
from shared.settings import from_environment
from shared.web import answer_errors

STATUSES = {
    "person_not_found": 404,
    "person_erased": 410,
    "recipient_not_found": 404,
    "grant_not_found": 404,
    "inquiry_not_found": 404,
    "entry_not_found": 404,
    "representation_not_found": 404,
    "emergency_not_found": 404,
    "fact_not_found": 404,
    "dispute_not_found": 404,
    "not_acceptable": 422,
}


class ConsentService(Service):
    """The gate: a service that also has a line into every recipient's vhost, and timers."""

    def __init__(self, settings: ConsentSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__("consent", settings, metadata, subscriptions(settings), erasing=ERASING, clock=clock)
        self.outside = Outside(settings, self.writer, self.parking)
        self.to_recipient = self.outside.send_notice
        self.name_in_logs = self.outside.name_in_logs
        self.issuer = Issuer(settings.town.issuer, SigningKey(settings.signing_key()))
        self.heads = HeadExport(settings, self.database, self.issuer.key, clock=clock)
        self.timers = Timers(
            settings, self.database, self.writer, self.outside, self.heads, outbox=self.outbox, clock=clock
        )

    async def _counts(self) -> dict[str, int] | None:
        counts = await super()._counts()
        try:
            return None if counts is None else counts | await asyncio.to_thread(self._count_overdue)
        except SQLAlchemyError:
            return None

    def _count_overdue(self) -> dict[str, int]:
        with self.database.read() as session:
            found = emergency_view.overdue(session, self.keys, now=self.clock())
            unsettled = funding.unsettled(session)
            unpublished = figures.missing(session, now=self.clock(), town=self.settings.town)
            erased = open_erasures(session)
        return {
            "emergency_reviews_overdue": len(found.reviews),
            "persons_not_told_in_time": len(found.tellings),
            "quarters_not_published_in_time": len(unpublished),
            "erasures_overdue": sum(one.is_overdue(at=self.clock()) for one in erased),
            **unsettled,
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the service, then the timers; the timers follow the registry and open the lines."""
        async with super().running():
            for person_id in sorted(self.replayed.persons):
                await self._look_anew(person_id)
            if self.settings.broker_url:
                self.timers.start()
            try:
                yield
            finally:
                await self.timers.stop()
                await self.outside.stop()

    async def _look_anew(self, person_id: str) -> None:
        """Do again what followed from what the journal replayed: a restored backup has lost the retractions."""
        lock = {f"person:{person_id}"}
        await self.writer.run(partial(grants.expire, person_id=person_id), locks=lambda _: lock)

    async def ready(self) -> dict[str, Any]:  # Any: a JSON object
        """Say the same as every service, and whether each erasure was confirmed in time."""
        state = await super().ready()
        parts = state["parts"]
        parts["erasures_confirmed"] = not parts["database"] or not await asyncio.to_thread(self._any_far_overdue)
        return {**state, "ready": all(parts.values())}

    def _any_far_overdue(self) -> bool:
        with self.database.read() as session:
            found = open_erasures(session)
        return any(one.is_overdue(at=self.clock(), after=NOT_READY_AFTER) for one in found)

    def own_parts(self) -> dict[str, bool]:
        """Say whether every recipient is served, no request lies unsettled, and the calendar is kept."""
        return {
            "recipient_lines": self.outside.every_line_is_up(),
            "requests_progress": self.outside.oldest_in_flight_seconds() < STALLED_SECONDS,
            "timers_progress": self.timers.make_progress(),
        }

    async def handle_parked(self, parked_id: str, by: str) -> bool:
        """Handle a parked event or command again; return False if there is neither by that id."""
        if await asyncio.to_thread(self._is_command, parked_id):
            return await self.outside.reception.handle_parked(parked_id, by=by)
        return await super().handle_parked(parked_id, by)

    def _is_command(self, parked_id: str) -> bool:
        with self.database.read() as session:
            listed = self.parking.listed(session)
        types = [str(row["type"]) for row in listed if row["parked_id"] == parked_id]
        return any(one.startswith(PARKED_COMMAND) for one in types)


def create_app(settings: ConsentSettings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Build the service from its settings, or from the environment."""
    settings = settings or from_environment(ConsentSettings)
    set_up_logging("consent", level=settings.log_level)
    service = ConsentService(settings, clock=clock)
    app = new_service_app(service, title="Gesehen: consent", version=__version__)
    app.include_router(routes(service, settings, service.outside, service.issuer))
    answer_errors(app, ConsentError, STATUSES)
    return app
