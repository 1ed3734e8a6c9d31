"""Looks every few seconds for what is overdue, and tells whoever has to be told. A restart loses nothing: the tables
say what is due and who was told.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic

import structlog

from services.intake import outreach_store, outreach_watch, watch
from services.intake.outreach_watch import ThreadWatch
from services.intake.watch import Watch
from shared.timer import again
from shared.writer import Writer

log = structlog.get_logger()

GRACE_SECONDS = 15.0
"""How much later than three periods the last look may be before that is an alarm itself."""


class Timer:
    """Runs the watch over cases, and the one over threads, again and again."""

    def __init__(
        self,
        watch_: Watch,
        threads: ThreadWatch,
        writer: Writer,
        *,
        every_seconds: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._watch = watch_
        self._threads = threads
        self._writer = writer
        self._every = every_seconds
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._looked_at: float | None = None

    def start(self) -> None:
        """Begin."""
        self._looked_at = monotonic()
        self._task = asyncio.create_task(again(lambda: self._every, self.look))

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def makes_progress(self) -> bool:
        """Whether the watch has looked not long ago."""
        if self._looked_at is None:
            return False
        return monotonic() - self._looked_at < 3 * self._every + GRACE_SECONDS

    async def look(self) -> int:
        """Look once; return how many alarms were raised."""
        raised = await self._look_at_cases() + await self._look_at_threads()
        self._looked_at = monotonic()
        return raised

    async def _look_at_cases(self) -> int:
        if await asyncio.to_thread(self._watch.is_blind):
            taken_in = await self._writer.run(watch.take_in, locks=lambda _: {"care_watch"})
            log.warning("cases_taken_in", count=taken_in)
        due = await asyncio.to_thread(self._watch.overdue, now=self._clock())
        raised = []
        if due:
            raised = await self._writer.run(partial(watch.raise_alarms, due=due), locks=lambda _: {"care_watch"})
        for alarm in raised:
            log.error(
                "alarm_raised", alarm_id=alarm.alarm_id, case_id=alarm.case_id, rung=alarm.rung, level=alarm.level
            )
        return len(raised)

    async def _look_at_threads(self) -> int:
        def locks(_session: object) -> set[str]:
            return {outreach_store.LOCK}

        due, raised = await asyncio.to_thread(self._threads.overdue, now=self._clock()), []
        if due:
            raised = await self._writer.run(partial(outreach_watch.raise_alarms, due=due), locks=locks)
        for alarm in raised:
            log.error(
                "alarm_raised", alarm_id=alarm.alarm_id, thread_id=alarm.thread_id, rung=alarm.rung, level=alarm.level
            )
        if await asyncio.to_thread(self._threads.has_to_forget, now=self._clock()):
            forget = partial(outreach_watch.forget, forget_after=self._threads.forget_after)
            log.info("threads_forgotten", count=await self._writer.run(forget, locks=locks))
        return len(raised)
