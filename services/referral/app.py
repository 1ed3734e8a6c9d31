"""Puts the referral service together: `uvicorn services.referral.app:create_app --factory`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from services.referral import __version__
from services.referral.api import routes
from services.referral.directory import Directory
from services.referral.erasure import ERASING
from services.referral.errors import ReferralError
from services.referral.figures import figures
from services.referral.packet_api import packet_routes
from services.referral.place_api import place_routes
from services.referral.settings import Settings, check_deadlines
from services.referral.subscribers import HANDLERS
from services.referral.tables import metadata
from services.referral.visit_api import visit_routes
from services.referral.visit_timer import VisitTimer
from shared.figures import Counting, figure_routes
from shared.observability import set_up_logging
from shared.service import Service, new_service_app, utc_now
from shared.settings import from_environment
from shared.web import answer_errors

STATUSES = {
    "case_not_found": 404,
    "person_not_found": 404,
    "referral_not_found": 404,
    "hold_not_found": 404,
    "waiting_not_found": 404,
    "visit_not_found": 404,
    "packet_not_found": 404,
    "malformed": 422,
}


class ReferralService(Service):
    """A service that also counts each quarter, and ends the visits that nobody set out on."""

    def __init__(self, settings: Settings, directory: Directory, *, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__("referral", settings, metadata, HANDLERS, erasing=ERASING, clock=clock)
        counted, town = figures(directory), settings.town
        self.counting = Counting(counted, self.database, self.keys, self.writer, town=town, clock=clock)
        self.visit_timer = VisitTimer(self)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the service, the counting and the timer."""
        async with super().running():
            self.counting.start()
            self.visit_timer.start()
            try:
                yield
            finally:
                await self.visit_timer.stop()
                await self.counting.stop()

    def own_parts(self) -> dict[str, bool]:
        """Say whether the timer looks."""
        return {"visit_timer": self.visit_timer.makes_progress()}


def create_app(settings: Settings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the service; without settings they are read from the environment."""
    chosen = settings or from_environment(Settings)
    set_up_logging("referral", level=chosen.log_level)
    directory = chosen.directory()
    service = ReferralService(chosen, directory, clock=clock)
    app = new_service_app(service, title="Gesehen: referral", version=__version__)
    check_deadlines(chosen.town)
    app.include_router(routes(service, directory))
    app.include_router(place_routes(service, directory))
    app.include_router(figure_routes(service.counting))
    app.include_router(visit_routes(service))
    app.include_router(packet_routes(service))
    answer_errors(app, ReferralError, STATUSES)
    return app
