"""A line to the real broker: what was not confirmed is an error in time, and the line comes back by itself."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.exceptions import DeliveryError

from ops.broker import Broker
from shared import bus, topology
from shared.bus import Line, Subscription
from shared.outbox import random_id
from tests.shared.builders import until
from tests.shared.service_files import log_as_a_service
from tests.system.town import PRODUCER
from tests.system.wire_tap import wire_to

pytestmark = [pytest.mark.system, pytest.mark.anyio]

KEY = "intake.case_opened.v1"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True, scope="module")
def logs() -> None:
    log_as_a_service()


@pytest.fixture
async def line(broker: Broker) -> AsyncIterator[Line]:
    opened = Line(broker.amqp_url(PRODUCER, topology.CARE), name="test")
    opened.start()
    await until(lambda: opened.is_up)
    yield opened
    await opened.stop()


def a_message(body: bytes = b"{}") -> aio_pika.Message:
    """Return something to publish."""
    return aio_pika.Message(body, delivery_mode=2, message_id=random_id())


async def test_a_message_that_reaches_no_queue_is_noticed(line: Line) -> None:
    with pytest.raises(DeliveryError):
        await line.publish(a_message(), exchange=topology.EVENTS, routing_key="intake_without_a_queue")

    await line.publish(a_message(), exchange=topology.EVENTS, routing_key=KEY)


@pytest.mark.parametrize(("exchange", "key"), [("no.such.exchange", "x"), ("amq.topic", "x"), ("", "intake.events")])
async def test_a_refused_publish_is_an_error_and_the_line_comes_back(line: Line, exchange: str, key: str) -> None:
    with pytest.raises(bus.BrokerTrouble):
        await line.publish(a_message(), exchange=exchange, routing_key=key)

    await until(lambda: line.is_up)
    await line.publish(a_message(), exchange=topology.EVENTS, routing_key=KEY)


async def test_a_message_that_is_too_large_is_an_error_and_the_line_comes_back(line: Line) -> None:
    too_large = bytes(topology.MAX_MESSAGE_BYTES + 1)

    with pytest.raises(bus.BrokerTrouble):
        await line.publish(a_message(too_large), exchange=topology.EVENTS, routing_key=KEY)

    await until(lambda: line.is_up)


async def test_a_broker_that_stalls_is_not_waited_for(
    broker: Broker, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "PUBLISH_SECONDS", 0.5)
    node = broker.node
    assert node is not None
    assert node._server is not None

    os.killpg(node._server.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(3):
            with pytest.raises(TimeoutError):
                await line.publish(a_message(), exchange=topology.EVENTS, routing_key=KEY)
    finally:
        os.killpg(node._server.pid, signal.SIGCONT)

    await until(lambda: line.is_up)
    await line.publish(a_message(), exchange=topology.EVENTS, routing_key=KEY)


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[None]:
    """See that no task of the block outlives it."""
    before = asyncio.all_tasks()
    yield
    await until(lambda: asyncio.all_tasks() <= before, seconds=5)


async def test_a_line_that_is_stopped_while_it_connects_leaves_nothing_behind(broker: Broker) -> None:
    async with nothing_left_behind(), wire_to(broker.address) as wire:
        wire.hold()
        line = Line(wire.through(broker.amqp_url(PRODUCER, topology.CARE)), name="test")
        line.start()
        await asyncio.sleep(0.2)
        await line.stop()


async def test_a_subscription_that_is_stopped_while_it_connects_leaves_nothing_behind(broker: Broker) -> None:
    async with nothing_left_behind(), wire_to(broker.address) as wire:
        wire.hold()
        subscription = Subscription(wire.through(broker.amqp_url(PRODUCER, topology.CARE)))
        subscription.start()
        await asyncio.sleep(0.2)
        await subscription.stop()


async def test_a_line_to_nowhere_is_stopped_at_once() -> None:
    async with nothing_left_behind(), asyncio.timeout(5):
        line = Line("amqp://nobody:nothing@127.0.0.1:9/care", name="test")
        line.start()
        await asyncio.sleep(0.2)
        await line.stop()
