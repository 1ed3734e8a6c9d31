"""Who may know whom: the rules of `.importlinter` hold, and the rules of a domain know nothing but the contracts."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAINS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("services/*/domain.py"))
RULES = (
    "consent/decision",
    "consent/emergency_domain",
    "intake/care",
    "assessment/steps",
    "assessment/child_protection",
    "referral/state",
)
PURE = [*DOMAINS, *(f"services/{name}.py" for name in RULES)]
CONTRACTS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("shared/contracts/*.py"))


def modules_of(path: str) -> set[str]:
    """Return every module that a file imports from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} if node.module != "shared" else {f"shared.{item.name}" for item in node.names}
    return {name for name in found if name.split(".")[0] not in sys.stdlib_module_names}


@pytest.mark.parametrize("path", PURE)
def test_the_rules_know_the_standard_library_and_the_contracts_only(path: str) -> None:
    siblings = tuple(f"services.{path.split('/')[1]}.{name}" for name in ("domain", "errors", "state"))

    assert {name for name in modules_of(path) if not name.startswith(("shared.contracts", *siblings))} == set()


@pytest.mark.parametrize("path", CONTRACTS)
def test_a_contract_knows_pydantic_other_contracts_and_the_topology_only(path: str) -> None:
    allowed = ("shared.contracts", "shared.topology", "pydantic")

    assert {name for name in modules_of(path) if not name.startswith(allowed)} == set()


def test_the_import_rules_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
