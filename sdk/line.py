"""The line to the gate: one connection to the recipient's own vhost, kept up, nothing ever declared.

aio-pika's robust connection is not used on purpose: it restores by declaring (passively), which a recipient's
account may not do on newer brokers, and it does not restore consumers of queues that were never declared.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage, DeliveryMode
from aio_pika.connection import make_url
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AuthenticationError, ProbableAuthenticationError

from sdk.connection import ConnectionFile
from sdk.errors import LoginRefused, TryAgain

log = logging.getLogger("gesehen.sdk")

HEARTBEAT_SECONDS = 10
PUBLISH_SECONDS = 5
# Longer than an opening may wait in the queue (10 s): whoever has given up must not be answered afterwards.
ANSWER_SECONDS = 12
DIRECT_REPLY = "amq.rabbitmq.reply-to"

_RECONNECT_DELAYS = (0.2, 0.5, 1, 2, 5)


class Line:
    """Keeps the connection up; carries requests out and answers back; lets a subscription consume `inbox`."""

    def __init__(self, connection: ConnectionFile, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._file = connection
        self._answer_seconds = answer_seconds
        self._connection: AbstractConnection | None = None
        self._requests: AbstractExchange | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()
        self._waiting: dict[str, asyncio.Future[AbstractIncomingMessage]] = {}
        self._keeper: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Say whether requests can be made now."""
        return self._up.is_set()

    async def start(self) -> None:
        """Connect; if the broker is away go on trying in the background, if it refuses the account say so."""
        try:
            await self._connect()
        except asyncio.CancelledError:
            _raise_if_cancelled()
        except (AuthenticationError, ProbableAuthenticationError):
            raise LoginRefused(f"{self._file.place} refuses the account {self._file.account}") from None
        except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
            log.warning("%s cannot be reached (%s); going on trying", self._file.place, type(error).__name__)
        self._keeper = asyncio.create_task(self._keep_up())

    async def stop(self) -> None:
        """Close for good."""
        if self._keeper is not None:
            await end_task(self._keeper)
        self._up.clear()
        await self._drop()

    async def request(
        self, body: bytes, *, routing_key: str, content_type: str, is_kept: bool
    ) -> AbstractIncomingMessage:
        """Send to the gate and wait for its answer; raise TryAgain when there is none in time."""
        correlation_id = secrets.token_urlsafe(16)
        answer: asyncio.Future[AbstractIncomingMessage] = asyncio.get_running_loop().create_future()
        self._waiting[correlation_id] = answer
        try:
            async with asyncio.timeout(self._answer_seconds):
                await self._up.wait()
                await self._publish(
                    aio_pika.Message(
                        body,
                        content_type=content_type,
                        delivery_mode=DeliveryMode.PERSISTENT if is_kept else DeliveryMode.NOT_PERSISTENT,
                        correlation_id=correlation_id,
                        reply_to=DIRECT_REPLY,
                        user_id=self._file.account,
                    ),
                    routing_key=routing_key,
                )
                return await answer
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise TryAgain("the connection went away") from None
        except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
            raise TryAgain(f"the gate did not answer ({type(error).__name__})") from None
        finally:
            del self._waiting[correlation_id]

    async def consume_inbox(
        self, take: Callable[[AbstractIncomingMessage], Awaitable[None]], *, prefetch: int
    ) -> AbstractChannel:
        """Consume `inbox` on a channel of its own; it ends with the channel, and what was not acknowledged returns."""
        await self._up.wait()
        async with asyncio.timeout(PUBLISH_SECONDS):
            channel = await self._open_channel()
            await channel.set_qos(prefetch_count=prefetch)
            inbox = await channel.get_queue("inbox", ensure=False)
            await inbox.consume(take)
            return channel

    async def count_inbox(self) -> int | None:
        """Return how many notices wait, or None where the broker does not let this account ask."""
        if not self.is_up:
            return None
        try:
            async with asyncio.timeout(PUBLISH_SECONDS), await self._open_channel() as channel:
                return (await channel.declare_queue("inbox", passive=True)).declaration_result.message_count
        except (*CONNECTION_EXCEPTIONS, TimeoutError):
            return None

    async def _publish(self, message: aio_pika.Message, *, routing_key: str) -> None:
        if self._requests is None:
            raise ConnectionError
        async with asyncio.timeout(PUBLISH_SECONDS):
            await self._requests.publish(message, routing_key, mandatory=True)

    async def _keep_up(self) -> None:
        attempt = 0
        while True:
            await self._lost.wait()
            await self._drop()
            await asyncio.sleep(_RECONNECT_DELAYS[min(attempt, len(_RECONNECT_DELAYS) - 1)])
            attempt += 1
            try:
                await self._connect()
            except asyncio.CancelledError:
                _raise_if_cancelled()
            except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
                log.warning("%s cannot be reached (%s)", self._file.place, type(error).__name__)
            else:
                attempt = 0
                log.info("connected to %s", self._file.place)

    async def _connect(self) -> None:
        async with asyncio.timeout(2 * PUBLISH_SECONDS):
            self._connection = aio_pika.Connection(make_url(self._file.broker_url, heartbeat=HEARTBEAT_SECONDS))
            await self._connection.connect()
            # Direct reply-to works on one channel: consume without acknowledgement, publish on the same.
            channel = await self._open_channel()
            replies = await channel.get_queue(DIRECT_REPLY, ensure=False)
            await replies.consume(self._on_reply, no_ack=True)
            self._requests = await channel.get_exchange("requests", ensure=False)
        # A refused publish closes the channel and with it the place for answers: then all begins afresh.
        self._connection.close_callbacks.add(self._on_lost)
        channel.close_callbacks.add(self._on_lost)
        if not channel.is_closed:
            self._lost.clear()
            self._up.set()

    async def _open_channel(self) -> AbstractChannel:
        if self._connection is None:
            raise ConnectionError
        channel = self._connection.channel(on_return_raises=True)
        await channel.initialize()
        # The broker ends a consumer when its queue moves or goes; without this the line would stay silently deaf.
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(lambda _: asyncio.ensure_future(_close(channel)))
        return channel

    async def _drop(self) -> None:
        connection, self._connection, self._requests = self._connection, None, None
        if connection is not None:
            await _close(connection)

    def _on_lost(self, *_: object) -> None:
        if self._up.is_set():
            log.warning("the connection to %s is gone", self._file.place)
        self._up.clear()
        self._lost.set()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError())

    async def _on_reply(self, message: AbstractIncomingMessage) -> None:
        answer = self._waiting.get(message.correlation_id or "")
        if answer is not None and not answer.done():
            answer.set_result(message)


async def _close(closable: AbstractConnection | AbstractChannel) -> None:
    with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
        async with asyncio.timeout(PUBLISH_SECONDS):
            await closable.close()


async def end_task(task: asyncio.Task[None]) -> None:
    """Cancel until it has ended: aiormq may turn a cancellation into an error of the channel, which is then retried."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)


def _raise_if_cancelled() -> None:
    """Go on only if the cancellation came out of the library: aiormq cancels what waits on a lost connection."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
