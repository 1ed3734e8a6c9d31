"""Looks every few seconds for what is overdue, and tells whoever has to be told. A restart loses nothing: the tables
say what is due and who was told.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from services.intake import outreach_store, outreach_watch, watch
from services.intake.outreach_watch import ThreadWatch
from services.intake.watch import Watch
from shared.timer import Repeated
from shared.writer import Writer

log = structlog.get_logger()


class Timer(Repeated):
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
        super().__init__(every_seconds=every_seconds)
        self._watch = watch_
        self._threads = threads
        self._writer = writer
        self._clock = clock

    async def look(self) -> int:
        """Look once; return how many alarms were raised."""
        return await self._look_at_cases() + await self._look_at_threads()

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
