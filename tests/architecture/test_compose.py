"""The Compose file, as far as it can be tried without an engine: its form, its walls, what each service is given."""

import base64
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from ops import zone_keys
from ops.compose import SERVICE_UID, STAGE, prepare
from ops.definitions import password_hash
from shared.topology import OPERATOR, PROVISIONER, SERVICES

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))  # Any: YAML
SCHEMA = json.loads((Path(__file__).parent / "vendored" / "compose-spec.json").read_text(encoding="utf-8"))
PARTS: dict[str, Any] = COMPOSE["services"]
JOBS = {"prepare", "operate", *(f"migrate-{service}" for service in SERVICES)}
BUILT = {name: part["build"]["dockerfile"] for name, part in PARTS.items() if "build" in part}
ASK = ["docker", "compose", "version"]
HAS_COMPOSE = shutil.which("docker") and subprocess.run(ASK, capture_output=True, check=False).returncode == 0
SECRETS = {name for name in COMPOSE["volumes"] if name.endswith("-secrets") or name in ("operator", "broker-config")}


def mounts(part: str) -> dict[str, str]:
    """Return the volumes of a part, and where and how each is mounted."""
    return {volume: rest for volume, _, rest in (one.partition(":") for one in PARTS[part].get("volumes", ()))}


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """Return a folder with what the jobs make before a service starts, one folder for one volume."""
    prepare(tmp_path)
    zone_keys.rotate(tmp_path / "zone-keys" / "zone-keys.json", today=datetime.now(UTC).date())
    return tmp_path


def environment_of(service: str, volumes: Path) -> dict[str, str]:
    """Return what a service's process would be given, with the paths of its volumes laid under a folder."""
    given = dict(PARTS[service]["environment"])
    given |= {path.name: path.read_text(encoding="utf-8").strip() for path in (volumes / service / "env").iterdir()}
    places = {"/secrets/": service, "/zone/": "zone-keys", "/data/": f"{service}-data", "/keys/": f"{service}-keys"}
    places["/journal"] = f"{service}-journal"
    for inside, outside in places.items():
        (volumes / outside).mkdir(exist_ok=True)
        given = {name: value.replace(inside, f"{volumes / outside}/") for name, value in given.items()}
    return given


def test_the_file_is_valid_by_the_compose_specification() -> None:
    assert [error.message for error in Draft201909Validator(SCHEMA).iter_errors(COMPOSE)] == []


