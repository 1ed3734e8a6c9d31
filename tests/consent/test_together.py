"""What is handled together comes out as if each had come alone: nothing of one person's is told about another."""

import asyncio
import json
from collections.abc import Iterable
from functools import partial
from random import Random

import pytest

from services.consent import erasure, inquiry_store, store
from services.consent.domain import Word
from services.consent.opening import EMPTY
from services.consent.tables import FactRow, LedgerRow, PersonRow, ReleaseRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.envelope import CareEvent
from tests.consent.builders import CLINIC, JOBCENTER, a_case, a_conclusion, a_finding, a_statement
from tests.consent.bus import Bus, busy
from tests.consent.gate import Answer, Gate

CONCLUSION, WORK, STATEMENT = Category.CONCLUSION, Category.WORK, Category.STATEMENT
HEALTH = Category.MENTAL_HEALTH
TWINS = 14


def lived_through(gate: Gate, seed: int, mark: str) -> tuple[str, list[CareEvent]]:
    """Have a person say what the seed draws; return them and what comes to be known next, event after event.

    Whatever is known of the person, and the Jobcenter's reference, bears the mark, which nobody else has.
    """
    random, person = Random(seed), gate.a_person(f"BG {mark}")  # noqa: S311  a seed, not a secret
    referral = gate.a_referral_of(person, HEALTH, STATEMENT)
    if random.random() < 0.5:
        gate.hear(a_conclusion(person, f"before_{mark}"))
    for category in (CONCLUSION, WORK, STATEMENT):
        word = random.choice([*Word, Word.YES, None])
        if word is not None:
            gate.grant(person, category, word=word, reaches_back=random.random() < 0.5)
    if random.random() < 0.7:
        gate.agree(person, referral, HEALTH, STATEMENT)
    if random.random() < 0.5:
        open_alone(gate, notices_about(gate, person))
    if random.random() < 0.3:
        gate.withdraw(person, random.choice([CONCLUSION, WORK, STATEMENT]))
    at = gate.clock.now
    events: list[CareEvent] = [a_finding(person, kind, f"found_{mark}", at=at) for kind in (WORK, HEALTH)]
    events.append(a_statement(person, f"Said by {mark}.", at=at))
    return person, [random.choice(events), a_conclusion(person, f"after_{mark}", at=at)]


def notices_about(gate: Gate, person: str) -> list[ReleaseRow]:
    """Return the releases about a person in the order in which they came."""
    rows = gate.rows(ReleaseRow, ReleaseRow.person_id == person)
    return sorted(rows, key=lambda row: (row.created_at, row.recipient_id, row.kind))


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


def opened_alone(gate: Gate, person: str) -> dict[str, Answer]:
    """Open all notices about a person one after the other; return the answers by notice."""
    notices = notices_about(gate, person)
    return dict(zip((row.release_id for row in notices), open_alone(gate, notices), strict=True))


def opened_together(gate: Gate, persons: Iterable[str]) -> dict[str, Answer]:
    """Open all notices about all of them at once; return the answers by notice."""
    notices = [row for person in persons for row in notices_about(gate, person)]
    return dict(zip((row.release_id for row in notices), open_together(gate, notices), strict=True))


def outcome(gate: Gate, person: str, mark: str, answers: dict[str, Answer]) -> str:
    """Return all that came of a person's events and openings, with names of their own for what is random in it."""
    notices = notices_about(gate, person)
    told = [
        (row.recipient_id, row.kind, row.state, row.release_id, row.target_id, without_number(answers, row.release_id))
        for row in notices
    ]
    asked = gate.write(lambda work: inquiry_store.inquiries_of(work, person))
    waiting = sorted((one.state, json.dumps(one.fields)) for theirs in asked.values() for one in theirs)
    entries = gate.rows(LedgerRow, LedgerRow.key_id == person)
    entered = sorted((row.recipient_id, row.number, row.kind, row.release_id) for row in entries)
    came = json.dumps([told, waiting, [(to, kind, release) for to, _, kind, release in entered]], sort_keys=True)
    names = {mark: "own mark", **references_of_referrals(gate, person)}
    names |= {row.release_id: f"notice {number}" for number, row in enumerate(notices)}
    for name, instead in names.items():
        came = came.replace(name, instead)
    return came


def without_number(answers: dict[str, Answer], notice_id: str) -> Answer | None:
    """Return how an opening was answered, but for its number in the chain, or None if nobody opened."""
    answer = answers.get(notice_id)
    return answer and {name: value for name, value in answer.items() if name != "sequence"}


def references_of_referrals(gate: Gate, person: str) -> dict[str, str]:
    """Return by which names the person's referrals are known, and what to call them."""
    rows = gate.rows(SubjectRow, SubjectRow.person_id == person, SubjectRow.kind == store.REFERRAL)
    return {gate.write(partial(store.reference_of, subject=row)): "own referral" for row in rows}


def test_it_makes_no_difference_whether_events_and_openings_come_alone_or_together(gate: Gate) -> None:
    marks = [[f"{group}{seed:02d}q" for seed in range(TWINS)] for group in ("alone", "other")]
    alone, together = ([lived_through(gate, *drawn) for drawn in enumerate(group)] for group in marks)
    bus = Bus(gate)

    for _, events in alone:
        for event in events:
            bus.bring(event)
    for at_once in zip(*(events for _, events in together), strict=True):
        bus.bring(*at_once)
    one_by_one = [opened_alone(gate, person) for person, _ in alone]
    in_one_call = opened_together(gate, [person for person, _ in together])

    of_alone = [outcome(gate, alone[at][0], marks[0][at], one_by_one[at]) for at in range(TWINS)]
    of_together = [outcome(gate, together[at][0], marks[1][at], in_one_call) for at in range(TWINS)]
    assert of_alone == of_together
    assert len(set(of_alone)) > TWINS / 2
    came = "".join(of_alone)  # what never happens proves nothing
    assert all(sign in came for sign in ("found_own mark", "after_own mark", "own referral", '"result": "retracted"'))
    for recipient_id in (JOBCENTER, CLINIC):
        verified = gate.ask("GET", f"/ledger/{recipient_id}/verification", role="operator").json()
        assert (verified["whole"], verified["entries"] > 0) == (True, True)


def test_what_comes_late_about_somebody_erased_in_the_same_group_brings_nothing_back(gate: Gate) -> None:
    """The gate does not hear of an erasure: it is where one is asked for."""
    persons = [gate.a_person() for _ in range(3)]
    for person in persons:
        gate.grant(person, CONCLUSION)
    gone, bus = persons[1], Bus(gate)

    async def at_once() -> None:
        async with busy(gate):
            erased = asyncio.gather(
                gate.service.writer.run(
                    partial(erasure.request, person_id=gone, requested_by="person_desk-1"),
                    locks=lambda _: {f"person:{gone}"},
                ),
                *(bus.deliver(a_case(person)) for person in persons),
                *(bus.deliver(a_conclusion(person, at=gate.clock.now)) for person in persons),
            )
        await erased

    asyncio.run(at_once())

    assert gate.service.keys.is_destroyed(gone)
    assert gate.rows(SubjectRow, SubjectRow.person_id == gone) == []
    assert {row.person_id for row in gate.rows(FactRow)} == {persons[0], persons[2]}
    assert [row.erased_at is None for row in gate.rows(PersonRow, PersonRow.person_id == gone)] == [False]
    assert [row.person_id for row in gate.rows(ReleaseRow, ReleaseRow.kind == "content")].count(gone) == 0


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
