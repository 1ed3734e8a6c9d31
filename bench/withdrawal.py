"""How long from the command to the enforcement: a withdrawal counts from its reply on, so the reply is what is timed.

`python -m bench.withdrawal [PEOPLE]` runs a gate on SQLite, its journal synced to the disk, releases a message of each
person, has it opened, withdraws over HTTP, and opens again: nothing may come. Only figures of one run compare.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from shared.contracts.categories import Category
from shared.observability import set_up_logging
from tests.consent.builders import JOBCENTER, a_conclusion
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import SqliteStores


def one_person(gate: Gate) -> float:
    """Release, open, withdraw, open again; return the milliseconds that the withdrawal took."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, Category.CONCLUSION)
    notice = gate.notices()[-1]
    told = gate.open(notice)["result"]
    started = perf_counter()
    answer = gate.ask("POST", "/withdrawals", {"person_id": person, "recipient_id": JOBCENTER})
    took = (perf_counter() - started) * 1000
    afterwards = gate.open(notice)["result"]
    if (told, answer.status_code, afterwards) != ("released", 200, "empty"):
        raise AssertionError(f"told {told}, status {answer.status_code}, afterwards {afterwards}")
    return took


def main(people: int = 200) -> None:
    """Measure, and print a row."""
    with tempfile.TemporaryDirectory(prefix="gesehen-bench-") as place:
        folder = Path(place)
        (folder / "migrated").mkdir()
        (folder / "gate").mkdir()
        with (
            SqliteStores(folder / "migrated").fresh(folder / "gate") as store,
            a_gate_with_recipients(folder / "gate", store) as gate,
        ):
            set_up_logging("bench", level="ERROR")
            one_person(gate)
            took = sorted(one_person(gate) for _ in range(people))
    print("| withdrawal, command to enforcement, SQLite | p50 ms | p95 ms | worst ms |\n|---|---|---|---|")
    print(f"| {people} people | {statistics.median(took):.1f} | {took[int(people * 0.95)]:.1f} | {took[-1]:.1f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
