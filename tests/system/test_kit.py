"""The kit on the real broker: nothing lost, no effect twice, whatever is killed; and nothing is ever declared."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiormq
import pytest
from sqlalchemy import select

from ops.broker import Broker
from ops.postgres import Postgres
from shared import bus, zone
from shared import receiver as receiving
from shared.contracts.intake import CaseEnded
from shared.service import Service
from shared.zone import ZoneKeys
from tests.shared.builders import NOON, Base, Tally, a_case, fresh_tables, until
from tests.shared.service_files import log_as_a_service
from tests.shared.test_reader import KINDS
from tests.shared.wire import an_envelope
from tests.system.town import CONSUMER, PRODUCER, Town, announcing
from tests.system.wire_tap import wire_to

pytestmark = [pytest.mark.system, pytest.mark.anyio]

TAKEN = "assessment.case_taken.v1"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True, scope="module")
def logs() -> None:
    log_as_a_service()


@pytest.fixture(scope="session")
def operator() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture
async def town(broker: Broker, operator: ThreadPoolExecutor, tmp_path: Path) -> AsyncIterator[Town]:
    async with wire_to(broker.address) as wire:
        made = Town(broker, tmp_path, operator, wire)
        await made.empty_queues()
        yield made


def counted(service: Service) -> Counter[str]:
    """Return how often each case was counted."""
    with service.database.read() as session:
        return Counter({row.name: row.value for row in session.execute(select(Tally)).scalars()})


def once(case_ids: list[str]) -> Counter[str]:
    """Return what has to be counted if each case had its effect once."""
    return Counter(f"opened {case_id}" for case_id in case_ids)


def unsent(service: Service) -> int:
    """Return how many messages wait to be published."""
    with service.database.read() as session:
        return service.outbox.backlog(session).count


def sent_ids(service: Service) -> set[str]:
    """Return the ids of everything that a service announced."""
    table = Base.metadata.tables["outbox"]
    with service.database.read() as session:
        return set(session.execute(select(table.c.message_id)).scalars())


def parked(service: Service) -> Counter[object]:
    """Return why messages are parked."""
    with service.database.read() as session:
        return Counter(row["reason"] for row in service.parking.listed(session))


async def is_ready(service: Service) -> bool:
    """Say whether a service says that it is ready."""
    return bool((await service.ready())["ready"])


async def ready(service: Service, *, seconds: float = 20) -> None:
    """Wait until a service is ready."""
    async with asyncio.timeout(seconds):
        while not await is_ready(service):
            await asyncio.sleep(0.05)


async def all_heard(town: Town, consumer: Service) -> bool:
    """Say whether the listener's queue holds everything that the consumer announced."""
    await until(lambda: unsent(consumer) == 0, seconds=20)
    heard = [line.split() for line in await town.heard()]
    return {message_id for type_, message_id in heard if type_ == TAKEN} == sent_ids(consumer)


async def test_a_case_has_its_effect_once_and_is_passed_on(town: Town) -> None:
    async with town.running(PRODUCER) as producer, town.running(CONSUMER) as consumer:
        case_ids = await producer.writer.run(announcing(40))
        await until(lambda: len(counted(consumer)) == 40)

        assert counted(consumer) == once(case_ids)
        assert await all_heard(town, consumer)
        assert unsent(producer) == 0


async def test_copies_on_the_wire_have_one_effect(town: Town) -> None:
    async with town.running(CONSUMER) as consumer:
        one, other = a_case(), a_case()
        first = an_envelope(one, consumer.zone_keys).to_bytes()
        await town.publish(*[first] * 20, an_envelope(other, consumer.zone_keys).to_bytes())
        await until(lambda: len(counted(consumer)) == 2)
        await until(lambda: unsent(consumer) == 0)

        assert counted(consumer) == once([one.case_id, other.case_id])
        assert len(sent_ids(consumer)) == 2


async def test_what_waited_before_the_start_is_handled_to_the_last(town: Town) -> None:
    zone_keys = ZoneKeys(town.service(CONSUMER).settings.zone_keys_file)
    events = [a_case() for _ in range(150)]
    await town.publish(*(an_envelope(event, zone_keys).to_bytes() for event in events))

    async with town.running(CONSUMER) as consumer:
        await until(lambda: len(counted(consumer)) == 150, seconds=20)

        assert counted(consumer) == once([event.case_id for event in events])


