"""Handlers that share a commit: together when they arrive together, undone alone, answered after the commit."""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from shared.observability import correlation_id
from shared.unit_of_work import UnitOfWork
from shared.writer import GROUP_JOBS, StoreUnavailable, Together
from tests.shared.builders import Kit, Remark, Tally, a_case, busy, count, open_kit, running_kit
from tests.shared.conftest import Store

pytestmark = pytest.mark.anyio


class Commits:
    """Counts the commits of a kit, and what was counted in each."""

    def __init__(self, kit: Kit) -> None:
        self.number = 0
        event.listen(kit.database.engine, "commit", self._one_more)

    def _one_more(self, _connection: Any) -> None:  # Any: SQLAlchemy passes its connection
        self.number += 1


async def outcomes(*jobs: Awaitable[Any]) -> list[Any]:
    """Return what each job returned or raised."""
    return await asyncio.gather(*jobs, return_exceptions=True)


async def handed_in_together(kit: Kit, *jobs: Awaitable[Any]) -> list[Any]:
    """Hand jobs in while the writer is busy; return what each returned or raised."""
    async with busy(kit.writer):
        waiting = asyncio.gather(*jobs, return_exceptions=True)
    return list(await waiting)


def poison(work: UnitOfWork) -> None:
    """Do something and break a rule of a table."""
    work.announce(a_case())
    work.session.add(Tally(name="poison"))
    work.session.flush()
    work.session.execute(text("INSERT INTO tally (name, value) VALUES ('poison', 1)"))


def late_poison(work: UnitOfWork) -> None:
    """Break a rule that the database checks at the commit only."""
    work.session.add(Remark(remark_id="r-1", tally="unheard of"))


async def test_a_handler_is_answered_with_its_result(kit: Kit) -> None:
    assert [await kit.writer.run(count("a", by=2)), await kit.writer.run(count("a", by=3))] == [2, 5]


async def test_what_is_announced_belongs_to_the_chain_of_who_asked_also_in_a_group(kit: Kit) -> None:
    async def ask(chain: str) -> None:
        correlation_id.set(chain)
        await kit.writer.run(lambda work: work.announce(a_case(case_id=f"case-of-{chain}")))

    await handed_in_together(kit, *(asyncio.create_task(ask(f"chain-{number}")) for number in range(3)))

    announced = {item.correlation_id for item in kit.handed_over}
    assert announced == {"chain-0", "chain-1", "chain-2"}


async def test_handlers_that_arrive_together_share_a_commit(kit: Kit) -> None:
    commits = Commits(kit)

    await handed_in_together(kit, *(kit.writer.run(count(f"a{number}")) for number in range(8)))

    assert (len(kit.tallies()), commits.number < 9) == (8, True)


async def test_a_group_holds_at_most_64_handlers(kit: Kit) -> None:
    commits = Commits(kit)
    committed_before: list[int] = []

    def note(work: UnitOfWork) -> None:
        work.session.execute(text("SELECT 1"))
        committed_before.append(commits.number)

    await handed_in_together(kit, *(kit.writer.run(note) for _ in range(GROUP_JOBS + 1)))

    largest = max(committed_before.count(number) for number in set(committed_before))
    assert largest <= GROUP_JOBS < len(committed_before)


async def test_nobody_is_answered_before_the_commit(kit: Kit) -> None:
    waiting: list[asyncio.Future[Any]] = []
    answered_early: list[bool] = []
    event.listen(kit.database.engine, "commit", lambda _: answered_early.append(waiting[0].done()))

    async with busy(kit.writer):
        waiting.append(asyncio.ensure_future(kit.writer.run(count("a"))))
    await waiting[0]

    assert set(answered_early) == {False}


async def test_a_handler_that_fails_leaves_the_others_of_its_group_alone(kit: Kit) -> None:
    def fail(work: UnitOfWork) -> None:
        count("lost")(work)
        raise LookupError

    first, second, third = await handed_in_together(
        kit, kit.writer.run(count("a")), kit.writer.run(fail), kit.writer.run(count("b"))
    )

    assert (first, type(second), third) == (1, LookupError, 1)
    assert kit.tallies() == {"a": 1, "b": 1}


@pytest.mark.parametrize("handler", [poison, late_poison])
async def test_a_handler_that_breaks_a_rule_of_the_database_fails_alone(kit: Kit, handler: Any) -> None:
    first, second, third = await handed_in_together(
        kit, kit.writer.run(count("a")), kit.writer.run(handler), kit.writer.run(count("b"))
    )

    assert (first, type(second), third) == (1, IntegrityError, 1)
    assert (kit.tallies(), kit.unsent()) == ({"a": 1, "b": 1}, 0)


