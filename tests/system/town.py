"""Two made-up services on the real broker: one announces cases, one takes them, counts them and says so."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika

from ops.broker import Broker
from shared import topology
from shared.contracts.envelope import CareEvent, Envelope
from shared.effect import Handlers
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from tests.shared.builders import Base, a_case, fresh_tables
from tests.shared.cases import Cases
from tests.shared.service_files import settings_in
from tests.system.wire_tap import Wire

PRODUCER, CONSUMER, LISTENER = "intake", "assessment", "referral"


@dataclass(frozen=True, slots=True)
class Town:
    """The broker and the folder in which the services keep their files."""

    broker: Broker
    folder: Path
    operator: ThreadPoolExecutor
    wire: Wire
    cases: Cases = field(default_factory=Cases)

    def service(self, name: str, handlers: Handlers | None = None, **changes: str) -> Service:
        """Put a service together on the files that it left, or on new ones."""
        settings = settings_in(self.folder, **(self.places(name) | changes))
        fresh_tables(settings.database_url)
        return Service(name, settings, Base.metadata, self.cases.handlers() if handlers is None else handlers)

    def places(self, name: str) -> dict[str, str]:
        """Return where a service's files are and how it reaches the broker; zone keys and tokens are shared."""
        return {
            "database_url": f"sqlite:///{self.folder}/{name}.db",
            "key_store_url": f"sqlite:///{self.folder}/{name}.keys.db",
            "journal_folder": f"{self.folder}/{name}.journal",
            "broker_url": self.wire.through(self.broker.amqp_url(name, topology.CARE)),
        }

    @asynccontextmanager
    async def running(self, name: str, **changes: str) -> AsyncIterator[Service]:
        """Run a service during the block."""
        service = self.service(name, None if name == CONSUMER else {}, **changes)
        async with service.running():
            yield service

    def start_process(self, name: str, **options: str) -> "subprocess.Popen[bytes]":
        """Start a service as a process of its own."""
        self.service(name, {})  # makes its files
        places = [f"{place}={value}" for place, value in (self.places(name) | options).items()]
        command = [sys.executable, "-m", "tests.system.town_process", str(self.folder), name, *places]
        with (self.folder / f"{name}.log").open("ab") as output:
            return subprocess.Popen(command, stdout=output, stderr=output)

    @asynccontextmanager
    async def channel(self, account: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
        """Open a plain channel on the care circle's vhost with a service's account."""
        connection = await aio_pika.connect(self.broker.amqp_url(account, topology.CARE))
        async with connection:
            yield await connection.channel(publisher_confirms=True, on_return_raises=True)

    async def publish(self, *bodies: bytes, key: str = "intake.case_opened.v1") -> None:
        """Publish bytes the way the producer's account may."""
        async with self.channel(PRODUCER) as channel:
            exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
            message = [
                aio_pika.Message(body, delivery_mode=2, message_id=f"message-{n}") for n, body in enumerate(bodies)
            ]
            await asyncio.gather(*(exchange.publish(one, routing_key=key) for one in message))

    async def heard(self) -> list[str]:
        """Return the types and subjects that the listener's queue holds, and empty it."""
        async with self.channel(LISTENER) as channel:
            queue = await channel.get_queue(topology.events_queue(LISTENER), ensure=False)
            ids = []
            while (message := await queue.get(fail=False, timeout=5)) is not None:
                envelope = Envelope.from_bytes(message.body)
                ids.append(f"{envelope.type} {envelope.id}")
                await message.ack()
            return ids

    async def empty_queues(self) -> None:
        """Take out what other tests left; each service may do so with its own queues only."""
        for service in topology.SERVICES:
            async with self.channel(service) as channel:
                for name in (topology.events_queue(service), topology.parked_queue(service)):
                    await (await channel.get_queue(name, ensure=False)).purge()

    async def restart_broker(self) -> None:
        """Start the broker again, from a thread that lives as long as it shall: its end would be the broker's."""
        await asyncio.get_running_loop().run_in_executor(self.operator, self.broker.restart)


def announcing(number: int, make: Callable[[], CareEvent] = a_case) -> Callable[[UnitOfWork], list[str]]:
    """Return a handler that announces so many cases of different persons, and their ids."""

    def handler(work: UnitOfWork) -> list[str]:
        events = [make() for _ in range(number)]
        for event in events:
            work.announce(event)
        return [str(getattr(event, "case_id", "")) for event in events]

    return handler
