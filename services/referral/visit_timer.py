"""Looks every minute for visits that nobody set out on in their time, and ends them."""

import asyncio
from functools import partial
from time import monotonic

import structlog

from services.referral import visiting
from services.referral.visit import has_lapsed
from services.referral.visit_store import Visits, lock_of
from shared.keys import KeyDestroyed, UnreadableValue
from shared.service import Service
from shared.timer import again

log = structlog.get_logger()

EVERY_SECONDS = 60.0
GRACE_SECONDS = 15.0


class VisitTimer:
    """Looks again and again."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._task: asyncio.Task[None] | None = None
        self._looked_at: float | None = None

    def start(self) -> None:
        """Begin."""
        self._looked_at = monotonic()
        self._task = asyncio.create_task(again(lambda: EVERY_SECONDS, self.look))

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def makes_progress(self) -> bool:
        """Say whether it has looked not long ago."""
        return self._looked_at is not None and monotonic() - self._looked_at < 3 * EVERY_SECONDS + GRACE_SECONDS

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
        self._looked_at = monotonic()

    def _lapsed(self) -> list[str]:
        now = self._service.clock()
        with self._service.database.read() as session:
            visits = Visits(session, self._service.keys)
            found = visits.readable(visits.open_rows())
        return [visit.visit_id for visit in found if has_lapsed(visit, now=now)]
