"""Set up the Python environment from nothing but python3 and `uv.lock`: no pip, no venv module, no tool from the PATH.

Takes uv's wheel from the lock, checks its hash, unpacks it into the run folder and lets it install the rest into
`.venv`. Does nothing if that has been done for this very lock. Another python3 on the PATH changes nothing: a `.venv`
that works keeps its own, unless one was chosen (`make PYTHON=...`). Under a running stage nothing is changed at all.
Standard library only: it runs before anything else.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import IO, Any, NoReturn

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
STAMP = VENV / "gesehen-sync"
NEEDED_MB = 700
CHUNK = 1024 * 1024


def main() -> int:
    """Make the environment fit the lock."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this with an older one should read why it fails
        _fail(f"Python 3.11 or later is needed, this is {platform.python_version()}; try: make PYTHON=python3.12 ...")
    run = Path(os.environ.get("GESEHEN_RUN_DIR") or CHECKOUT / ".run").absolute()
    wanted = fingerprint()
    if _synced(wanted):
        return 0
    _refuse_under_a_running_stage(run)
    try:
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (run / "bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two starts at once: the second waits and finds all done
            if not _synced(wanted):
                _set_up(run, wanted)
    except OSError as error:
        _fail(f"cannot write: {error}")
    return 0


def _set_up(run: Path, wanted: str) -> None:
    free_mb = shutil.disk_usage(run).free // 1024**2
    if free_mb < NEEDED_MB:
        _fail(f"only {free_mb} MB free at {run}, at least {NEEDED_MB} MB are needed")
    uv = _tool(run / "tools")
    _say("installing the locked packages into .venv ...")
    env = {
        "UV_SYSTEM_CERTS": "true",  # trust whom the machine trusts, as the download of uv itself did
        **os.environ,
        "UV_CACHE_DIR": str(run / "cache" / "uv"),
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_PYTHON_INSTALL_DIR": str(run / "cache" / "python"),  # nothing is put there; by default it lies in HOME
    }
    for name in ("VIRTUAL_ENV", "UV_PYTHON"):
        env.pop(name, None)
    if _python_of_venv() is None or _is_chosen():
        env["UV_PYTHON"] = sys.executable  # else uv keeps the one that is there
    # Compiled once, here: a service that compiles its libraries at each start takes four seconds instead of one.
    # uv itself is there already.
    command = [str(uv), "sync", "--frozen", "--compile-bytecode", "--no-install-package", "uv"]
    done = subprocess.run(command, cwd=CHECKOUT, env=env, check=False)  # noqa: S603 - its hash was checked
    if done.returncode:
        _fail("uv could not install the packages (see above); the first start needs the network and free disk space")
    STAMP.write_text(f"{wanted}\n{_python_of_venv()}\n")
    _say("ready")


def fingerprint() -> str:
    """Hash all that decides what belongs into the environment, but for the Python that it is made of."""
    manifests = [CHECKOUT / "pyproject.toml", *CHECKOUT.glob("*/pyproject.toml"), *CHECKOUT.glob("*/*/pyproject.toml")]
    digest = hashlib.sha256(str(CHECKOUT).encode())
    for path in [CHECKOUT / "uv.lock", *sorted(manifests)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _synced(wanted: str) -> bool:
    python = _python_of_venv()
    if python is None or not STAMP.exists() or STAMP.read_text().split() != [wanted, python]:
        return False
    return not _is_chosen() or python == platform.python_version()


def _python_of_venv() -> str | None:
    """Return the version of the Python in `.venv`, or None if there is none that starts."""
    command = [str(VENV / "bin" / "python"), "-I", "-S", "-c", "import platform; print(platform.python_version())"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _is_chosen() -> bool:
    """Whether somebody said which Python to take; the Makefile tells."""
    return bool(os.environ.get("GESEHEN_PYTHON_CHOSEN"))


def _refuse_under_a_running_stage(run: Path) -> None:
    for lock in sorted({*run.glob("stage/*.lock"), *CHECKOUT.glob(".run/stage/*.lock")}):
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                _fail(f"the stage {lock.stem} runs from .venv, which has to be renewed; end it first (Ctrl-C)")


def _tool(folder: Path) -> Path:
    """Return uv as the lock wants it; the hash beside it tells which one is there."""
    version, url, sha256 = locked_wheel(_this_platform())
    binary, mark = folder / "uv", folder / "uv.sha256"
    if binary.exists() and mark.exists() and mark.read_text() == sha256:
        return binary
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    wheel, draft = folder / "uv.whl", folder / "uv.new"
    try:
        download(url, wheel, sha256=sha256, label=f"uv {version}")
        member = f"uv-{version}.data/scripts/uv"
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target)
        draft.chmod(0o755)
        draft.replace(binary)
    finally:
        wheel.unlink(missing_ok=True)
        draft.unlink(missing_ok=True)
    mark.write_text(sha256)
    return binary


def locked_wheel(tag: str) -> tuple[str, str, str]:
    """Return version, address and SHA-256 of the uv that the lock names for a platform."""
    import tomllib  # noqa: PLC0415 - not there before 3.11, which main() explains

    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text(encoding="utf-8"))
    package: dict[str, Any] = next(one for one in lock["package"] if one["name"] == "uv")  # Any: TOML
    fitting = sorted((one for one in package["wheels"] if re.search(tag, one["url"])), key=_oldest_libc)
    if not fitting:
        _fail(f"uv.lock has no uv for this platform ({platform.system()}, {platform.machine()})")
    return package["version"], fitting[0]["url"], fitting[0]["hash"].removeprefix("sha256:")


def platform_tag(*, system: str, machine: str, libc: str) -> str:
    """Return the part of a wheel's name that stands for a platform, as a regular expression."""
    if system == "Darwin":
        return rf"macosx_\d+_\d+_{machine}\.whl"
    return rf"{'manylinux' if libc == 'glibc' else 'musllinux'}_\d+_\d+_{machine}\."


def _this_platform() -> str:
    return platform_tag(
        system=platform.system(), machine=platform.machine().lower(), libc=platform.libc_ver()[0] or "musl"
    )


def _oldest_libc(wheel: dict[str, str]) -> int:
    return min((int(minor) for minor in re.findall(r"linux_\d+_(\d+)_", wheel["url"])), default=0)


def download(url: str, target: Path, *, sha256: str, label: str) -> None:
    """Fetch a file and refuse it if it is not the very one that was meant."""
    digest = hashlib.sha256()
    host = url.split("/")[2]
    try:
        with urllib.request.urlopen(url, timeout=60) as source, target.open("wb") as file:  # noqa: S310 - https, locked
            _copy(source, file, digest, label=label, size=int(source.headers.get("Content-Length") or 0))
    except urllib.error.URLError as error:
        _fail(f"cannot download {label} from {host}: {error.reason}; the first start needs the network")
    except TimeoutError:
        _fail(f"cannot download {label} from {host}: no answer in time; the first start needs the network")
    if digest.hexdigest() != sha256:
        _fail(f"{label} from {host} is not what uv.lock names: its SHA-256 differs; nothing of it was run")


def _copy(source: Any, file: IO[bytes], digest: Any, *, label: str, size: int) -> None:  # Any: untyped in the library
    done = 0
    while chunk := source.read(CHUNK):
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        if sys.stderr.isatty():
            print(f"\rbootstrap: {label}: {done // CHUNK} of {size // CHUNK} MB", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    _say(f"downloaded {label}, {done // CHUNK} MB")


def _say(text: str) -> None:
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


def _fail(text: str) -> NoReturn:
    _say(text)
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
