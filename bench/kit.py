"""How fast the kit is: handlers into a database, outbox to broker, and the whole way beside a bare forwarder.

`python -m bench.kit [EVENTS]` starts a private broker and, where one is installed, a private PostgreSQL.
Only the ratios of one run carry over to another machine.
"""

import asyncio
import base64
import json
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import aio_pika
from sqlalchemy import func, select
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from ops.broker import Broker, private_broker
from ops.postgres import find_postgres, private_postgres
from shared import topology
from shared.contracts.assessment import CaseTaken
from shared.contracts.catalogue import producer_of
from shared.contracts.envelope import CareEvent
from shared.contracts.intake import CaseOpened, Origin
from shared.database import open_engine
from shared.observability import set_up_logging
from shared.outbox import CARE, Outgoing, random_id
from shared.relay import wrapped
from shared.service import Service
from shared.settings import ServiceSettings
from shared.tables import add_kit_tables
from shared.unit_of_work import UnitOfWork

PERSONS = [random_id() for _ in range(200)]
IN_FLIGHT = 200
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Base(SQLModel, registry=registry()):
    """The tables of the measured service."""


class Visit(Base, table=True):
    """What each handler loads and changes."""

    person_id: str = Field(primary_key=True)
    number: int = 0


add_kit_tables(Base.metadata)


@dataclass(slots=True)
class Measured:
    """What one run took."""

    name: str
    events: int
    seconds: float = 0.0
    cpu: float = 0.0

    def line(self) -> str:
        """Return the row of the table."""
        rate = self.events / self.seconds
        return f"| {self.name:<58} | {rate:>9,.0f} | {self.cpu / self.events * 1e6:>12,.0f} |"


@contextmanager
def measured(name: str, events: int, results: list[Measured]) -> Iterator[None]:
    """Measure a block and print its row."""
    result = Measured(name, events)
    started, cpu = perf_counter(), process_time()
    yield
    result.seconds, result.cpu = perf_counter() - started, process_time() - cpu
    results.append(result)
    print(result.line(), flush=True)


def visit(work: UnitOfWork, event: CaseOpened) -> None:
    """Load, change, announce: the least that a handler does."""
    row = work.session.get(Visit, event.person_id) or Visit(person_id=event.person_id)
    row.number += 1
    work.session.add(row)
    work.announce(
        CaseTaken(
            case_id=event.case_id,
            person_id=event.person_id,
            team_id="team-0001",
            responsible_id="worker-0001",
            taken_at=event.opened_at,
        )
    )


def announce(work: UnitOfWork, event: CaseOpened) -> None:
    """Announce only."""
    work.announce(event)


def events(number: int) -> list[CaseOpened]:
    """Return news about people, many of each."""
    return [
        CaseOpened(
            case_id=random_id(),
            person_id=PERSONS[index % len(PERSONS)],
            origin=Origin.STREET,
            opened_at=NOON,
            first_contact_by=date(2026, 3, 5),
        )
        for index in range(number)
    ]


