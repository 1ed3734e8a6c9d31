"""What the team finds out: facts with all their versions, recommendations, a conclusion, and notes that never travel.

Handlers like those of `handlers`: each works inside one unit of work, never commits and never publishes.
"""

import secrets

from sqlmodel import col, delete

from services.assessment import domain, sources, store
from services.assessment.announcement import announce
from services.assessment.domain import Kind, KnownFrom, NotAcceptable, NothingToConfirm, SamePerson, Vocabulary
from services.assessment.planning import Answer, go_on, plan
from services.assessment.store import Case, Contest, Entry
from shared.contracts.assessment import AssessmentWorkCorrected, Fact, FactRemoved, LifeDomain
from shared.contracts.categories import Category
from shared.contracts.envelope import Sources
from shared.unit_of_work import UnitOfWork

REMOVABLE = sources.TOLD
_OF_THE_VERSION = ("found_at", "found_by", "confirmed_by")


def record_fact(
    work: UnitOfWork,
    *,
    case_id: str,
    life_domain: LifeDomain,
    fact: Fact,
    contested: bool | None,
    about_somebody_else: bool,
    vocabulary: Vocabulary,
    known_from: KnownFrom | None = None,
    by: str,
) -> Answer:
    """Write down a finding and announce it."""
    case = store.load_informed_case(work.session, case_id)
    _check(work, life_domain, fact, vocabulary)
    content = _content(life_domain, fact, contested, about_somebody_else, known_from, before={})
    entry = store.add_version(work, case, Kind.FACT, content, by=by)
    announce(work, case, entry, content)
    _plan_second_person(work, case, life_domain)
    return {"fact_id": entry.entry_id, "version": entry.version}


def correct_fact(
    work: UnitOfWork,
    *,
    case_id: str,
    fact_id: str,
    life_domain: LifeDomain | None,
    fact: Fact,
    contested: bool | None,
    about_somebody_else: bool,
    vocabulary: Vocabulary,
    known_from: KnownFrom | None = None,
    by: str,
) -> Answer:
    """Write down what is right now as a higher version, and announce it; the earlier versions stay, sealed."""
    case = store.load_open_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, fact_id, Kind.FACT)[-1]
    before = store.content_of(work.keys, case, newest)
    known = Category(before["life_domain"])
    if life_domain not in (None, known):
        raise NotAcceptable("life_domain", "stays the same in a correction")
    _check(work, known, fact, vocabulary)
    content = _content(known, fact, contested, about_somebody_else, known_from, before=before)
    if content == {name: value for name, value in before.items() if name not in _OF_THE_VERSION}:
        return {"fact_id": fact_id, "version": newest.version}
    entry = store.add_version(work, case, Kind.FACT, content, by=by, after=newest)
    announce(work, case, entry, content)
    _plan_second_person(work, case, known)
    return {"fact_id": fact_id, "version": entry.version}


def confirm_fact(work: UnitOfWork, *, case_id: str, fact_id: str, version: int, by: str) -> Answer:
    """Have a second person confirm the newest version of a finding; from then on the care circle knows of it.

    The confirmation is the next version; it keeps the day on which it was found.
    """
    case = store.load_open_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, fact_id, Kind.FACT)[-1]
    before = store.content_of(work.keys, case, newest)
    if before.get("confirmed_by") == by:
        return {"fact_id": fact_id, "version": newest.version}
    if not domain.waits_for_second(before):
        raise NothingToConfirm
    if before.get("found_by", newest.recorded_by) == by:
        raise SamePerson
    if newest.version != version:
        raise NotAcceptable("version", "is not the newest version")
    content = {**before, "confirmed_by": by, "found_at": store.found_at(newest, before).isoformat()}
    entry = store.add_version(work, case, Kind.FACT, content, by=by, after=newest)
    announce(work, case, entry, content)
    plan(work, case)
    return {"fact_id": fact_id, "version": entry.version}


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
    work.session.exec(delete(Contest).where(col(Contest.fact_id) == fact_id))
    if was_told:
        event = FactRemoved(fact_id=fact_id, version=gone.version, person_id=case.person_id, removed_at=work.now)
        work.announce(event)
    if newest.kind == Kind.ATTENDANCE:  # nobody pays for a talk that never was
        work.announce(AssessmentWorkCorrected(work_id=fact_id, person_id=case.person_id))
    plan(work, case)
    return {"fact_id": fact_id, "version": gone.version}


