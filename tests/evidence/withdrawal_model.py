"""The protocol of notice, opening and withdrawal as a small machine, small enough to try every order of its steps.

One person, one piece of knowledge, two recipients. Steps of the gate, the broker, the recipients and the person
interleave freely; the gate and the recipients crash between any two steps; the broker may deliver twice. What must
never be seen is told by `Broken`: the promises N5 (withdrawal), A1 (entry before answer) and L1 (nothing lost).

A `Design` says how the gate does it. `AS_BUILT` is ours; the others are designs that look right and are not.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

NONE, YES, ENDED = "none", "yes", "ended"
WAITING, OPENED, RETRACTED, VOID = "waiting", "opened", "retracted", "void"
CONTENT, EMPTY, RETRACT = "content", "empty", "retract"


@dataclass(frozen=True, slots=True)
class Design:
    """How a gate does it. Each flag that is not the default is a way to break a promise."""

    name: str
    content_in_the_notice: bool = False
    """What may be told travels with the notice, decided when the notice was written."""
    decided_by_the_notice: bool = False
    """An opening trusts that a notice still waiting means a yes still standing; a withdrawal ends the yes alone."""
    read_before_the_lock: bool = False
    """The decision is read first; the lock is taken for writing what came of it."""
    answer_before_the_commit: bool = False
    """The answer is sent first; opening and ledger entry are committed after it."""
    acknowledged_before_the_commit: bool = False
    """The person is told that the withdrawal holds before it is committed."""
    opened_when_confirmed: bool = False
    """A release counts as opened only when the recipient confirms it, so a retraction overlooks what is on its way."""


AS_BUILT = Design("as built")
KNOWN_BAD = (
    Design("content in the notice", content_in_the_notice=True),
    Design("decided when the notice was written", decided_by_the_notice=True),
    Design("grant read before the lock", read_before_the_lock=True),
    Design("answered before the commit", answer_before_the_commit=True),
    Design("withdrawal acknowledged before the commit", acknowledged_before_the_commit=True),
    Design("opened when the recipient confirms", opened_when_confirmed=True),
)


ASKED, READ, COMMITTED, SENT = "asked", "read", "committed", "sent"


class Opening(NamedTuple):
    """An opening on its way."""

    notice: str
    too_late: bool
    """Whether it was asked for after the yes had ended for good, so far as anybody outside could know."""
    stage: str = ASKED
    result: str = ""
    may: bool = False
    """What was read before the lock was taken, where a design does that."""


class Side(NamedTuple):
    """One recipient: what the gate's database says of it, what is on its way, what it holds."""

    word: str = NONE
    is_second: bool = False
    """Whether the yes is the later one, which the end of time does not reach."""
    releases: tuple[str, ...] = ()
    ledger: frozenset[int] = frozenset()
    outbox: frozenset[str] = frozenset()
    inbox: frozenset[str] = frozenset()
    openings: tuple[Opening, ...] = ()
    uncommitted: int | None = None
    """A release whose opening is committed only after its answer, where a design does that."""
    held: frozenset[int] = frozenset()
    tombstones: frozenset[int] = frozenset()
    asks_left: int = 2
    closed: bool = False
    """Whether the person, or the time, has ended the yes for good, so far as anybody outside can know."""


class State(NamedTuple):
    """The whole: both recipients, the person's withdrawal from the first, and what may yet go wrong."""

    sides: tuple[Side, Side]
    withdrawal: str = "not yet"
    is_late: bool = False
    withdraws_left: int = 1
    grants_left: int = 1
    expires_left: int = 1
    crashes_left: int = 1
    losses_left: int = 1


class Broken(Exception):
    """Raised by a step, or of a state, that breaks a promise."""


Step = tuple[str, State]


