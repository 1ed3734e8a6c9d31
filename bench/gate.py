"""How fast the gate is: events in, decided, kept, noticed; openings from request to answer. Beside a bare forwarder.

`python -m bench.gate [EVENTS]` starts a private broker and, where one is installed, a private PostgreSQL. Each round
measures the forwarder and the gate one after the other; only the ratios of one run carry over to another machine.
"""

import asyncio
import json
import sys
import tempfile
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter, process_time

from sqlalchemy import func, select

from bench.kit import empty, forwarder, put, sealed
from ops.broker import Broker, private_broker
from ops.postgres import find_postgres, private_postgres
from services.consent import commissions, grants
from services.consent.app import ConsentService
from services.consent.domain import RecipientRole, referral_purpose
from services.consent.handlers import know_case, know_referral
from services.consent.settings import ConsentSettings
from services.consent.tables import metadata
from shared import topology
from shared.contracts.assessment import FactRecorded
from shared.contracts.categories import Category
from shared.contracts.requests import read_command
from shared.observability import set_up_logging
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import (
    JOBCENTER,
    NOON,
    a_case,
    a_commission,
    a_declaration,
    a_finding,
    a_referral,
    new_id,
)
from tests.consent.stores import PostgresStores, SqliteStores
from tests.consent.surroundings import Store, register, settings_in
from tests.system.recipients import a_registration

WORK, HEALTH = Category.WORK, Category.MENTAL_HEALTH
PER_SECOND = 200.0
DEADLINE = (datetime.now(UTC).date() + timedelta(days=99)).isoformat()


def names(recipients: int) -> list[str]:
    """Return the Jobcenter and as many clinics as it takes."""
    return [JOBCENTER, *(f"clinic-{number:03}" for number in range(1, recipients))]


def fill_gate(work: UnitOfWork, *, persons: int, recipients: int, settings: ConsentSettings) -> list[FactRecorded]:
    """Have people commissioned and referred, who release to all; return an event about each that every one may know."""
    for name in names(recipients):
        role = RecipientRole.JOBCENTER if name == JOBCENTER else RecipientRole.PROVIDER
        register(work, name, role, WORK, *([HEALTH] if role is RecipientRole.PROVIDER else []))
    events = []
    for _ in range(persons):
        person, order = f"person-{new_id()}", read_command(a_commission(f"BG-{new_id()[:12]}", deadline=DEADLINE))
        commissions.take_command(work, recipient_id=JOBCENTER, command=order, settings=settings)
        know_case(
            work,
            a_case(person, next(item.key_id for item in reversed(work.outgoing) if item.key_id)),
            settings=settings,
        )
        grants.record(work, a_declaration(person, WORK))
        for name in names(recipients)[1:]:
            referral = a_referral(person, WORK, HEALTH, recipient_id=name)
            know_referral(work, referral, settings=settings)
            purpose = referral_purpose(referral.referral_id)
            grants.record(work, a_declaration(person, WORK, recipient_id=name, purpose=purpose))
        events.append(a_finding(person, WORK, at=NOON))
    work.outgoing.clear()
    return events


def a_service(folder: Path, store: Store, broker: Broker | None) -> ConsentService:
    """Return a gate, on the broker if there is one."""
    if broker is None:
        return ConsentService(settings_in(folder, store))
    url = broker.amqp_url("consent", topology.CARE)
    outside = url.removesuffix(f"/{topology.CARE}")
    lines = {"broker_url": url, "recipients_broker_url": outside, "timer_seconds": 1.0}
    return ConsentService(settings_in(folder, store).model_copy(update=lines))


def report(what: str, count: int, seconds: float, cpu: float, times: list[float] | None = None) -> float:
    """Print a row and return the rate."""
    took = sorted(times or [])
    quick = f"{median(took) * 1000:.1f} / {took[int(len(took) * 0.99)] * 1000:.1f}" if took else ""
    memory = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {what:<52} | {count / seconds:>7,.0f} | {cpu / count * 1e6:>8,.0f} | {quick:>13} | {memory:>5,.0f} |",
        flush=True,
    )
    return count / seconds


async def forward(broker: Broker, bodies: list[bytes]) -> float:
    """Consume, publish confirmed, acknowledge: no decision, no database."""
    await empty(broker, "consent")
    await put(broker, bodies, routing_key=FactRecorded.event_type)
    async with forwarder(broker, "consent", len(bodies), routing_key="nobody.reads_this.v1") as run:
        started, cpu = perf_counter(), process_time()
        await run()
        return report("bare aio-pika forwarder", len(bodies), perf_counter() - started, process_time() - cpu)


