"""What runs before anything is installed: which uv the lock names, and that no other one is run."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.bootstrap import CHECKOUT, download, locked_wheel, platform_tag
from ops.stage_lock import only_one


@pytest.mark.parametrize(
    ("system", "machine", "libc", "name"),
    [
        ("Linux", "x86_64", "glibc", "manylinux_2_17_x86_64"),
        ("Linux", "aarch64", "glibc", "manylinux_2_17_aarch64"),
        ("Linux", "armv7l", "glibc", "manylinux_2_17_armv7l"),
        ("Linux", "x86_64", "musl", "musllinux_1_1_x86_64"),
        ("Linux", "aarch64", "musl", "musllinux_1_1_aarch64"),
        ("Darwin", "arm64", "", "macosx_11_0_arm64"),
    ],
)
def test_the_lock_names_a_uv_for_every_platform_that_we_serve(system: str, machine: str, libc: str, name: str) -> None:
    _, url, sha256 = locked_wheel(platform_tag(system=system, machine=machine, libc=libc))

    assert name in url
    assert len(sha256) == 64


def test_a_platform_without_uv_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        locked_wheel(platform_tag(system="Linux", machine="vax", libc="glibc"))

    assert "uv.lock has no uv for this platform" in capsys.readouterr().err


def test_a_file_with_another_hash_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "uv.whl"
    source.write_bytes(b"something else")

    with pytest.raises(SystemExit):
        download(source.as_uri(), tmp_path / "copy", sha256=hashlib.sha256(b"uv").hexdigest(), label="uv 1")

    assert "is not what uv.lock names" in capsys.readouterr().err


def test_without_a_network_the_error_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        download("https://127.0.0.1:1/uv.whl", tmp_path / "copy", sha256="", label="uv 1")

    assert "the first start needs the network" in capsys.readouterr().err


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout whose `.venv` was set up for its lock, by a Python that is not ours."""
    (tmp_path / "ops").mkdir()
    shutil.copy(CHECKOUT / "ops" / "bootstrap.py", tmp_path / "ops")
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    (tmp_path / "uv.lock").touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 3.11.99\n")
    python.chmod(0o755)
    ask = "import bootstrap; print(bootstrap.fingerprint())"
    found = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path / "ops", capture_output=True, text=True, check=True
    )
    (tmp_path / ".venv" / "gesehen-sync").write_text(f"{found.stdout.strip()}\n3.11.99\n")
    return tmp_path


@pytest.fixture
def running_stage(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run a stage in the checkout: hold its lock."""
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(checkout / ".run"))
    with only_one("demo"):
        yield


def bootstrapped(checkout: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the bootstrap of a checkout."""
    command = [sys.executable, "ops/bootstrap.py"]
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)


def test_another_python_on_the_path_leaves_a_venv_that_works_alone(checkout: Path) -> None:
    done = bootstrapped(checkout)

    assert (done.returncode, done.stderr) == (0, "")
    assert not (checkout / ".run").exists()


def test_a_python_that_was_chosen_is_taken(checkout: Path) -> None:
    done = bootstrapped(checkout, GESEHEN_PYTHON_CHOSEN="yes")

    assert done.returncode != 0  # it went to work, and found no uv in the empty lock
    assert (checkout / ".run").exists()


@pytest.mark.usefixtures("running_stage")
def test_nothing_is_changed_under_a_running_stage(checkout: Path) -> None:
    done = bootstrapped(checkout, GESEHEN_PYTHON_CHOSEN="yes")

    assert done.returncode == 1
    assert done.stderr.startswith("bootstrap: the stage demo runs from .venv, which has to be renewed")
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_a_venv_whose_python_is_gone_is_made_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()

    assert bootstrapped(checkout).returncode != 0
    assert (checkout / ".run").exists()
