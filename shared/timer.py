"""Does a step again and again, whatever becomes of one: a timer that stops would stop in silence."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import structlog

from shared.writer import StoreUnavailable

log = structlog.get_logger()

GRACE_SECONDS: Final = 15.0
"""How much later than three periods the last look may be before that is an alarm itself."""


async def again(pause: Callable[[], float], step: Callable[[], Awaitable[object]]) -> None:
    """Run a step, wait for as many seconds as `pause` says, and so on until the task is cancelled."""
    while True:
        try:
            await step()
        except StoreUnavailable:
            log.warning("timer_skipped", reason="store_unavailable")
        except Exception as error:
            log.error("timer_failed", exc_info=error)
        await asyncio.sleep(pause())


class Repeated(ABC):
    """Something that a service looks at again and again while it runs."""

    def __init__(self, *, every_seconds: float) -> None:
        self._every = every_seconds
        self._task: asyncio.Task[None] | None = None
        self._looked_at: float | None = None

    @abstractmethod
    async def look(self) -> object:
        """Look once."""

    def start(self) -> None:
        """Begin."""
        self._looked_at = monotonic()
        self._task = asyncio.create_task(again(lambda: self._every, self._look))

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def makes_progress(self) -> bool:
        """Say whether the last look that came to its end was not long ago."""
        return self._looked_at is not None and monotonic() - self._looked_at < 3 * self._every + GRACE_SECONDS

    async def _look(self) -> None:
        await self.look()
        self._looked_at = monotonic()
