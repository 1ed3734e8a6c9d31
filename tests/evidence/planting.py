"""Plants one fault at a time in a copy of the code and runs the check that has to notice.

`python -m tests.evidence.planting` does so for all, and writes the page that lists them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.evidence.mutants import MUTANTS, PURE, Mutant

CHECKOUT = Path(__file__).parents[2]
SEEDS = 4000
"""How many seeds the search may take until it has noticed."""

HEAD = """# Planted leaks

Each line is a leak or a broken rule that was planted in the code on purpose, one at a time, and what caught it.
`make evidence` plants them all again: one that nothing catches fails it. Written by `python -m tests.evidence.planting`
from [`tests/evidence/mutants.py`](../tests/evidence/mutants.py), which says what exactly was changed.

*alike histories* is the search of [`tests/evidence/core_pairs.py`](../tests/evidence/core_pairs.py): histories that one
recipient must not be able to tell apart, drawn until two of them can be.

| what it would mean | where | caught by | after |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of all that is needed, to be changed, and the process that runs checks on it."""

    folder: Path
    server: "subprocess.Popen[str]"

    def run(self, *checks: str) -> tuple[int, str]:
        """Run checks on the copy as it is; return the exit code and what was printed."""
        loaded = "ignore::pytest.PytestAssertRewriteWarning"  # by the server, before pytest could rewrite it
        arguments = ["-x", "-p", "no:cacheprovider", "-W", loaded, *checks]
        if checks == (PURE,):
            arguments = ["-m", "tests.evidence.core_pairs", str(SEEDS)]
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps({"folder": str(self.folder), "arguments": arguments}) + "\n")
        self.server.stdin.flush()
        done = json.loads(self.server.stdout.readline())
        return int(done["code"]), str(done["output"])

    def run_with(self, mutant: Mutant) -> tuple[int, str]:
        """Run a mutant's check with the mutant planted, and take it out again."""
        file = self.folder / mutant.file
        before = file.read_text()
        if before.count(mutant.old) != 1:
            raise ValueError(f"{mutant.file} does not hold exactly once what is to be changed: {mutant.meaning}")
        file.write_text(before.replace(mutant.old, mutant.new))
        try:
            return self.run(mutant.check)
        finally:
            file.write_text(before)


@contextmanager
def a_copy(folder: Path) -> Iterator[Copy]:
    """Copy all that the checks need into a folder, and start the process that runs them."""
    for name in ("services", "shared", "tests", "ops", "pyproject.toml"):
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, str(folder / "tests" / "evidence" / "check_server.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env={**env, "PYTHONDONTWRITEBYTECODE": "1"}, stdin=pipe, stdout=pipe, text=True
    ) as server:
        yield Copy(folder, server)


def main() -> None:
    """Plant all, and write the page."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, a_copy(Path(folder)) as copy:
        for mutant in MUTANTS:
            code, printed = copy.run_with(mutant)
            if code != 1:
                raise SystemExit(f"not caught: {mutant.meaning}")
            pairs = re.search(r"^([0-9,]+) pairs", printed, flags=re.MULTILINE)
            after = f"{pairs[1]} pairs" if pairs else "one test"
            lines.append(f"| {mutant.meaning} | `{mutant.file}` | {_named(mutant.check)} | {after} |")
    (CHECKOUT / "docs" / "planted-leaks.md").write_text(HEAD + "\n".join(lines) + "\n")


def _named(check: str) -> str:
    if check == PURE:
        return PURE
    file, test = check.split("::")
    return f"[{test.removeprefix('test_').replace('_', ' ')}](../{file})"


if __name__ == "__main__":
    main()
