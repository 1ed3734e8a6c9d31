"""What comes from a professional keeps that origin, whatever the order and whatever rests on it (§ 76 SGB X)."""

from collections.abc import Sequence
from itertools import permutations
from typing import ClassVar

import pytest

from services.consent import fact_store
from services.consent.domain import KnownFact
from services.consent.notices import reconsider
from shared.contracts.assessment import ConclusionDrawn
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import NOON, a_conclusion
from tests.consent.gate import Gate

PERSON = "person-0001"
A, B, C, D = "fact-aaaa", "fact-bbbb", "fact-cccc", "fact-dddd"


class Told(ConclusionDrawn):
    """What a person told somebody who is bound by nothing."""

    event_type: ClassVar[str] = "assessment.told.v1"
    professional: ClassVar[bool] = False


def told(fact_id: str, *sources: str, version: int = 1, person_id: str = PERSON) -> Told:
    """Return something that nobody bound to secrecy found, resting on others."""
    return Told(
        fact_id=fact_id,
        version=version,
        case_id="case-0001",
        person_id=person_id,
        recorded_at=NOON,
        code="told",
        derived_from=sources or None,
    )


def found(fact_id: str, version: int = 1) -> ConclusionDrawn:
    """Return a professional's finding."""
    return a_conclusion(PERSON, fact_id=fact_id, version=version)


def known_after(gate: Gate, events: Sequence[ConclusionDrawn]) -> dict[str, KnownFact]:
    """Return what the gate knows after these came in this order; nothing stays."""
    with gate.service.database.write() as session:
        work = UnitOfWork(session, gate.service.keys, now=NOON)
        for event in events:
            fact_store.save_fact(
                work, event, fact_id=event.fact_id, version=event.version, recorded_at=NOON, only_for=None
            )
        facts = {fact.fact_id: fact for fact in fact_store.facts_of(work, PERSON)}
        session.rollback()
    return facts


def professional(facts: dict[str, KnownFact]) -> set[str]:
    """Return which facts are a professional's."""
    return {fact.fact_id for fact in facts.values() if fact.professional}


def test_what_rests_on_nothing_but_what_the_person_told_is_no_professionals(gate: Gate) -> None:
    facts = known_after(gate, [told(A), told(B, A), told(C, B)])

    assert professional(facts) == set()


def test_what_rests_on_a_professionals_fact_is_a_professionals_through_any_number_of_steps(gate: Gate) -> None:
    orders = permutations([found(A), told(B, A), told(C, B), told(D)])

    assert [professional(known_after(gate, order)) for order in orders] == [{A, B, C}] * 24


def test_a_source_that_nobody_knows_counts_as_a_professionals_and_that_stays_so_when_it_comes(gate: Gate) -> None:
    assert professional(known_after(gate, [told(B, A), told(A)])) == {B}


def test_a_source_of_another_person_counts_as_unknown(gate: Gate) -> None:
    assert professional(known_after(gate, [told(A, person_id="person-0002"), told(B, A)])) == {B}


def test_a_source_that_becomes_a_professionals_later_takes_with_it_what_rests_on_it(gate: Gate) -> None:
    assert professional(known_after(gate, [told(A), told(B, A), found(A, 2)])) == {A, B}


@pytest.mark.parametrize("weaker", [told(B, version=2), told(B, C, version=2)], ids=["no source", "another source"])
def test_no_version_and_no_order_of_versions_weakens_an_origin(gate: Gate, weaker: Told) -> None:
    orders = list(permutations([found(A), told(C), told(B, A), weaker]))

    assert {B in professional(known_after(gate, [*order, *order])) for order in orders} == {True}


def test_a_version_of_a_professional_binds_whenever_it_comes(gate: Gate) -> None:
    orders = permutations([told(A, version=3), found(A, 2), told(A, version=1)])

    facts = [known_after(gate, order)[A] for order in orders]

    assert {(fact.professional, fact.version) for fact in facts} == {(True, 3)}


def test_what_an_earlier_version_rested_on_still_counts_when_that_becomes_a_professionals(gate: Gate) -> None:
    facts = known_after(gate, [told(A), told(B, A), told(B, version=2), found(A, 2)])

    assert professional(facts) == {A, B}


def test_facts_that_rest_on_each_other_end_the_search(gate: Gate) -> None:
    circle = [told(A), told(B, A), told(A, B, version=2)]

    assert professional(known_after(gate, circle)) == set()
    assert professional(known_after(gate, [*circle, found(B, 2)])) == {A, B}


def test_a_release_bears_the_label_of_what_it_rests_on(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, Category.CONCLUSION)
    before = gate.reading()
    before.news()

    gate.write(lambda work: _tell(work, told(A, person_id=person)))
    [free] = before.news()
    gate.write(lambda work: _tell(work, told(A, B, version=2, person_id=person)))
    [bound] = before.news()

    assert "professional_secrecy" not in free["released"]
    assert bound["released"] == {**free["released"], "professional_secrecy": True}


def _tell(work: UnitOfWork, event: Told) -> None:
    fact_store.save_fact(work, event, fact_id=event.fact_id, version=event.version, recorded_at=NOON, only_for=None)
    reconsider(work, event.person_id)
