"""A gate that speaks the wire format and decides nothing: it answers what a test laid out for it."""

import json
import secrets
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from joserfc.jwe import decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey

ALGORITHMS = ["ECDH-ES", "A256GCM"]


class FakeGate:
    """Works in one recipient's vhost under the account `consent`."""

    def __init__(self, broker_url: str, *, key: ECKey, recipient_key: ECKey) -> None:
        self._broker_url = broker_url
        self._key = key
        self._recipient_key = recipient_key
        self.answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
        """Per notice what to answer, one after the other; the last one for ever; none: empty."""
        self.replies: list[dict[str, Any]] = []
        """What to say to the coming commands, then: received."""
        self.openings: list[tuple[str | None, str]] = []
        """Account and notice of every opening."""
        self.commands: list[dict[str, Any]] = []
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self._broker_url)
        self._channel = await self._connection.channel()
        for name, take in (("requests.open", self._on_open), ("requests.command", self._on_command)):
            queue = await self._channel.get_queue(name, ensure=False)
            await queue.consume(take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def notify(self, *answers: dict[str, Any], notice: str | None = None) -> str:
        """Send a notice that is answered so; return its id."""
        notice = notice or secrets.token_urlsafe(32)
        self.answers[notice] += [{"notice": notice} | answer for answer in answers]
        event = {"specversion": "1.0", "id": notice, "type": "org.gesehen.notice.v1", "source": "urn:gesehen:gate"}
        await self._publish(
            aio_pika.Message(
                json.dumps(event, separators=(",", ":")).encode(),
                delivery_mode=2,
                content_type="application/cloudevents+json",
                message_id=notice,
            ),
            routing_key="inbox",
        )
        return notice

    async def _on_open(self, message: AbstractIncomingMessage) -> None:
        notice = json.loads(message.body)["open"]
        self.openings.append((message.user_id, notice))
        waiting = self.answers[notice]
        answer = {"result": "empty"} if not waiting else waiting.pop(0) if len(waiting) > 1 else waiting[0]
        await self._answer(message, answer)

    async def _on_command(self, message: AbstractIncomingMessage) -> None:
        plaintext = decrypt_compact(message.body, self._key, algorithms=ALGORITHMS).plaintext
        command = json.loads(plaintext or b"")
        self.commands.append(command)
        reply = self.replies.pop(0) if self.replies else {"result": "received"}
        await self._answer(message, {"command_id": command["command_id"]} | reply)

    async def _answer(self, request: AbstractIncomingMessage, answer: dict[str, Any]) -> None:
        assert request.reply_to is not None
        assert request.reply_to.startswith("amq.rabbitmq.reply-to.")
        protected = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": self._recipient_key.thumbprint()}
        sealed = encrypt_compact(protected, json.dumps(answer), self._recipient_key, algorithms=ALGORITHMS)
        await self._publish(
            aio_pika.Message(sealed.encode(), content_type="application/jose", correlation_id=request.correlation_id),
            routing_key=request.reply_to,
            mandatory=False,
        )
        await request.ack()

    async def _publish(self, message: aio_pika.Message, *, routing_key: str, mandatory: bool = True) -> None:
        assert self._channel is not None
        await self._channel.default_exchange.publish(message, routing_key, mandatory=mandatory)


def released(*, sequence: int, reference: str = "E-1", release_id: str = "r-1", **categories: Any) -> dict[str, Any]:
    """Return an answer with content, for the Jobcenter."""
    content = {"type": "jobcenter.situation.v1", "reference": reference, **categories}
    return {"result": "released", "release_id": release_id, "sequence": sequence, "released": content}


def retracted(release_id: str = "r-1") -> dict[str, Any]:
    """Return the answer that takes it back."""
    return {"result": "retracted", "release_id": release_id}