async def test_every_kind_of_malformed_message_is_parked_visible_and_counted(town: Town) -> None:
    async with town.running(CONSUMER) as consumer:
        await town.publish(*(make(consumer.zone_keys) for _, make in KINDS.values()))
        await until(lambda: parked(consumer).total() == len(KINDS))
        state = await consumer.ready()

        assert parked(consumer) == Counter(reason for reason, _ in KINDS.values())
        assert (state["ready"], state["counts"]["parked"]) == (True, len(KINDS))
        assert counted(consumer) == Counter()


async def test_what_the_broker_gave_up_on_is_parked(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(zone, "LOOK_SECONDS", 0)

    async with town.running(CONSUMER) as consumer:
        body = an_envelope(a_case(), consumer.zone_keys).to_bytes()
        zone_file = consumer.settings.zone_keys_file
        content = zone_file.read_bytes()
        zone_file.write_text("")  # neither readable nor malformed: it is given back, until the broker's fuse blows
        await town.publish(body)
        await asyncio.sleep(3)
        zone_file.write_bytes(content)
        await until(lambda: parked(consumer).total() == 1)

        assert parked(consumer) == Counter(["delivery_limit"])


async def test_a_message_that_fails_is_tried_again_after_five_seconds(town: Town) -> None:
    town.cases.fails_with = LookupError()
    event = CaseEnded(case_id="case-0001", person_id="person-12", ended_at=NOON)

    async with town.running(PRODUCER) as producer, town.running(CONSUMER) as consumer:
        await producer.writer.run(announcing(1, lambda: a_case(case_id="case-0001", person_id="person-12")))
        await until(lambda: len(counted(consumer)) == 1)
        await producer.writer.run(announcing(1, lambda: event))
        loop = asyncio.get_running_loop()
        started = loop.time()
        await until(lambda: unsent(producer) == 0)
        await asyncio.sleep(1)
        town.cases.fails_with = None
        await until(lambda: len(counted(consumer)) == 2, seconds=15)

        assert counted(consumer) == Counter(["opened case-0001", "ended case-0001"])
        assert loop.time() - started > 4.5


async def test_a_broker_that_is_down_at_the_start_is_found_when_it_comes(town: Town) -> None:
    town.broker.kill()

    async with town.running(PRODUCER) as producer, town.running(CONSUMER) as consumer:
        case_ids = await producer.writer.run(announcing(20))
        before = await is_ready(consumer)
        await town.restart_broker()
        await ready(consumer)
        await ready(producer)
        await until(lambda: len(counted(consumer)) == 20, seconds=20)

        assert (before, counted(consumer)) == (False, once(case_ids))
        assert await all_heard(town, consumer)


async def test_a_broker_that_is_killed_loses_nothing_and_doubles_no_effect(town: Town) -> None:
    async with town.running(PRODUCER) as producer, town.running(CONSUMER) as consumer:
        await ready(consumer)
        case_ids = await producer.writer.run(announcing(120))
        await until(lambda: len(counted(consumer)) > 30)
        town.broker.kill()
        case_ids += await producer.writer.run(announcing(20))
        await town.restart_broker()
        case_ids += await producer.writer.run(announcing(20))
        await until(lambda: len(counted(consumer)) == 160, seconds=30)

        assert counted(consumer) == once(case_ids)
        assert await all_heard(town, consumer)
        assert await is_ready(consumer)


async def test_connections_that_drop_again_and_again_lose_nothing(town: Town) -> None:
    async with town.running(PRODUCER) as producer, town.running(CONSUMER) as consumer:
        case_ids: list[str] = []
        for _ in range(3):
            await ready(consumer)
            case_ids += await producer.writer.run(announcing(60))
            await until(lambda: len(counted(consumer)) > len(case_ids) - 50)  # noqa: B023 - called at once
            town.wire.cut()
        await until(lambda: len(counted(consumer)) == 180, seconds=40)

        assert counted(consumer) == once(case_ids)
        assert await all_heard(town, consumer)


async def test_a_broker_that_falls_silent_is_left_and_found_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "PUBLISH_SECONDS", 0.5)

    async with town.running(PRODUCER) as producer, town.running(CONSUMER) as consumer:
        await ready(consumer)
        town.wire.hold()
        case_ids = await producer.writer.run(announcing(20))
        await asyncio.sleep(1)
        silent = len(counted(consumer))
        town.wire.let_pass()
        await until(lambda: len(counted(consumer)) == 20, seconds=20)
        await until(lambda: unsent(producer) == 0, seconds=40)

        assert (silent, counted(consumer)) == (0, once(case_ids))


