"""What is handled together comes out as if each had come alone: nothing of one person's is told about another."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from services.consent.domain import Word
from services.consent.handlers import know_facts
from services.consent.opening import EMPTY
from services.consent.tables import InquiryRow, LedgerRow, ReleaseRow
from shared.contracts.categories import Category
from shared.contracts.envelope import CareEvent
from tests.consent.builders import CLINIC, JOBCENTER, a_conclusion, a_finding, a_statement
from tests.consent.gate import Answer, Gate

CONCLUSION, WORK, STATEMENT = Category.CONCLUSION, Category.WORK, Category.STATEMENT
HEALTH = Category.MENTAL_HEALTH
TWINS = 14


@asynccontextmanager
async def busy(gate: Gate) -> AsyncIterator[None]:
    """Keep the writer busy during the block, so that all that is asked for meanwhile makes one group."""
    go_on = threading.Event()
    held = asyncio.create_task(gate.service.writer.run(lambda _: go_on.wait(10)))
    await asyncio.sleep(0.05)
    yield
    await asyncio.sleep(0)  # tasks of the block hand in
    go_on.set()
    await held


def lived_through(gate: Gate, seed: int) -> tuple[str, list[CareEvent]]:
    """Have a person say what the seed draws; return them and what comes to be known next, event after event."""
    random, person = Random(seed), gate.a_person()  # noqa: S311  a seed, not a secret
    referral = gate.a_referral_of(person, HEALTH)
    if random.random() < 0.5:
        gate.hear(a_conclusion(person))
    for category in (CONCLUSION, WORK, STATEMENT):
        word = random.choice([*Word, Word.YES, None])
        if word is not None:
            gate.grant(person, category, word=word, reaches_back=random.random() < 0.5)
    if random.random() < 0.7:
        gate.agree(person, referral, HEALTH)
    if random.random() < 0.3:
        gate.withdraw(person, random.choice([CONCLUSION, WORK, STATEMENT]))
    events: list[CareEvent] = [a_finding(person, category, at=gate.clock.now) for category in (WORK, HEALTH)]
    events.append(a_statement(person, at=gate.clock.now))
    return person, [random.choice(events), a_conclusion(person, at=gate.clock.now)]


def notices_about(gate: Gate, person: str) -> list[ReleaseRow]:
    """Return the releases about a person in the order in which they came."""
    return sorted(gate.rows(ReleaseRow, ReleaseRow.person_id == person), key=lambda row: row.created_at)


def open_alone(gate: Gate, notices: Iterable[ReleaseRow]) -> list[Answer]:
    """Open one after the other."""
    return [gate.open(row.release_id, row.recipient_id) for row in notices]


def open_together(gate: Gate, notices: Iterable[ReleaseRow]) -> list[Answer]:
    """Open all at once."""

    async def at_once() -> list[Answer]:
        async with busy(gate):
            opened = asyncio.gather(
                *(gate.service.outside.openings.open(row.recipient_id, row.release_id) for row in notices)
            )
        return list(await opened)

    answers = asyncio.run(at_once())
    gate.clock.pass_()
    return answers


def without_names(answers: Iterable[Answer]) -> list[Any]:
    """Return answers without what names a person, a release or a place in the ledger."""
    return [
        (answer["result"], {name: told for name, told in answer.get("released", {}).items() if name != "reference"})
        for answer in answers
    ]


def outcome(gate: Gate, person: str, answers: list[Answer]) -> list[Any]:
    """Return all that came of a person's events and openings."""
    return [
        sorted(map(repr, without_names(answers))),
        sorted((row.recipient_id, row.kind, row.state) for row in notices_about(gate, person)),
        sorted(row.state for row in gate.rows(InquiryRow, InquiryRow.person_id == person)),
        sorted((row.recipient_id, row.kind) for row in gate.rows(LedgerRow, LedgerRow.key_id == person)),
    ]


def test_it_makes_no_difference_whether_events_and_openings_come_alone_or_together(gate: Gate) -> None:
    alone = [lived_through(gate, seed) for seed in range(TWINS)]
    together = [lived_through(gate, seed) for seed in range(TWINS)]

    for _, events in alone:
        gate.hear(*events)
    for number in range(2):
        gate.write(lambda work, n=number: know_facts([(work, events[n]) for _, events in together]))  # type: ignore[misc]  # a default binds
    one_by_one = {person: open_alone(gate, notices_about(gate, person)) for person, _ in alone}
    rows = {person: notices_about(gate, person) for person, _ in together}
    flat = open_together(gate, [row for theirs in rows.values() for row in theirs])
    at_once = {person: [flat.pop(0) for _ in theirs] for person, theirs in rows.items()}

    of_alone = [outcome(gate, person, one_by_one[person]) for person, _ in alone]
    of_together = [outcome(gate, person, at_once[person]) for person, _ in together]
    assert of_alone == of_together
    assert len({repr(one) for one in of_alone}) > TWINS / 2
    for recipient_id in (JOBCENTER, CLINIC):
        verified = gate.ask("GET", f"/ledger/{recipient_id}/verification", role="operator").json()
        assert (verified["whole"], verified["entries"] > 0) == (True, True)


def test_an_unknown_notice_and_another_recipients_among_many_are_empty_and_stop_nobody(gate: Gate) -> None:
    persons = [gate.a_person() for _ in range(3)]
    for person in persons:
        gate.grant(person, CONCLUSION)
        gate.hear(a_conclusion(person, at=gate.clock.now))
    [first], [second], [third] = (notices_about(gate, person) for person in persons)

    async def at_once() -> list[Answer]:
        openings = gate.service.outside.openings
        asked = [(JOBCENTER, first.release_id), (JOBCENTER, "A" * 43), (CLINIC, second.release_id)]
        async with busy(gate):
            opened = asyncio.gather(*(openings.open(*one) for one in [*asked, (JOBCENTER, third.release_id)]))
        return list(await opened)

    results = [answer["result"] for answer in asyncio.run(at_once())]
    assert results == ["released", EMPTY["result"], EMPTY["result"], "released"]
    assert gate.open(second.release_id)["result"] == "released"


@pytest.mark.parametrize("times", [2, 5])
def test_one_notice_opened_several_times_at_once_is_entered_each_time_and_told_the_same(gate: Gate, times: int) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person, at=gate.clock.now))
    [notice] = notices_about(gate, person)

    answers = open_together(gate, [notice] * times)

    assert len({repr(answer["released"]) for answer in answers}) == 1
    kinds = [row.kind for row in gate.rows(LedgerRow, LedgerRow.release_id == notice.release_id)]
    assert sorted(kinds) == ["opened_again"] * (times - 1) + ["released"]


def test_one_of_many_whose_key_is_gone_is_empty_and_the_others_are_told(gate: Gate) -> None:
    persons = [gate.a_person() for _ in range(3)]
    for person in persons:
        gate.grant(person, CONCLUSION)
        gate.hear(a_conclusion(person, at=gate.clock.now))
    notices = [row for person in persons for row in notices_about(gate, person)]
    gate.service.keys.destroy(persons[1])

    answers = open_together(gate, notices)

    assert [answer["result"] for answer in answers] == ["released", "empty", "released"]
