"""What partners read is what runs."""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = {"aio_pika", "joserfc", "pydantic", "sdk"}


def test_the_sample_in_the_document_is_the_file_that_is_tested() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/partners.md").read_text(), flags=re.DOTALL)

    assert blocks[-1] == (ROOT / "examples/plain_amqp.py").read_text()


def test_every_python_block_of_the_readme_compiles() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "sdk/README.md").read_text(), flags=re.DOTALL)

    assert [ast.parse(block) for block in blocks]


def test_the_sample_needs_neither_the_sdk_nor_anything_of_ours() -> None:
    assert _imported(ROOT / "examples/plain_amqp.py") & {"sdk", "shared", "services", "examples", "ops"} == set()


def test_the_sdk_needs_three_packages() -> None:
    imported = set().union(*(_imported(path) for path in (ROOT / "sdk").glob("*.py")))

    assert imported - sys.stdlib_module_names == ALLOWED


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    whence = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in plain | whence}
