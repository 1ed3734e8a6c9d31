"""Receiving: a notice comes, is opened, its answer is stored, the handler hears of it, then the notice is acknowledged.

Whatever goes wrong before that, the notice goes back to the inbox after a pause and nothing is lost. What the store
already has is not opened again for a handler that failed: an opening is a disclosure and stands in the person's ledger.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from sdk.arrival import Arrival, describe
from sdk.errors import HandlerFailed, TryAgain
from sdk.events import Empty, Event
from sdk.line import Line, end_task
from sdk.store import Store

log = logging.getLogger("gesehen.sdk")

Handler = Callable[[Event], Awaitable[None]]
Opener = Callable[[str], Awaitable[Event | Empty]]
WireLog = Callable[[Arrival], None]

# Above one, so that a notice that waits for its next attempt does not hold up those behind it.
_PREFETCH = 16
RETRY_DELAYS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
_CONSUME_AGAIN_SECONDS = 1.0
_STOP_SECONDS = 2.0


class Subscription:
    """A running reception; made by `Recipient.subscribe`. One event at a time, in the order of the answers."""

    def __init__(
        self,
        *,
        line: Line,
        open_once: Opener,
        handler: Handler,
        store: Store,
        wire_log: WireLog,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
    ) -> None:
        self._line = line
        self._open_once = open_once
        self._handler = handler
        self._store = store
        self._wire_log = wire_log
        self._retry_delays = retry_delays
        self._attempts: dict[str | None, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self._active = asyncio.Event()
        self._channel: AbstractChannel | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_paused(self) -> bool:
        """Say whether notices are left in the inbox."""
        return not self._active.is_set()

    async def start(self) -> None:
        """Hand over what was stored but never handled, then receive."""
        for notice, _ in self._store.unhandled():
            with suppress(Exception):  # logged; its notice is still in the inbox and brings it again
                await self._hand_over(notice)
        self._active.set()
        self._task = asyncio.create_task(self._keep_consuming())

    async def pause(self) -> None:
        """Finish the event in hand, then leave the notices in the inbox."""
        self._active.clear()
        async with self._one_at_a_time:
            await self._leave()

    async def resume(self) -> None:
        """Receive again."""
        self._active.set()

    async def stop(self) -> None:
        """Stop for good, soon: what is not acknowledged stays in the inbox."""
        self._active.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS), self._one_at_a_time:
                pass
        if self._task is not None:
            await end_task(self._task)
        await self._leave()

    async def wait(self) -> None:
        """Wait as long as the subscription runs."""
        if self._task is not None:
            await self._task

    async def open(self, notice: str) -> Event | Empty:
        """Open a notice by hand, as if it had just come in, paused or not; raise TryAgain if the gate is away."""
        async with self._one_at_a_time:
            return await self._receive(notice)

    async def _keep_consuming(self) -> None:
        while True:
            await self._active.wait()
            try:
                self._channel = await self._line.consume_inbox(self._on_notice, prefetch=_PREFETCH)
                if self._active.is_set():
                    await self._channel.closed()
                await self._leave()
            except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
                log.warning("the inbox cannot be read (%s); trying again", type(error).__name__)
                await asyncio.sleep(_CONSUME_AGAIN_SECONDS)

    async def _on_notice(self, message: AbstractIncomingMessage) -> None:
        notice = _notice_id(message.body)
        try:
            self._wire_log(describe("notice", message, body=message.body, protected={}))
            async with self._one_at_a_time:
                if self.is_paused:
                    return  # the channel is closing; the broker takes the notice back
                if notice is None:
                    log.error("a message in the inbox is no notice; dropped")
                else:
                    await self._receive(notice)
                    self._attempts.pop(notice, None)
                with suppress(*CONNECTION_EXCEPTIONS):  # the connection is gone: the notice comes again, to no effect
                    await message.ack()
        except Exception as error:
            await self._give_back(message, notice, error)

    async def _receive(self, notice: str) -> Event | Empty:
        if waiting := self._store.unhandled(notice):
            await self._hand_over(notice)
            return waiting[0][1]
        answer = await self._open_once(notice)
        if not isinstance(answer, Empty) and self._store.apply(answer) is not None:
            await self._hand_over(notice)
        return answer

    async def _hand_over(self, notice: str) -> None:
        for _, event in self._store.unhandled(notice):
            try:
                await self._handler(event)
            except Exception as error:
                log.warning("the handler failed (%s); it gets the event again", type(error).__name__)
                raise HandlerFailed from error
            self._store.handled(notice)

    async def _give_back(self, message: AbstractIncomingMessage, notice: str | None, error: Exception) -> None:
        attempt = self._attempts[notice] = self._attempts.get(notice, 0) + 1
        delay = self._retry_delays[min(attempt, len(self._retry_delays)) - 1]
        if not isinstance(error, HandlerFailed):
            text = str(error) if isinstance(error, TryAgain) else type(error).__name__
            log.warning("a notice could not be opened (%s); again in %.1f s", text, delay)
        await asyncio.sleep(delay)
        with suppress(*CONNECTION_EXCEPTIONS):
            await message.nack(requeue=True)

    async def _leave(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(*CONNECTION_EXCEPTIONS):
                await channel.close()


def _notice_id(body: bytes) -> str | None:
    try:
        notice = json.loads(body)["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return notice if isinstance(notice, str) else None
