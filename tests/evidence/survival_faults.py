"""What breaks from outside while lives are lived: kills, pauses, the broker, the database, the line, the disk."""

import asyncio
import random
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

import aio_pika

from ops.postgres import Postgres
from shared import topology
from shared.topology import SERVICES
from tests.evidence.survival import Fault, Rounds
from tests.system.wire_tap import Wire

BASIC_ACK = b"\x00\x3c\x00\x50"
"""How AMQP says that a message is safe: the broker to a publisher, and a consumer to the broker."""
NO_ROOM = 4096
"""Beyond this many bytes no file can be written: of each database, journal and log there is more."""


@contextmanager
def killed(rounds: Rounds) -> Iterator[Fault]:
    """Kill -9 any service or desk at any time."""

    def kill() -> None:
        rounds.stage.kill(rounds.chance.choice([*SERVICES, *rounds.stage.desks()]))

    yield _now_and_then(rounds, kill, at_most=8)


@contextmanager
def paused(rounds: Rounds, *, longest: float) -> Iterator[Fault]:
    """Stop any service for a while as SIGSTOP does; it goes on without knowing, and its lines may be gone."""

    def pause() -> None:
        process = rounds.stage.running[rounds.chance.choice(SERVICES)]
        process.send_signal(signal.SIGSTOP)
        time.sleep(rounds.chance.uniform(longest / 3, longest))
        process.send_signal(signal.SIGCONT)

    yield _now_and_then(rounds, pause, at_most=4)


@contextmanager
def broker_killed(rounds: Rounds) -> Iterator[Fault]:
    """Kill -9 the broker and start it again."""

    def kill() -> None:
        rounds.stage.broker.kill()
        time.sleep(rounds.chance.uniform(0, 2))
        rounds.stage.broker.restart()

    yield _now_and_then(rounds, kill, at_most=2)


@contextmanager
def postgres_killed(rounds: Rounds, postgres: Postgres) -> Iterator[Fault]:
    """End PostgreSQL as a power failure would and start it again."""

    def kill() -> None:
        postgres.stop()
        time.sleep(rounds.chance.uniform(0, 2))
        postgres.start()

    yield _now_and_then(rounds, kill, at_most=3)


@contextmanager
def cut_before_an_ack(rounds: Rounds) -> Iterator[Fault]:
    """Cut connections at the moment at which a confirmation, or an acknowledgement, is on its way: it never arrives."""
    usual, loop = rounds.stage.broker, asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    wire = _CuttingWire(int(usual.address.rpartition(":")[2]), rounds.chance, at_most=12)
    asyncio.run_coroutine_threadsafe(wire.start(), loop).result()
    rounds.stage.broker = replace(usual, address=wire.through(usual.address))
    try:
        for service in SERVICES:
            rounds.start(service)
        yield rounds.keep_alive
        assert wire.cuts
    finally:
        rounds.stage.broker = usual
        for service in SERVICES:
            rounds.start(service)
        asyncio.run_coroutine_threadsafe(wire.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@contextmanager
def doubled_and_shuffled(rounds: Rounds) -> Iterator[Fault]:
    """While a service is down, take what waits for it and publish it twice, in another order."""

    def shuffle() -> None:
        service = rounds.chance.choice(SERVICES)
        rounds.stage.kill(service)
        time.sleep(rounds.chance.uniform(0.3, 1))
        asyncio.run(_shuffle(rounds, service))

    yield _now_and_then(rounds, shuffle, at_most=5)


@contextmanager
def full_disk(rounds: Rounds) -> Iterator[Fault]:
    """Let a service write nothing any more: not to its database, its keys, its journal, nor its log (RLIMIT_FSIZE)."""

    def fill() -> None:
        pid = rounds.stage.running[rounds.chance.choice(SERVICES)].pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (NO_ROOM, hard))
        time.sleep(rounds.chance.uniform(0.5, 3))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    yield _now_and_then(rounds, fill, at_most=5)


@contextmanager
def memory_alarm(rounds: Rounds) -> Iterator[Fault]:
    """Have the broker believe that its memory is full: it takes nothing from anybody, and goes on delivering."""

    def alarm() -> None:
        _watermark(rounds, "0.000001")
        time.sleep(rounds.chance.uniform(2, 7))
        _watermark(rounds, "0.4")

    yield _now_and_then(rounds, alarm, at_most=2)


def _now_and_then(rounds: Rounds, strike: Callable[[], None], *, at_most: int) -> Fault:
    """Return a fault that strikes so often in a round, at moments drawn by chance; what died is started again."""
    left, due = at_most, time.monotonic() + rounds.chance.uniform(0, 1)

    def fault() -> None:
        nonlocal left, due
        rounds.keep_alive()
        if left and time.monotonic() > due:
            strike()
            rounds.strikes += 1
            left, due = left - 1, time.monotonic() + rounds.chance.uniform(0.2, 2)

    return fault


def _watermark(rounds: Rounds, fraction: str) -> None:
    node = rounds.stage.broker.node
    assert node is not None
    command = [str(node.binary.server.parent / "rabbitmqctl"), "-n", f"{node.name}@localhost"]
    subprocess.run(
        [*command, "set_vm_memory_high_watermark", fraction],
        env=node._environment(),
        cwd=node.folder,
        check=True,
        capture_output=True,
    )


async def _shuffle(rounds: Rounds, service: str) -> None:
    connection = await aio_pika.connect(rounds.stage.broker.amqp_url(service, topology.CARE))
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.get_queue(topology.events_queue(service), ensure=False)
        waiting = []
        while (message := await queue.get(fail=False, timeout=10)) is not None:
            waiting.append(message)
        events = await channel.get_exchange(topology.EVENTS, ensure=False)
        twice = [*waiting, *waiting]
        rounds.chance.shuffle(twice)
        for one in twice:
            copy = aio_pika.Message(one.body, delivery_mode=2, message_id=one.message_id, content_type=one.content_type)
            await events.publish(copy, routing_key=str(one.routing_key))
        for one in waiting:
            await one.ack()


class _CuttingWire(Wire):
    """Cuts a connection instead of passing on that a message is safe, now and then."""

    def __init__(self, port: int, chance: random.Random, *, at_most: int) -> None:
        super().__init__(port)
        self._chance = chance
        self._left = at_most
        self.cuts = 0

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if self._left and BASIC_ACK in data and self._chance.random() < 0.2:
                self._left, self.cuts = self._left - 1, self.cuts + 1
                break
            target.write(data)
            await target.drain()
        target.transport.abort()


FAULTS: Mapping[str, Callable[[Rounds], AbstractContextManager[Fault]]] = {
    "killed at any time": killed,
    "paused for a moment": partial(paused, longest=3),
    "paused beyond every heartbeat": partial(paused, longest=45),
    "broker killed": broker_killed,
    "cut before an ack": cut_before_an_ack,
    "doubled and shuffled": doubled_and_shuffled,
    "memory alarm of the broker": memory_alarm,
}
"""What can be done on either database; PostgreSQL can be killed besides. A full disk stands in docs/survival.md."""
