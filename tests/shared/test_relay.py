"""What was committed leaves, at least once: now, after an outage, or after a crash; and no lane slows another."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiormq.exceptions import DeliveryError
from pamqp.commands import Basic

from shared import relay as module
from shared.bus import NotConnected
from shared.outbox import Outgoing
from shared.relay import Publish, Relay
from shared.unit_of_work import UnitOfWork
from tests.shared.builders import Kit, a_case, until
from tests.shared.conftest import Store

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Broker:
    """Takes messages, or fails the way a broker does."""

    fails_with: BaseException | None = None
    refuses: Callable[[Outgoing], bool] = lambda _: False
    stalls: bool = False
    taken: list[Outgoing] = field(default_factory=list)
    asked: int = 0
    at_once: int = 0
    under_way: int = 0

    async def publish(self, item: Outgoing) -> None:
        self.asked += 1
        self.under_way += 1
        self.at_once = max(self.at_once, self.under_way)
        try:
            await asyncio.sleep(3600 if self.stalls else 0)
            if self.fails_with is not None:
                raise self.fails_with
            if self.refuses(item):
                raise DeliveryError(None, Basic.Nack())
        finally:
            self.under_way -= 1
        self.taken.append(item)

    @property
    def ids(self) -> list[str]:
        """Return the ids of what was taken."""
        return [item.message_id for item in self.taken]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again after a moment."""
    monkeypatch.setattr(module, "TRY_AGAIN", timedelta(milliseconds=30))
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0.03)
    monkeypatch.setattr(module, "DRAIN_SECONDS", 0.5)


@asynccontextmanager
async def relaying(kit: Kit, care: Broker, outside: Broker | None = None) -> AsyncIterator[Relay]:
    """Run a relay between a kit and brokers."""
    to_recipient: Publish | None = outside.publish if outside else None
    relay = Relay(
        kit.database, kit.writer, kit.outbox, to_care=care.publish, to_recipient=to_recipient, clock=kit.clock
    )
    kit.writer.on_commit(relay.take)
    relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


def announcing(number: int, person_id: str = "person-12") -> Callable[[UnitOfWork], None]:
    """Return a handler that announces so many cases."""

    def handler(work: UnitOfWork) -> None:
        for _ in range(number):
            work.announce(a_case(person_id=person_id))

    return handler


async def in_time(kit: Kit, says_yes: Callable[[], object]) -> None:
    """Wait until something is so, while time passes for the service too."""

    def ask() -> object:
        kit.clock.pass_by(seconds=1)
        return says_yes()

    await until(ask, seconds=15)


async def drained(kit: Kit) -> None:
    """Wait until nothing is left to be published."""
    await in_time(kit, lambda: kit.unsent() == 0)


async def test_what_was_committed_leaves_at_once_and_once(kit: Kit) -> None:
    care = Broker()

    async with relaying(kit, care):
        await kit.writer.run(announcing(50))
        await until(lambda: kit.unsent() == 0)

    assert len(care.ids) == len(set(care.ids)) == 50


async def test_what_the_care_circle_was_sent_is_logged_by_its_chain_and_what_a_recipient_was_sent_is_not(
    kit: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(work: UnitOfWork) -> None:
        work.correlation_id = "chain-0001"
        work.announce(a_case())
        work.notify("lvr-klinik", "notice-0001")

    async with relaying(kit, Broker(), Broker()):
        await kit.writer.run(handler)
        await drained(kit)

    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "event_sent" in line]
    assert (line["type"], line["correlation_id"]) == ("intake.case_opened.v1", "chain-0001")


async def test_messages_of_a_commit_are_under_way_together(kit: Kit) -> None:
    care = Broker()

    async with relaying(kit, care):
        await kit.writer.run(announcing(50))
        await drained(kit)

    assert care.at_once == 50


async def test_what_a_dead_process_left_over_leaves_at_once_after_a_restart_on_sqlite(kit_on_sqlite: Kit) -> None:
    kit = kit_on_sqlite
    await kit.writer.run(announcing(3))
    care = Broker()

    async with relaying(kit, care):
        await until(lambda: kit.unsent() == 0)  # no time passes

    assert len(care.ids) == 3


