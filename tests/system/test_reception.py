"""The gate on the real broker: however the broker stalls, and whatever a recipient forges, openings are answered."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import aio_pika
import pytest
from joserfc.jwe import decrypt_compact
from joserfc.jwk import ECKey

from ops.broker import Broker
from services.consent.app import ConsentService
from shared import migrations, topology
from shared.outbox import random_id
from tests.consent.builders import CLINIC, JOBCENTER
from tests.consent.surroundings import KNOWN, Store, register_all, settings_in
from tests.shared.builders import until
from tests.shared.service_files import log_as_a_service

pytestmark = [pytest.mark.system, pytest.mark.anyio]

EMPTY = {"result": "empty"}
FORGED = "amq.rabbitmq.reply-to.g1h=.x"
"""RabbitMQ 3.10 ends the whole connection of whoever publishes to it."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True, scope="module")
def logs() -> None:
    log_as_a_service()


@dataclass
class Caller:
    """A recipient that opens notices, and knows nothing of the sdk."""

    url: str
    account: str
    key: ECKey
    waiting: dict[str, "asyncio.Future[Any]"] = field(default_factory=dict)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Caller"]:
        """Listen for answers during the block."""
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            replies = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
            await replies.consume(self._hear, no_ack=True)
            self.exchange = await channel.get_exchange(topology.REQUESTS, ensure=False)
            yield self

    async def open(self, *, seconds: float = 20, **properties: Any) -> Any:
        """Ask to open a notice that stands for nothing."""
        asked = random_id()
        self.waiting[asked] = answered = asyncio.get_running_loop().create_future()
        said = {"correlation_id": asked, "reply_to": "amq.rabbitmq.reply-to", "user_id": self.account, **properties}
        message = aio_pika.Message(json.dumps({"open": random_id()}).encode(), **said)
        await self.exchange.publish(message, routing_key="open")
        async with asyncio.timeout(seconds):
            return await answered

    async def open_patiently(self, *, tries: int = 3) -> Any:
        """Ask again when nothing comes, as every caller does."""
        for _ in range(tries - 1):
            try:
                return await self.open(seconds=12)
            except TimeoutError:
                continue
        return await self.open(seconds=12)

    async def _hear(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        answered = self.waiting.pop(str(message.correlation_id), None)
        if answered is not None and not answered.done():
            answered.set_result(json.loads(decrypt_compact(message.body, self.key).plaintext or b""))


@dataclass(frozen=True)
class Stage:
    """A gate that runs, and the recipients that it knows."""

    gate: ConsentService
    broker: Broker
    key: ECKey

    def caller(self, recipient_id: str) -> Caller:
        """Return a recipient."""
        return Caller(self.broker.amqp_url(recipient_id, recipient_id), recipient_id, self.key)

    def in_flight(self) -> list[int]:
        """Return how many requests of each recipient the gate works on."""
        return [len(one.in_flight) for one in self.gate.outside._recipients.values()]

    def unsettled(self) -> list[int]:
        """Return how many openings of each recipient the broker has given to the gate and not got back."""
        get = self.broker.admin.get
        return [get(f"/api/queues/{one}/{topology.OPEN}").get("messages_unacknowledged", 1) for one in KNOWN]

    def signal_broker(self, number: int) -> None:
        """Send the broker's processes a signal."""
        assert self.broker.node is not None
        assert self.broker.node._server is not None
        os.killpg(self.broker.node._server.pid, number)


@pytest.fixture
async def stage(broker: Broker, tmp_path: Path) -> AsyncIterator[Stage]:
    key = ECKey.generate_key("P-256", private=True)
    store = Store(f"sqlite:///{tmp_path}/consent.sqlite3", f"sqlite:///{tmp_path}/keys.sqlite3")
    migrations.upgrade(Path("services/consent"), store.database_url)
    known = settings_in(tmp_path, store)
    care = broker.amqp_url("consent", topology.CARE)
    urls = {"broker_url": care, "recipients_broker_url": care.removesuffix(f"/{topology.CARE}")}
    gate = ConsentService(known.model_copy(update=urls))
    jwk = {name: str(value) for name, value in key.as_dict(private=False).items()}
    async with gate.running():
        await gate.writer.run(lambda work: register_all(work, jwk))
        await until(lambda: gate.outside.lines_up() == dict.fromkeys(KNOWN, True), seconds=20)
        yield Stage(gate, broker, key)


async def is_ready(gate: ConsentService) -> bool:
    """Say whether the gate says that it is ready."""
    return bool((await gate.ready())["ready"])


async def test_a_broker_that_stalls_with_openings_in_flight_costs_no_slot(stage: Stage) -> None:
    async with stage.caller(CLINIC).connected() as clinic, stage.caller(JOBCENTER).connected() as jobcenter:
        assert await clinic.open() == EMPTY
        flood = [asyncio.create_task(one.open_patiently()) for _ in range(200) for one in (clinic, jobcenter)]
        await until(lambda: min(stage.in_flight()) > 4)  # of 32 that the broker gives at once; how many is chance
        stage.signal_broker(signal.SIGSTOP)
        try:
            await asyncio.sleep(6)
        finally:
            stage.signal_broker(signal.SIGCONT)
        answers = await asyncio.gather(*flood)
        afterwards = [await one.open() for _ in range(40) for one in (clinic, jobcenter)]

    assert answers == [EMPTY] * 400
    assert afterwards == [EMPTY] * 80
    async with asyncio.timeout(30):  # the broker counts every five seconds
        while any(stage.unsettled()) or any(stage.in_flight()):
            await asyncio.sleep(1)
    assert await is_ready(stage.gate)


async def test_a_forged_return_address_hurts_its_sender_for_a_moment_and_nobody_else(stage: Stage) -> None:
    async with stage.caller(CLINIC).connected() as clinic, stage.caller(JOBCENTER).connected() as jobcenter:
        assert await clinic.open() == EMPTY
        asyncio.create_task(clinic.open(seconds=0.2, reply_to=FORGED)).add_done_callback(lambda done: done.exception())
        await asyncio.sleep(0.5)
        started = monotonic()
        others = [await jobcenter.open(seconds=2) for _ in range(20)]
        own = await clinic.open_patiently()
        took = monotonic() - started
        print(f"deaf for {took:.1f} s")

    assert (others, own) == ([EMPTY] * 20, EMPTY)
    assert took < 9
    await until(lambda: all(stage.gate.outside.lines_up().values()), seconds=10)
