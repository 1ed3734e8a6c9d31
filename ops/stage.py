"""A stage: a private broker, four services and the desks of outside parties, each a process with an account of its own.

Everything lies in one folder of the run folder and ends with the `with` block, however that ends.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from ops import processes, signing_key, stage_secrets, zone_keys
from ops.broker import Broker, private_broker
from ops.errors import OpsError
from ops.gate import Gate
from ops.management import Management
from ops.operator_file import NAME as OPERATOR_FILE
from ops.operator_file import OperatorFile
from ops.provision import write_connection
from ops.recipient import Registration, registration, years_after
from ops.run_folder import CHECKOUT, private_folder, stage_folder, write_private
from ops.stage_databases import migrate
from ops.stage_lock import only_one
from shared.topology import CARE, OPERATOR, SERVICES
from shared.town import USUAL

Tell = Callable[[str], None]

READY_SECONDS: Final = 60
NEEDED_MB: Final = 400  # the broker refuses to start with less than 300; the rest is for databases and logs
TOWN: Final = USUAL
DESKS: Final = {
    "jobcenter": "examples.jobcenter_desk",
    "provider": "examples.provider_desk",
    "steering": "examples.steering_desk",
}
ROLE_OF: Final = {
    "intake": "intake_worker",
    "assessment": "assessor",
    "referral": "assessor",
    "consent": "person_desk",
}


class NotReady(OpsError):
    """Raised when a process of the stage does not come up; its last log lines say why."""

    code = "not_ready"

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(f"{name} did not become ready; {log} ends with\n{processes.last_lines(log)}")


@dataclass(slots=True)
class Stage:
    """What runs, and how to reach it."""

    folder: Path
    broker: Broker
    recipients: list[dict[str, Any]]  # Any: JSON values of recipients.json
    tokens: dict[str, str]
    town: Path = TOWN
    """The folder of the town that is played."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the services that are not the usual ones."""
    database_urls: Mapping[str, str] = field(default_factory=dict)
    """Where a service keeps its database, if not in a file of the stage."""
    ports: dict[str, int] = field(default_factory=dict)
    metrics_ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Return the base URL of a service or a desk."""
        return f"http://{processes.LOCALHOST}:{self.ports[name]}"

    def log(self, name: str) -> Path:
        """Return the log of a process."""
        return self.folder / "logs" / f"{name}.log"

    def database(self, service: str) -> Path:
        """Return the SQLite file of a service."""
        return self.folder / "data" / f"{service}.sqlite"

    def database_url(self, service: str) -> str:
        """Return the address of a service's database."""
        return self.database_urls.get(service) or f"sqlite:///{self.database(service)}"

    def start(self, name: str) -> None:
        """Start a service or a desk by name."""
        command, env = self._service(name) if name in SERVICES else self._desk(name)
        self.running[name] = processes.start(command, env=env, cwd=CHECKOUT, log=self.log(name))

    def kill(self, name: str) -> None:
        """End a process as `kill -9` does."""
        processes.kill(self.running[name])

    def wait_until_ready(self, *names: str) -> None:
        """Wait until each answers that it is ready; raise NotReady otherwise."""
        until = time.monotonic() + READY_SECONDS
        for name in names:
            path = "/ready" if name in SERVICES else "/health"
            while not is_ok(self.url(name) + path):
                if time.monotonic() > until or self.running[name].poll() is not None:
                    raise NotReady(name, self.log(name))
                time.sleep(0.05)

    def desks(self) -> list[str]:
        """Return the names of the outside parties."""
        return [str(item["recipient_id"]) for item in self.recipients]

    def _service(self, name: str) -> tuple[list[str], dict[str, str]]:
        port = str(self.ports[name])
        uvicorn = [sys.executable, "-m", "uvicorn", f"services.{name}.app:create_app", "--factory"]
        command = [*uvicorn, "--host", processes.LOCALHOST, "--port", port, "--no-access-log", "--log-level", "warning"]
        keys = self.folder / "keys"
        env = {
            "DATABASE_URL": self.database_url(name),
            "KEY_STORE_URL": f"sqlite:///{self.folder / 'data' / f'{name}.keys.sqlite'}",
            "JOURNAL_FOLDER": str(self.folder / "journal" / name),
            "MASTER_KEY_FILE": str(keys / f"{name}.master.key"),
            "ZONE_KEYS_FILE": str(keys / "zone-keys.json"),
            "TOKENS_FILE": str(keys / "tokens.sha256.json"),
            "BROKER_URL": self.broker.amqp_url(name, CARE),
            "GATE_KEY_FILE": str(keys / "gate.key.json"),
            "SIGNING_KEY_FILE": str(keys / signing_key.FILE),
            "HEADS_FOLDER": str(self.folder / "heads"),
            "TOWN_FOLDER": str(self.town),
            "METRICS_PORT": str(self.metrics_ports[name]),
            "HEADS_SECONDS": "5",  # whoever plays with a stage does not wait an hour
            "RECIPIENTS_BROKER_URL": self.broker.amqp_url(name, CARE).removesuffix(f"/{CARE}"),
            **self.settings,
        }
        return command, processes.environment(env)

    def _desk(self, name: str) -> tuple[list[str], dict[str, str]]:
        role = next(str(item["role"]) for item in self.recipients if item["recipient_id"] == name)
        own = self.folder / "outside" / name
        command = [sys.executable, "-m", DESKS[role], "--connection", str(own / f"{name}.connection.json")]
        key = str(own / f"{name}.key.json")
        return [
            *command,
            "--key",
            key,
            "--data",
            str(own / "data"),
            "--port",
            str(self.ports[name]),
        ], processes.environment({})


