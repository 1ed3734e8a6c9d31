"""Publishes what the outbox holds: right after the commit, and again until the broker has confirmed it.

Each destination has a lane of its own, so a recipient that cannot be reached slows nobody else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import aio_pika
import structlog

from shared import topology
from shared.bus import BrokerTrouble, Line, NotConnected
from shared.contracts.envelope import Envelope
from shared.database import Database
from shared.outbox import CARE, Outbox, Outgoing
from shared.writer import StoreUnavailable, Writer
from shared.zone import ZoneKeys

log = structlog.get_logger()

Publish = Callable[[Outgoing], Awaitable[None]]
"""Publishes one message and returns when the broker has confirmed it."""

BATCH = 200
LANE_LIMIT = 10_000
SWEEP_SECONDS = 1.0
TRY_AGAIN = timedelta(seconds=2)


def care_publisher(line: Line, zone_keys: ZoneKeys, *, source: str) -> Publish:
    """Return how a care event is sealed, wrapped and published."""

    async def publish(item: Outgoing) -> None:
        kid, sealed = zone_keys.seal(f"{item.message_id}|{item.type}", item.body)
        envelope = Envelope(
            id=item.message_id,
            source=source,
            type=item.type,
            time=item.created_at,
            correlation_id=item.correlation_id,
            zone_key=kid,
            sealed=sealed,
        )
        message = aio_pika.Message(
            envelope.to_bytes(),
            content_type=Envelope.CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=item.message_id,
        )
        # An event that no service reads yet has nowhere to go; every other one must arrive somewhere.
        must_arrive = bool(topology.readers_of(item.type))
        await line.publish(message, exchange=topology.EVENTS, routing_key=item.type, mandatory=must_arrive)

    return publish


class Relay:
    """Takes messages from the writer after each commit, and from the table what was left over."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        outbox: Outbox,
        *,
        to_care: Publish,
        to_recipient: Publish | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._writer = writer
        self._outbox = outbox
        self._to_care = to_care
        self._to_recipient = to_recipient
        self._clock = clock
        self._lanes: dict[str, asyncio.Queue[Outgoing]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to publish; everything that an earlier run left over goes first."""
        self._tasks.append(asyncio.create_task(self._sweep()))

    async def stop(self) -> None:
        """Stop; what is not confirmed stays in the outbox."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, outgoing: list[Outgoing]) -> None:
        """Queue messages that have just been committed."""
        for item in outgoing:
            lane = self._lanes.get(item.destination) or self._open_lane(item.destination)
            if lane.qsize() < LANE_LIMIT:  # the rest stays in the table until its claim runs out
                lane.put_nowait(item)

    def _open_lane(self, destination: str) -> "asyncio.Queue[Outgoing]":
        lane: asyncio.Queue[Outgoing] = asyncio.Queue()
        self._lanes[destination] = lane
        publish = self._to_care if destination == CARE else self._to_recipient
        if publish is None:
            raise NotConnected(destination)
        self._tasks.append(asyncio.create_task(self._run_lane(lane, publish)))
        return lane

    async def _run_lane(self, lane: "asyncio.Queue[Outgoing]", publish: Publish) -> None:
        while True:
            batch = [await lane.get()]
            while len(batch) < BATCH and not lane.empty():
                batch.append(lane.get_nowait())
            results = await asyncio.gather(*(publish(item) for item in batch), return_exceptions=True)
            sent = [item.message_id for item, result in zip(batch, results, strict=True) if result is None]
            failed = [item for item, result in zip(batch, results, strict=True) if result is not None]
            if failed:
                errors = sorted({type(result).__name__ for result in results if result is not None})
                log.warning("publishing_failed", destination=failed[0].destination, count=len(failed), errors=errors)
            await self._record(sent, [item.message_id for item in failed])

    async def _record(self, sent: list[str], failed: list[str]) -> None:
        try:
            if sent:
                await self._writer.run(lambda work: self._outbox.mark_sent(work.session, sent, now=work.now))
            if failed:
                until = self._clock() + TRY_AGAIN
                await self._writer.run(lambda work: self._outbox.release(work.session, failed, until=until))
        except StoreUnavailable:
            log.warning("outbox_not_updated", count=len(sent) + len(failed))  # they are published again: at least once

    async def _sweep(self) -> None:
        first, rounds = True, 0
        while True:
            try:
                everything = first and self._database.engine.dialect.name == "sqlite"
                while claimed := await self._claim(everything):
                    self.take(claimed)
                    everything = False
                first = False
                rounds += 1
                if rounds % 3600 == 0:
                    await self._writer.run(lambda work: self._outbox.forget_sent(work.session, now=work.now))
            except (*BrokerTrouble, StoreUnavailable) as error:
                log.warning("outbox_sweep_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _claim(self, everything: bool) -> list[Outgoing]:
        if not await asyncio.to_thread(self._is_work_left):
            return []
        limit = LANE_LIMIT if everything else BATCH
        return await self._writer.run(
            lambda work: self._outbox.claim(work.session, now=work.now, limit=limit, all_unsent=everything)
        )

    def _is_work_left(self) -> bool:
        with self._database.read() as session:
            return self._outbox.count_unsent(session) > 0
