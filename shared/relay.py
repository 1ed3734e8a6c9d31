"""Publishes what the outbox holds: right after the commit, and again until the broker has confirmed it.

Each destination has a lane of its own, so a recipient that cannot be reached slows nobody else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

import aio_pika
import structlog
from aio_pika.exceptions import DeliveryError

from shared import topology
from shared.bus import Line
from shared.contracts.envelope import Envelope
from shared.database import Database
from shared.metrics import Metrics
from shared.outbox import CARE, Outbox, Outgoing
from shared.writer import Writer
from shared.zone import ZoneKeys

log = structlog.get_logger()

Publish = Callable[[Outgoing], Awaitable[None]]
"""Publishes one message and returns when the broker has confirmed it."""

BATCH = 200
LANE_LIMIT = 5_000
SWEEP_SECONDS = 1.0
TIDY_EVERY_ROUNDS = 3600
TRY_AGAIN = timedelta(seconds=2)
DRAIN_SECONDS = 2.0


def wrapped(item: Outgoing, zone_keys: ZoneKeys, *, source: str) -> Envelope:
    """Return a care event as it travels: its body sealed with the zone key, bound to the message's id and type."""
    kid, sealed = zone_keys.seal(f"{item.message_id}|{item.type}", item.body)
    return Envelope(
        id=item.message_id,
        source=source,
        type=item.type,
        time=item.created_at,
        correlation_id=item.correlation_id,
        zone_key=kid,
        sealed=sealed,
    )


def care_publisher(line: Line, zone_keys: ZoneKeys, *, source: str) -> Publish:
    """Return how a care event is sealed, wrapped and published."""

    async def publish(item: Outgoing) -> None:
        message = aio_pika.Message(
            wrapped(item, zone_keys, source=source).to_bytes(),
            content_type=Envelope.CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=item.message_id,
        )
        # An event that no service reads yet has nowhere to go; every other one must arrive somewhere.
        must_arrive = bool(topology.readers_of(item.type))
        await line.publish(message, exchange=topology.EVENTS, routing_key=item.type, mandatory=must_arrive)

    return publish


@dataclass(slots=True)
class _Lane:
    """What is on its way to one destination. While it is down, one message at a time asks whether it is up again."""

    destination: str
    publish: Publish
    waiting: "asyncio.Queue[Outgoing]" = field(default_factory=asyncio.Queue)
    held: set[str] = field(default_factory=set)
    is_down: bool = False

    @property
    def takes_more(self) -> bool:
        return len(self.held) < (1 if self.is_down else LANE_LIMIT)

    def add(self, item: Outgoing) -> None:
        """Queue a message unless it is here already; what finds no room is found in the table later."""
        if item.message_id not in self.held and len(self.held) < LANE_LIMIT:
            self.held.add(item.message_id)
            self.waiting.put_nowait(item)

    async def next_batch(self) -> list[Outgoing]:
        batch = [await self.waiting.get()]
        while len(batch) < (1 if self.is_down else BATCH) and not self.waiting.empty():
            batch.append(self.waiting.get_nowait())
        return batch


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
        name_in_logs: Callable[[str], str] = str,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._name_in_logs = name_in_logs
        self._database = database
        self._writer = writer
        self._outbox = outbox
        self._to_care = to_care
        self._to_recipient = to_recipient
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to publish; everything that an earlier run left over goes first."""
        self._tasks.append(asyncio.create_task(self._sweep()))

    async def stop(self) -> None:
        """Let what is under way leave, then stop; what is not confirmed stays in the outbox."""
        until = monotonic() + DRAIN_SECONDS
        while monotonic() < until and any(lane.held and not lane.is_down for lane in self._lanes.values()):
            await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, outgoing: list[Outgoing]) -> None:
        """Queue messages that have just been committed."""
        for item in outgoing:
            lane = self._lanes.get(item.destination) or self._open_lane(item.destination)
            if lane is not None:
                lane.add(item)

    def _open_lane(self, destination: str) -> _Lane | None:
        publish = self._to_care if destination == CARE else self._to_recipient
        if publish is None:
            log.error("no_way_to_recipients", destination=self._name_in_logs(destination))
            return None
        lane = self._lanes[destination] = _Lane(destination, publish)
        self._tasks.append(asyncio.create_task(self._run_lane(lane)))
        return lane

    async def _run_lane(self, lane: _Lane) -> None:
        while True:
            batch = await lane.next_batch()
            try:
                await self._send(lane, batch)
            except Exception as error:  # the database is out: published or not, they are taken from the table again
                log.warning("outbox_not_updated", count=len(batch), exc_info=error)
            lane.held -= {item.message_id for item in batch}
            if lane.is_down:
                await asyncio.sleep(TRY_AGAIN.total_seconds())

    async def _send(self, lane: _Lane, batch: list[Outgoing]) -> None:
        # Asked now, not when they were queued: in an outage they may have waited for hours.
        erased = await asyncio.to_thread(self._outbox.erased, batch)
        leaving = [item for item in batch if item.message_id not in erased]
        results = await asyncio.gather(*(lane.publish(item) for item in leaving), return_exceptions=True)
        errors = {item.message_id: result for item, result in zip(leaving, results, strict=True) if result is not None}
        # A refused message says nothing about the way; when nothing at all came through, the way is down.
        came_through = len(errors) < len(leaving) or any(isinstance(one, DeliveryError) for one in errors.values())
        lane.is_down = bool(leaving) and not came_through
        if errors:
            self._metrics.publishing_failed(errors)
            names = sorted({type(one).__name__ for one in errors.values()})
            to = lane.destination if lane.destination == CARE else self._name_in_logs(lane.destination)
            log.warning("publishing_failed", destination=to, count=len(errors), errors=names)
        if lane.destination == CARE:  # of what leaves the circle no line leads back to what it was about
            _log_sent([item for item in leaving if item.message_id not in errors])
        await self._record([item.message_id for item in batch if item.message_id not in errors], list(errors))

    async def _record(self, sent: list[str], failed: list[str]) -> None:
        if sent:
            await self._writer.run(lambda work: self._outbox.mark_sent(work.session, sent, now=work.now))
        if failed:
            until = self._clock() + TRY_AGAIN
            await self._writer.run(lambda work: self._outbox.release(work.session, failed, until=until))

    async def _sweep(self) -> None:
        rounds, claims_are_mine = 0, self._database.engine.dialect.name != "sqlite"
        while True:
            try:
                if not claims_are_mine:  # one process per file: who held the claims is dead
                    await self._writer.run(lambda work: self._outbox.free_all(work.session))
                    claims_are_mine = True
                while claimed := await self._claim():
                    self.take(claimed)
                rounds += 1
                if rounds % TIDY_EVERY_ROUNDS == 0:
                    await self._writer.run(lambda work: self._outbox.forget_sent(work.session, now=work.now))
            except Exception as error:
                log.warning("outbox_sweep_failed", exc_info=error)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _claim(self) -> list[Outgoing]:
        full = [lane.destination for lane in self._lanes.values() if not lane.takes_more]
        if not await asyncio.to_thread(self._has_free, full):
            return []
        return await self._writer.run(
            lambda work: self._outbox.claim(work.session, now=work.now, limit=BATCH, except_for=full)
        )

    def _has_free(self, full: list[str]) -> bool:
        with self._database.read() as session:
            return self._outbox.has_free(session, now=self._clock(), except_for=full)


def _log_sent(items: list[Outgoing]) -> None:
    for item in items:
        log.info("event_sent", type=item.type, message_id=item.message_id, correlation_id=item.correlation_id)
