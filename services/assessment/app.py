"""The composition root of assessment: `uvicorn services.assessment.app:create_app --factory`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog
from fastapi import FastAPI

from services.assessment import __version__, absence, api, handlers, store, subscribers
from services.assessment.domain import AssessmentError, Vocabulary
from services.assessment.erasure import ERASING
from services.assessment.figures import FIGURES
from services.assessment.settings import AssessmentSettings
from services.assessment.team_api import team_routes
from shared.figures import Counting, figure_routes
from shared.observability import set_up_logging
from shared.service import Service, new_service_app, utc_now
from shared.settings import from_environment
from shared.timer import again
from shared.web import answer_errors

log = structlog.get_logger()

STATUSES = {
    "case_not_found": 404,
    "person_not_found": 404,
    "entry_not_found": 404,
    "case_has_ended": 409,
    "text_differs": 409,
    "about_somebody_else": 409,
    "malformed": 422,
}
LOOK_SECONDS = 60.0
VOCABULARY = Path(__file__).parent / "vocabulary.json"


class AssessmentService(Service):
    """A service that also hands over the cases of whoever is away, on their first day, and counts each quarter."""

    def __init__(self, settings: AssessmentSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        heard = subscribers.handlers_for(settings.team_id)
        super().__init__("assessment", settings, store.metadata, heard, erasing=ERASING, clock=clock)
        self.teams = settings.teams()
        self.counting = Counting(FIGURES, self.database, self.keys, self.writer, town=settings.town, clock=clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the service, look after absences, and count quarters."""
        async with super().running():
            await self.writer.run(handlers.catch_up, locks=handlers.locks_to_catch_up)
            looking = asyncio.create_task(again(lambda: LOOK_SECONDS, self.hand_over))
            self.counting.start()
            try:
                yield
            finally:
                await self.counting.stop()
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    async def hand_over(self) -> int:
        """Hand over the cases of whoever is away; return how many."""
        count = await self.writer.run(partial(absence.hand_over, teams=self.teams), locks=absence.locks)
        if count:
            log.info("cases_handed_over", count=count)
        return count


def create_app(settings: AssessmentSettings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Build the service from its settings, or from the environment."""
    known = settings or from_environment(AssessmentSettings)
    set_up_logging("assessment", level=known.log_level)
    service = AssessmentService(known, clock=clock)
    app = new_service_app(service, title="Gesehen: assessment", version=__version__)
    answer_errors(app, AssessmentError, STATUSES)
    vocabulary = Vocabulary.from_json(VOCABULARY.read_text(encoding="utf-8"))
    app.include_router(api.routes(service, vocabulary=vocabulary, teams=service.teams))
    app.include_router(team_routes(service, teams=service.teams))
    app.include_router(figure_routes(service.counting))
    return app
