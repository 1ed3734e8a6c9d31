"""A wire between services and broker that a test can cut and hold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from ops.processes import LOCALHOST


class Wire:
    """Passes bytes on in both directions."""

    def __init__(self, port: int) -> None:
        self._broker = port
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()

    async def start(self) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._connect, LOCALHOST)

    async def stop(self) -> None:
        """Cut everything and listen no more."""
        assert self._server is not None
        self._server.close()
        self.let_pass()
        self.cut()
        await asyncio.sleep(0)

    def through(self, url: str) -> str:
        """Return the address that leads over this wire."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rsplit(":", 1)[0] + f":{port}"))

    def cut(self) -> int:
        """Cut every connection that stands; return how many."""
        ends, self._ends = self._ends, set()
        for end in ends:
            end.transport.abort()
        return len(ends) // 2

    def hold(self) -> None:
        """Let nothing pass any more, without a word."""
        self._open.clear()

    def let_pass(self) -> None:
        """Let everything pass again."""
        self._open.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(LOCALHOST, self._broker)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer), return_exceptions=True)
        for end in (writer, back):
            self._ends.discard(end)
            end.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._open.wait()
            target.write(data)
            await target.drain()
        target.transport.abort()


@asynccontextmanager
async def wire_to(address: str) -> AsyncIterator[Wire]:
    """Lay a wire to a broker during the block."""
    port = urlsplit(address).port
    assert port is not None
    wire = Wire(port)
    await wire.start()
    try:
        yield wire
    finally:
        await wire.stop()
