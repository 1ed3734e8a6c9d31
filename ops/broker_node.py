"""A private RabbitMQ node: own name, cookie, ports, data and epmd; nothing of it is left when it stops."""

import json
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops.accounts import Accounts
from ops.broker_binary import BrokerBinary
from ops.definitions import Definitions
from ops.errors import NodeDidNotBoot, OpsError, PortBusy
from ops.management import Management
from ops.processes import LOCALHOST, ensure_disk, free_ports, is_free, kill, last_lines, start, stop
from ops.run_folder import private_folder, write_private
from shared.topology import MAX_MESSAGE_BYTES, PROVISIONER

NEEDED_MB: Final = 300
BOOT_SECONDS: Final = 90
# A kill -9 within about a second of declaring a quorum queue brings it back empty and leaderless.
SETTLE_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one node, all on 127.0.0.1."""

    amqp: int
    management: int
    distribution: int
    epmd: int

    @classmethod
    def free(cls) -> "Ports":
        """Pick ports that nobody uses now."""
        return cls(*free_ports(4))

    def ensure_free(self) -> None:
        """Refuse ports that are taken, before anything is started."""
        uses = {"AMQP": self.amqp, "management": self.management, "Erlang": self.distribution, "epmd": self.epmd}
        for purpose, port in uses.items():
            if not is_free(port):
                raise PortBusy(port, f"the private broker ({purpose})")


@dataclass(slots=True)
class Node:
    """One node and its epmd, from start to stop."""

    binary: BrokerBinary
    folder: Path
    ports: Ports
    accounts: Accounts
    name: str = field(default_factory=lambda: f"gesehen-{secrets.token_hex(4)}")
    _epmd: subprocess.Popen[bytes] | None = None
    _server: subprocess.Popen[bytes] | None = None

    @property
    def management(self) -> Management:
        """The management API, as the provisioner."""
        url = f"http://{LOCALHOST}:{self.ports.management}"
        return Management(url, PROVISIONER, self.accounts.password(PROVISIONER))

    def create(self, definitions: Definitions) -> None:
        """Start afresh: an empty node with these definitions, ready and settled."""
        private_folder(self.folder)
        ensure_disk(self.folder, needed_mb=NEEDED_MB)
        for old in ("data", "log"):
            shutil.rmtree(self.folder / old, ignore_errors=True)
            private_folder(self.folder / old)
        write_private(self.folder / "definitions.json", json.dumps(definitions))
        write_private(self.folder / "rabbitmq.conf", self._config())
        write_private(self.folder / "enabled_plugins", "[rabbitmq_management].\n")
        write_private(self.folder / "rabbitmq-env.conf", "")  # keeps the machine's own file out
        self.start(queues=len(definitions["queues"]))
        time.sleep(SETTLE_SECONDS)

    def start(self, *, queues: int = 1) -> None:
        """Start with the data that is there; return when all queues have a leader. A failure leaves nothing running."""
        self.ports.ensure_free()
        try:
            self._epmd = self._spawn([self.binary.epmd, "-port", str(self.ports.epmd), "-address", LOCALHOST], "epmd")
            self._server = self._spawn([self.binary.server], "server")
            self._wait_until_ready(queues)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the node, then its epmd."""
        for process in (self._server, self._epmd):
            if process is not None:
                stop(process, patience=2)  # whatever it would still write is thrown away by the next start
        self._server = self._epmd = None

    def kill(self) -> None:
        """End the node as `kill -9` does, for tests; its data stays."""
        if self._server is not None:
            kill(self._server)
        if self._epmd is not None:
            kill(self._epmd)
        self._server = self._epmd = None

    def _spawn(self, command: list[str | Path], log: str) -> subprocess.Popen[bytes]:
        return start(command, env=self._environment(), cwd=self.folder, log=self.folder / "log" / f"{log}.out")

    def _environment(self) -> dict[str, str]:
        """Everything the node reads: nothing is inherited, so no setting of the machine's own broker gets in."""
        here = self.folder
        return {
            "PATH": f"{self.binary.erl.parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(here),  # Erlang keeps its cookie there
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": LOCALHOST,
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(here / "rabbitmq-env.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_LOGS": str(here / "log" / "broker.log"),
            "RABBITMQ_PID_FILE": str(here / "data" / "pid"),
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the node instead of watching over it: one process
        }

    def _config(self) -> str:
        settings = {
            "listeners.tcp.1": f"{LOCALHOST}:{self.ports.amqp}",
            "management.tcp.ip": LOCALHOST,
            "management.tcp.port": self.ports.management,
            "load_definitions": self.folder / "definitions.json",
            "max_message_size": MAX_MESSAGE_BYTES,
            "disk_free_limit.absolute": "100MB",
            "raft.wal_max_size_bytes": 64 * 1024 * 1024,
            "log.file.level": "info",
        }
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _wait_until_ready(self, queues: int) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._is_ready(queues):
            if self._server is None or self._server.poll() is not None:
                raise self._did_not_boot("it ended while booting")
            if time.monotonic() > deadline:
                raise self._did_not_boot(f"it was not ready after {BOOT_SECONDS} seconds")
            time.sleep(0.1)

    def _is_ready(self, queues: int) -> bool:
        if is_free(self.ports.amqp) or is_free(self.ports.management):  # asking first costs next to nothing
            return False
        api = self.management
        try:
            return api.is_ready() and api.listens_on(self.ports.amqp) and api.every_queue_runs(at_least=queues)
        except OpsError:
            return False

    def _did_not_boot(self, reason: str) -> NodeDidNotBoot:
        log = self.folder / "log" / "broker.log"
        return NodeDidNotBoot(reason, log=log, last_lines=last_lines(log, self.folder / "log" / "server.out"))
