"""Whether the gate slows down as answers pile up: `python -m bench.stored [MOST]`, a power of ten, 6 by default.

Fills the database with answers of other people, then takes in events and opens notices about a few hundred, in the
process itself: what grows with the number of rows is the database's part, not the broker's.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TypeVar

from sqlalchemy import LargeBinary, bindparam, text

from bench.gate import a_service, fill_gate
from ops.postgres import find_postgres, private_postgres
from services.consent.app import ConsentService
from services.consent.handlers import know_facts
from services.consent.opening import Opening, open_notices
from services.consent.settings import ConsentSettings
from shared.contracts.assessment import FactRecorded
from shared.database import Instant
from shared.observability import set_up_logging
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import JOBCENTER
from tests.consent.stores import PostgresStores, SqliteStores

T = TypeVar("T")
PERSONS, TOGETHER = 320, 32
# In no order, as ids that were drawn are.
_NUMBERS = """
WITH RECURSIVE counted(n) AS (
    SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :end
), named(id) AS (
    SELECT 'other-' || CAST((n * 2654435761) % 4294967296 AS VARCHAR(20)) || '-' || CAST(n AS VARCHAR(20)) FROM counted
)
"""
_GRANTS = f"""
INSERT INTO grant_record (grant_id, person_id, recipient_id, purpose, kind, reaches_back, given_at, version, place,
    channel, language, text_version, text_sha256, recorded_by)
{_NUMBERS} SELECT id, id, '{JOBCENTER}', 'benefit', 'data_consent', false, :now, 1, 'elsewhere', 'paper', 'de', '1', '',
    'bench' FROM named
"""  # noqa: S608  our own
_ANSWERS = f"""
INSERT INTO answer (answer_id, grant_id, person_id, said, given_at, expires_at)
{_NUMBERS} SELECT id, id, id, :said, :now, :later FROM named
"""  # noqa: S608  our own


def store_others(service: ConsentService, first: int, end: int) -> None:
    """Store a grant with one answer for each of so many other people; nobody could read what they said."""
    now = service.clock()
    values = {"first": first, "end": end, "now": now, "later": now.replace(year=now.year + 1), "said": bytes(60)}
    times = (bindparam("now", type_=Instant), bindparam("later", type_=Instant), bindparam("said", type_=LargeBinary))
    with service.database.engine.begin() as connection:
        for statement in (_GRANTS, _ANSWERS):
            needed = [one for one in times if f":{one.key}" in statement]
            names = {"first", "end", *(str(one.key) for one in needed)}
            connection.execute(text(statement).bindparams(*needed), {name: values[name] for name in names})
        connection.exec_driver_sql("ANALYZE")  # what a server does by itself, some time later


def in_groups(
    service: ConsentService, things: Sequence[T], handle: Callable[[list[tuple[UnitOfWork, T]]], object]
) -> Iterator[float]:
    """Handle things in groups, each a transaction, and say how many milliseconds each thing took."""
    for first in range(0, len(things), TOGETHER):
        group, started = things[first : first + TOGETHER], perf_counter()
        with service.database.write() as session:
            works = [UnitOfWork(session, service.keys, now=service.clock()) for _ in group]
            handle(list(zip(works, group, strict=True)))
            rows = service.outbox.prepare([item for work in works for item in work.outgoing], now=service.clock())
            service.outbox.add(session, rows)
            session.commit()
        yield (perf_counter() - started) / len(group) * 1000


def measure(folder: Path, stores: SqliteStores | PostgresStores, what: str, most: int) -> None:
    """Measure with ever more answers stored."""
    stored = 0
    with stores.fresh(folder) as store:
        service = a_service(folder, store, None)
        settings = ConsentSettings.model_validate(service.settings.model_dump())
        service.keys.create_store()
        for exponent in (3, 5, 6, 7):
            if exponent > most:
                break
            for first in range(stored, 10**exponent, 10**6):
                store_others(service, first, min(first + 10**6, 10**exponent))
            stored = 10**exponent
            with service.database.write() as session:
                work = UnitOfWork(session, service.keys, now=service.clock())
                events = fill_gate(work, persons=PERSONS, recipients=1, settings=settings)
                session.commit()
            notices: list[Opening] = []

            def know(pairs: list[tuple[UnitOfWork, FactRecorded]], notices: list[Opening] = notices) -> None:
                know_facts(pairs)
                notices += [Opening(JOBCENTER, item.message_id) for work, _ in pairs for item in work.outgoing]

            knowing = list(in_groups(service, events, know))
            opening = list(in_groups(service, notices, partial(open_notices, settings=settings)))
            print(f"| {what} | {stored:>10,} | {median(knowing):>6.2f} | {median(opening):>6.2f} |", flush=True)


def main(most: int = 6) -> None:
    """Measure both databases and print the table."""
    set_up_logging("bench", level="CRITICAL")
    print("| | answers of others | ms per event | ms per opening |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="gesehen-bench-") as place:
        folder = Path(place)
        measure(folder, SqliteStores(folder), "SQLite", most)
        if find_postgres() is not None:
            with private_postgres(folder / "postgres") as postgres:
                stores = PostgresStores(postgres.url("bench"))
                measure(folder, stores, "PostgreSQL", most)
                stores.drop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
