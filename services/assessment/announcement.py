"""How the care circle is told what the team wrote down: the newest version of an entry, as its event."""

from datetime import datetime
from typing import Any

from services.assessment import domain, store
from services.assessment.domain import Kind
from services.assessment.store import Case, Content, Entry
from shared.contracts.assessment import (
    AttendanceKind,
    AttendanceRecorded,
    ConclusionDrawn,
    Fact,
    FactRecorded,
    FactRemoved,
    RecommendationMade,
)
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork


def announce(work: UnitOfWork, case: Case, entry: Entry, content: Content) -> None:
    """Announce a finding, a recommendation, a conclusion or an attendance, with the mark of the team.

    A finding that waits for a second person is told to nobody; what was told of it before is wrong by now.
    """
    if domain.waits_for_second(content):
        if entry.version > 1:
            gone = FactRemoved(
                fact_id=entry.entry_id, version=entry.version, person_id=case.person_id, removed_at=work.now
            )
            work.announce(gone)
        return
    known = {**_ids(case, entry, content), "contested": bool(content.get("contested"))}
    match Kind(entry.kind):
        case Kind.FACT:
            life_domain: Any = Category(content["life_domain"])  # Any: one of the contract's literals
            fact, about_id = Fact.model_validate(content), content.get("about_id")
            work.announce(FactRecorded(**known, life_domain=life_domain, fact=fact, about_id=about_id))
        case Kind.RECOMMENDATION:
            work.announce(RecommendationMade(**known, code=content["code"], derived_from=content.get("derived_from")))
        case Kind.CONCLUSION:
            work.announce(ConclusionDrawn(**known, code=content["code"], derived_from=content.get("derived_from")))
        case Kind.ATTENDANCE:
            kind = AttendanceKind(content["kind"])
            work.announce(AttendanceRecorded(**known, kind=kind, attended_on=content["attended_on"]))


def _ids(case: Case, entry: Entry, content: Content) -> dict[str, Any]:  # Any: the structural fields of an event
    found_at: datetime = store.found_at(entry, content)
    return {
        "fact_id": entry.entry_id,
        "version": entry.version,
        "case_id": case.case_id,
        "person_id": case.person_id,
        "recorded_at": found_at,
    }
