"""A recipient that opens its notices and takes the time: `python -m bench.asking URL ACCOUNT`, driven by `bench.gate`.

Takes all notices out of the inbox and says so with a line. Then, for each rate that it reads, 0 for as many as it
takes, opens half of them and prints how long each took, in seconds, as a line of JSON.
"""

import asyncio
import json
import sys
from functools import partial
from time import perf_counter
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from bench.kit import with_many_in_flight


class Asking:
    """One recipient's connection; the answers are not unsealed, which costs it as much as asking."""

    def __init__(self, channel: AbstractChannel, account: str) -> None:
        self._channel = channel
        self._account = account
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self.took: list[float] = []

    async def start(self) -> None:
        """Listen for answers."""
        replies = await self._channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await replies.consume(self._take, no_ack=True)
        self._requests = await self._channel.get_exchange("requests", ensure=False)

    async def ask(self, notice: str) -> None:
        """Ask, and note how long the answer took."""
        asked, started = uuid4().hex, perf_counter()
        waiting = self._waiting[asked] = asyncio.get_running_loop().create_future()
        message = aio_pika.Message(
            json.dumps({"open": notice}).encode(),
            user_id=self._account,
            reply_to="amq.rabbitmq.reply-to",
            correlation_id=asked,
        )
        await self._requests.publish(message, "open")
        await waiting
        self.took.append(perf_counter() - started)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._waiting.pop(str(message.correlation_id)).set_result(None)


async def main(url: str, account: str) -> None:
    """Take the notices, then open them as told."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        notices: list[str] = []
        inbox = await channel.get_queue("inbox", ensure=False)
        while (message := await inbox.get(fail=False, no_ack=True)) is not None:
            notices.append(str(json.loads(message.body)["id"]))
        half = len(notices) // 2
        parts = iter([notices[:half], notices[half:]])
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            asking = Asking(channel, account)
            await asking.start()
            await _open_all(asking, next(parts), rate=float(line))
            print(json.dumps(asking.took), flush=True)
            await channel.close()
            channel = await connection.channel()  # each part listens for its own answers


async def _open_all(asking: Asking, notices: list[str], *, rate: float) -> None:
    if not rate:
        await with_many_in_flight([partial(asking.ask, notice) for notice in notices])
        return
    started, tasks = perf_counter(), []
    for number, notice in enumerate(notices):
        await asyncio.sleep(max(0.0, started + number / rate - perf_counter()))
        tasks.append(asyncio.create_task(asking.ask(notice)))
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
