"""Everything that passes through the broker, as its operator could have it: each message published and delivered."""

from collections import Counter
from dataclasses import dataclass, field

import aio_pika
import httpx2
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from ops.broker import Broker
from shared.topology import PROVISIONER

TRACE = "amq.rabbitmq.trace"


@dataclass(slots=True)
class Firehose:
    """Taps vhosts with an administrator's rights, and looks for a mark in all that it sees."""

    broker: Broker
    mark: bytes
    met: Counter[str] = field(default_factory=Counter)
    _connections: list[AbstractConnection] = field(default_factory=list)

    async def open(self, *vhosts: str) -> None:
        """Begin to listen."""
        for vhost in vhosts:
            self._put(f"/api/permissions/{vhost}/{PROVISIONER}", {"configure": ".*", "write": ".*", "read": ".*"})
            self._put(f"/api/vhosts/{vhost}", {"tracing": True})
            connection = await aio_pika.connect(self.broker.amqp_url(PROVISIONER, vhost))
            self._connections.append(connection)
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=1000)
            queue = await channel.declare_queue(exclusive=True, arguments={"x-max-length": 100_000})
            await queue.bind(await channel.get_exchange(TRACE, ensure=False), routing_key="#")
            await queue.consume(self._look, no_ack=True)

    async def close(self) -> None:
        """Stop listening."""
        for connection in self._connections:
            await connection.close()

    async def _look(self, message: AbstractIncomingMessage) -> None:
        self.met["messages"] += 1
        if self.mark in message.body or self.mark in repr(message.headers).encode():
            self.met["hits"] += 1

    def _put(self, path: str, body: dict[str, object]) -> None:
        admin = self.broker.admin
        answer = httpx2.put(admin.url.rstrip("/") + path, json=body, auth=(admin.user, admin.password), timeout=30)
        answer.raise_for_status()
