"""Each service stands alone: with `shared/`, its own folder and its tests, elsewhere, it imports and passes them."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = Path(os.environ.get("GESEHEN_RUN_DIR") or ROOT / ".run")
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/app.py"))
MEMBERS = ["shared", "sdk", "ops", "examples", *(f"services/{name}" for name in SERVICES)]
OUR_OWN = {"shared", "services", "sdk", "ops", "examples"}
# Each comes with the package that it is part of, in the version that package wants.
COMPANIONS = {"aiormq": "aio-pika", "starlette": "fastapi", "pydantic_core": "pydantic"}
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.pyc")


def uv() -> Path:
    """Return the uv that set this environment up."""
    places = (RUN / "tools" / "uv", Path(sys.prefix) / "bin" / "uv")
    return next(place for place in places if place.is_file())


def surroundings() -> dict[str, str]:
    """Return an environment that knows this checkout by its cache alone, and no network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))}
    kept.pop("VIRTUAL_ENV", None)
    cache = RUN / "cache" / "uv"
    known = {"UV_CACHE_DIR": str(cache)} if cache.is_dir() else {}
    return {**kept, **known, "UV_OFFLINE": "1", "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a copy."""
    return subprocess.run(command, cwd=folder, env=surroundings(), capture_output=True, text=True, check=False)


@pytest.fixture
def alone(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Copy what one service's image and its tests are made of, and nothing else."""
    name = request.getfixturevalue("service")
    for part in ("shared", f"services/{name}", f"tests/{name}"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=LEFT_OUT)
    for part in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / part, tmp_path / part)
    return tmp_path


def in_own_environment(service: str, code: str) -> list[str]:
    """Return the command that runs code with nothing but what a service declares."""
    package = f"gesehen-{service}"
    options = ["--frozen", "--isolated", "--exact", "--no-dev", "--package", package]
    return [str(uv()), "run", *options, "python", "-c", code]


def imported_by(folder: Path) -> Iterator[str]:
    """Yield the top-level name of every import in a folder."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (item.name.split(".")[0] for item in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield str(node.module).split(".", maxsplit=1)[0]


def declared_by(folder: Path) -> set[str]:
    """Return the names of the packages that a manifest declares."""
    manifest = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return {normalized(re.split(r"[^A-Za-z0-9_-]", one, maxsplit=1)[0]) for one in manifest["project"]["dependencies"]}


def normalized(package: str) -> str:
    """Return a package's name as indexes compare it: `_` and `-` are the same (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_with_only_what_it_declares(service: str, alone: Path) -> None:
    done = run(in_own_environment(service, f"import services.{service}.app"), alone)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", SERVICES[:1])
def test_that_environment_has_nothing_that_was_not_declared(service: str, alone: Path) -> None:
    done = run(in_own_environment(service, "import pytest"), alone)

    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_passes_its_own_tests_alone(service: str, alone: Path) -> None:
    shutil.copy(Path(__file__).with_name("few_of_each.py"), alone)  # `make test` runs them all
    options = ["-p", "no:cacheprovider", "-p", "few_of_each"]
    done = run([sys.executable, "-m", "pytest", f"tests/{service}", *options], alone)

    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"\b\d{2,} passed", done.stdout)


@pytest.mark.parametrize("member", MEMBERS)
def test_every_import_of_a_member_is_declared_in_its_own_manifest(member: str) -> None:
    foreign = set(imported_by(ROOT / member)) - set(sys.stdlib_module_names) - OUR_OWN
    known, declared = packages_distributions(), declared_by(ROOT / member)
    packages = {
        name: {normalized(COMPANIONS.get(name, package)) for package in known.get(name, [name])} for name in foreign
    }

    assert {name for name, found in packages.items() if not found & declared} == set()


def test_the_four_services_are_tried() -> None:
    assert SERVICES == ["assessment", "consent", "intake", "referral"]
