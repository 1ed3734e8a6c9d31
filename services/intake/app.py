"""The composition root of intake: `uvicorn services.intake.app:create_app --factory`."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from services.intake import __version__, api, store, subscribers
from services.intake.domain import IntakeError
from services.intake.erasure import ERASING
from services.intake.settings import IntakeSettings
from shared.keys import KeyDestroyed
from shared.observability import set_up_logging
from shared.service import Service, new_service_app, utc_now
from shared.web import answer_errors

STATUSES = {"case_not_found": 404, "person_not_found": 404, "case_has_ended": 409, "malformed": 422}


def create_app(settings: IntakeSettings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Build the service from its settings, or from the environment."""
    known = settings or IntakeSettings()  # type: ignore[call-arg]  # the environment brings them
    set_up_logging("intake", level=known.log_level)
    handlers = subscribers.handlers_for(known.team_id)
    service = Service("intake", known, store.metadata, handlers, erasing=ERASING, clock=clock)
    app = new_service_app(service, title="Gesehen: intake", version=__version__)
    answer_errors(app, IntakeError, STATUSES)
    answer_errors(app, KeyDestroyed, {"key_destroyed": 410, "key_never_made": 503})
    app.include_router(api.routes(service, team_id=known.team_id))
    return app