def write_note(work: UnitOfWork, *, case_id: str, text: str, by: str) -> Answer:
    """Keep a private note. Nothing of it is announced, ever."""
    case = store.load_informed_case(work.session, case_id)
    entry = store.add_version(work, case, Kind.NOTE, {"text": text}, by=by)
    return {"note_id": entry.entry_id}


def make_recommendation(
    work: UnitOfWork, *, case_id: str, code: str, derived_from: Sources | None, vocabulary: Vocabulary, by: str
) -> Answer:
    """Recommend something; the same word again changes nothing, unless it rests on more."""
    case = store.load_informed_case(work.session, case_id)
    vocabulary.check_recommendation(code)
    made = [versions[-1] for versions in store.entries_of(work.session, case_id, Kind.RECOMMENDATION)]
    same = [entry for entry in made if store.content_of(work.keys, case, entry)["code"] == code]
    return _say(work, case, Kind.RECOMMENDATION, code, derived_from, after=same[0] if same else None, by=by)


def draw_conclusion(
    work: UnitOfWork, *, case_id: str, code: str, derived_from: Sources | None, vocabulary: Vocabulary, by: str
) -> Answer:
    """Say what is possible now. A case has one conclusion; a later one is its next version."""
    case = store.load_informed_case(work.session, case_id)
    vocabulary.check_conclusion(code)
    drawn = store.entries_of(work.session, case_id, Kind.CONCLUSION)
    answer = _say(work, case, Kind.CONCLUSION, code, derived_from, after=drawn[0][-1] if drawn else None, by=by)
    go_on(work, case)
    return answer


def _say(
    work: UnitOfWork, case: Case, kind: Kind, code: str, derived_from: Sources | None, *, after: Entry | None, by: str
) -> Answer:
    """Write down a word as the next version of an entry, which keeps its mark and what it rested on before."""
    before = {} if after is None else store.content_of(work.keys, case, after)
    content = {**before, "code": code, **sources.kept(work.session, case, before, derived_from)}
    if after is not None and content == before:
        return {"fact_id": after.entry_id, "version": after.version}
    content.pop("found_at", None)
    if after is not None and before["code"] == code:  # it rests on more, and was said on its day
        content["found_at"] = store.found_at(after, before).isoformat()
    entry = store.add_version(work, case, kind, content, by=by, after=after)
    announce(work, case, entry, content)
    return {"fact_id": entry.entry_id, "version": entry.version}


def _plan_second_person(work: UnitOfWork, case: Case, life_domain: Category) -> None:
    if life_domain.value in domain.NEEDS_SECOND:
        plan(work, case)


def _check(work: UnitOfWork, life_domain: Category, fact: Fact, vocabulary: Vocabulary) -> None:
    vocabulary.check_fact(life_domain, fact.code)
    domain.check_past_day("since_on", fact.since_on, today=work.town.today(work.now))


def _content(
    life_domain: Category,
    fact: Fact,
    contested: bool | None,
    about_somebody_else: bool,
    known_from: KnownFrom | None,
    *,
    before: store.Content,
) -> store.Content:
    """Return what an entry says; mark and source stay if nothing is said of them, and a third person for ever."""
    value = fact.model_dump(mode="json", exclude_none=True)
    marked = before.get("contested", False) if contested is None else contested
    about_id = before.get("about_id") or (secrets.token_urlsafe(16) if about_somebody_else else None)
    about = {"about_id": about_id} if about_id else {}
    source = known_from or before.get("known_from")
    known = {"known_from": str(source)} if source else {}
    return {"life_domain": life_domain.value, "contested": marked, **about, **known, **value}
