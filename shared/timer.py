"""Does a step again and again, whatever becomes of one: a timer that stops would stop in silence."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.writer import StoreUnavailable

log = structlog.get_logger()


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