@pytest.fixture
def declarations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every declaration that anybody sends."""
    sent: list[str] = []

    def watched(name: str) -> Callable[..., Any]:  # Any: aiormq's own
        original = getattr(aiormq.Channel, name)

        async def note(*arguments: Any, **options: Any) -> Any:  # Any: see above
            sent.append(name)
            return await original(*arguments, **options)

        return note

    for name in ("queue_declare", "exchange_declare", "queue_bind", "exchange_bind"):
        monkeypatch.setattr(aiormq.Channel, name, watched(name))
    return sent


async def test_nothing_is_declared_at_the_start_nor_after_a_connection_was_lost(
    town: Town, declarations: list[str]
) -> None:
    async with town.running(PRODUCER) as producer, town.running(CONSUMER) as consumer:
        await ready(consumer)
        await producer.writer.run(announcing(5))
        await until(lambda: len(counted(consumer)) == 5)
        town.wire.cut()
        await until(lambda: consumer._subscription is not None and not consumer._subscription.is_up)
        await ready(consumer)
        await producer.writer.run(announcing(5))
        await until(lambda: len(counted(consumer)) == 10)

    assert declarations == []


async def test_a_service_that_is_stopped_handles_what_it_has_begun_and_leaves_the_rest(town: Town) -> None:
    async with town.running(PRODUCER) as producer:
        async with town.running(CONSUMER) as consumer:
            case_ids = await producer.writer.run(announcing(120))
            await until(lambda: len(counted(consumer)) > 30)
        async with town.running(CONSUMER) as consumer:
            await until(lambda: len(counted(consumer)) == 120, seconds=20)

            assert counted(consumer) == once(case_ids)
            assert await all_heard(town, consumer)


async def test_a_database_that_is_out_for_a_while_loses_no_message_and_spends_no_attempt(
    town: Town, postgres: Postgres
) -> None:
    url = postgres.url("town")
    fresh_tables(url)

    async with town.running(PRODUCER) as producer, town.running(CONSUMER, database_url=url) as consumer:
        await ready(consumer)
        postgres.stop()
        try:
            case_ids = await producer.writer.run(announcing(40))
            await until(lambda: unsent(producer) == 0)
            during = await is_ready(consumer)
        finally:
            postgres.start()
        await until(lambda: len(counted(consumer)) == 40, seconds=20)

        assert (during, counted(consumer)) == (False, once(case_ids))
        assert parked(consumer).total() == 0
        await until(lambda: unsent(consumer) == 0, seconds=45)


async def test_what_a_service_committed_before_it_was_killed_is_published_after_its_restart(town: Town) -> None:
    dead = town.start_process(PRODUCER, announce="25")
    assert await asyncio.to_thread(dead.wait, 30) == -signal.SIGKILL

    async with town.running(CONSUMER) as consumer:
        before = len(counted(consumer))
        async with town.running(PRODUCER) as producer:
            await until(lambda: len(counted(consumer)) == 25)
            await until(lambda: unsent(producer) == 0)

        assert (before, set(counted(consumer).values())) == (0, {1})


async def test_a_service_that_is_killed_in_the_middle_loses_nothing_and_doubles_no_effect(town: Town) -> None:
    watcher = town.service(CONSUMER)
    async with town.running(PRODUCER) as producer:
        case_ids = await producer.writer.run(announcing(120))
        process = town.start_process(CONSUMER)
        await until(lambda: len(counted(watcher)) >= 20, seconds=30)
        process.kill()
        process.wait()
        async with town.running(CONSUMER) as consumer:
            await until(lambda: len(counted(consumer)) == 120, seconds=20)

            assert counted(consumer) == once(case_ids)
            assert await all_heard(town, consumer)
            assert parked(consumer).total() == 0
