"""How long on an idle gate from a commit to its notice in the recipient's inbox: `python -m bench.idle [EVENTS]`.

One event at a time, and a pause before the next. Two times are taken of each: from the event's publication on the care
bus, and from the commit of what came of it, as the writer answers, to the recipient's reading of the notice.
"""

import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from bench.gate import a_service, fill_gate
from bench.kit import channel_of, empty, sealed
from ops.broker import Broker, private_broker
from ops.postgres import find_postgres, private_postgres
from services.consent.app import ConsentService
from services.consent.handlers import know_facts
from services.consent.settings import ConsentSettings
from shared import topology
from shared.contracts.assessment import FactRecorded
from shared.contracts.catalogue import producer_of
from shared.observability import set_up_logging
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import JOBCENTER
from tests.consent.stores import PostgresStores, SqliteStores
from tests.consent.surroundings import Store
from tests.system.recipients import a_registration

PAUSE = 0.1
"""In seconds: long enough for everything to come to rest."""


class Inbox:
    """A recipient that waits for its next notice."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[float] = asyncio.Queue()

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Note when a notice came."""
        self._came.put_nowait(perf_counter())
        await message.ack()

    async def next(self) -> float:
        """Return when the next one came."""
        return await asyncio.wait_for(self._came.get(), 10)


async def measure(folder: Path, store: Store, broker: Broker, what: str, number: int) -> None:
    """Measure both ways on one database and print two rows."""
    quiet = a_service(folder, store, None)
    settings = ConsentSettings.model_validate(quiet.settings.model_dump())
    async with quiet.running():
        fill = partial(fill_gate, persons=2 * number, recipients=1, settings=settings)
        events = await quiet.writer.run(fill)
    await empty(broker, "consent")
    service, inbox = a_service(folder, store, broker), Inbox()
    connection = await aio_pika.connect(broker.amqp_url(JOBCENTER, JOBCENTER))
    async with connection, service.running():
        while not all(service.outside.lines_up().values()) or not service.outside.lines_up():
            await asyncio.sleep(0.1)
        channel = await connection.channel()
        await (await channel.get_queue("inbox", ensure=False)).consume(inbox.take)
        by_bus = partial(by_way_of_the_bus, broker, service, inbox)
        report(f"{what}: publication of the event to the notice", await by_bus(events[:number]))
        report(f"{what}: commit to the notice", await from_the_commit(service, inbox, events[number:]))


async def by_way_of_the_bus(
    broker: Broker, service: ConsentService, inbox: Inbox, events: list[FactRecorded]
) -> list[float]:
    """Publish one event after the other as its producer does; return the seconds until each notice."""
    took = []
    async with channel_of(broker, producer_of(FactRecorded.event_type)) as channel:
        exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
        for event in events:
            message = aio_pika.Message(sealed(service, event), delivery_mode=2, message_id=random_id())
            await asyncio.sleep(PAUSE)
            started = perf_counter()
            await exchange.publish(message, routing_key=FactRecorded.event_type)
            took.append(await inbox.next() - started)
    return took


async def from_the_commit(service: ConsentService, inbox: Inbox, events: list[FactRecorded]) -> list[float]:
    """Have one event after the other handled; return the seconds from the writer's answer until each notice."""
    took = []
    for event in events:
        await asyncio.sleep(PAUSE)
        await service.writer.run(partial(know, event))
        committed = perf_counter()
        took.append(await inbox.next() - committed)
    return took


def know(event: FactRecorded, work: UnitOfWork) -> None:
    """Take an event in."""
    know_facts([(work, event)])


def report(what: str, took: list[float]) -> None:
    """Print a row."""
    took = sorted(one * 1000 for one in took)
    print(f"| {what} | {len(took)} | {median(took):.1f} | {took[int(len(took) * 0.99)]:.1f} |", flush=True)


def main(number: int = 100) -> None:
    """Start what is needed, measure, and print the table."""
    set_up_logging("bench", level="CRITICAL")
    print("| | events | ms p50 | ms p99 |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="gesehen-bench-") as place:
        folder = Path(place)
        with private_broker(folder / "stage", recipients=[a_registration(JOBCENTER)], tell=lambda _: None) as broker:
            with SqliteStores(folder).fresh(folder) as store:
                asyncio.run(measure(folder, store, broker, "SQLite", number))
            if find_postgres() is not None:
                with private_postgres(folder / "postgres") as postgres:
                    stores = PostgresStores(postgres.url("bench"))
                    with stores.fresh(folder) as store:
                        asyncio.run(measure(folder, store, broker, "PostgreSQL", number))
                    stores.drop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