def service_in(folder: Path, name: str, database_url: str | None = None, broker_url: str | None = None) -> Service:
    """Put a service together on new files."""
    folder.mkdir(exist_ok=True)
    key = {"kid": "today", "created_on": "2026-01-01", "key": base64.b64encode(bytes(32)).decode()}
    (folder / "zone.json").write_text(json.dumps({"zone_keys": [key]}))
    (folder / "tokens.json").write_text('{"tokens": []}')
    (folder / "master.key").write_text(base64.b64encode(bytes(32)).decode())
    settings = ServiceSettings(
        database_url=database_url or f"sqlite:///{folder}/{name}-{secrets.token_hex(4)}.db",
        key_store_url=f"sqlite:///{folder}/{name}-{secrets.token_hex(4)}.keys.db",
        journal_folder=folder / f"{name}-{secrets.token_hex(4)}.journal",
        master_key_file=folder / "master.key",
        zone_keys_file=folder / "zone.json",
        tokens_file=folder / "tokens.json",
        broker_url=broker_url,
    )
    engine = open_engine(settings.database_url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    engine.dispose()
    return Service(name, settings, Base.metadata, {CaseOpened: visit} if name == "assessment" else {})


async def with_many_in_flight(jobs: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Run jobs, a number of them at a time."""
    waiting = iter(jobs)

    async def worker() -> None:
        for job in waiting:
            await job()

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


async def measure_writer(service: Service, name: str, number: int, results: list[Measured]) -> None:
    """Run handlers through a writer."""
    async with service.running():
        for event in events(len(PERSONS)):  # everybody is known, every key made
            await service.writer.run(partial(visit, event=event))
        jobs = [partial(service.writer.run, partial(visit, event=event)) for event in events(number)]
        with measured(name, number, results):
            await with_many_in_flight(jobs)


async def measure_one_by_one(service: Service, name: str, number: int, results: list[Measured]) -> None:
    """Run handlers each in a commit of its own."""
    async with service.running():
        with measured(name, number, results):
            for event in events(number):
                await service.writer.run(partial(visit, event=event))


async def measure_outbox(folder: Path, broker: Broker, number: int, results: list[Measured]) -> None:
    """Publish what lies in an outbox."""
    quiet = service_in(folder, "intake")
    async with quiet.running():
        await with_many_in_flight(
            [partial(quiet.writer.run, partial(announce, event=event)) for event in events(number)]
        )
    loud = ServiceSettings.model_validate({**quiet.settings.model_dump(), "broker_url": url_of(broker, "intake")})
    service = Service("intake", loud, Base.metadata, {})
    async with service.running():
        with measured("outbox to broker", number, results):
            await until_sent(service)


async def measure_whole_way(
    folder: Path, broker: Broker, name: str, number: int, results: list[Measured], *, database_url: str | None = None
) -> None:
    """Take events from the bus, handle them and publish what they lead to."""
    await fill(broker, service_in(folder, "intake"), number)
    service = service_in(folder, "assessment", database_url, url_of(broker, "assessment"))
    with measured(name, number, results):
        async with service.running():
            while await asyncio.to_thread(count_heard, service) < number:
                await asyncio.sleep(0.2)
            await until_sent(service)


async def measure_forwarder(broker: Broker, filler: Service, number: int, results: list[Measured]) -> None:
    """Consume, publish confirmed, acknowledge: no decision, no database."""
    await fill(broker, filler, number)
    async with forwarder(broker, "assessment", number, routing_key=CaseTaken.event_type) as forward:
        with measured("bare aio-pika: consume, publish confirmed, ack", number, results):
            await forward()


@asynccontextmanager
async def forwarder(
    broker: Broker, account: str, number: int, *, routing_key: str
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Give a function that forwards so many messages out of a service's queue."""
    done = asyncio.Event()
    count = 0
    async with channel_of(broker, account) as source, channel_of(broker, account) as sink:
        await source.set_qos(prefetch_count=100)
        queue = await source.get_queue(topology.events_queue(account), ensure=False)
        exchange = await sink.get_exchange(topology.EVENTS, ensure=False)

        async def one(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            nonlocal count
            copy = aio_pika.Message(message.body, delivery_mode=2, message_id=random_id())
            await exchange.publish(copy, routing_key=routing_key, mandatory=False)
            await message.ack()
            count += 1
            if count == number:
                done.set()

        async def all_of_them() -> None:
            tag = await queue.consume(one)
            await done.wait()
            await queue.cancel(tag)

        yield all_of_them


async def fill(broker: Broker, service: Service, number: int) -> None:
    """Put events into the service's queue; what earlier runs left is taken out before."""
    await empty(broker, "assessment", "consent")
    await put(broker, [sealed(service, event) for event in events(number)], routing_key=CaseOpened.event_type)


async def empty(broker: Broker, *accounts: str) -> None:
    """Take out what lies in the queues of services."""
    for account in accounts:
        async with channel_of(broker, account) as channel:
            await (await channel.get_queue(topology.events_queue(account), ensure=False)).purge()


async def put(broker: Broker, bodies: list[bytes], *, routing_key: str) -> None:
    """Publish events as their producer does."""
    async with channel_of(broker, producer_of(routing_key)) as channel:
        exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
        copies = [aio_pika.Message(body, delivery_mode=2, message_id=random_id()) for body in bodies]
        await with_many_in_flight([partial(exchange.publish, copy, routing_key=routing_key) for copy in copies])


def sealed(service: Service, event: CareEvent) -> bytes:
    """Wrap an event as its producer does."""
    item = Outgoing(random_id(), CARE, event.event_type, random_id(), NOON, event.key_id, event.body())
    return wrapped(item, service.zone_keys, source=producer_of(event.event_type)).to_bytes()


@asynccontextmanager
async def channel_of(broker: Broker, account: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Open a channel with a service's account."""
    connection = await aio_pika.connect(url_of(broker, account))
    async with connection:
        yield await connection.channel()


def url_of(broker: Broker, account: str) -> str:
    """Return how an account reaches the care circle."""
    return broker.amqp_url(account, topology.CARE)


async def until_sent(service: Service) -> None:
    """Wait until the outbox is empty."""

    def count_unsent() -> int:
        with service.database.read() as session:
            return service.outbox.backlog(session).count

    while await asyncio.to_thread(count_unsent):
        await asyncio.sleep(0.05)


def count_heard(service: Service) -> int:
    """Return how many messages the service took in."""
    with service.database.read() as session:
        return int(session.execute(select(func.count()).select_from(Base.metadata.tables["inbox"])).scalar_one())


async def measure_all(folder: Path, broker: Broker, database_url: str | None, number: int) -> list[Measured]:
    """Measure everything, one after the other."""
    results: list[Measured] = []
    await measure_one_by_one(service_in(folder, "assessment"), "handlers, one at a time, SQLite", number // 4, results)
    await measure_writer(service_in(folder, "assessment"), "handlers, grouped, SQLite", number, results)
    if database_url:
        on_postgres = service_in(folder, "assessment", database_url)
        await measure_one_by_one(on_postgres, "handlers, one at a time, PostgreSQL", number // 4, results)
        on_postgres = service_in(folder, "assessment", database_url)
        await measure_writer(on_postgres, "handlers, grouped, PostgreSQL", number, results)
    await measure_outbox(folder, broker, number, results)
    await measure_forwarder(broker, service_in(folder, "intake"), number, results)
    await measure_whole_way(folder, broker, "event in, handler, event out, SQLite", number, results)
    if database_url:
        name = "event in, handler, event out, PostgreSQL"
        await measure_whole_way(folder, broker, name, number, results, database_url=database_url)
    return results


def main(number: int = 3000) -> None:
    """Start what is needed, measure, and print the table."""
    set_up_logging("bench", level="ERROR")
    with tempfile.TemporaryDirectory(prefix="gesehen-bench-") as place, private_broker(Path(place)) as broker:
        print(f"| {'':<58} |  events/s | CPU µs/event |\n|{'-' * 60}|{'-' * 11}|{'-' * 14}|", flush=True)
        if find_postgres() is None:
            asyncio.run(measure_all(Path(place), broker, None, number))
            return
        with private_postgres(Path(place)) as postgres:
            asyncio.run(measure_all(Path(place), broker, postgres.url("bench"), number))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