@contextmanager
def running_stage(
    name: str,
    *,
    town: Path = TOWN,
    recipients: Path | None = None,
    settings: Mapping[str, str] | None = None,
    database_urls: Mapping[str, str] | None = None,
    tell: Tell = print,
) -> Iterator[Stage]:
    """Set a fresh stage up and give it; the stage of an earlier run by that name is wiped."""
    with only_one(name):
        processes.ensure_disk(stage_folder(name), needed_mb=NEEDED_MB)
        said = recipients or town / "recipients.json"
        yield from _set_up(
            stage_folder(name), town, said, settings=settings or {}, database_urls=database_urls or {}, tell=tell
        )


def _set_up(
    folder: Path,
    town: Path,
    recipients: Path,
    *,
    settings: Mapping[str, str],
    database_urls: Mapping[str, str],
    tell: Tell,
) -> Iterator[Stage]:
    shutil.rmtree(folder)
    for part in ("logs", "data", "keys", "outside"):
        private_folder(folder / part)
    described = json.loads(recipients.read_text(encoding="utf-8"))["recipients"]
    keys = folder / "keys"
    stage_secrets.make_master_keys(keys)
    gate_key = stage_secrets.make_gate_key(keys)
    signing_key.make(keys)
    tokens = stage_secrets.make_tokens(keys)
    zone_keys.rotate(keys / "zone-keys.json", today=datetime.now(UTC).date())
    tell("recipients: each makes its own key; only the public half is registered")
    registered = [_registration(item, folder / "outside") for item in described]
    with private_broker(folder, recipients=registered, tell=tell) as broker:
        stage = Stage(folder, broker, described, tokens, town, settings, database_urls)
        try:
            _bring_up(stage, registered, gate_key, tell)
            _operator_file(stage).write(folder / OPERATOR_FILE)
            yield stage
        finally:
            (folder / OPERATOR_FILE).unlink(missing_ok=True)
            _bring_down(stage)


def _bring_up(stage: Stage, registered: list[Registration], gate_key: Mapping[str, Any], tell: Tell) -> None:
    names = [*SERVICES, *stage.desks()]
    ports = processes.free_ports(len(names) + len(SERVICES))
    stage.ports = dict(zip(names, ports, strict=False))
    stage.metrics_ports = dict(zip(SERVICES, ports[len(names) :], strict=True))
    write_private(stage.folder / "services.json", json.dumps({name: stage.url(name) for name in SERVICES}) + "\n")
    tell("databases: migrating four")
    migrate({service: stage.database_url(service) for service in SERVICES}, logs=stage.folder / "logs")
    tell("services: " + ", ".join(f"{name} on {stage.ports[name]}" for name in SERVICES))
    for name in SERVICES:
        stage.start(name)
    stage.wait_until_ready(*SERVICES)
    gate = Gate(stage.url("consent"), stage.tokens["operator"])
    for one in registered:
        write_connection(
            stage.broker, one, gate_public_key=gate_key, folder=stage.folder / "outside" / one.recipient_id
        )
        gate.register(one)
    tell("desks: " + ", ".join(f"{name} on {stage.ports[name]}" for name in stage.desks()))
    for name in stage.desks():
        stage.start(name)
    stage.wait_until_ready(*stage.desks())
    _wait_for_lines(stage)


def _operator_file(stage: Stage) -> OperatorFile:
    account = Management(stage.broker.admin.url, OPERATOR, stage.broker.accounts.password(OPERATOR))
    services = {name: stage.url(name) for name in SERVICES}
    metrics = {name: f"http://{processes.LOCALHOST}:{port}/metrics" for name, port in stage.metrics_ports.items()}
    return OperatorFile(services, stage.tokens["operator"], account, metrics)


def _bring_down(stage: Stage) -> None:
    (stage.folder / "services.json").unlink(missing_ok=True)  # another process may soon listen there
    for process in stage.running.values():
        if process.poll() is None:
            process.terminate()
    for process in stage.running.values():
        processes.stop(process)


def _registration(item: Mapping[str, Any], outside: Path) -> Registration:
    name = str(item["recipient_id"])
    own = outside / name
    own.mkdir(mode=0o700)
    subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "sdk", "keygen", name, "--folder", str(own)],
        env=processes.environment({}),
        cwd=CHECKOUT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    public = json.loads((own / f"{name}.public.json").read_text(encoding="utf-8"))
    of_the_file = {name: value for name, value in item.items() if name != "purposes"}  # those stand in the papers
    said = {**of_the_file, "public_key": public, **_papers(item, today=datetime.now(UTC).date())}
    (own / f"{name}.registration.json").write_text(json.dumps(said, indent=2), encoding="utf-8")
    return registration(said, today=datetime.now(UTC).date())


def _papers(item: Mapping[str, Any], *, today: date) -> dict[str, Any]:
    """Return the two papers of a synthetic recipient, signed today for two years."""
    return {
        "purpose_commitment": {
            "signed_on": today.isoformat(),
            "valid_until": years_after(today, 2).isoformat(),
            "document_sha256": "0" * 64,
            "purposes": item["purposes"],
        },
        "staff_secrecy_notice": {"given_on": today.isoformat(), "document_sha256": "0" * 64},
    }


def _wait_for_lines(stage: Stage) -> None:
    operator = {"Authorization": f"Bearer {stage.tokens['operator']}"}
    until = time.monotonic() + READY_SECONDS
    while True:
        found = httpx2.get(f"{stage.url('consent')}/recipients", headers=operator, timeout=10).json()
        if all(item["connected"] for item in found):
            return
        if time.monotonic() > until:
            raise NotReady("consent", stage.log("consent"))
        time.sleep(0.1)


def is_ok(url: str) -> bool:
    """Tell whether somebody answers there, and well."""
    try:
        return httpx2.get(url, timeout=5).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False
