"""Runs checks on changed copies of the code, each in a process of its own that has the libraries loaded already.

Reads a line of JSON for each check from standard input (folder and arguments), and writes one for what came of it.
"""

import importlib
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path

LIBRARIES = (
    "pytest",
    "hypothesis",
    "hypothesis.strategies",
    "fastapi.testclient",
    "sqlmodel",
    "alembic.command",
    "aio_pika",
    "faststream.rabbit",
    "joserfc.jwe",
    "joserfc.jwk",
    "cryptography.hazmat.primitives.ciphers.aead",
    "structlog",
    "httpx2",
    "uvicorn",
)


def serve() -> None:
    """Take checks until standard input ends."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_in_a_child(asked["folder"], asked["arguments"])), flush=True)


def _in_a_child(folder: str, arguments: list[str]) -> dict[str, object]:
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os._exit(_run(folder, arguments))
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return {"code": os.waitstatus_to_exitcode(status), "output": output.read()[-4000:]}


def _run(folder: str, arguments: list[str]) -> int:
    os.chdir(folder)
    sys.path[:] = [folder, *(path for path in sys.path if path not in ("", str(Path(__file__).parents[2])))]
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__")
            return 0
        import pytest  # noqa: PLC0415  loaded already

        return int(pytest.main(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:  # a copy that cannot even be imported is no caught leak
        print(type(error).__name__, error)
        return 99
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