class Machine:
    """Every step that a design allows."""

    def __init__(self, design: Design, *, releases: int = 3, in_flight: int = 1, keeps_notices: bool = False) -> None:
        self._design = design
        self._most = releases
        self._in_flight = in_flight
        self._keeps_notices = keeps_notices

    def start(self, *, recipients: int = 2, asks: int = 2, **left: Any) -> State:
        """Return the state in which the recipients have a yes, and a notice in the outbox; `left` may yet happen."""
        known = self._reconsidered(Side(YES, asks_left=asks), late=False)
        return State((known, known if recipients > 1 else Side(asks_left=0)), **left)

    def steps(self, state: State) -> Iterator[Step]:
        """Yield every step from here; raise Broken where one breaks a promise."""
        for number, side in enumerate(state.sides):
            for name, changed in self._of_one_side(state, side):
                yield f"{name} {number}", _with(state, number, changed)
        yield from self._of_the_person(state)
        yield from self._of_the_gate(state)
        yield from self._losses(state)

    def _of_one_side(self, state: State, side: Side) -> Iterator[tuple[str, Side]]:
        for notice in side.outbox:
            yield f"publish {notice}", self._published(side, notice)
        if len(side.openings) < self._in_flight and side.asks_left:
            again = {f"c{number}" for number in side.held}  # what is held may be opened again
            for notice in side.inbox | again:
                asked = Opening(notice, side.closed)
                yield f"ask {notice}", _and(side, asked)._replace(asks_left=side.asks_left - 1)
        if side.uncommitted is not None:
            yield "commit late", self._opened(side, side.uncommitted)._replace(uncommitted=None)
        for opening in set(side.openings):
            rest = _without(side, opening)
            if opening.stage in (ASKED, READ):
                yield self._handled(rest, opening, late=state.is_late)
            elif opening.stage == COMMITTED:
                yield f"answer {opening.notice}", _and(rest, opening._replace(stage=SENT))
            else:
                yield f"receive {opening.result} {opening.notice}", self._received(rest, opening)

    def _published(self, side: Side, notice: str) -> Side:
        sent = side._replace(outbox=side.outbox - {notice}, inbox=side.inbox | {notice})
        if self._design.content_in_the_notice and notice.startswith("c"):
            if side.closed:
                raise Broken("content left after the withdrawal was acknowledged")
            told = self._opened(sent, int(notice[1:]))
            return told._replace(held=told.held | {int(notice[1:])})
        return sent

    def _handled(self, side: Side, opening: Opening, *, late: bool) -> tuple[str, Side]:
        """Return one transaction of the gate; `side` is without the opening that it is about."""
        number, name = int(opening.notice[1:]), f"open {opening.notice}"
        if opening.notice.startswith("r"):  # however often it is opened
            return name, _and(side, opening._replace(stage=COMMITTED, result=RETRACT))
        may = _stands(side, late=late) and side.releases[number] in (WAITING, OPENED)
        if self._design.read_before_the_lock:
            if opening.stage == ASKED:
                return f"read {opening.notice}", _and(side, opening._replace(stage=READ, may=may))
            may, now = opening.may, side
        elif self._design.decided_by_the_notice:
            may, now = side.releases[number] in (WAITING, OPENED), side
        else:
            now = self._reconsidered(side, late=late)
        if not may:
            return name, _and(now, Opening(opening.notice, opening.too_late, COMMITTED, EMPTY))
        told = Opening(opening.notice, opening.too_late, COMMITTED, CONTENT)
        if self._design.answer_before_the_commit:
            return name, _and(now, told._replace(stage=SENT))._replace(uncommitted=number)
        return name, _and(self._opened(now, number), told)

    def _opened(self, side: Side, number: int) -> Side:
        entered = side._replace(ledger=side.ledger | {number})
        if self._design.opened_when_confirmed:
            return entered
        return entered._replace(releases=_set(side.releases, number, OPENED))

    def _received(self, side: Side, opening: Opening) -> Side:
        number = int(opening.notice[1:])
        read = side if self._keeps_notices else side._replace(inbox=side.inbox - {opening.notice})
        if opening.result == RETRACT:
            return read._replace(held=read.held - {number}, tombstones=read.tombstones | {number})
        if opening.result == EMPTY:
            return read
        if opening.too_late:
            raise Broken("content was told to who asked after the withdrawal was acknowledged")
        if number not in side.ledger:
            raise Broken("content was told, and no entry says so")
        if self._design.opened_when_confirmed and read.releases[number] == WAITING:
            read = read._replace(releases=_set(read.releases, number, OPENED))
        return read if number in read.tombstones else read._replace(held=read.held | {number})

    def _reconsidered(self, side: Side, *, late: bool) -> Side:
        """Do what the gate does in every transaction about a person: retract, void, or send a notice."""
        if _stands(side, late=late):
            is_new = WAITING not in side.releases and OPENED not in side.releases
            if not is_new or len(side.releases) >= self._most:
                return side
            notice = f"c{len(side.releases)}"
            return side._replace(releases=(*side.releases, WAITING), outbox=side.outbox | {notice})
        opened = {number for number, release in enumerate(side.releases) if release == OPENED}
        after = {WAITING: VOID, OPENED: RETRACTED}
        return side._replace(
            word=ENDED if side.word == YES else side.word,
            releases=tuple(after.get(release, release) for release in side.releases),
            outbox=side.outbox | {f"r{number}" for number in opened},
        )

    def _of_the_person(self, state: State) -> Iterator[Step]:
        first = state.sides[0]
        if state.withdrawal == "not yet" and state.withdraws_left:
            yield "withdraw", state._replace(withdrawal="asked", withdraws_left=state.withdraws_left - 1)
        early = self._design.acknowledged_before_the_commit
        if state.withdrawal == "asked" and not early:
            yield "commit withdrawal", _with(state, 0, self._withdrawn(first, state))._replace(withdrawal="committed")
        if state.withdrawal == "committed" or (early and state.withdrawal == "asked"):
            told = "told early" if early else "acknowledged"
            yield "acknowledge", _with(state, 0, first._replace(closed=True))._replace(withdrawal=told)
        if state.withdrawal == "told early":
            done = self._withdrawn(first, state)
            yield "commit withdrawal", _with(state, 0, done)._replace(withdrawal="acknowledged")
        if state.withdrawal == "acknowledged" and state.grants_left:
            again = first._replace(word=YES, is_second=True, closed=False)
            granted = self._reconsidered(again, late=state.is_late)
            yield "grant again", _with(state, 0, granted)._replace(grants_left=0, withdrawal="over")
        if state.expires_left:
            sides = tuple(side if side.is_second else side._replace(closed=True) for side in state.sides)
            yield "time is over", state._replace(sides=(sides[0], sides[1]), is_late=True, expires_left=0)

    def _withdrawn(self, side: Side, state: State) -> Side:
        if self._design.decided_by_the_notice:
            return side._replace(word=ENDED)
        return self._reconsidered(side._replace(word=ENDED), late=state.is_late)

    def _of_the_gate(self, state: State) -> Iterator[Step]:
        """The calendar, and a crash: what is in memory is gone, the broker delivers again what was not acknowledged."""
        for number, side in enumerate(state.sides):
            if _is_due(side, late=state.is_late):
                yield f"calendar {number}", _with(state, number, self._reconsidered(side, late=state.is_late))
        if state.crashes_left:
            unsaid = {"asked": "not yet", "committed": "not yet", "told early": "over"}
            crashed = state._replace(
                sides=(_restarted(state.sides[0]), _restarted(state.sides[1])),
                crashes_left=state.crashes_left - 1,
                withdrawal=unsaid.get(state.withdrawal, state.withdrawal),
                withdraws_left=state.withdraws_left + (state.withdrawal in ("asked", "committed")),
            )
            if crashed.sides != state.sides or crashed.withdrawal != state.withdrawal:
                yield "gate crashes", crashed

    def _losses(self, state: State) -> Iterator[Step]:
        """A recipient crashes before it has stored an answer, or the broker delivers a request or a notice again."""
        if not state.losses_left:
            return
        less = state._replace(losses_left=state.losses_left - 1)
        for number, side in enumerate(state.sides):
            for opening in set(side.openings):
                if opening.stage == SENT:
                    yield f"answer lost {number}", _with(less, number, _without(side, opening))
                if opening.stage == COMMITTED and len(side.openings) < self._in_flight:
                    again = Opening(opening.notice, opening.too_late)
                    sent = _and(_without(side, opening), opening._replace(stage=SENT))
                    yield f"answered, not acknowledged {number}", _with(less, number, _and(sent, again))
            for notice in side.outbox:
                yield f"published, not marked {number}", _with(less, number, side._replace(inbox=side.inbox | {notice}))

    def settled(self, state: State) -> None:
        """Raise Broken if, with nothing on its way, a recipient keeps what it may not, or lacks what it may open."""
        if state.withdrawal in ("asked", "committed", "told early"):
            return
        for side in state.sides:
            on_its_way = side.outbox or side.openings or side.uncommitted is not None
            if on_its_way or _is_due(side, late=state.is_late):
                continue
            for number in side.held:
                kept = side.releases[number] == OPENED and _stands(side, late=state.is_late)
                if not kept and f"r{number}" not in side.inbox:
                    raise Broken("a recipient holds what it may not, and nothing takes it back")
            if _stands(side, late=state.is_late) and len(side.releases) < self._most:
                live = {n for n, release in enumerate(side.releases) if release in (WAITING, OPENED)}
                if not live & (side.held | {int(notice[1:]) for notice in side.inbox if notice.startswith("c")}):
                    raise Broken("what may be told can be opened by nobody")


