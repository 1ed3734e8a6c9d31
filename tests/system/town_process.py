"""One of the town's services as a process of its own, so that it can be killed.

`python -m tests.system.town_process FOLDER NAME [PLACE=VALUE ...]`
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from shared.observability import set_up_logging
from shared.service import Service
from tests.shared.builders import Base
from tests.shared.cases import Cases
from tests.shared.service_files import settings_in
from tests.system.town import CONSUMER, announcing


async def run(service: Service) -> None:
    """Run until killed."""
    async with service.running():
        await asyncio.sleep(3600)


async def announce_and_die(service: Service, number: int) -> None:
    """Announce cases and die right after the commit, before anything is published."""
    async with service.running():
        service.writer.on_commit(lambda _outgoing: os.kill(os.getpid(), signal.SIGKILL))
        await service.writer.run(announcing(number))


def main(folder: str, name: str, *places: str) -> None:
    """Build the service on the files of the folder and run it."""
    options = dict(place.split("=", 1) for place in places)
    number = int(options.pop("announce", "0"))
    set_up_logging(name)
    settings = settings_in(Path(folder), **options)
    service = Service(name, settings, Base.metadata, Cases().handlers() if name == CONSUMER else {})
    asyncio.run(announce_and_die(service, number) if number else run(service))


if __name__ == "__main__":
    main(*sys.argv[1:])
