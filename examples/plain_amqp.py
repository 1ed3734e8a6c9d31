"""Receive what is released to you with an AMQP client and a JOSE library, nothing else.

python3 examples/plain_amqp.py jobcenter-essen.connection.json jobcenter-essen.key.json
"""

import asyncio
import json
import sys
from pathlib import Path
from uuid import uuid4

from aio_pika import Message, connect
from aio_pika.abc import AbstractIncomingMessage
from joserfc.jwe import decrypt_compact
from joserfc.jwk import ECKey


async def receive(connection_file: str, key_file: str) -> None:
    """Open each notice, print its answer, acknowledge it; until stopped."""
    given = json.loads(Path(connection_file).read_text())
    key = ECKey.import_key(json.loads(Path(key_file).read_text()))
    async with await connect(given["broker_url"], heartbeat=10) as connection:
        channel = await connection.channel(on_return_raises=True)
        await channel.set_qos(prefetch_count=1)
        requests = await channel.get_exchange("requests", ensure=False)  # nothing may be declared, not even passively
        answers: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        replies = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await replies.consume(answers.put, no_ack=True)  # on the channel that asks, and before it asks
        inbox = await channel.get_queue("inbox", ensure=False)
        async with inbox.iterator() as notices:
            async for notice in notices:
                question = Message(
                    json.dumps({"open": json.loads(notice.body)["id"]}).encode(),
                    content_type="application/json",
                    user_id=given["account"],
                    reply_to="amq.rabbitmq.reply-to",
                    correlation_id=uuid4().hex,
                )
                async with asyncio.timeout(12):  # whoever gives up starts again: the notice is still in the inbox
                    await requests.publish(question, "open")
                    answer = await answers.get()
                plain = decrypt_compact(answer.body, key, algorithms=["ECDH-ES", "A256GCM"]).plaintext or b""
                print(plain.decode(), flush=True)  # your software stores it here, before it acknowledges
                again = json.loads(plain)["result"] == "try_again"
                await (notice.nack() if again else notice.ack())
    raise ConnectionError("the connection is lost")  # nothing else ends the notices: connect again, with pauses


if __name__ == "__main__":
    asyncio.run(receive(*sys.argv[1:3]))
