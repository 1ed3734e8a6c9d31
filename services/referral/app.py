"""Puts the referral service together: `uvicorn services.referral.app:create_app --factory`."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from services.referral import __version__
from services.referral.api import routes
from services.referral.erasure import ERASING
from services.referral.errors import ReferralError
from services.referral.place_api import place_routes
from services.referral.settings import Settings, check_deadlines
from services.referral.subscribers import HANDLERS
from services.referral.tables import metadata
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
    "malformed": 422,
}


def create_app(settings: Settings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the service; without settings they are read from the environment."""
    chosen = settings or from_environment(Settings)
    set_up_logging("referral", level=chosen.log_level)
    service = Service("referral", chosen, metadata, HANDLERS, erasing=ERASING, clock=clock)
    app = new_service_app(service, title="Gesehen: referral", version=__version__)
    directory = chosen.directory()
    check_deadlines(chosen.town)
    app.include_router(routes(service, directory))
    app.include_router(place_routes(service, directory))
    answer_errors(app, ReferralError, STATUSES)
    return app
