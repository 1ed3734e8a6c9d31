"""Try everything that an AMQP account can ask for, and say for each what the broker made of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiormq
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelPreconditionFailed
from pamqp.commands import Basic

from ops.broker import Broker

Attempt = Callable[[AbstractChannel], Awaitable[object]]
Cell = tuple[str, str]  # operation, resource
DEFAULT = "the default exchange"
PREDEFINED = ("amq.topic", "amq.direct", "amq.fanout", "amq.headers")


@dataclass(frozen=True, slots=True)
class Resources:
    """What there is in a vhost."""

    exchanges: tuple[str, ...]
    queues: tuple[str, ...]


def outcomes(broker: Broker, account: str, vhost: str, resources: Resources) -> dict[Cell, str]:
    """Try every operation on every resource as that account."""
    return asyncio.run(_try_all(broker.amqp_url(account, vhost), account, resources))


def designed(resources: Resources, *, writes: tuple[str, ...], reads: tuple[str, ...]) -> dict[Cell, str]:
    """Say what should come out if the account may write to these exchanges and read these queues, and nothing else."""
    table = dict.fromkeys(_cells("", resources), "refused")
    for exchange in writes:
        table |= {("publish", exchange): "allowed", ("publish as itself", exchange): "allowed"}
        table[("publish as another", exchange)] = "refused as forged"
    for queue in reads:
        table |= {(operation, queue): "allowed" for operation in ("consume", "get", "purge")}
    # Before 4.2.6 the broker asks for no permission here: it shows the backlog of the own vhost.
    return table | {("ask about", queue): "allowed" for queue in resources.queues}


def connects(broker: Broker, account: str, vhost: str) -> bool:
    """Tell whether the account may enter the vhost at all."""
    return asyncio.run(_connects(broker.amqp_url(account, vhost)))


async def _try_all(url: str, account: str, resources: Resources) -> dict[Cell, str]:
    connection = await aiormq.connect(url)
    try:
        return {cell: await _outcome(connection, attempt) for cell, attempt in _cells(account, resources).items()}
    finally:
        await connection.close()


async def _outcome(connection: AbstractConnection, attempt: Attempt) -> str:
    """Use a channel of its own: a refusal closes it."""
    channel = await connection.channel()
    try:
        await attempt(channel)
    except ChannelAccessRefused:
        return "refused"
    except ChannelPreconditionFailed:
        return "refused as forged"
    finally:
        await channel.close()
    return "allowed"


def _cells(account: str, resources: Resources) -> Mapping[Cell, Attempt]:
    cells: dict[Cell, Attempt] = {("declare", "a queue of its own"): lambda c: c.queue_declare("", exclusive=True)}
    for exchange in (*resources.exchanges, "", *PREDEFINED):
        cells |= _exchange_cells(exchange, account, resources.queues[0])
    for queue in resources.queues:
        cells |= _queue_cells(queue, resources.exchanges[0])
    return cells


def _exchange_cells(exchange: str, account: str, queue: str) -> dict[Cell, Attempt]:
    """Publish where nothing is bound: the permission is what is asked for, and no queue fills up."""
    name = exchange or DEFAULT
    other = "lvr-klinik" if account != "lvr-klinik" else "jobcenter-essen"
    return {
        ("publish", name): lambda c: _publish(c, exchange, Basic.Properties()),
        ("publish as another", name): lambda c: _publish(c, exchange, Basic.Properties(user_id=other)),
        ("publish as itself", name): lambda c: _publish(c, exchange, Basic.Properties(user_id=account)),
        ("declare", name): lambda c: c.exchange_declare(exchange or "new", exchange_type="fanout"),
        ("delete", name): lambda c: c.exchange_delete(exchange),
        ("bind an exchange to", name): lambda c: c.exchange_bind("amq.fanout", exchange, routing_key="#"),
        ("unbind a queue from", name): lambda c: c.queue_unbind(queue, exchange, routing_key="#"),
    }


def _queue_cells(queue: str, exchange: str) -> dict[Cell, Attempt]:
    return {
        ("consume", queue): lambda c: c.basic_consume(queue, _ignore),
        ("get", queue): lambda c: c.basic_get(queue),
        ("purge", queue): lambda c: c.queue_purge(queue),
        ("declare", queue): lambda c: c.queue_declare(queue, durable=True),
        ("ask about", queue): lambda c: c.queue_declare(queue, passive=True),
        ("bind", queue): lambda c: c.queue_bind(queue, exchange, routing_key="#"),
        ("bind to amq.topic", queue): lambda c: c.queue_bind(queue, "amq.topic", routing_key="#"),
        ("delete", queue): lambda c: c.queue_delete(queue),
    }


async def _publish(channel: AbstractChannel, exchange: str, properties: Basic.Properties) -> None:
    await channel.basic_publish(b"", exchange=exchange, routing_key="nowhere", properties=properties)


async def _ignore(_message: object) -> None:
    return


async def _connects(url: str) -> bool:
    try:
        connection = await aiormq.connect(url)
    except AMQPError:
        return False
    await connection.close()
    return True
