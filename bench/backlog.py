"""How a gate clears an hour's backlog, and how long a withdrawal takes meanwhile: `python -m bench.backlog [EVENTS]`.

The events lie in the queue before the gate may write. Then it works them off while one person after the other takes
back what they gave. Each event is about one of some thousand people, as a backlog would be.
"""

import asyncio
import sys
import tempfile
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter, process_time

from bench.gate import a_service, fill_gate, held, is_busy, names
from bench.kit import put, sealed
from ops.broker import Broker, private_broker
from services.consent import grants
from services.consent.app import ConsentService
from services.consent.settings import ConsentSettings
from shared.contracts.assessment import FactRecorded
from shared.contracts.categories import Category
from shared.observability import set_up_logging
from tests.consent.builders import NOON, a_finding
from tests.consent.stores import SqliteStores
from tests.consent.surroundings import Store
from tests.system.recipients import a_registration

PERSONS = 2000
WITHDRAWALS_PER_SECOND = 2.0


async def withdraw_meanwhile(service: ConsentService, persons: list[str], took: list[float]) -> None:
    """Have one person after the other withdraw everything, until cancelled."""
    for person in persons:
        started = perf_counter()
        withdraw, lock = partial(grants.withdraw, person_id=person), {f"person:{person}"}
        await service.writer.run(withdraw, locks=lambda _, lock=lock: lock, urgent=True)  # type: ignore[misc]  # a default binds
        took.append(perf_counter() - started)
        await asyncio.sleep(1 / WITHDRAWALS_PER_SECOND)


async def measure(folder: Path, store: Store, broker: Broker, number: int) -> None:
    """Fill, let go, and print what it took."""
    quiet = a_service(folder, store, None)
    settings = ConsentSettings.model_validate(quiet.settings.model_dump())
    async with quiet.running():
        fill = partial(fill_gate, persons=PERSONS, recipients=1, settings=settings)
        persons = [event.person_id for event in await quiet.writer.run(fill)]
    service = a_service(folder, store, broker)
    events = [a_finding(person, Category.WORK, at=NOON) for person in islice(cycle(persons), number)]
    took: list[float] = []
    async with service.running():
        async with held(service):
            await put(broker, [sealed(service, event) for event in events], routing_key=FactRecorded.event_type)
        started, cpu = perf_counter(), process_time()
        withdrawing = asyncio.create_task(withdraw_meanwhile(service, persons, took))
        while await asyncio.to_thread(is_busy, service, number):
            await asyncio.sleep(0.5)
        seconds, cpu = perf_counter() - started, process_time() - cpu
        withdrawing.cancel()
    took.sort()
    memory = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    print("| backlog | seconds | a second | CPU µs | withdrawals | p50 / max ms | MB |\n|---|---|---|---|---|---|---|")
    print(
        f"| {number:,} events about {PERSONS:,} people | {seconds:,.0f} | {number / seconds:,.0f} |"
        f" {cpu / number * 1e6:,.0f} | {len(took)} | {median(took) * 1000:.0f} / {took[-1] * 1000:.0f} |"
        f" {memory:,.0f} |"
    )


def main(number: int = 108_000) -> None:
    """Start what is needed, measure, and print the table."""
    set_up_logging("bench", level="CRITICAL")
    with tempfile.TemporaryDirectory(prefix="gesehen-bench-") as place:
        folder = Path(place)
        registered = [a_registration(name) for name in names(1)]
        with (
            private_broker(folder / "stage", recipients=registered, tell=lambda _: None) as broker,
            SqliteStores(folder).fresh(folder) as store,
        ):
            asyncio.run(measure(folder, store, broker, number))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
