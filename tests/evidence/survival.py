"""Rounds of short lives on one stage, during which processes die; each round is drained and judged."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from ops.run_folder import CHECKOUT
from ops.stage import Stage
from shared.topology import GATE, SERVICES
from tests.consent.builders import CLINIC, JOBCENTER
from tests.evidence.crash_points import ACTS_WITHOUT_COMMIT, RISES_AFTER, RISING
from tests.evidence.survival_count import Count, Verdict, count, drain, judge, left_in_queues
from tests.evidence.survival_life import Life, NeverAnswered

LIVES = 3
CRASHING = Path(__file__).parent / "crashing"
Fault = Callable[[], None]
"""Something that is done again and again while lives are lived; it may take its time."""


@dataclass(slots=True)
class Rounds:
    """The stage, what lives come to in calm, and what was found so far."""

    stage: Stage
    chance: random.Random
    calm: tuple[Count, Count] | None = None
    """What comes of one life until it is withdrawn, and until it is forgotten, with nothing broken."""
    lives: list[Life] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    died: set[tuple[str, str]] = field(default_factory=set)
    """Which service died at which moment."""
    notes: list[str] = field(default_factory=list)
    strikes: int = 0
    passings: dict[str, Counter[str]] = field(default_factory=dict)
    _next: dict[str, str] = field(default_factory=dict)
    """At which moment a service that is started again dies once more."""

    def in_calm(self) -> None:
        """Live with nothing broken, and note what comes of a life and how often each moment is passed."""
        for service in SERVICES:
            self.start(service, trace=True)
        self.stage.wait_until_ready(*SERVICES)
        before = count(self.stage)
        lives = self._new_lives()
        both = [self._live(step, lives) for step in STEPS]
        _close(lives)
        self.calm = tuple(_each(one.since(before), LIVES) for one in both)  # type: ignore[assignment]  # two steps
        assert not any(one.under_way() for one in both)
        self.passings = {service: self._trace(service) for service in SERVICES}

    def with_crashes(self, points: Mapping[str, str], *, at_once: bool = False) -> dict[str, str]:
        """Live while each service dies at a moment of its own, drawn by chance or the first; return who did not."""
        self._next = {service: point for service, point in points.items() if point in RISING}
        for service, point in points.items():
            first = RISES_AFTER.get(point, point)
            turns = 1 if at_once else self.passings[service][first]
            self.start(service, at=f"{first}:{self.chance.randint(1, max(1, turns))}")
        at_the_gate = points.get(GATE, "")
        is_replayed = RISES_AFTER.get(at_the_gate, at_the_gate) in ACTS_WITHOUT_COMMIT
        self._round(_named(points), self.keep_alive, is_replayed=is_replayed)
        missed = {service: point for service, point in points.items() if "died" not in self._trace(service)}
        self.died |= points.items() - missed.items()
        return missed

    def with_fault(self, name: str, fault: Fault) -> None:
        """Live while something is done again and again."""
        self._round(name, fault)

    def start(self, service: str, *, at: str = "", trace: bool = False) -> None:
        """Start a service anew, after a kill -9; it may be watched, and die at a moment."""
        self.stage.kill(service)
        usual = self.stage.settings
        if at or trace:
            self._trace_file(service).unlink(missing_ok=True)
            watched = {
                "PYTHONPATH": f"{CRASHING}:{CHECKOUT}",
                "CRASH_TRACE": str(self._trace_file(service)),
                "CRASH_AT": at,
            }
            self.stage.settings = {**usual, **watched}
        self.stage.start(service)
        self.stage.settings = usual

    def _round(self, name: str, meanwhile: Fault, *, is_replayed: bool = False) -> None:
        assert self.calm is not None
        started = time.monotonic()
        before, lives = count(self.stage), self._new_lives()
        try:
            for step, calm in zip(STEPS, self.calm, strict=True):
                verdict = judge(
                    calm, self._live(step, lives, meanwhile).since(before), times=LIVES, is_replayed=is_replayed
                )
                self._note(name, verdict)
            self._note_openings(name, lives)
        except NeverAnswered as error:
            self.found["stuck"] += 1
            self.notes.append(f"{name}: {error}")
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
        _close(lives)

    def _live(self, step: Callable[[Life], None], lives: list[Life], meanwhile: Fault = lambda: None) -> Count:
        """Have lives lived at the same time; this thread does what breaks, for what it starts ends with it."""
        with ThreadPoolExecutor(len(lives)) as threads:
            steps = [threads.submit(step, life) for life in lives]
            while not all(one.done() for one in steps):
                meanwhile()
                time.sleep(0.02)
        _raise_any(steps)
        return drain(self.stage, meanwhile=self.keep_alive)

    def keep_alive(self) -> None:
        """Start again what has died, as whoever operates it would."""
        for name, process in self.stage.running.items():
            if process.poll() is not None:
                if name in self._next:
                    self.start(name, at=f"{self._next.pop(name)}:1")
                else:
                    self.stage.start(name)

    def _new_lives(self) -> list[Life]:
        new = [Life(self.stage) for _ in range(LIVES)]
        self.lives += new
        return new

    def _trace_file(self, service: str) -> Path:
        return self.stage.folder / f"{service}.trace"

    def _trace(self, service: str) -> Counter[str]:
        return Counter(self._trace_file(service).read_text().split())

    def _note(self, name: str, verdict: Verdict) -> None:
        self.found["said again"] += verdict.again.total()
        self.found["known"] += verdict.known.total()
        for kind in ("lost", "doubled", "unexpected"):
            what: Counter[str] = getattr(verdict, kind)
            self.found[kind] += what.total()
            self.notes += [f"{name}: {kind} {number} x {one}" for one, number in what.items()]

    def _note_openings(self, name: str, lives: list[Life]) -> None:
        """See that each desk was told each thing once, and that nothing of it opens any more."""
        for life in lives:
            for desk in (JOBCENTER, CLINIC):
                notices = told_to(life, desk)
                again = [life.ask("POST", desk, "/reopen", {"notice": notice})["result"] for notice in notices]
                told = {
                    "lost": not notices,
                    "doubled": max(0, len(notices) - 1),
                    "leaked": again.count("released"),
                }
                self.found.update(told)
                self.notes += [f"{name}: {kind} {number} x notice of {desk}" for kind, number in told.items() if number]

    async def end(self) -> None:
        """See at the end that nothing is left in a queue, and nothing lies where it may not."""
        left = await left_in_queues(self.stage)
        self.found["left in queues"] = left.total()
        inside = [life.name for life in self.lives] + [life.statement for life in self.lives]
        written = [*inside, *(life.address for life in self.lives)]
        seen = {
            **{str(path.relative_to(self.stage.folder)): (path.read_bytes(), written) for path in self._files()},
            JOBCENTER: (received(self.stage, JOBCENTER), [life.name for life in self.lives]),
            CLINIC: (received(self.stage, CLINIC), inside),
        }
        leaks = [where for where, (there, marks) in seen.items() if any(mark.encode() in there for mark in marks)]
        self.found["leaked"] += len(leaks)
        self.notes += [f"at the end: a mark lies in {where}" for where in leaks]
        self.notes += [f"at the end: {number} left in {queue}" for queue, number in left.items()]

    def _files(self) -> list[Path]:
        """Return everything that services and broker wrote."""
        outside = self.stage.folder / "outside"
        return [path for path in self.stage.folder.rglob("*") if path.is_file() and outside not in path.parents]


STEPS = (Life.until_withdrawn, Life.until_forgotten)


def told_to(life: Life, desk: str) -> list[str]:
    """Return the notices by which a desk was told of a life: it may have opened each more than once."""
    known = {JOBCENTER: life.reference, CLINIC: life.address}[desk]
    answers = [one["body"] for one in json.loads(received(life.stage, desk)) if "notice" in one["body"]]
    return sorted({one["notice"] for one in answers if known in str(one.get("released"))})


def received(stage: Stage, desk: str) -> bytes:
    """Return everything that ever reached a desk."""
    return bytes(httpx2.get(f"{stage.url(desk)}/received", timeout=60).content)


def _named(points: Mapping[str, str]) -> str:
    """Return which service dies where, in short."""
    if len(set(points.values())) == 1:
        return f"{next(iter(points.values()))} in {len(points)} services"
    return ", ".join(f"{service} {point}" for service, point in points.items())


def _each(found: Count, lives: int) -> Count:
    """Return what one of several lives came to; in calm it is the same for each."""
    uneven = [kind for part in (found.announced, found.rows) for kind, number in part.items() if number % lives]
    assert not uneven, uneven
    each = [Counter({kind: number // lives for kind, number in part.items()}) for part in (found.announced, found.rows)]
    return Count(each[0], each[1])


def _close(lives: list[Life]) -> None:
    for life in lives:
        life.close()


def _raise_any(steps: list[Future[None]]) -> None:
    for one in steps:
        one.result()
