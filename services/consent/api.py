"""HTTP of the consent service, put together: each subject has routes of its own."""

from fastapi import APIRouter

from services.consent.billing_api import add_billing_routes
from services.consent.contest_api import add_contest_routes
from services.consent.emergency_api import add_emergency_routes
from services.consent.erasure_api import add_erasure_routes
from services.consent.figure_api import add_figure_routes
from services.consent.outside import Outside
from services.consent.person_api import add_person_routes
from services.consent.receipt_api import add_receipt_routes
from services.consent.receipts import Issuer
from services.consent.recipient_api import add_recipient_routes
from services.consent.settings import ConsentSettings
from services.consent.word_api import add_word_routes
from shared.service import Service


def routes(service: Service, settings: ConsentSettings, outside: Outside, issuer: Issuer) -> APIRouter:
    """Return all routes of the consent service beside health and parked messages."""
    router = APIRouter()
    add_person_routes(router, service, settings, issuer)
    add_word_routes(router, service)
    add_receipt_routes(router, service, settings, issuer)
    add_erasure_routes(router, service)
    add_contest_routes(router, service)
    add_recipient_routes(router, service, outside, settings, issuer.key)
    add_emergency_routes(router, service, settings, issuer.key.public)
    add_figure_routes(router, service, settings)
    add_billing_routes(router, service, settings)
    return router
