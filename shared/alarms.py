"""Says aloud, once a minute, what lies about for too long: parked messages, and such as wait for the broker or another.

A look needs the database alone, so it is loud while the broker is down too.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from shared.timer import Repeated

log = structlog.get_logger()

EVERY_SECONDS: Final = 60.0
KINDS: Final = (
    ("messages_parked", "parked", "oldest_parked_seconds"),
    ("messages_unsent_too_long", "unsent_too_long", "oldest_unsent_seconds"),
    ("messages_wait_too_long", "waiting_too_long", "oldest_waiting_seconds"),
)
"""The log line, the count that makes it, and the age that it tells."""


class Alarms(Repeated):
    """Looks at the counts of one service."""

    def __init__(self, counts: Callable[[], Awaitable[Mapping[str, int] | None]]) -> None:
        super().__init__(every_seconds=EVERY_SECONDS)
        self._counts = counts

    async def look(self) -> None:
        """Write a line of level error for each kind of which there is any."""
        counts = await self._counts() or {}
        for event, count, oldest in KINDS:
            if counts.get(count):
                log.error(event, count=counts[count], oldest_seconds=counts[oldest])
