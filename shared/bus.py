"""The only place that talks AMQP for a service: how connections, publishing and consuming are set up here.

Nothing is ever declared at run time, not even passively: runtime accounts configure nothing (`shared.topology` and
`ops.provision` do), and from RabbitMQ 4.2.6 on a passive declaration needs a permission too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import aiormq
import structlog
from aio_pika.abc import AbstractRobustConnection, TimeoutType
from aiormq.exceptions import AMQPError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.message import RabbitMessage

log = structlog.get_logger()

PUBLISH_SECONDS = 5
RECONNECT_SECONDS = 2
PREFETCH = 64

BrokerTrouble = (AMQPError, OSError, TimeoutError, asyncio.InvalidStateError, RuntimeError)
"""What a publish or a connection can fail with; each of them means: not done, try again later."""


class NotConnected(ConnectionError):
    """Raised when something is to be published while there is no connection; the outbox keeps it."""


class _KnownQueue(aio_pika.RobustQueue):
    """A queue that is there already: it is consumed from, and restored after a reconnect, without declaring it."""

    async def declare(self, timeout: TimeoutType = None) -> aiormq.spec.Queue.DeclareOk:
        self.declaration_result = aiormq.spec.Queue.DeclareOk(queue=self.name, message_count=0, consumer_count=0)
        return self.declaration_result

    @property
    def is_consumed(self) -> bool:
        """Whether every consumer of this queue is one of the open channel's."""
        channel = getattr(self.channel, "_channel", None)  # aio-pika's own way to the channel is a coroutine
        if channel is None or channel.channel.is_closed:
            return False
        return set(self._consumers) <= set(channel.channel.consumers)

    async def _probe(self, channel: aiormq.abc.AbstractChannel) -> None:
        return


class _QuietChannel(aio_pika.RobustChannel):
    QUEUE_CLASS = _KnownQueue


class QuietConnection(aio_pika.RobustConnection):
    """A connection that comes back by itself, never declares, and ends when the attempt to connect is given up."""

    CHANNEL_CLASS = _QuietChannel

    async def connect(self, timeout: TimeoutType = None) -> None:
        """Connect, or raise and leave nothing behind."""
        try:
            await super().connect(timeout)
        except BaseException:
            await self.close()  # its own task would go on trying, and swallow every cancellation
            raise


def with_heartbeat(url: str) -> str:
    """Return the URL with a heartbeat short enough to notice a stalled broker."""
    return url if "heartbeat=" in url else f"{url}{'&' if '?' in url else '?'}heartbeat=10"


class Line:
    """One connection to one vhost that publishes confirmed messages, and keeps trying to exist."""

    def __init__(self, url: str, *, name: str) -> None:
        self._url = with_heartbeat(url)
        self._name = name
        self._connection: AbstractRobustConnection | None = None
        self._channel: aio_pika.abc.AbstractChannel | None = None
        self._task: asyncio.Task[None] | None = None
        self._on_connect: Callable[[AbstractRobustConnection], Awaitable[None]] | None = None

    @property
    def is_up(self) -> bool:
        """Whether the connection stands and its channel is open."""
        connection, channel = self._connection, self._channel
        if connection is None or channel is None or connection.is_closed or channel.is_closed:
            return False
        return bool(connection.connected.is_set())

    def start(self, on_connect: Callable[[AbstractRobustConnection], Awaitable[None]] | None = None) -> None:
        """Connect in the background; `on_connect` runs once, with the first connection."""
        self._on_connect = on_connect
        self._task = asyncio.create_task(self._connect())

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._close()

    async def publish(
        self, message: aio_pika.Message, *, exchange: str, routing_key: str, mandatory: bool = True
    ) -> None:
        """Publish and wait for the broker's confirmation; raise one of BrokerTrouble if it does not come."""
        if not self.is_up or self._channel is None:
            raise NotConnected(self._name)
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                # What `Exchange.publish` does, without an exchange to be looked up first: about a third cheaper.
                channel = await self._channel.get_underlay_channel()
                await channel.basic_publish(
                    message.body,
                    exchange=exchange,
                    routing_key=routing_key,
                    properties=message.properties,
                    mandatory=mandatory,
                )
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise NotConnected(self._name) from None  # a dying connection cancels who waits for a confirmation

    async def _connect(self) -> None:
        while True:
            try:
                await self._open()
            except Exception as error:
                log.warning("broker_unreachable", line=self._name, exc_info=error)
                await self._close()
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                log.info("broker_connected", line=self._name)
                return

    async def _open(self) -> None:
        self._connection = await aio_pika.connect_robust(
            self._url,
            connection_class=QuietConnection,
            timeout=PUBLISH_SECONDS,
            reconnect_interval=RECONNECT_SECONDS,
        )
        async with asyncio.timeout(PUBLISH_SECONDS):
            self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        if self._on_connect is not None:
            await self._on_connect(self._connection)

    async def _close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            await asyncio.gather(connection.close(), return_exceptions=True)


async def _whole_message(message: RabbitMessage) -> RabbitMessage:
    return message


class Subscription:
    """Consumes the queues of one service on the vhost `care`, on a connection that publishes nothing."""

    def __init__(self, url: str) -> None:
        self._broker = RabbitBroker(
            with_heartbeat(url),
            apply_types=False,
            logger=None,
            reconnect_interval=RECONNECT_SECONDS,
            timeout=PUBLISH_SECONDS,
            graceful_timeout=10,
            ack_policy=AckPolicy.MANUAL,
        )
        # FastStream hands these to aio_pika.connect_robust, and has no other way to name the connection's class.
        self._broker._connection_kwargs["connection_class"] = QuietConnection
        self._subscribers: list[Any] = []  # Any: FastStream keeps what we look at to itself
        self._task: asyncio.Task[None] | None = None
        self._started = False

    @property
    def is_up(self) -> bool:
        """Whether the connection stands and every queue is being consumed."""
        connection: Any = getattr(self._broker, "_connection", None)  # Any: see above
        if not self._started or connection is None or not connection.connected.is_set():
            return False
        queues = [subscriber._queue_obj for subscriber in self._subscribers]
        return all(isinstance(queue, _KnownQueue) and queue.is_consumed for queue in queues)

    def consume(self, queue: str, receive: Callable[[RabbitMessage], Awaitable[None]]) -> None:
        """Have `receive` called for every message; it acknowledges. Nothing is ever replied."""
        subscriber = self._broker.subscriber(
            RabbitQueue(queue, durable=True, declare=False),
            channel=Channel(prefetch_count=PREFETCH),
            decoder=_whole_message,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
        )
        subscriber(receive)
        self._subscribers.append(subscriber)

    def start(self) -> None:
        """Connect and consume, in the background, until it works."""
        self._task = asyncio.create_task(self._start())

    async def stop(self) -> None:
        """Let handlers in flight finish, then close."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(self._broker.stop(), return_exceptions=True)

    async def _start(self) -> None:
        while not self._started:
            try:
                for subscriber in self._subscribers:
                    # FastStream says so itself only after it consumes; what came in between would be left lying.
                    subscriber.running = True
                await self._broker.start()
                self._started = True
            except Exception as error:
                log.warning("broker_unreachable", line="care.consume", exc_info=error)
                await asyncio.gather(self._broker.stop(), return_exceptions=True)
                await asyncio.sleep(RECONNECT_SECONDS)
        log.info("consuming")
