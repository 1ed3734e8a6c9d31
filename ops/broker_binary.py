"""Which RabbitMQ to start: an installed one, else one unpacked without root from Debian's packages.

Only finds and unpacks; starting is left to `ops.broker_node`. Debian's `/usr/sbin/rabbitmq-server` is no use here:
it switches root to another user and refuses everybody else, so the script in the package's own folder is taken.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.errors import BrokerBinaryMissing
from ops.processes import ensure_disk
from shared.topology import Version

Tell = Callable[[str], None]

CHOICE: Final = "GESEHEN_BROKER_BINARY"  # `unpack`: leave an installed one aside
INSTALLED: Final = (
    "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",  # Debian, RPM
    "opt/rabbitmq/sbin",  # the container image
    "usr/local/lib/rabbitmq_server-*/sbin",
    "opt/homebrew/opt/rabbitmq/sbin",
)
PACKAGES: Final = (
    "rabbitmq-server",
    "erlang-asn1",
    "erlang-base",
    "erlang-crypto",
    "erlang-eldap",
    "erlang-ftp",
    "erlang-inets",
    "erlang-mnesia",
    "erlang-os-mon",
    "erlang-parsetools",
    "erlang-public-key",
    "erlang-runtime-tools",
    "erlang-snmp",
    "erlang-ssl",
    "erlang-syntax-tools",
    "erlang-tftp",
    "erlang-tools",
    "erlang-xmerl",
)
UNPACKED_MB: Final = 300


@dataclass(frozen=True, slots=True)
class BrokerBinary:
    """A RabbitMQ that can be started, with the Erlang that runs it."""

    server: Path  # the script rabbitmq-server
    erl: Path
    epmd: Path
    version: Version


def find_broker_binary(broker_folder: Path, *, tell: Tell = print) -> BrokerBinary:
    """Return the installed RabbitMQ, or the unpacked one; unpack it on first use."""
    unpacked = broker_folder / "debian"
    wanted = os.environ.get(CHOICE, "")
    if wanted not in {"", "unpack"}:
        raise BrokerBinaryMissing(f"{CHOICE} must be empty or 'unpack'")
    found = None if wanted else _look_in(Path("/"), erl=shutil.which("erl"))
    if found is None and re.search(r"\s", str(unpacked)):
        raise BrokerBinaryMissing(f"none can be unpacked into {unpacked}: its scripts bear no space in a path")
    return found or _look_in_unpacked(unpacked) or _unpack(unpacked, tell=tell)


def _look_in(root: Path, *, erl: str | None) -> BrokerBinary | None:
    servers = [script for place in INSTALLED for script in sorted(root.glob(f"{place}/rabbitmq-server"))]
    if erl is None or not servers:
        return None
    server, erl_path = servers[-1], Path(erl)
    epmd = _first(erl_path.resolve().parent.parent.glob("erts-*/bin/epmd")) or _first([shutil.which("epmd")])
    version = _version(server.resolve().parent.parent)
    return BrokerBinary(server, erl_path, epmd, version) if epmd and version else None


def _look_in_unpacked(root: Path) -> BrokerBinary | None:
    return _look_in(root, erl=str(root / "usr/lib/erlang/bin/erl")) if root.exists() else None


def _version(home: Path) -> Version | None:
    """Read the version from the name of the plugin that is the broker itself: `plugins/rabbit-3.10.8`."""
    names = [path.name for path in home.glob("plugins/rabbit-*")]
    numbers = re.match(r"rabbit-(\d+)\.(\d+)\.(\d+)", names[0]) if names else None
    return tuple(int(number) for number in numbers.groups()) if numbers else None


def _unpack(target: Path, *, tell: Tell) -> BrokerBinary:
    missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise BrokerBinaryMissing(f"none is installed, and without {missing[0]} none can be unpacked")
    target.parent.mkdir(parents=True, exist_ok=True)
    ensure_disk(target.parent, needed_mb=UNPACKED_MB)
    tell("broker: no RabbitMQ to use, unpacking one from Debian's packages (about 35 MB, once)")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpack-") as folder:
        _download(Path(folder), tell=tell)
        root = _extract(Path(folder))
        _check(root)
        if not target.exists():  # another start may have been faster
            root.rename(target)
    found = _look_in_unpacked(target)
    if found is None:
        raise BrokerBinaryMissing("the unpacked packages hold no usable broker")
    return found


def _download(folder: Path, *, tell: Tell) -> None:
    """Fetch the packages with apt's own sources and keys, but its state and cache in our folder: that needs no root."""
    for part in ("state/lists/partial", "cache/archives/partial", "packages"):
        (folder / part).mkdir(parents=True)
    private = {
        "Dir::State": folder / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": folder / "cache",
        "Dir::Log": folder,
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",  # as root: no change to a user who may not enter our folder
        "APT::Update::Error-Mode": "any",
        "APT::Update::Post-Invoke": "",
        "APT::Update::Post-Invoke-Success": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    options = [part for name, value in private.items() for part in ("-o", f"{name}={value}")]
    tell("broker: reading Debian's list of packages ...")
    stale = _failure(["apt-get", *options, "update"], cwd=folder)  # a broken source that is not needed does not matter
    tell(f"broker: downloading {len(PACKAGES)} packages ...")
    failed = _failure(["apt-get", *options, "download", *PACKAGES], cwd=folder / "packages")
    if failed:
        raise BrokerBinaryMissing(stale or failed)


def _extract(folder: Path) -> Path:
    root = folder / "root"
    for package in sorted((folder / "packages").glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(root)], cwd=folder)
    erl = root / "usr/lib/erlang/bin/erl"
    if not erl.exists():
        raise BrokerBinaryMissing("Debian's packages hold no Erlang where it is expected")
    # The script has its place written into it; let it find itself, so that the checkout can be moved.
    place = 'ROOTDIR="$(dirname "$(dirname "$(readlink -f "$0")")")"'
    erl.write_text(re.sub(r"ROOTDIR=/usr/lib/erlang\b", lambda _: place, erl.read_text()))
    return root


def _check(root: Path) -> None:
    """See that Erlang runs on this machine and finds its libraries."""
    erl = root / "usr/lib/erlang/bin/erl"
    _run([str(erl), "-noinput", "-eval", "ok = crypto:start(), halt(0)."], cwd=root)


def _run(command: list[str], *, cwd: Path) -> None:
    failed = _failure(command, cwd=cwd)
    if failed:
        raise BrokerBinaryMissing(failed)


def _failure(command: list[str], *, cwd: Path) -> str:
    """Run a command; return what it said if it failed, else nothing."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(cwd)}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
    return f"{Path(command[0]).name} failed while unpacking one:\n{said}" if done.returncode else ""


def _first(paths: Iterable[Path | str | None]) -> Path | None:
    return next((Path(path) for path in paths if path), None)