@pytest.mark.skipif(not HAS_COMPOSE, reason="no docker compose here; the schema above is the check")
def test_the_file_is_accepted_by_docker_compose() -> None:
    done = subprocess.run(["docker", "compose", "config", "-q"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("part", sorted(set(PARTS) - JOBS))
def test_every_part_that_stays_up_tells_its_health(part: str) -> None:
    assert PARTS[part]["healthcheck"]["test"][0] == "CMD"
    assert PARTS[part]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_healthy_only_when_it_is_ready(service: str) -> None:
    assert "/ready" in str(PARTS[service]["healthcheck"]["test"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_broker_keys_and_migration(service: str) -> None:
    waits = {name: how["condition"] for name, how in PARTS[service]["depends_on"].items()}

    assert waits == {
        "broker": "service_healthy",
        "zone-keys": "service_healthy",
        f"migrate-{service}": "service_completed_successfully",
    }


def test_everything_that_is_waited_for_exists() -> None:
    awaited = {name for part in PARTS.values() for name in part.get("depends_on", {})}
    mounted = {volume for part in PARTS for volume in mounts(part)}
    joined = {network for part in PARTS.values() for network in part.get("networks", ())}

    assert awaited <= set(PARTS)
    assert mounted == set(COMPOSE["volumes"])
    assert joined == set(COMPOSE["networks"])


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_published_beyond_this_machine(part: str) -> None:
    assert [port for port in PARTS[part].get("ports", ()) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_for_operators_is_published_nowhere(service: str) -> None:
    port = PARTS[service]["environment"]["METRICS_PORT"]

    assert port not in str(PARTS[service]["ports"])
    assert "expose" not in PARTS[service]


@pytest.mark.parametrize("part", PARTS)
def test_no_part_has_more_power_than_it_needs(part: str) -> None:
    options = PARTS[part]

    assert not options.get("privileged")
    assert options["security_opt"] == ["no-new-privileges:true"]
    assert "build" not in options or (options["read_only"] and options["cap_drop"] == ["ALL"])
    assert not any(volume.startswith(("/", ".")) for volume in mounts(part))


@pytest.mark.parametrize("volume", sorted(SECRETS))
def test_a_volume_with_secrets_belongs_to_one_owner_who_may_only_read(volume: str) -> None:
    readers = {part: mounts(part)[volume] for part in PARTS if volume in mounts(part) and part != "prepare"}
    owners = {part.removeprefix("migrate-") for part in readers}

    assert len(owners) == 1
    assert volume == "operator" or all(how.endswith(":ro") for how in readers.values())


def test_only_the_gate_reaches_its_database_and_no_service_the_outside_network() -> None:
    def members(network: str) -> set[str]:
        return {part for part, options in PARTS.items() if network in options.get("networks", ())}

    assert members("database") == {"consent", "migrate-consent", "consent-database"}
    assert members("outside") == {"broker"}
    assert COMPOSE["networks"]["care"] == COMPOSE["networks"]["database"] == {"internal": True}


def test_no_password_stands_in_the_file() -> None:
    names = {name for part in PARTS.values() for name in part.get("environment", {})}

    assert not {name for name in names if "PASSWORD" in name and not name.endswith("_FILE")}
    assert "BROKER_URL" not in names


@pytest.mark.parametrize("dockerfile", sorted(set(BUILT.values())))
def test_an_image_holds_shared_its_own_folder_and_nothing_else(dockerfile: str) -> None:
    own = dockerfile.removesuffix("/Dockerfile")
    lines = (ROOT / dockerfile).read_text(encoding="utf-8").splitlines()

    copied = {line.split(maxsplit=1)[1] for line in lines if line.startswith("COPY")}

    assert copied == {"pyproject.toml uv.lock ./", "shared shared", f"{own} {own}"}
    assert any(line.startswith("USER gesehen") for line in lines)
    assert any(f"--uid {SERVICE_UID}" in line for line in lines)
    assert f"RUN uv sync --frozen --compile-bytecode --no-dev --package gesehen-{own.split('/')[-1]}" in lines


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_be_built_from_what_its_container_is_given(
    service: str, volumes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(service, volumes).items():
        monkeypatch.setenv(name, value)

    app = import_module(f"services.{service}.app").create_app()

    settings = app.state.service.settings
    assert settings.broker_url.startswith(f"amqp://{service}:")
    assert settings.broker_url.endswith("@broker:5672/care")
    app.state.service.database.engine.dispose()


@pytest.mark.parametrize("service", SERVICES)
def test_no_setting_is_misspelt(service: str, volumes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = environment_of(service, volumes)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    known = set(type(import_module(f"services.{service}.app").create_app().state.service.settings).model_fields)

    assert {name.lower() for name in given} - known - {"pgpassfile"} == set()


def test_each_service_has_a_password_and_a_master_key_of_its_own(volumes: Path) -> None:
    master_keys = {(volumes / service / "master.key").read_text(encoding="utf-8") for service in SERVICES}
    urls = {(volumes / service / "env" / "BROKER_URL").read_text(encoding="utf-8") for service in SERVICES}

    assert len(master_keys) == len(urls) == len(SERVICES)


def test_the_broker_gets_hashes_of_the_passwords_that_the_services_use(volumes: Path) -> None:
    users = json.loads((volumes / "broker" / "definitions.json").read_text(encoding="utf-8"))["users"]
    passwords = json.loads((volumes / "operator" / "stage" / STAGE / "accounts.json").read_text(encoding="utf-8"))
    hashes = {user["name"]: user["password_hash"] for user in users}
    salts = {name: base64.b64decode(hashed)[:4] for name, hashed in hashes.items()}

    assert set(hashes) == {*SERVICES, OPERATOR, PROVISIONER}
    assert {name: password_hash(passwords[name], salt=salts[name]) for name in hashes} == hashes


def test_preparing_again_changes_no_secret(volumes: Path) -> None:
    def secrets() -> dict[Path, bytes]:
        files = (path for path in volumes.rglob("*") if path.is_file() and path.name != "definitions.json")
        return {path: path.read_bytes() for path in files}

    before = secrets()
    prepare(volumes)

    assert secrets() == before


@pytest.mark.parametrize("volume", SERVICES)
def test_a_secret_can_be_read_by_its_container_alone(volumes: Path, volume: str) -> None:
    files = [path for path in (volumes / volume).rglob("*") if path.is_file()]

    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_uid for path in files} == {SERVICE_UID if os.geteuid() == 0 else os.geteuid()}


def test_the_entrypoint_turns_files_into_variables_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "BROKER_URL").write_text("amqp://intake:secret@broker:5672/care\n")
    shell, option, script, name = PARTS["intake"]["entrypoint"]
    script = script.replace("$$", "$").replace("/secrets/", f"{tmp_path}/")

    said = subprocess.run([shell, option, script, name, "printenv", "BROKER_URL"], capture_output=True, check=True)

    assert said.stdout == b"amqp://intake:secret@broker:5672/care\n"
