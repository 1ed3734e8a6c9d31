"""A recipient with nothing but what is handed out: account, key, a plain AMQP client. It notes all it can see."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from joserfc.jwe import decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey

ALGORITHMS = ["ECDH-ES", "A256GCM"]
PATIENCE = 12.0
Answer = dict[str, Any]


async def at_once(count: int, jobs: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do jobs, so many at a time."""
    gate = asyncio.Semaphore(count)

    async def one(job: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await job()

    await asyncio.gather(*(one(job) for job in jobs))


@dataclass(slots=True)
class Observer:
    """One recipient on a connection of its own."""

    recipient_id: str
    folder: Path
    notices: list[str] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)
    shapes: Counter[str] = field(default_factory=Counter)
    """What notices look like but for their id: a single look, if the gate keeps its word."""
    _waiting: dict[str, "asyncio.Future[AbstractIncomingMessage]"] = field(default_factory=dict)
    _given: dict[str, Any] = field(default_factory=dict)
    _key: ECKey | None = None
    _channel: AbstractChannel | None = None
    _connection: aio_pika.abc.AbstractConnection | None = None

    async def start(self) -> None:
        """Connect, take every notice as it comes, and the answers to what is asked."""
        self._given = json.loads((self.folder / f"{self.recipient_id}.connection.json").read_text())
        self._key = ECKey.import_key(json.loads((self.folder / f"{self.recipient_id}.key.json").read_text()))
        self._connection = await aio_pika.connect(self._given["broker_url"], heartbeat=60)
        self._channel = await self._connection.channel(on_return_raises=True)
        replies = await self._channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await replies.consume(self._take_answer, no_ack=True)
        inbox = await self._channel.get_queue("inbox", ensure=False)
        await inbox.consume(self._take_notice)

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.close()

    async def open_all(self, notices: list[str]) -> dict[str, Answer]:
        """Open notices, sixteen at a time."""
        answers: dict[str, Answer] = {}

        async def one(notice: str) -> None:
            answers[notice] = await self.ask("open", json.dumps({"open": notice}).encode(), "application/json")

        await at_once(16, [partial(one, notice) for notice in notices])
        return answers

    async def command(self, said: dict[str, Any]) -> Answer:
        """Give a command, sealed for the gate."""
        key = ECKey.import_key(self._given["gate_public_key"])
        header = {"alg": "ECDH-ES", "enc": "A256GCM"}
        body = encrypt_compact(header, json.dumps(said), key, algorithms=ALGORITHMS).encode()
        return await self.ask("command", body, "application/jose")

    async def ask(self, routing_key: str, body: bytes, content_type: str) -> Answer:
        """Ask until there is an answer: a gate that is killed meanwhile gives none."""
        assert self._channel is not None
        assert self._key is not None
        requests = await self._channel.get_exchange("requests", ensure=False)
        while True:
            asked = uuid4().hex
            answer = self._waiting[asked] = asyncio.get_running_loop().create_future()
            message = aio_pika.Message(
                body,
                content_type=content_type,
                user_id=self._given["account"],
                reply_to="amq.rabbitmq.reply-to",
                correlation_id=asked,
            )
            await requests.publish(message, routing_key)
            try:
                async with asyncio.timeout(PATIENCE):
                    plain = decrypt_compact((await answer).body, self._key, algorithms=ALGORITHMS).plaintext or b""
            except TimeoutError:
                continue
            finally:
                del self._waiting[asked]
            told: Answer = json.loads(plain)
            if told["result"] != "try_again":
                return told
            await asyncio.sleep(0.2)

    async def _take_notice(self, message: AbstractIncomingMessage) -> None:
        notice = str(json.loads(message.body)["id"])
        seen = {**message.info(), "body": message.body.decode().replace(notice, "ID")}
        for own in ("message_id", "delivery_tag", "consumer_tag", "redelivered"):
            seen.pop(own)
        self.shapes[
            json.dumps({**seen, "length": len(message.body), "id": message.message_id == notice}, default=str)
        ] += 1
        self.notices.append(notice)
        await message.ack()

    async def _take_answer(self, message: AbstractIncomingMessage) -> None:
        waiting = self._waiting.get(message.correlation_id or "")
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
