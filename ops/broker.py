"""The broker that a stage uses: a private node, unless one was named that runs already."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from ops.accounts import Accounts
from ops.broker_binary import find_broker_binary
from ops.broker_node import SETTLE_SECONDS, Node, Ports
from ops.definitions import Definitions, care_definitions, merge, recipient_definitions
from ops.errors import ForeignBroker, StageNotRunning
from ops.management import Management
from ops.processes import LOCALHOST, termination_as_exit
from ops.recipient import Registration
from ops.run_folder import run_folder, write_private
from shared.topology import Version

Tell = Callable[[str], None]

BROKER_URL: Final = "GESEHEN_BROKER_URL"
ADMIN_URL: Final = "GESEHEN_BROKER_ADMIN_URL"
STATE: Final = "broker.json"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, who may declare on it, and the passwords of its accounts."""

    address: str  # amqp://host:port
    admin: Management  # with the provisioner's credentials
    version: Version
    accounts: Accounts
    node: Node | None = None

    def amqp_url(self, account: str, vhost: str) -> str:
        """Return the address at which an account reaches a vhost, password included."""
        scheme, place = self.address.split("://", 1)
        return f"{scheme}://{quote(account)}:{quote(self.accounts.password(account))}@{place}/{quote(vhost, safe='')}"

    def declare(self, definitions: Definitions) -> None:
        """Add definitions to the running broker and wait until they would survive its end."""
        self.admin.post("/api/definitions", definitions)
        self.admin.wait_for_queues()
        time.sleep(SETTLE_SECONDS)

    def kill(self) -> None:
        """End the private node as `kill -9` does."""
        self._own_node().kill()

    def restart(self) -> None:
        """Start the private node again, with its data and on its ports; return when it is ready."""
        node = self._own_node()
        node.stop()
        node.start()

    def _own_node(self) -> Node:
        if self.node is None:
            raise ForeignBroker("only a node that was started here can be killed or restarted")
        return self.node


@contextmanager
def private_broker(
    stage_folder: Path, *, recipients: Iterable[Registration] = (), ports: Ports | None = None, tell: Tell = print
) -> Iterator[Broker]:
    """Give a broker with the whole topology on it. A private node ends with the block, however the block ends.

    With `GESEHEN_BROKER_URL` set it is the broker that runs there; it gets the topology and is left running.
    """
    accounts = Accounts(stage_folder / "accounts.json")
    names = [registration.recipient_id for registration in recipients]
    if os.environ.get(BROKER_URL):
        broker = _named_broker(accounts)
        broker.declare(all_definitions(accounts, names, version=broker.version, with_provisioner=False))
        yield broker
        return
    binary = find_broker_binary(run_folder() / "broker", tell=tell)
    node = Node(binary, stage_folder / "broker", ports or Ports.free(), accounts)
    broker = Broker(f"amqp://{LOCALHOST}:{node.ports.amqp}", node.management, binary.version, accounts, node)
    tell(f"broker: starting a private RabbitMQ {'.'.join(map(str, binary.version))} on port {node.ports.amqp} ...")
    with termination_as_exit():
        try:
            node.create(all_definitions(accounts, names, version=binary.version, with_provisioner=True))
            _remember(broker, stage_folder)
            yield broker
        finally:
            (stage_folder / STATE).unlink(missing_ok=True)
            node.stop()


def running_broker(stage_folder: Path) -> Broker:
    """Return the broker that is named, else the one that a stage runs with: for a command beside it."""
    accounts = Accounts(stage_folder / "accounts.json")
    if os.environ.get(BROKER_URL):
        return _named_broker(accounts)
    state = stage_folder / STATE
    if not state.exists():
        raise StageNotRunning(stage_folder.name, otherwise=f"name a broker with {BROKER_URL}")
    said = json.loads(state.read_text())
    return Broker(said["address"], Management(**said["management"]), tuple(said["version"]), accounts)


def all_definitions(
    accounts: Accounts, recipient_ids: Iterable[str], *, version: Version, with_provisioner: bool
) -> Definitions:
    """Return the care circle and these recipients."""
    care = care_definitions(version=version, password=accounts.password, with_provisioner=with_provisioner)
    others = (recipient_definitions(one, version=version, password=accounts.password) for one in recipient_ids)
    return merge([care, *others])


def _named_broker(accounts: Accounts) -> Broker:
    place = urlsplit(os.environ[BROKER_URL])
    admin = urlsplit(os.environ.get(ADMIN_URL, ""))
    if not (place.hostname and admin.hostname and admin.username):
        raise ForeignBroker(f"{BROKER_URL} (amqp://host:port) needs {ADMIN_URL} (http://user:password@host:port)")
    url = f"{admin.scheme}://{admin.netloc.rpartition('@')[2]}{admin.path}"
    management = Management(url, unquote(admin.username), unquote(admin.password or ""))
    version = tuple(int(number) for number in management.get("/api/overview")["rabbitmq_version"].split(".")[:3])
    return Broker(f"{place.scheme}://{place.netloc.rpartition('@')[2]}", management, version, accounts)


def _remember(broker: Broker, stage_folder: Path) -> None:
    api = broker.admin
    state = {
        "address": broker.address,
        "version": broker.version,
        "management": {"url": api.url, "user": api.user, "password": api.password},
    }
    write_private(stage_folder / STATE, json.dumps(state, indent=2))
