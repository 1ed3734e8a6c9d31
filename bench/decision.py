"""How long a decision takes, beside a policy engine: `python -m bench.decision [CASES]`.

Both are asked the same, what one recipient may know of one person, and must say the same. Cedar gets the policies anew
each time, as a gate would have to: they are the person's answers. No database, no broker.
"""

import sys
from collections.abc import Callable, Collection
from functools import partial
from statistics import median
from time import perf_counter

from services.consent.decision import View, may_know
from services.consent.domain import Answer, Asked, KnownFact
from tests.consent.builders import JOBCENTERS_SIX, NOON, a_known_fact, answers, asked
from tests.evidence.cedar_engine import may_know_by_cedar


def by_us(question: Asked, facts: list[KnownFact], said: list[Answer]) -> set[str]:
    """Ask the gate's own decision."""
    return {fact.fact_id for fact in may_know(question, facts, said, at=NOON)}


def by_cedar(question: Asked, facts: list[KnownFact], said: list[Answer]) -> set[str]:
    """Ask Cedar."""
    return may_know_by_cedar(question, facts, said, at=NOON, view=View.TELL)


def timed(decide: Callable[[], Collection[str]], cases: int) -> tuple[list[float], Collection[str]]:
    """Return how many microseconds each decision took, shortest first, and the last one."""
    took: list[float] = []
    known: Collection[str] = ()
    for _ in range(cases):
        started = perf_counter()
        known = decide()
        took.append((perf_counter() - started) * 1e6)
    return sorted(took), known


def main(cases: int = 500) -> None:
    """Measure with few answers and facts and with many, and print the table."""
    print("| facts | answers | who decides | µs p50 | µs p99 |\n|---|---|---|---|---|", flush=True)
    for times in (1, 10):
        facts = [a_known_fact(kind, fact_id=f"{kind.value}-{n}") for kind in JOBCENTERS_SIX for n in range(times)]
        said = [answer for kind in JOBCENTERS_SIX for answer in answers(kind) * times]
        known = []
        for name, decide in {"the gate": by_us, "Cedar": by_cedar}.items():
            took, found = timed(partial(decide, asked(), facts, said), cases)
            known.append(found)
            p99 = took[int(len(took) * 0.99)]
            print(f"| {len(facts)} | {len(said)} | {name} | {median(took):,.0f} | {p99:,.0f} |", flush=True)
        if known[0] != known[1] or len(known[0]) != len(facts):
            raise AssertionError("they do not agree")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
