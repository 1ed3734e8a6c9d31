"""A service that is killed right after its journal has a line, and before the commit that the line belongs to.

`python -m tests.shared.journal_process DATABASE_URL KEY_STORE_URL FOLDER`
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from shared.journal_file import JournalFile
from shared.unit_of_work import UnitOfWork
from tests.shared.builders import Tally, running_kit


def narrow_to(value: int, *key_ids: str) -> object:
    """Return a handler that narrows, and destroys keys."""

    def handler(work: UnitOfWork) -> None:
        tally = work.session.get(Tally, "no") or Tally(name="no")
        tally.value = value
        work.session.add(tally)
        work.narrows(tally)
        work.destroys(*key_ids)

    return handler


async def main(url: str, key_store_url: str, folder: str) -> None:
    """Narrow once, then die in the middle of the second time."""
    async with running_kit(url, key_store_url, journal_in=Path(folder)) as kit:
        kit.keys.seal("person-1", "x", b"value")
        await kit.writer.run(narrow_to(1))  # type: ignore[arg-type]  # a handler
        append = JournalFile.append

        def append_and_die(*arguments: object, **named: object) -> None:
            append(*arguments, **named)  # type: ignore[arg-type]  # what append takes
            os.kill(os.getpid(), signal.SIGKILL)

        JournalFile.append = append_and_die  # type: ignore[method-assign, assignment]  # the fault
        await kit.writer.run(narrow_to(2, "person-1"))  # type: ignore[arg-type]  # a handler


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
