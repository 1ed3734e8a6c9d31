"""The private node: what it keeps, and that nothing of it stays behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aio_pika
import aiormq
import pytest

from ops.broker import Broker, private_broker, running_broker
from ops.broker_node import Ports
from ops.errors import DiskFull, ForeignBroker, NodeDidNotBoot, OpsError, PortBusy, StageNotRunning
from ops.processes import ensure_disk
from ops.provision import add_recipient, connection_file, remove_recipient
from ops.run_folder import CHECKOUT
from tests.system.recipients import a_public_key, a_registration
from tests.system.wall import connects

pytestmark = pytest.mark.system

LAUNCHER = """
import signal, sys, time
from pathlib import Path
from ops.broker import private_broker
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born with it ignored
with private_broker(Path(sys.argv[1]), tell=lambda _: None):
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return tmp_path / "stage"


@pytest.fixture
def a_busy_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_confirmed_messages_survive_kill_9_and_the_end_leaves_no_process(stage: Path) -> None:
    with private_broker(stage, recipients=[a_registration("lvr-klinik")]) as broker:
        sent = [f"command-{number}" for number in range(20)]
        asyncio.run(send(broker, sent))

        broker.kill()
        broker.restart()

        assert asyncio.run(received(broker, len(sent))) == sent
        assert processes_of(stage)
    assert processes_of(stage) == []
    with pytest.raises(StageNotRunning):
        running_broker(stage)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_node_and_its_epmd_end_with_their_launcher(stage: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(stage)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == "ready\n"

        launcher.send_signal(number)
        launcher.wait(30)

    assert left_after(stage, seconds=30) == []


def test_a_busy_port_is_named_and_nothing_is_left_running(stage: Path, a_busy_port: int) -> None:
    ports = replace(Ports.free(), amqp=a_busy_port)

    with pytest.raises(PortBusy, match=rf"port {a_busy_port} .*AMQP"), private_broker(stage, ports=ports):
        pytest.fail("must not start")

    assert processes_of(stage) == []


def test_a_node_that_does_not_boot_shows_its_last_lines_and_leaves_nothing(stage: Path) -> None:
    ports = Ports.free()

    with (
        pytest.raises(NodeDidNotBoot, match=r"ended while booting\nLast lines of(.|\n)*could not bind"),
        private_broker(stage, ports=replace(ports, distribution=ports.epmd)),  # two listeners, one port
    ):
        pytest.fail("must not start")

    assert processes_of(stage) == []


def test_a_full_disk_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="MB free"):
        ensure_disk(tmp_path, needed_mb=10**9)


def test_an_address_without_an_administrator_is_no_named_broker(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GESEHEN_BROKER_URL", "amqp://127.0.0.1:1")
    monkeypatch.delenv("GESEHEN_BROKER_ADMIN_URL", raising=False)

    with pytest.raises(ForeignBroker, match="GESEHEN_BROKER_ADMIN_URL"), private_broker(stage):
        pytest.fail("must not start")


def test_a_named_broker_that_does_not_answer_is_a_clear_error(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GESEHEN_BROKER_URL", "amqp://127.0.0.1:1")
    monkeypatch.setenv("GESEHEN_BROKER_ADMIN_URL", "http://admin:secret@127.0.0.1:1")

    with pytest.raises(OpsError, match=r"no answer .* at http://127\.0\.0\.1:1 "):
        private_broker(stage).__enter__()


def test_a_named_broker_gets_the_topology_and_is_left_running(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = broker.admin.url.replace("://", f"://{broker.admin.user}:{broker.admin.password}@")
    monkeypatch.setenv("GESEHEN_BROKER_URL", broker.address)
    monkeypatch.setenv("GESEHEN_BROKER_ADMIN_URL", admin)

    with private_broker(broker.accounts.path.parent, recipients=[a_registration("named-only")]) as named:
        entered = connects(named, "named-only", "named-only")
        with pytest.raises(ForeignBroker):
            named.kill()
    remove_recipient(broker, "named-only", folder=broker.accounts.path.parent)

    assert entered
    assert connects(broker, "intake", "care")


def test_a_recipient_comes_and_goes_on_a_running_broker(broker: Broker, tmp_path: Path) -> None:
    registered, gate_key = a_registration("schuldnerhilfe"), a_public_key()
    add_recipient(broker, registered, gate_public_key=gate_key, folder=tmp_path)
    add_recipient(broker, registered, gate_public_key=gate_key, folder=tmp_path)  # again changes nothing

    closed = asyncio.run(closed_by_removal(broker, "schuldnerhilfe", folder=tmp_path))

    assert closed
    assert not connection_file(tmp_path, "schuldnerhilfe").exists()
    assert "schuldnerhilfe" not in {vhost["name"] for vhost in broker.admin.get("/api/vhosts")}
    assert not remove_recipient(broker, "schuldnerhilfe", folder=tmp_path)  # nothing was there any more


def test_only_the_owner_reads_what_holds_passwords(broker: Broker, tmp_path: Path) -> None:
    connection = add_recipient(
        broker, a_registration("lvr-klinik"), gate_public_key=a_public_key(), folder=tmp_path / "handover"
    )

    secret = [connection, broker.accounts.path, broker.accounts.path.parent / "broker.json"]
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}


async def send(broker: Broker, texts: list[str]) -> None:
    async with await aio_pika.connect(broker.amqp_url("lvr-klinik", "lvr-klinik")) as connection:
        exchange = await (await connection.channel()).get_exchange("requests", ensure=False)
        for text in texts:
            message = aio_pika.Message(text.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await exchange.publish(message, "command")


async def received(broker: Broker, count: int) -> list[str]:
    async with await aio_pika.connect(broker.amqp_url("consent", "lvr-klinik")) as connection:
        queue = await (await connection.channel()).get_queue("requests.command", ensure=False)
        return [(await queue.get(no_ack=True, timeout=10)).body.decode() for _ in range(count)]


async def closed_by_removal(broker: Broker, name: str, *, folder: Path) -> bool:
    connection = await aiormq.connect(broker.amqp_url(name, name))
    channel = await connection.channel()
    await channel.basic_consume("inbox", ignore)
    remove_recipient(broker, name, folder=folder)
    await asyncio.wait([connection.closing], timeout=10)
    return connection.is_closed


async def ignore(_message: object) -> None:
    return


def left_after(stage: Path, *, seconds: float) -> list[str]:
    """Return what is left once it is nothing, or when the time is up."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(stage)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def processes_of(stage: Path) -> list[str]:
    """Return the processes that were started with this stage in their environment: node, epmd and their children."""
    return [found for process in Path("/proc").glob("[0-9]*") if (found := belongs(process, stage))]


def belongs(process: Path, stage: Path) -> str:
    try:
        environment = (process / "environ").read_bytes()
        name = (process / "comm").read_text().strip()
    except OSError:  # gone, or of another user
        return ""
    return name if os.fsencode(stage) in environment else ""
