"""The broker's wall: every account, every operation, every resource, on a real broker."""

import asyncio
from collections.abc import Callable
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import HeadersType
from aiormq.exceptions import ChannelPreconditionFailed

from ops.broker import Broker
from ops.errors import ManagementRefused
from ops.management import Management
from tests.system.paths import Definitions, administrators, leaves_a_vhost, who_reaches
from tests.system.wall import DEFAULT, Resources, connects, designed, outcomes

pytestmark = pytest.mark.system

SERVICES = ("intake", "assessment", "referral", "consent")
CARE = Resources(
    exchanges=("care.events", "care.retry"),
    queues=tuple(f"{service}.{kind}" for service in SERVICES for kind in ("events", "retry.5s", "retry.60s", "parked")),
)
RECIPIENT = Resources(
    exchanges=("requests",), queues=("inbox", "requests.open", "requests.command", "requests.command.parked")
)
ACCOUNTS = (*SERVICES, "operator", "provisioner", "jobcenter-essen", "lvr-klinik")
VHOSTS = ("care", "jobcenter-essen", "lvr-klinik")
ENTERS = {
    ("intake", "care"),
    ("assessment", "care"),
    ("referral", "care"),
    ("consent", "care"),
    ("operator", "care"),
    ("consent", "jobcenter-essen"),
    ("consent", "lvr-klinik"),
    ("jobcenter-essen", "jobcenter-essen"),
    ("lvr-klinik", "lvr-klinik"),
}


@pytest.mark.parametrize("vhost", VHOSTS)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_enters_its_own_zone_and_only_the_gate_enters_two(broker: Broker, account: str, vhost: str) -> None:
    assert connects(broker, account, vhost) is ((account, vhost) in ENTERS)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_events_and_reads_its_own_queues_only(broker: Broker, service: str) -> None:
    table = outcomes(broker, service, "care", CARE)

    writes, reads = ("care.events", "care.retry"), (f"{service}.events", f"{service}.parked")
    assert table == designed(CARE, writes=writes, reads=reads)


def test_the_operator_reads_and_writes_nothing(broker: Broker) -> None:
    table = outcomes(broker, "operator", "care", CARE)

    assert table == designed(CARE, writes=(), reads=())


@pytest.mark.parametrize("recipient", ["jobcenter-essen", "lvr-klinik"])
def test_a_recipient_reads_its_inbox_and_writes_its_requests_only(broker: Broker, recipient: str) -> None:
    table = outcomes(broker, recipient, recipient, RECIPIENT)

    assert table == designed(RECIPIENT, writes=("requests",), reads=("inbox",))


@pytest.mark.parametrize("recipient", ["jobcenter-essen", "lvr-klinik"])
def test_the_gate_answers_and_reads_requests_but_no_inbox(broker: Broker, recipient: str) -> None:
    table = outcomes(broker, "consent", recipient, RECIPIENT)

    reads = ("requests.open", "requests.command", "requests.command.parked")
    assert table == designed(RECIPIENT, writes=(DEFAULT,), reads=reads)


@pytest.mark.parametrize("header", ["CC", "BCC"])
@pytest.mark.parametrize("queue", ["inbox", "requests.command.parked"])
def test_no_header_carries_a_request_into_another_queue(broker: Broker, header: str, queue: str) -> None:
    before = depth(broker, "jobcenter-essen", queue)

    publish(broker, "jobcenter-essen", routing_key=queue, headers={header: [queue, "command.parked"]})

    assert depth(broker, "jobcenter-essen", queue) == before


@pytest.mark.parametrize("vhost", ["jobcenter-essen", "lvr-klinik"])
def test_every_way_into_an_inbox_begins_at_the_gate(broker: Broker, vhost: str) -> None:
    live = broker.admin.get("/api/definitions")

    assert who_reaches(live, vhost, "inbox") == {"consent"}
    assert who_reaches(live, vhost, "requests.command.parked") == {"consent", vhost}  # its own commands, refused
    assert leaves_a_vhost(live) == []
    assert administrators(live) == {"provisioner"}