class Calls:
    """A handler of several names at a time, and the calls that it got."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.together: Together[str, int] = Together(
            handle=self._handle,
            locks=lambda _, names: {f"person:{name}" for name in names},
            apart=lambda name: name.removesuffix("!"),
        )

    def _handle(self, works: Sequence[tuple[UnitOfWork, str]]) -> list[int]:
        self.seen.append([name for _, name in works])
        done = [count(name)(work) for work, name in works]
        if any(name.endswith("!") for _, name in works):
            raise LookupError
        return done


async def test_what_arrives_for_one_handler_is_handled_in_one_call_and_each_gets_its_own_result(kit: Kit) -> None:
    calls = Calls()
    await kit.writer.run(count("b"))

    results = await handed_in_together(kit, *(kit.writer.run_together(calls.together, name) for name in "abc"))

    assert (calls.seen, results) == ([["a", "b", "c"]], [1, 2, 1])


async def test_two_things_that_stand_apart_are_handled_one_after_the_other(kit: Kit) -> None:
    calls = Calls()

    results = await handed_in_together(kit, *(kit.writer.run_together(calls.together, name) for name in "abacca"))

    assert (calls.seen, results) == ([["a", "b"], ["a", "c"], ["c", "a"]], [1, 1, 2, 1, 2, 3])


async def test_of_what_is_handled_in_one_call_one_fails_alone(kit: Kit) -> None:
    calls = Calls()

    first, second, third = await handed_in_together(
        kit, *(kit.writer.run_together(calls.together, name) for name in ("a", "b!", "c"))
    )

    assert (first, type(second), third) == (1, LookupError, 1)
    assert kit.tallies() == {"a": 1, "c": 1}


async def test_a_call_in_which_any_destroys_a_key_ends_the_group(keeping_kit: Kit) -> None:
    kit = keeping_kit
    await kit.writer.run(lambda work: work.seal("person-1", "here", "x"))

    def destroy_with_the_first(works: Sequence[tuple[UnitOfWork, str]]) -> list[bool]:
        works[0][0].destroys("person-1")
        return [False for _ in works]

    both: Together[str, bool] = Together(destroy_with_the_first, lambda _, names: set(names), apart=str)
    _, _, gone = await handed_in_together(
        kit,
        kit.writer.run_together(both, "a"),
        kit.writer.run_together(both, "b"),
        kit.writer.run(lambda work: work.keys.is_destroyed("person-1")),
    )

    assert gone


async def test_other_handlers_in_between_keep_their_place(kit: Kit) -> None:
    calls = Calls()
    one = calls.together

    results = await handed_in_together(
        kit, kit.writer.run_together(one, "a"), kit.writer.run(count("b")), kit.writer.run_together(one, "b")
    )

    assert (calls.seen, results) == ([["a"], ["b"]], [1, 1, 2])


async def test_two_notices_of_one_id_fail_alone(kit: Kit) -> None:
    def twice(work: UnitOfWork) -> None:
        work.notify("lvr-klinik", "notice-1")
        work.notify("jobcenter-essen", "notice-1")

    first, second = await handed_in_together(kit, kit.writer.run(count("a")), kit.writer.run(twice))

    assert (first, type(second), kit.unsent()) == (1, IntegrityError, 0)


async def test_a_handler_whose_locks_cannot_be_named_fails_alone(kit: Kit) -> None:
    def unknown(_session: Session) -> set[str]:
        raise LookupError

    first, second = await handed_in_together(kit, kit.writer.run(count("a")), kit.writer.run(count("b"), locks=unknown))

    assert (first, type(second), kit.tallies()) == (1, LookupError, {"a": 1})


async def test_a_statement_that_the_database_does_not_understand_fails_alone(kit: Kit) -> None:
    def mistaken(work: UnitOfWork) -> None:
        work.session.execute(text("SELECT value FROM no_such_table"))

    first, second = await handed_in_together(kit, kit.writer.run(count("a")), kit.writer.run(mistaken))

    assert (first, isinstance(second, StoreUnavailable), kit.tallies()) == (1, False, {"a": 1})


async def test_a_handler_that_runs_out_of_items_fails_and_is_answered(kit: Kit) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await kit.writer.run(lambda _work: next(iter([])))


async def test_what_cannot_wait_goes_before_what_arrived_earlier(kit: Kit) -> None:
    order: list[str] = []

    await handed_in_together(
        kit,
        kit.writer.run(lambda _work: order.append("usual")),
        kit.writer.run(lambda _work: order.append("urgent"), urgent=True),
    )

    assert order == ["urgent", "usual"]


async def test_what_cannot_wait_ends_the_group_that_is_being_worked_on(kit: Kit) -> None:
    order: list[str] = []
    loop = asyncio.get_running_loop()
    urgent: list[concurrent.futures.Future[None]] = []

    def first(_work: UnitOfWork) -> None:
        order.append("first")
        withdrawal = kit.writer.run(lambda _work: order.append("withdrawal"), urgent=True)
        urgent.append(asyncio.run_coroutine_threadsafe(withdrawal, loop))
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)

    await handed_in_together(kit, kit.writer.run(first), kit.writer.run(lambda _work: order.append("second")))
    await asyncio.wrap_future(urgent[0])

    assert order == ["first", "withdrawal", "second"]


async def test_a_store_out_of_reach_is_told_to_everybody_and_nothing_is_done(kit: Kit, store: Store) -> None:
    await kit.writer.run(count("a"))

    with store.out_of_reach():
        told = await handed_in_together_out_of_reach(kit)

    assert {type(one) for one in told} == {StoreUnavailable}
    assert (kit.tallies(), kit.unsent(), kit.handed_over) == ({"a": 1}, 0, [])


async def handed_in_together_out_of_reach(kit: Kit) -> list[Any]:
    """Hand in handlers that count and announce."""
    return await outcomes(
        kit.writer.run(count("a")), kit.writer.run(lambda work: work.announce(a_case())), kit.writer.run(count("b"))
    )


async def test_the_writer_goes_on_when_the_store_is_back(kit: Kit, store: Store) -> None:
    with store.out_of_reach():
        await outcomes(kit.writer.run(count("a")))

    assert await kit.writer.run(count("a")) == 1


async def test_a_group_that_lost_a_deadlock_is_run_again(postgres_store: Store) -> None:
    meeting = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()

    def in_turn(first: str, second: str, runs: list[str]) -> Any:
        def handler(work: UnitOfWork) -> None:
            count(first)(work)
            runs.append(first)
            if len(runs) == 1:  # both hold their first row before either asks for its second
                asyncio.run_coroutine_threadsafe(meeting.wait(), loop).result(5)
            count(second)(work)

        return handler

    async with (
        running_kit(postgres_store.url, postgres_store.key_store_url) as one,
        running_kit(postgres_store.url, postgres_store.key_store_url) as other,
    ):
        await one.writer.run(lambda work: work.session.add_all([Tally(name="a"), Tally(name="b")]))
        runs_of_one: list[str] = []
        runs_of_other: list[str] = []
        await asyncio.gather(
            one.writer.run(in_turn("a", "b", runs_of_one)), other.writer.run(in_turn("b", "a", runs_of_other))
        )
        runs = len(runs_of_one) + len(runs_of_other)

    assert runs >= 3  # whoever lost may lose once more: it is quick to take its first row again


async def test_stopping_finishes_what_was_handed_in(kit: Kit) -> None:
    async with busy(kit.writer):
        waiting = asyncio.gather(*(kit.writer.run(count(f"a{number}")) for number in range(5)))
        await asyncio.sleep(0)
        stopping = asyncio.ensure_future(kit.writer.stop())
    await stopping

    assert await waiting == [1] * 5


async def test_a_stopped_writer_refuses(kit: Kit) -> None:
    await kit.writer.stop()

    with pytest.raises(StoreUnavailable):
        await kit.writer.run(count("a"))


async def test_a_caller_who_has_gone_holds_up_nobody(kit: Kit) -> None:
    async with busy(kit.writer):
        gone = asyncio.ensure_future(kit.writer.run(count("a")))
        await asyncio.sleep(0)
        gone.cancel()
        waiting = asyncio.ensure_future(kit.writer.run(count("b")))

    assert await waiting == 1


def test_an_event_loop_that_ended_holds_up_nobody(store: Store) -> None:
    kit = open_kit(store.url, store.key_store_url)

    async def leave_without_waiting() -> None:
        async with busy(kit.writer):
            hurried = asyncio.ensure_future(kit.writer.run(count("a")))
            await asyncio.sleep(0)
        hurried.cancel()

    async def come_back() -> int:
        result = await kit.writer.run(count("b"))
        await kit.close()
        return result

    asyncio.run(leave_without_waiting())

    assert asyncio.run(come_back()) == 1