async def measure(folder: Path, store: Store, broker: Broker, what: str, *, persons: int, recipients: int) -> float:
    """Measure ingest, from the first event taken to the last notice confirmed; then openings."""
    quiet = a_service(folder, store, None)
    settings = ConsentSettings.model_validate(quiet.settings.model_dump())
    async with quiet.running():
        fill = partial(fill_gate, persons=persons, recipients=recipients, settings=settings)
        events = await quiet.writer.run(fill)
    service = a_service(folder, store, broker)
    bodies = [sealed(service, event) for event in events]
    await empty(broker, "consent")
    async with service.running():
        while len([up for up in service.outside.lines_up().values() if up]) < recipients:
            await asyncio.sleep(0.1)
        async with held(service):
            await put(broker, bodies, routing_key=FactRecorded.event_type)
        started, cpu = perf_counter(), process_time()
        while await asyncio.to_thread(is_busy, service, persons):
            await asyncio.sleep(0.05)
        name = f"gate, {what}, {recipients} recipients: event to notices"
        rate = report(name, persons, perf_counter() - started, process_time() - cpu)
        if recipients == 1:
            await measure_openings(broker, what)
    return rate


@asynccontextmanager
async def held(service: ConsentService) -> AsyncIterator[None]:
    """Keep a service from writing, so that all that is measured lies ready when it begins."""
    go_on = threading.Event()
    holding = asyncio.create_task(service.writer.run(lambda _: go_on.wait(), urgent=True))
    yield
    go_on.set()
    await holding


def is_busy(service: ConsentService, events: int) -> bool:
    """Say whether not all events are taken in, or not all that came of them has left."""
    with service.database.read() as session:
        taken = session.execute(select(func.count()).select_from(metadata.tables["inbox"])).scalar_one()
        return taken < events or service.outbox.backlog(session).count > 0


async def measure_openings(broker: Broker, what: str) -> None:
    """Open what waits as a recipient does, in a process of its own: half as fast as it goes, half at a steady rate."""
    command = [sys.executable, "-m", "bench.asking", broker.amqp_url(JOBCENTER, JOBCENTER), JOBCENTER]
    asking = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=2**24)
    told, heard = asking.stdin, asking.stdout
    if told is None or heard is None:
        raise RuntimeError("a process without pipes")
    await heard.readline()  # it has all notices
    rates = {"as many as it takes": 0.0, f"{PER_SECOND:.0f} a second": PER_SECOND}
    for name, rate in rates.items():
        started, cpu = perf_counter(), process_time()
        told.write(f"{rate}\n".encode())
        took = json.loads(await heard.readline())
        seconds, cpu = perf_counter() - started, process_time() - cpu
        report(f"gate, {what}: openings, {name}", len(took), seconds, cpu, took if rate else None)
    told.close()
    await asking.wait()


def main(number: int = 1000) -> None:
    """Start what is needed, measure, and print the table."""
    set_up_logging("bench", level="CRITICAL")
    with tempfile.TemporaryDirectory(prefix="gesehen-bench-") as place:
        folder = Path(place)
        registered = [a_registration(name) for name in names(100)]
        with private_broker(folder / "stage", recipients=registered, tell=lambda _: None) as broker:
            print("| | a second | CPU µs | p50 / p99 ms | MB |\n|---|---|---|---|---|", flush=True)
            measure_on(folder, "SQLite", SqliteStores(folder), broker, number)
            if find_postgres() is not None:
                with private_postgres(folder / "postgres") as postgres:
                    stores = PostgresStores(postgres.url("bench"))
                    measure_on(folder, "PostgreSQL", stores, broker, number)
                    stores.drop()


def measure_on(folder: Path, what: str, stores: SqliteStores | PostgresStores, broker: Broker, number: int) -> None:
    """Measure one database with one, ten and a hundred recipients, each beside the forwarder."""
    bodies = [b"x" * 1500] * number
    sizes = ((1, number), (10, max(10, number // 10)), (100, 10))
    for recipients, persons in sizes if what == "SQLite" else sizes[:2]:  # a hundred take minutes to set up
        place = folder / f"{what}-{recipients}"
        place.mkdir()
        bare = asyncio.run(forward(broker, bodies))
        with stores.fresh(place) as store:
            rate = asyncio.run(measure(place, store, broker, what, persons=persons, recipients=recipients))
        print(f"| {'of the forwarder':<52} | {rate / bare:>7.2f} | | | |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
