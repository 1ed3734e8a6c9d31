"""The composition root of intake: `uvicorn services.intake.app:create_app --factory`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from services.intake import __version__, subscribers
from services.intake.api import routes
from services.intake.care import ordinary_ladder
from services.intake.care_api import care_routes
from services.intake.domain import IntakeError
from services.intake.erasure import ERASING
from services.intake.figures import FIGURES
from services.intake.outreach_api import outreach_routes
from services.intake.outreach_store import metadata
from services.intake.outreach_watch import ThreadWatch
from services.intake.settings import IntakeSettings
from services.intake.shield_api import shield_routes
from services.intake.timer import Timer
from services.intake.watch import Watch
from shared.figures import Counting, figure_routes
from shared.observability import set_up_logging
from shared.service import Service, new_service_app, utc_now
from shared.settings import from_environment
from shared.town import TownInvalid
from shared.web import answer_errors

STATUSES = {
    "case_not_found": 404,
    "person_not_found": 404,
    "acute_need_not_found": 404,
    "alarm_not_found": 404,
    "thread_not_found": 404,
    "case_has_ended": 409,
    "malformed": 422,
}


class IntakeService(Service):
    """A service that also watches over every case and every thread, broker or not, and counts each quarter."""

    def __init__(self, settings: IntakeSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        handlers = subscribers.handlers_for(settings.team_id)
        super().__init__("intake", settings, metadata, handlers, erasing=ERASING, clock=clock)
        ordinary = ordinary_ladder(self.town.ladder)
        self.watch = Watch(
            self.database,
            self.keys,
            acknowledge_within=settings.acknowledge_within(),
            ordinary=ordinary,
            guard_within=settings.guard_within(),
        )
        self.threads = ThreadWatch(self.database, forget_after=settings.forget_after(), ordinary=ordinary)
        self.timer = Timer(self.watch, self.threads, self.writer, every_seconds=settings.watch_seconds, clock=clock)
        self.counting = Counting(FIGURES, self.database, self.keys, self.writer, town=settings.town, clock=clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the service, the watch, and the counting."""
        async with super().running():
            self.timer.start()
            self.counting.start()
            try:
                yield
            finally:
                await self.counting.stop()
                await self.timer.stop()

    def own_parts(self) -> dict[str, bool]:
        """Say whether the watch looks: if it does not, nobody is told of anything."""
        return {"care_watch": self.timer.makes_progress()}


def create_app(settings: IntakeSettings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Build the service from its settings, or from the environment."""
    known = settings or from_environment(IntakeSettings)
    set_up_logging("intake", level=known.log_level)
    try:
        meeting_points = known.meeting_points()
    except TownInvalid as error:
        raise SystemExit(f"not started: MEETING_POINTS_FILE: {error}") from None
    service = IntakeService(known, clock=clock)
    app = new_service_app(service, title="Gesehen: intake", version=__version__)
    answer_errors(app, IntakeError, STATUSES)
    app.include_router(routes(service, team_id=known.team_id))
    app.include_router(shield_routes(service))
    app.include_router(figure_routes(service.counting))
    app.include_router(
        care_routes(service, acknowledge_within=known.acknowledge_within(), forget_after=known.forget_after())
    )
    app.include_router(outreach_routes(service, meeting_points=meeting_points, team_id=known.team_id))
    return app
