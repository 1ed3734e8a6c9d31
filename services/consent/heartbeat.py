"""When each recipient gets its next heartbeat: gaps drawn by chance. Sending them is left to the timers."""

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

LONGEST_PAUSE_SECONDS: Final = 1.0

Draw = Callable[[], float]
"""Draws how many seconds pass until the next heartbeat of one recipient."""


class Rhythms:
    """When each recipient gets its next heartbeat: independent of every other, and of what was sent before."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._next: dict[str, datetime] = {}

    def due(self, lines: Mapping[str, bool], *, now: datetime) -> list[str]:
        """Return whose time has come, and draw the next. Who is new, or was away, first waits for a gap as well."""
        up = [recipient_id for recipient_id, is_up in lines.items() if is_up]
        self._next = {recipient_id: self._next.get(recipient_id) or self._after(now) for recipient_id in up}
        due = [recipient_id for recipient_id in up if self._next[recipient_id] <= now]
        self._next |= {recipient_id: self._after(now) for recipient_id in due}
        return due

    def pause(self, *, now: datetime) -> float:
        """Return how long to sleep: to the very moment of the next one, for a rhythm of looks would be a grid again."""
        soonest = min(self._next.values(), default=now + timedelta(seconds=LONGEST_PAUSE_SECONDS))
        return min(max((soonest - now).total_seconds(), 0.0), LONGEST_PAUSE_SECONDS)

    def _after(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._draw())


def exponential(mean_seconds: float) -> Draw:
    """Return what draws gaps that tell nothing: however long the last one was, the next may come at any moment."""
    chance = random.SystemRandom()
    return lambda: chance.expovariate(1 / mean_seconds)
