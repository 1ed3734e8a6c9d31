"""Looks every minute for visits that nobody set out on in their time, and ends them."""

import asyncio
from functools import partial

import structlog

from services.referral import visiting
from services.referral.visit import has_lapsed
from services.referral.visit_store import Visits, lock_of
from shared.keys import KeyDestroyed, UnreadableValue
from shared.service import Service
from shared.timer import Repeated

log = structlog.get_logger()

EVERY_SECONDS = 60.0


class VisitTimer(Repeated):
    """Looks again and again."""

    def __init__(self, service: Service) -> None:
        super().__init__(every_seconds=EVERY_SECONDS)
        self._service = service

    async def look(self) -> None:
        """Look once, and end what has lapsed. One visit that cannot be ended stops no other."""
        for visit_id in await asyncio.to_thread(self._lapsed):
            try:
                await self._service.writer.run(
                    partial(visiting.lapse, visit_id=visit_id),
                    locks=partial(lock_of, visit_id=visit_id),
                )
            except (UnreadableValue, KeyDestroyed):
                log.error("visit_unreadable", visit_id=visit_id)

    def _lapsed(self) -> list[str]:
        now = self._service.clock()
        with self._service.database.read() as session:
            visits = Visits(session, self._service.keys)
            found = visits.readable(visits.open_rows())
        return [visit.visit_id for visit in found if has_lapsed(visit, now=now)]
