"""One writer per service: handlers that arrive together share a commit, and what cannot wait goes first.

A group is what has arrived: at most 64 handlers or 50 ms of work; a waiting urgent one (a withdrawal, an opening) ends
it after the call that runs, and so does one that destroys a key. When one of them fails, the group is run again with a
savepoint for each, so that it fails alone: a handler may run twice. What narrows is in the journal before the commit;
nobody is answered before the commit.

What `run_together` was handed for the same handler and for different persons is handled in one call, so that its
reading is done once for all of them; each still has a unit of work, and in the second run a savepoint, of its own.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from shared.contracts.town import ESSEN, Town
from shared.database import Database, is_out_of_reach
from shared.journal import Journal
from shared.journal_file import Row
from shared.keys import PersonKeys
from shared.metrics import Metrics
from shared.observability import correlation_id
from shared.outbox import Outbox, Outgoing
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

R = TypeVar("R")
T = TypeVar("T")
Locks = Callable[[Session], set[str]]

GROUP_JOBS = 64
GROUP_SECONDS = 0.05
ATTEMPTS = 3
_RUN_AGAIN = {"40001", "40P01"}  # serialization failure, deadlock: PostgreSQL asks for it


class StoreUnavailable(RuntimeError):
    """Raised when the database cannot be written: nothing was done, and trying again later is right."""

    code = "store_unavailable"

    def __init__(self) -> None:
        super().__init__("the database cannot be written at the moment")


@dataclass(frozen=True, slots=True, eq=False)
class Together(Generic[T, R]):
    """A handler that takes several things in one call. What is handed in for the same one is handled together."""

    handle: Callable[[Sequence[tuple[UnitOfWork, T]]], Sequence[R]]
    """Handles them, each in its own unit of work of one transaction; returns a result for each."""
    locks: Callable[[Session, Sequence[T]], set[str]]
    """Names the rows to lock before anything is read."""
    apart: Callable[[T], str]
    """Names what no two things of one call may share; the second comes after the first."""


@dataclass(slots=True)
class _Job:
    together: Together[Any, Any]  # Any: each handler has its own things and results
    item: Any
    urgent: bool
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    chain: str | None
    """What led to this, for what is announced in it."""
    result: Any = None
    error: BaseException | None = None
    outgoing: list[Outgoing] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    narrowed: list[Row] = field(default_factory=list)
    destroyed: list[str] = field(default_factory=list)

    def fail(self, error: BaseException) -> None:
        self.error, self.outgoing, self.rows, self.narrowed, self.destroyed = error, [], [], [], []

    def settle(self) -> None:
        if self.future.done():
            return
        if isinstance(self.error, StopIteration):  # a future refuses it
            self.future.set_exception(RuntimeError("a handler raised StopIteration"))
        elif self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Runs handlers in one thread, in groups, each group one transaction."""

    def __init__(
        self,
        database: Database,
        keys: PersonKeys,
        outbox: Outbox,
        journal: Journal,
        *,
        clock: Callable[[], datetime],
        town: Town = ESSEN,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._database = database
        self._keys = keys
        self._outbox = outbox
        self._journal = journal
        self._clock = clock
        self._town = town
        self._committed: Callable[[list[Outgoing]], None] = lambda outgoing: None
        self._urgent: deque[_Job] = deque()
        self._usual: deque[_Job] = deque()
        self._arrived = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def on_commit(self, committed: Callable[[list[Outgoing]], None]) -> None:
        """Have the messages of each group handed over right after its commit, in the event loop."""
        self._committed = committed

    def start(self) -> None:
        """Start the writing thread."""
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish what has been handed in, then stop."""
        with self._arrived:
            self._stopping = True
            self._arrived.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def run(self, handler: Callable[[UnitOfWork], R], *, locks: Locks | None = None, urgent: bool = False) -> R:
        """Run a handler in a group's transaction and return its result after the commit.

        `locks` names the rows to lock before anything is read. Raises what the handler raised (its work is undone),
        or StoreUnavailable when the group could not be committed.
        """
        return await self.run_together(_of_one(handler, locks), None, urgent=urgent)

    async def run_together(self, together: Together[T, R], item: T, *, urgent: bool = False) -> R:
        """Handle a thing with what else has arrived for the same handler; raises as `run` does."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        chain = correlation_id.get()  # the writing thread has a context of its own
        with self._arrived:
            if self._stopping:
                raise StoreUnavailable
            (self._urgent if urgent else self._usual).append(_Job(together, item, urgent, future, loop, chain))
            self._arrived.notify()
        return await future

    def _work(self) -> None:
        while group := self._take():
            done = self._commit(group)
            with self._arrived:
                (self._urgent if group[0].urgent else self._usual).extendleft(reversed(group[len(done) :]))
            for loop in {job.loop for job in done}:
                self._tell(loop, [job for job in done if job.loop is loop])

    def _take(self) -> list[_Job]:
        with self._arrived:
            while not (self._urgent or self._usual or self._stopping):
                self._arrived.wait()
            queue = self._urgent or self._usual
            return [queue.popleft() for _ in range(min(len(queue), GROUP_JOBS))]

    def _tell(self, loop: asyncio.AbstractEventLoop, done: list[_Job]) -> None:
        try:
            loop.call_soon_threadsafe(self._answer, done)
        except RuntimeError:  # the loop has ended, nobody waits; what was announced is in the outbox
            log.warning("nobody_waits_for_the_commit", count=len(done))

    def _answer(self, done: list[_Job]) -> None:
        outgoing = [item for job in done for item in job.outgoing]
        try:
            if outgoing:
                self._committed(outgoing)
        finally:
            for job in done:
                job.settle()

    def _commit(self, group: list[_Job]) -> list[_Job]:
        """Run a group and return the jobs that are settled: all of them, or a first part if something urgent came."""
        try:
            return self._transact_patiently(group, careful=False)
        except BaseException as error:
            if _is_of_the_store(error) or len(group) == 1:
                return _all_fail(group, error)
        try:
            return self._transact_patiently(group, careful=True)
        except BaseException as error:
            if _is_of_the_store(error):
                return _all_fail(group, error)
            return self._commit(group[:1])  # one spoils it for all, at the commit or with its locks: each alone now

    def _transact_patiently(self, group: list[_Job], *, careful: bool) -> list[_Job]:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._transact(group, careful=careful)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _RUN_AGAIN:
                    raise
        return self._transact(group, careful=careful)

    def _transact(self, group: list[_Job], *, careful: bool) -> list[_Job]:
        if self._journal.is_behind:
            self._journal.catch_up(self._database, self._keys)
        now, started = self._clock(), monotonic()
        with self._database.write() as session:
            turns = list(_in_turn(group, alone=careful))
            self._database.lock(session, {name for jobs in turns for name in _names_to_lock(session, jobs)})
            until = monotonic() + GROUP_SECONDS
            done: list[_Job] = []
            for jobs in turns:
                (self._run_alone if careful else self._run)(jobs, session, now)
                done += jobs
                if monotonic() > until or any(job.destroyed for job in jobs) or (self._urgent and not jobs[-1].urgent):
                    break
            self._outbox.add(session, [row for job in done for row in job.rows])
            narrows = self._write_ahead(session, done, now)
            session.commit()
        self._metrics.transaction(seconds=monotonic() - started)
        if narrows:
            self._journal.committed()
        return done

    def _write_ahead(self, session: Session, done: list[_Job], now: datetime) -> bool:
        """Have what narrows on the disk, then destroy keys: whatever happens after this, it will not come undone."""
        narrowed = [row for job in done for row in job.narrowed]
        destroyed = [key_id for job in done for key_id in job.destroyed]
        if not (narrowed or destroyed):
            return False
        session.flush()  # what the database refuses must not be in the journal
        self._journal.write(session, narrowed, destroyed, now=now)
        self._keys.destroy_all(destroyed)
        return True

    def _run_alone(self, jobs: list[_Job], session: Session, now: datetime) -> None:
        [job] = jobs
        try:
            with session.begin_nested():
                self._run(jobs, session, now)
        except DBAPIError as error:
            if is_out_of_reach(error):
                raise
            job.fail(error)
        except Exception as error:
            job.fail(error)

    def _run(self, jobs: list[_Job], session: Session, now: datetime) -> None:
        works = [UnitOfWork(session, self._keys, now=now, town=self._town, chain=job.chain) for job in jobs]
        results = jobs[0].together.handle([(work, job.item) for work, job in zip(works, jobs, strict=True)])
        for job, work, result in zip(jobs, works, results, strict=True):
            job.error, job.result = None, result
            job.narrowed, job.destroyed = work.narrowed, work.destroyed
            job.outgoing, job.rows = work.outgoing, self._outbox.prepare(work.outgoing, now=now)


def _in_turn(group: list[_Job], *, alone: bool) -> Iterator[list[_Job]]:
    """Cut a group, in its order, into what is handled in one call."""
    turn: list[_Job] = []
    taken: set[str] = set()
    for job in group:
        name = job.together.apart(job.item)
        if turn and (alone or job.together is not turn[0].together or name in taken):
            yield turn
            turn, taken = [], set()
        turn.append(job)
        taken.add(name)
    if turn:
        yield turn


def _names_to_lock(session: Session, jobs: list[_Job]) -> set[str]:
    return jobs[0].together.locks(session, [job.item for job in jobs])


def _of_one(handler: Callable[[UnitOfWork], R], locks: Locks | None) -> Together[None, R]:
    """Return what goes together with nothing else: it is made anew for everything that is handed in."""
    return Together(
        handle=lambda works: [handler(work) for work, _ in works],
        locks=lambda session, _: locks(session) if locks else set(),
        apart=lambda _: "",
    )


def _all_fail(group: list[_Job], error: BaseException) -> list[_Job]:
    for job in group:
        job.fail(StoreUnavailable() if _is_of_the_store(error) else error)
    return group


def _is_of_the_store(error: BaseException) -> bool:
    """Say whether the database is out of reach, so that the same handlers may well succeed later."""
    if isinstance(error, DBAPIError):
        return is_out_of_reach(error)
    return isinstance(error, PoolTimeout | OSError)
