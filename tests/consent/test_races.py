"""A withdrawal and an opening at once, on real threads, judged by the order of invocation (N5).

An opening that was asked for after the withdrawal was acknowledged gets no content. One that overlaps may get it: then
it stands in the ledger, and is retracted.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from services.consent import commissions, grants, opening
from services.consent.app import ConsentService
from services.consent.handlers import know_case, know_facts
from services.consent.opening import OpenAnswer
from services.consent.tables import LedgerRow, ReleaseRow
from services.consent.timers import renew
from shared.contracts.categories import Category
from shared.contracts.requests import read_command
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import (
    JOBCENTER,
    NOON,
    a_case,
    a_commission,
    a_conclusion,
    a_declaration,
    a_finding,
    new_id,
)
from tests.consent.gate import Gate, a_gate_with_recipients, running_gate
from tests.consent.stores import PostgresStores

RACES = 100
CONCLUSION = Category.CONCLUSION


@dataclass(frozen=True, slots=True)
class Told:
    """One answer to an opening, with when it was asked for."""

    asked_at: float
    answer: OpenAnswer


@dataclass(frozen=True, slots=True)
class Race:
    """What came of one race."""

    acknowledged_at: float
    told: list[Told]


def persons_with_content(gate: Gate, count: int) -> dict[str, str]:
    """Return persons and the notice that waits about each."""

    def commission_know_and_agree(work: UnitOfWork) -> None:
        for number in range(count):
            person, order = f"person-{new_id()}", read_command(a_commission(f"BG-{number}"))
            commissions.take_command(work, recipient_id=JOBCENTER, command=order, settings=gate.settings)
            know_case(
                work,
                a_case(person, next(item.key_id for item in reversed(work.outgoing) if item.key_id)),
                settings=gate.settings,
            )
            know_facts([(work, a_conclusion(person))])
            grants.record(work, a_declaration(person, CONCLUSION))

    gate.write(commission_know_and_agree)
    waiting = gate.rows(ReleaseRow, ReleaseRow.kind == "content")
    return {str(release.person_id): release.release_id for release in waiting}


async def withdraws(service: ConsentService, person: str, delay: float) -> float:
    """Withdraw everything; return when it was acknowledged."""
    await asyncio.sleep(delay)
    await service.writer.run(
        partial(grants.withdraw, person_id=person), locks=lambda _: {f"person:{person}"}, urgent=True
    )
    return monotonic()


async def opens(gate: Gate, service: ConsentService, notice: str, delay: float) -> Told:
    """Open a notice; return when it was asked for, and the answer."""
    await asyncio.sleep(delay)
    asked_at = monotonic()
    answer = await service.outside.openings.open(JOBCENTER, notice)
    return Told(asked_at, answer)


async def race(gate: Gate, withdrawing: ConsentService, person: str, notice: str, random: Random) -> Race:
    """Withdraw while the notice is opened again and again, from every side."""
    delays = [random.random() * 0.01 for _ in range(3)]
    openings = [asyncio.create_task(opens(gate, gate.service, notice, delay)) for delay in delays]
    acknowledged_at = await withdraws(withdrawing, person, random.random() * 0.01)
    told = await asyncio.gather(*openings)
    after = await opens(gate, gate.service, notice, 0)
    return Race(acknowledged_at, [*told, after])


def run_races(gate: Gate, withdrawing: ConsentService) -> dict[str, Race]:
    """Race for each of many persons, ten at a time."""
    random = Random(5)  # noqa: S311  a seed, not a secret
    notices = list(persons_with_content(gate, RACES).items())

    async def all_of(some: list[tuple[str, str]]) -> list[Race]:
        return list(await asyncio.gather(*(race(gate, withdrawing, person, notice, random) for person, notice in some)))

    return {
        notice: found
        for start in range(0, RACES, 10)
        for (_, notice), found in zip(
            notices[start : start + 10], asyncio.run(all_of(notices[start : start + 10])), strict=True
        )
    }


def judge(gate: Gate, races: dict[str, Race]) -> None:
    """Judge races by the order of invocation."""
    met: Counter[str] = Counter()
    for notice, found in races.items():
        content = [told for told in found.told if told.answer["result"] == "released"]
        entries = gate.rows(LedgerRow, LedgerRow.release_id == notice)
        retractions = gate.rows(ReleaseRow, ReleaseRow.target_id == notice)

        assert all(told.asked_at < found.acknowledged_at for told in content)
        assert len(entries) == len(content)
        assert len(retractions) == bool(content)
        assert found.told[-1].answer == opening.EMPTY
        met["won by the opening" if content else "won by the withdrawal"] += 1
        met["both"] += 0 < len(content) < len(found.told) - 1
    assert min(met.values()) > RACES / 20, met  # a race that one side always wins proves nothing


def test_no_opening_asked_for_after_the_acknowledgement_gets_content(gate: Gate) -> None:
    races = run_races(gate, gate.service)

    judge(gate, races)


@pytest.fixture
def two_instances(two_databases: PostgresStores, tmp_path: Path) -> Iterator[tuple[Gate, Gate]]:
    """Return two instances of the gate on one database."""
    with (
        two_databases.fresh(tmp_path) as store,
        a_gate_with_recipients(tmp_path, store) as one,
        running_gate(tmp_path, store, one.clock) as other,
    ):
        yield one, other


def test_two_instances_on_one_database_keep_the_same_promise(two_instances: tuple[Gate, Gate]) -> None:
    one, other = two_instances

    races = run_races(one, other.service)

    judge(one, races)


def test_a_notice_that_is_renewed_while_it_is_opened_is_opened_once(two_instances: tuple[Gate, Gate]) -> None:
    one, other = two_instances
    notices = persons_with_content(one, 40)

    async def both(person: str, notice: str) -> OpenAnswer:
        told, _ = await asyncio.gather(
            opens(one, one.service, notice, 0),
            other.service.writer.run(partial(renew, release_id=notice), locks=lambda _: {f"person:{person}"}),
        )
        return told.answer

    answers = {notice: asyncio.run(both(person, notice)) for person, notice in notices.items()}
    fresh = [one.open(notice) for notice in one.notices() if notice not in answers]

    opened = [answer for answer in [*answers.values(), *fresh] if answer["result"] == "released"]
    assert len(opened) == 40
    assert len({answer["released"]["reference"] for answer in opened}) == 40


def test_the_chain_stays_whole_under_two_instances(two_instances: tuple[Gate, Gate]) -> None:
    one, other = two_instances
    notices = list(persons_with_content(one, 30).values())

    async def all_at_once() -> list[Told]:
        sides = [one, other]
        return list(
            await asyncio.gather(*(opens(side, side.service, notice, 0) for notice in notices for side in sides))
        )

    told = asyncio.run(all_at_once())

    assert sorted(item.answer["sequence"] for item in told) == list(range(1, 61))
    verified = one.ask("GET", f"/ledger/{JOBCENTER}/verification", role="operator").json()
    assert verified["whole"] is True


def test_facts_that_two_instances_hear_at_once_bring_one_notice(two_instances: tuple[Gate, Gate]) -> None:
    one, other = two_instances
    person = one.a_person()
    one.grant(person, Category.WORK)
    before = one.notices()

    async def hear(gate: Gate, number: int) -> None:
        event = a_finding(person, Category.WORK, f"fact_{number}", at=NOON)
        await gate.service.writer.run(lambda work: know_facts([(work, event)]), locks=lambda _: {f"person:{person}"})

    async def all_at_once() -> None:
        await asyncio.gather(*(hear((one, other)[number % 2], number) for number in range(20)))

    asyncio.run(all_at_once())

    [notice] = one.notices()[len(before) :]
    assert len(one.open(notice)["released"]["work"]) == 20