HOLES: dict[str, Callable[[Definitions], None]] = {
    "a service may write": lambda live: live["permissions"].append(
        {
            "user": "referral",
            "vhost": "jobcenter-essen",
            "configure": "^$",
            "write": "^inbox$|^amq.default$",
            "read": "^$",
        }
    ),
    "a service may configure": lambda live: live["permissions"].append(
        {"user": "referral", "vhost": "jobcenter-essen", "configure": ".*", "write": "^$", "read": "^$"}
    ),
    "requests are bound to the inbox": lambda live: live["bindings"].append(_binding("requests", "inbox", "queue")),
    "requests lead on by another exchange": lambda live: live["bindings"].extend(
        [_binding("requests", "amq.fanout", "exchange"), _binding("amq.fanout", "inbox", "queue")]
    ),
    "what is rejected goes to the inbox": lambda live: live["policies"].append(
        {
            "vhost": "jobcenter-essen",
            "name": "dead",
            "pattern": "^requests",
            "definition": {"dead-letter-exchange": "", "dead-letter-routing-key": "inbox"},
        }
    ),
}


def _binding(source: str, destination: str, kind: str) -> dict[str, Any]:
    here = {"vhost": "jobcenter-essen", "routing_key": "open", "arguments": {}}
    return {**here, "source": source, "destination": destination, "destination_type": kind}


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_in_the_wall_would_be_seen(broker: Broker, hole: str) -> None:
    live = broker.admin.get("/api/definitions")

    HOLES[hole](live)

    assert who_reaches(live, "jobcenter-essen", "inbox") > {"consent"}


def test_a_request_beyond_256_kib_is_refused(broker: Broker) -> None:
    with pytest.raises(ChannelPreconditionFailed):
        publish(broker, "jobcenter-essen", routing_key="command", body=b"x" * (256 * 1024 + 1))


@pytest.mark.parametrize("account", [*SERVICES, "jobcenter-essen", "lvr-klinik"])
def test_no_account_of_the_wire_may_use_the_management_api(broker: Broker, account: str) -> None:
    assert not management(broker, account).is_ready()


def test_the_operator_counts_what_is_parked_but_cannot_fetch_it(broker: Broker) -> None:
    operator = management(broker, "operator")

    counted = operator.get("/api/queues?disable_stats=true&enable_queue_totals=true")
    assert {queue["name"] for queue in counted if "messages" in queue} == set(CARE.queues)
    fetch = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    with pytest.raises(ManagementRefused):
        operator.post("/api/queues/care/intake.parked/get", fetch)


def test_there_is_no_guest_and_no_default_vhost(broker: Broker) -> None:
    vhosts = {vhost["name"] for vhost in broker.admin.get("/api/vhosts")}
    recipients = vhosts - {"care"}  # those of other tests too: each has one vhost and one account, of one name

    assert set(VHOSTS) <= vhosts
    assert "/" not in vhosts
    assert {user["name"] for user in broker.admin.get("/api/users")} == {
        *SERVICES,
        "operator",
        "provisioner",
        *recipients,
    }


def management(broker: Broker, account: str) -> Management:
    return Management(broker.admin.url, account, broker.accounts.password(account))


def depth(broker: Broker, vhost: str, queue: str) -> int:
    return asyncio.run(_depth(broker.amqp_url(vhost, vhost), queue))


def publish(
    broker: Broker, recipient: str, *, routing_key: str, body: bytes = b"", headers: HeadersType | None = None
) -> None:
    asyncio.run(_publish(broker.amqp_url(recipient, recipient), routing_key, body, headers or {}))


async def _depth(url: str, queue: str) -> int:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def _publish(url: str, routing_key: str, body: bytes, headers: HeadersType) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange("requests", ensure=False)
        await exchange.publish(aio_pika.Message(body, headers=headers), routing_key, mandatory=False)
