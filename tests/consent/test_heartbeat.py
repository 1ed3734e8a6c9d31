"""Heartbeats: at times that follow from nothing, for each recipient its own, from one instance alone."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import chain, repeat
from statistics import mean, pstdev

import pytest

from services.consent.heartbeat import Rhythms, exponential
from services.consent.outside import Outside
from services.consent.timers import Timers, hold_lease
from tests.consent.builders import CLINIC, JOBCENTER, NOON, SECOND
from tests.consent.gate import Gate

BOTH = {JOBCENTER: True, CLINIC: True}


class Inboxes(Outside):
    """Recipients' inboxes without a broker."""

    def __init__(self) -> None:
        self.lines = dict(BOTH)
        self.sent: list[str] = []

    def lines_up(self) -> dict[str, bool]:
        return self.lines

    async def publish_notice(self, recipient_id: str, notice_id: str) -> None:
        self.sent.append(recipient_id)


@pytest.fixture
def inboxes() -> Inboxes:
    return Inboxes()


def drawing(*gaps: float) -> Iterator[float]:
    """Return these gaps, then ones that never end."""
    return chain(gaps, repeat(1e6))


def timers_of(gate: Gate, inboxes: Inboxes, *gaps: float) -> Timers:
    """Return timers that have looked once, when each recipient was given its first gap."""
    draw = partial(next, drawing(*gaps))
    service = gate.service
    timers = Timers(
        gate.settings,
        service.database,
        service.writer,
        inboxes,
        service.heads,
        outbox=service.outbox,
        clock=gate.clock,
        draw=draw,
    )
    asyncio.run(timers.send_heartbeats())
    return timers


def seconds_of(gate: Gate, inboxes: Inboxes, timers: Timers, *, count: int) -> list[tuple[int, str]]:
    """Let seconds pass; return when who was sent a heartbeat."""
    found = []
    for second in range(1, count + 1):
        gate.clock.pass_(SECOND)
        inboxes.sent.clear()
        asyncio.run(timers.send_heartbeats())
        found += [(second, recipient_id) for recipient_id in inboxes.sent]
    return found


def test_each_recipient_has_gaps_of_its_own(sqlite_gate: Gate, inboxes: Inboxes) -> None:
    timers = timers_of(sqlite_gate, inboxes, 2, 3, 4)

    found = seconds_of(sqlite_gate, inboxes, timers, count=8)

    assert found == [(2, JOBCENTER), (3, CLINIC), (6, JOBCENTER)]


def test_nobody_gets_one_while_its_line_is_down(sqlite_gate: Gate, inboxes: Inboxes) -> None:
    timers = timers_of(sqlite_gate, inboxes, 2, 3)
    inboxes.lines[JOBCENTER] = False

    assert seconds_of(sqlite_gate, inboxes, timers, count=4) == [(3, CLINIC)]


def test_an_instance_without_the_lease_sends_none(sqlite_gate: Gate, inboxes: Inboxes) -> None:
    sqlite_gate.write(partial(hold_lease, name="heartbeat", holder="another instance", length=timedelta(seconds=60)))
    timers = timers_of(sqlite_gate, inboxes, 1, 1)

    assert seconds_of(sqlite_gate, inboxes, timers, count=3) == []


def test_it_is_slept_to_the_very_moment_and_never_long() -> None:
    gaps = drawing(30, 0.25)
    rhythms = Rhythms(partial(next, gaps))

    assert rhythms.pause(now=NOON) == 1.0
    rhythms.due({JOBCENTER: True}, now=NOON)
    assert rhythms.pause(now=NOON) == 1.0
    rhythms.due(BOTH, now=NOON)
    assert rhythms.pause(now=NOON) == 0.25
    assert rhythms.pause(now=NOON + timedelta(seconds=5)) == 0.0


def test_the_gaps_have_the_mean_that_was_set_and_scatter_as_much() -> None:
    draw = exponential(60)

    gaps = [draw() for _ in range(20_000)]

    assert 57 < mean(gaps) < 63
    assert 56 < pstdev(gaps) < 64
