"""The composition root of assessment: `uvicorn services.assessment.app:create_app --factory`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI

from services.assessment import __version__, api, store, subscribers
from services.assessment.domain import AssessmentError, Vocabulary
from services.assessment.erasure import ERASING
from services.assessment.settings import AssessmentSettings
from shared.keys import KeyDestroyed
from shared.observability import set_up_logging
from shared.service import Service, new_service_app, utc_now
from shared.web import answer_errors

STATUSES = {
    "case_not_found": 404,
    "person_not_found": 404,
    "entry_not_found": 404,
    "case_has_ended": 409,
    "text_differs": 409,
    "about_somebody_else": 409,
    "malformed": 422,
}
VOCABULARY = Path(__file__).parent / "vocabulary.json"


def create_app(settings: AssessmentSettings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Build the service from its settings, or from the environment."""
    known = settings or AssessmentSettings()  # type: ignore[call-arg]  # the environment brings them
    set_up_logging("assessment", level=known.log_level)
    handlers = subscribers.handlers_for(known.team_id)
    service = Service("assessment", known, store.metadata, handlers, erasing=ERASING, clock=clock)
    app = new_service_app(service, title="Gesehen: assessment", version=__version__)
    answer_errors(app, AssessmentError, STATUSES)
    answer_errors(app, KeyDestroyed, {"key_destroyed": 410, "key_never_made": 503})
    vocabulary = Vocabulary.from_json(VOCABULARY.read_text(encoding="utf-8"))
    app.include_router(api.routes(service, vocabulary=vocabulary))
    return app
