"""What the team finds out: facts with all their versions, recommendations, a conclusion, and notes that never travel.

Handlers like those of `handlers`: each works inside one unit of work, never commits and never publishes.
"""

from typing import Any

from sqlmodel import col, delete

from services.assessment import domain, store
from services.assessment.domain import Kind, NotAcceptable, Vocabulary
from services.assessment.handlers import Answer, plan
from services.assessment.store import Case, Entry
from shared.contracts.assessment import ConclusionDrawn, Fact, FactRecorded, FactRemoved, LifeDomain, RecommendationMade
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork

REMOVABLE = (Kind.FACT, Kind.STATEMENT, Kind.RECOMMENDATION, Kind.CONCLUSION, Kind.ATTENDANCE)
"""Everything that the care circle can have been told of; each is a fact to it."""


def record_fact(
    work: UnitOfWork,
    *,
    case_id: str,
    life_domain: LifeDomain,
    fact: Fact,
    contested: bool,
    vocabulary: Vocabulary,
    by: str,
) -> Answer:
    """Write down a finding and announce it."""
    case = store.load_open_case(work.session, case_id)
    _check(work, life_domain, fact, vocabulary)
    entry = store.add_version(work, case, Kind.FACT, _content(life_domain, fact, contested), by=by)
    return _announce_fact(work, case, entry, life_domain=life_domain, fact=fact, contested=contested)


def correct_fact(
    work: UnitOfWork,
    *,
    case_id: str,
    fact_id: str,
    life_domain: LifeDomain | None,
    fact: Fact,
    contested: bool,
    vocabulary: Vocabulary,
    by: str,
) -> Answer:
    """Write down what is right now as a higher version, and announce it; the earlier versions stay, sealed."""
    case = store.load_open_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, fact_id, Kind.FACT)[-1]
    before = store.content_of(work.keys, case, newest)
    known: LifeDomain = _life_domain(before)
    if life_domain not in (None, known):
        raise NotAcceptable("life_domain", "stays the same in a correction")
    _check(work, known, fact, vocabulary)
    content = _content(known, fact, contested)
    if content == before:
        return {"fact_id": fact_id, "version": newest.version}
    entry = store.add_version(work, case, Kind.FACT, content, by=by, after=newest)
    return _announce_fact(work, case, entry, life_domain=known, fact=fact, contested=contested)


def remove_fact(work: UnitOfWork, *, case_id: str, fact_id: str, by: str) -> Answer:
    """Delete what was wrong, with its history; tell the care circle if it had been told of it."""
    case = store.load_open_case(work.session, case_id)
    versions = store.load_versions(work.session, case_id, fact_id, *REMOVABLE)
    newest = versions[-1]
    if newest.content is None:
        return {"fact_id": fact_id, "version": newest.version}
    was_told = newest.kind != Kind.STATEMENT or any(version.approved_at for version in versions)
    gone = store.add_version(work, case, Kind(newest.kind), None, by=by, after=newest)
    work.session.exec(delete(Entry).where(col(Entry.entry_id) == fact_id, col(Entry.version) < gone.version))
    if was_told:
        event = FactRemoved(fact_id=fact_id, version=gone.version, person_id=case.person_id, removed_at=work.now)
        work.announce(event)
    plan(work, case)
    return {"fact_id": fact_id, "version": gone.version}


def write_note(work: UnitOfWork, *, case_id: str, text: str, by: str) -> Answer:
    """Keep a private note. Nothing of it is announced, ever."""
    case = store.load_open_case(work.session, case_id)
    entry = store.add_version(work, case, Kind.NOTE, {"text": text}, by=by)
    return {"note_id": entry.entry_id}


def make_recommendation(work: UnitOfWork, *, case_id: str, code: str, vocabulary: Vocabulary, by: str) -> Answer:
    """Recommend something; the same word again changes nothing."""
    case = store.load_open_case(work.session, case_id)
    vocabulary.check_recommendation(code)
    for versions in store.entries_of(work.session, case_id, Kind.RECOMMENDATION):
        if store.content_of(work.keys, case, versions[-1])["code"] == code:
            return {"fact_id": versions[-1].entry_id, "version": versions[-1].version}
    entry = store.add_version(work, case, Kind.RECOMMENDATION, {"code": code}, by=by)
    work.announce(RecommendationMade(**_ids(work, case, entry), code=code))
    return {"fact_id": entry.entry_id, "version": entry.version}


def draw_conclusion(work: UnitOfWork, *, case_id: str, code: str, vocabulary: Vocabulary, by: str) -> Answer:
    """Say what is possible now. A case has one conclusion; a later one is its next version."""
    case = store.load_open_case(work.session, case_id)
    vocabulary.check_conclusion(code)
    drawn = store.entries_of(work.session, case_id, Kind.CONCLUSION)
    newest = drawn[0][-1] if drawn else None
    if newest is not None and store.content_of(work.keys, case, newest)["code"] == code:
        return {"fact_id": newest.entry_id, "version": newest.version}
    entry = store.add_version(work, case, Kind.CONCLUSION, {"code": code}, by=by, after=newest)
    work.announce(ConclusionDrawn(**_ids(work, case, entry), code=code))
    plan(work, case)
    return {"fact_id": entry.entry_id, "version": entry.version}


def _check(work: UnitOfWork, life_domain: Category, fact: Fact, vocabulary: Vocabulary) -> None:
    vocabulary.check_fact(life_domain, fact.code)
    domain.check_past_day("since_on", fact.since_on, now=work.now)


def _content(life_domain: Category, fact: Fact, contested: bool) -> store.Content:
    value = fact.model_dump(mode="json", exclude_none=True)
    return {"life_domain": life_domain.value, "contested": contested, **value}


def _life_domain(content: store.Content) -> Any:  # Any: one of the contract's literals, checked when it was recorded
    return Category(content["life_domain"])


def _announce_fact(
    work: UnitOfWork, case: Case, entry: Entry, *, life_domain: LifeDomain, fact: Fact, contested: bool
) -> Answer:
    event = FactRecorded(**_ids(work, case, entry), life_domain=life_domain, fact=fact, contested=contested)
    work.announce(event)
    return {"fact_id": entry.entry_id, "version": entry.version}


def _ids(work: UnitOfWork, case: Case, entry: Entry) -> dict[str, Any]:  # Any: the structural fields of an event
    return {
        "fact_id": entry.entry_id,
        "version": entry.version,
        "case_id": case.case_id,
        "person_id": case.person_id,
        "recorded_at": work.now,
    }