async def test_what_was_left_over_leaves_after_its_claim(kit: Kit) -> None:
    await kit.writer.run(announcing(300))
    care = Broker()

    async with relaying(kit, care):
        await drained(kit)

    assert len(care.ids) == len(set(care.ids)) == 300


@pytest.mark.parametrize("error", [NotConnected("x"), TimeoutError(), ConnectionResetError(), asyncio.CancelledError()])
async def test_an_outage_loses_nothing(kit: Kit, error: BaseException) -> None:
    care = Broker(fails_with=error)

    async with relaying(kit, care):
        await kit.writer.run(announcing(20))
        await in_time(kit, lambda: care.asked > 20)
        care.fails_with = None
        await drained(kit)

    assert set(care.ids) == {item.message_id for item in care.taken}
    assert len(set(care.ids)) == 20


async def test_during_an_outage_one_message_at_a_time_asks_whether_it_is_over(kit: Kit) -> None:
    care = Broker(fails_with=NotConnected("x"))

    async with relaying(kit, care):
        await kit.writer.run(announcing(30))
        await until(lambda: care.asked >= 30)
        care.at_once = 0
        await kit.writer.run(announcing(30))
        await in_time(kit, lambda: care.asked >= 33)

    assert care.at_once == 1


async def test_a_recipient_out_of_reach_slows_nobody_else(kit: Kit) -> None:
    care, outside = Broker(), Broker(stalls=True)

    async with relaying(kit, care, outside):
        await kit.writer.run(lambda work: work.notify("lvr-klinik", "notice-1"))
        await until(lambda: outside.under_way == 1)
        await kit.writer.run(announcing(5))
        await until(lambda: len(care.taken) == 5 and kit.unsent() == 1)

    assert outside.taken == []


async def test_a_refused_message_holds_up_no_other(kit: Kit) -> None:
    care = Broker(refuses=lambda item: item.key_id == "person-12")

    async with relaying(kit, care):
        await kit.writer.run(announcing(1, "person-12"))
        await kit.writer.run(announcing(5, "person-13"))
        await until(lambda: len(care.taken) == 5 and kit.unsent() == 1)

        care.refuses = lambda _: False
        await drained(kit)


async def test_what_concerns_an_erased_person_does_not_leave_after_an_outage(kit: Kit) -> None:
    care = Broker(fails_with=NotConnected("x"))

    async with relaying(kit, care):
        await kit.writer.run(announcing(3, "person-12"))
        await until(lambda: care.asked > 0)
        kit.keys.destroy("person-12")
        care.fails_with = None
        await kit.writer.run(announcing(3, "person-13"))
        await drained(kit)

    assert {item.key_id for item in care.taken} == {"person-13"}


async def test_a_service_without_recipients_is_not_stopped_by_a_notice(kit: Kit) -> None:
    care = Broker()

    async with relaying(kit, care):
        await kit.writer.run(lambda work: work.notify("lvr-klinik", "notice-1"))
        await kit.writer.run(announcing(1))
        await until(lambda: len(care.taken) == 1)

    assert kit.unsent() == 1


async def test_a_database_that_was_out_loses_nothing_and_stops_nothing(kit: Kit, store: Store) -> None:
    care = Broker(fails_with=NotConnected("x"))

    async with relaying(kit, care):
        await kit.writer.run(announcing(10))
        await until(lambda: care.asked >= 10)
        with store.out_of_reach():
            care.fails_with = None
            await asyncio.sleep(0.3)  # sweeps and records meet a database that is out
        await drained(kit)
        await kit.writer.run(announcing(1))
        await drained(kit)

    assert len(set(care.ids)) == 11


async def test_stopping_lets_leave_what_is_under_way(kit: Kit) -> None:
    care = Broker()

    async with relaying(kit, care):
        await kit.writer.run(announcing(400))

    assert (len(care.ids), kit.unsent()) == (400, 0)


async def test_stopping_waits_for_no_broker_that_is_out(kit: Kit) -> None:
    care = Broker(stalls=True)

    async with asyncio.timeout(5), relaying(kit, care):
        await kit.writer.run(announcing(1))
        await until(lambda: care.under_way == 1)

    assert kit.unsent() == 1
