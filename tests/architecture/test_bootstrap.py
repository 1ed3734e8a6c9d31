"""What runs before anything is installed: which uv the lock names, and that no other one is run."""

import hashlib
from pathlib import Path

import pytest

from ops.bootstrap import download, locked_wheel, platform_tag


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