@dataclass(frozen=True, slots=True)
class Explored:
    """What came of trying every order: how many states, and the shortest way to a broken promise, if there is one."""

    states: int
    broken: str | None = None
    trace: tuple[str, ...] = ()


def explore(machine: Machine, start: State | None = None, *, most: int = 5_000_000) -> Explored:
    """Try every order of steps, breadth first."""
    start = start or machine.start()
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        try:
            machine.settled(state)
            for name, following in machine.steps(state):
                if following not in came_from:
                    came_from[following] = (state, name)
                    waiting.append(following)
        except Broken as broken:
            return Explored(len(came_from), str(broken), _trace(came_from, state))
        if len(came_from) > most:
            raise MemoryError(f"more than {most} states")
    return Explored(len(came_from))


def _trace(came_from: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    names: list[str] = []
    while (step := came_from[state]) is not None:
        state, name = step
        names.append(name)
    return tuple(reversed(names))


class Replay:
    """Says whether the machine could have done what a real gate was seen to do."""

    def __init__(self, *, in_flight: int, asks: int, losses: int) -> None:
        self._machine = Machine(AS_BUILT, in_flight=in_flight, keeps_notices=True)
        start = self._machine.start(recipients=1, asks=asks, grants_left=0, expires_left=0, losses_left=losses)
        self._after: dict[tuple[str, ...], frozenset[State]] = {(): self._with_what_is_unseen({start})}

    def accepts(self, seen: tuple[str, ...]) -> bool:
        """Whether some order of steps shows exactly this, from the outside."""
        return bool(self._states_after(seen))

    def _states_after(self, seen: tuple[str, ...]) -> frozenset[State]:
        if seen not in self._after:
            before = self._states_after(seen[:-1])
            now = {state for one in before for name, state in self._machine.steps(one) if name == seen[-1]}
            self._after[seen] = self._with_what_is_unseen(now)
        return self._after[seen]

    def _with_what_is_unseen(self, states: set[State]) -> frozenset[State]:
        found, waiting = set(states), list(states)
        while waiting:
            for name, state in self._machine.steps(waiting.pop()):
                if not name.startswith(SEEN) and state not in found:
                    found.add(state)
                    waiting.append(state)
        return frozenset(found)


SEEN = ("ask ", "receive ", "withdraw", "acknowledge")
"""The steps that can be seen from the outside."""


def _stands(side: Side, *, late: bool) -> bool:
    return side.word == YES and (side.is_second or not late)


def _with(state: State, number: int, side: Side) -> State:
    first, second = state.sides
    return state._replace(sides=(side, second) if number == 0 else (first, side))


def _and(side: Side, opening: Opening) -> Side:
    return side._replace(openings=tuple(sorted((*side.openings, opening))))


def _without(side: Side, opening: Opening) -> Side:
    left = list(side.openings)
    left.remove(opening)
    return side._replace(openings=tuple(left))


def _restarted(side: Side) -> Side:
    """Return what is left of a side: an opening that was not answered is delivered again, and asked as it was."""
    openings = (one if one.stage == SENT else Opening(one.notice, one.too_late) for one in side.openings)
    return side._replace(openings=tuple(sorted(openings)), uncommitted=None)


def _is_due(side: Side, *, late: bool) -> bool:
    """Whether time alone has ended an answer that stands in the database."""
    return side.word == YES and not _stands(side, late=late)


def _set(releases: tuple[str, ...], number: int, state: str) -> tuple[str, ...]:
    return (*releases[:number], state, *releases[number + 1 :])
