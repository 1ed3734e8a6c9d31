"""A person contests what a professional found, without asking the team (§ 84 (2) SGB X), or no longer does.

From that moment the finding leaves with the note only: what was told without it is retracted and offered anew.
"""

from services.consent import fact_store, store
from services.consent.domain import KnownFact
from services.consent.errors import FactNotFound, NotAcceptable
from services.consent.notices import reconsider
from shared.contracts.assessment import CONTESTABLE
from shared.contracts.consent import FactContested, FactContestWithdrawn
from shared.unit_of_work import UnitOfWork


def contest(work: UnitOfWork, *, person_id: str, fact_id: str) -> KnownFact:
    """Record that the person contests a finding, and tell the team; a second time changes nothing."""
    known = _known(work, person_id, fact_id)
    _check(known)
    if known.contested_by_person:
        return known
    number = fact_store.mark_contested(work, fact_id, contested=True)
    work.announce(FactContested(fact_id=fact_id, person_id=person_id, number=number, contested_at=work.now))
    reconsider(work, person_id)
    return _known(work, person_id, fact_id)


def withdraw(work: UnitOfWork, *, person_id: str, fact_id: str) -> KnownFact:
    """Record that the person no longer contests a finding. A mark that the team set stays."""
    known = _known(work, person_id, fact_id)
    if not known.contested_by_person:
        return known
    number = fact_store.mark_contested(work, fact_id, contested=False)
    work.announce(FactContestWithdrawn(fact_id=fact_id, person_id=person_id, number=number, withdrawn_at=work.now))
    reconsider(work, person_id)
    return _known(work, person_id, fact_id)


def known_of(work: UnitOfWork, person_id: str) -> list[KnownFact]:
    """Return what the gate knows of a person, by category and then as it came."""
    store.load_person(work.session, person_id)
    facts = fact_store.facts_of(work, person_id)
    return sorted(facts, key=lambda fact: (fact.category, fact.first_received_at, fact.fact_id))


def can_be_contested(fact: KnownFact) -> bool:
    """Say whether it is a professional's finding about the person: somebody else contests what is about them."""
    return fact.category in CONTESTABLE and fact.about_id is None


def _known(work: UnitOfWork, person_id: str, fact_id: str) -> KnownFact:
    store.load_person(work.session, person_id)
    found = [fact for fact in fact_store.facts_of(work, person_id) if fact.fact_id == fact_id]
    if not found:
        raise FactNotFound
    return found[0]


def _check(fact: KnownFact) -> None:
    if not can_be_contested(fact):
        raise NotAcceptable(("fact_id", "is not a finding about the person"))
