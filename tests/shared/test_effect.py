"""Each message has its effect once; what came too early waits; what cannot be handled is parked and shown."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import func, select

from shared.database import Backlog
from shared.effect import ERASED, HANDLED, KNOWN, WAITS, Effects
from shared.keys import KeyDestroyed
from shared.reader import Received
from shared.unit_of_work import UnitOfWork
from tests.shared.builders import MARKER, NOON, Kit, a_case
from tests.shared.cases import PERSON, Cases, effects_of, ended, give, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def cases() -> Cases:
    return Cases()


@pytest.fixture
def effects(kit: Kit, cases: Cases) -> Effects:
    return effects_of(kit, cases)


async def late_messages(kit: Kit) -> int:
    """Return how many messages wait too long."""
    return await kit.writer.run(lambda work: kit.inbox.count_waiting(work.session, now=work.now))


async def listed(kit: Kit) -> list[dict[str, object]]:
    """Return what is parked."""
    return await kit.writer.run(lambda work: kit.parking.listed(work.session))


async def test_a_message_has_its_effect_once(kit: Kit, effects: Effects) -> None:
    message = opened()

    outcomes = [await give(kit, effects, message) for _ in range(3)]

    assert (outcomes, kit.tallies()) == ([HANDLED, KNOWN, KNOWN], {"opened case-0001": 1})


async def test_copies_that_arrive_at_the_same_moment_have_one_effect(kit: Kit, effects: Effects) -> None:
    message = opened()

    outcomes = await asyncio.gather(*(give(kit, effects, message) for _ in range(20)))

    assert (sorted(outcomes), kit.tallies()) == ([HANDLED] + [KNOWN] * 19, {"opened case-0001": 1})


async def test_of_many_messages_each_has_its_own_outcome(kit: Kit, effects: Effects) -> None:
    known, waits = opened(case_id="case-known", person_id="person-1"), ended("case-early")
    await give(kit, effects, known)
    await give(kit, effects, waits)
    gone = opened(case_id="case-gone", person_id="person-2")
    kit.keys.destroy("person-2")
    fresh = [opened(case_id="case-early"), opened(case_id="case-new", person_id="person-3")]
    many = [known, fresh[0], gone, fresh[1]]

    outcomes = await kit.writer.run(
        lambda work: effects.now([(UnitOfWork(work.session, work.keys, now=work.now), one) for one in many])
    )

    assert outcomes == [KNOWN, HANDLED, ERASED, HANDLED]
    assert {name for name in kit.tallies() if kit.tallies()[name]} == {
        *("opened case-known", "opened case-early", "ended case-early", "opened case-new"),
    }


async def test_two_messages_of_one_id_have_one_effect_even_in_one_call(kit: Kit, effects: Effects) -> None:
    message = opened()
    twin = Received(message.message_id, message.correlation_id, a_case(case_id="case-0002", person_id="person-0002"))

    outcomes = await kit.writer.run(lambda work: effects.now([(work, message), (work, twin)]))

    assert (outcomes, kit.tallies()) == ([HANDLED, KNOWN], {"opened case-0001": 1})


async def test_a_message_whose_handler_failed_is_not_known(kit: Kit, effects: Effects, cases: Cases) -> None:
    await give(kit, effects, opened())
    message = ended()
    cases.fails_with = LookupError()
    with pytest.raises(LookupError):
        await give(kit, effects, message)
    cases.fails_with = None

    assert await give(kit, effects, message) == HANDLED


async def test_what_came_too_early_waits_and_is_handled_after_its_predecessor(kit: Kit, effects: Effects) -> None:
    early = ended()

    outcomes = [await give(kit, effects, early), await give(kit, effects, opened())]

    assert outcomes == [WAITS, HANDLED]
    assert kit.tallies() == {"opened case-0001": 1, "ended case-0001": 1}


async def test_a_second_copy_of_what_waits_changes_nothing(kit: Kit, effects: Effects) -> None:
    early = ended()

    outcomes = [await give(kit, effects, early), await give(kit, effects, early)]
    await give(kit, effects, opened())

    assert (outcomes, kit.tallies()["ended case-0001"]) == ([WAITS, KNOWN], 1)


async def test_what_waits_for_something_else_goes_on_waiting(kit: Kit, effects: Effects) -> None:
    await give(kit, effects, ended("case-0002"))

    await give(kit, effects, opened("case-0001"))

    kit.clock.pass_by(seconds=61)
    assert ("ended case-0002" in kit.tallies(), await late_messages(kit)) == (False, 1)


async def test_waiting_longer_than_a_minute_is_an_alarm(kit: Kit, effects: Effects) -> None:
    await give(kit, effects, ended())

    kit.clock.pass_by(seconds=60)
    after_a_minute = await late_messages(kit)
    kit.clock.pass_by(seconds=1)

    assert (after_a_minute, await late_messages(kit)) == (0, 1)


async def test_what_waits_for_an_erased_person_alarms_nobody_and_has_no_effect(kit: Kit, effects: Effects) -> None:
    await give(kit, effects, ended())

    kit.keys.destroy(PERSON)
    kit.clock.pass_by(seconds=61)

    waiting = await kit.writer.run(lambda work: kit.inbox.waiting(work.session, PERSON))
    assert (await late_messages(kit), waiting) == (0, [])


async def test_what_fails_after_waiting_is_parked_and_its_predecessor_stands(
    kit: Kit, effects: Effects, cases: Cases
) -> None:
    early = ended()
    await give(kit, effects, early)
    cases.fails_with = LookupError(MARKER)

    outcome = await give(kit, effects, opened())

    assert (outcome, kit.tallies()) == (HANDLED, {"opened case-0001": 1})
    assert [row["message_id"] for row in await listed(kit)] == [early.message_id]


async def test_what_failed_after_waiting_can_be_handled_again(kit: Kit, effects: Effects, cases: Cases) -> None:
    early = ended()
    await give(kit, effects, early)
    cases.fails_with = LookupError()
    await give(kit, effects, opened())
    cases.fails_with = None

    await kit.writer.run(lambda work: effects.handle_parked(work, early.message_id, by="operator-1"))

    assert (kit.tallies()["ended case-0001"], await listed(kit)) == (1, [])


async def park(kit: Kit, effects: Effects, received: Received, parked_id: str = "parked-1") -> None:
    """Park a message that was read."""
    keep = partial(effects.park, parked_id=parked_id, received=received, body=b"", reason="attempts_used_up")
    await kit.writer.run(keep)


async def test_a_parked_message_is_shown_without_any_value(kit: Kit, effects: Effects) -> None:
    message = opened()
    await park(kit, effects, message)

    [row] = await listed(kit)

    assert row == {
        "parked_id": "parked-1",
        "message_id": message.message_id,
        "type": "intake.case_opened.v1",
        "reason": "attempts_used_up",
        "parked_at": kit.clock.now,
    }


async def test_a_message_that_is_parked_twice_is_listed_once(kit: Kit, effects: Effects) -> None:
    message = opened()

    await park(kit, effects, message)
    await park(kit, effects, message)

    assert await kit.writer.run(lambda work: kit.parking.backlog(work.session)) == Backlog(1, NOON)


async def test_a_parked_message_is_handled_again_and_is_gone(kit: Kit, effects: Effects) -> None:
    await park(kit, effects, opened())

    found = [
        await kit.writer.run(lambda work: effects.handle_parked(work, "parked-1", by="operator-1")) for _ in range(2)
    ]

    assert (found, kit.tallies(), await listed(kit)) == ([True, False], {"opened case-0001": 1}, [])


async def test_a_parked_message_whose_other_copy_was_handled_has_no_second_effect(kit: Kit, effects: Effects) -> None:
    message = opened()
    await park(kit, effects, message)
    await give(kit, effects, message)

    await kit.writer.run(lambda work: effects.handle_parked(work, "parked-1", by="operator-1"))

    assert (kit.tallies(), await listed(kit)) == ({"opened case-0001": 1}, [])


async def test_a_parked_message_that_fails_again_stays_parked(kit: Kit, effects: Effects, cases: Cases) -> None:
    await park(kit, effects, ended())
    cases.fails_with = LookupError()

    with pytest.raises(LookupError):
        await kit.writer.run(lambda work: effects.handle_parked(work, "parked-1", by="operator-1"))

    assert len(await listed(kit)) == 1


async def test_a_parked_message_of_an_erased_person_cannot_be_handled(kit: Kit, effects: Effects) -> None:
    await park(kit, effects, opened())
    kit.keys.destroy(PERSON)

    with pytest.raises(KeyDestroyed):
        await kit.writer.run(lambda work: effects.handle_parked(work, "parked-1", by="operator-1"))


async def test_a_dropped_message_keeps_the_reason_and_loses_its_body(kit: Kit, effects: Effects) -> None:
    await park(kit, effects, opened())

    drop: Callable[[UnitOfWork], bool] = lambda work: kit.parking.resolve(  # noqa: E731
        work.session, "parked-1", resolution="dropped: sent_by_mistake", now=work.now
    )
    await kit.writer.run(drop)

    table = kit.table("parked")
    asked = select(table.c.resolution, func.length(table.c.body))
    row = await kit.writer.run(lambda work: work.session.execute(asked).one())
    assert (tuple(row), await listed(kit)) == (("dropped: sent_by_mistake", 0), [])
