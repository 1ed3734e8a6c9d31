"""What is contested: the team marks a finding, or hears that the person does so at the consent desk (§ 84 (2) SGB X).

The two marks are kept apart: neither takes the other away, and only the team's own is announced from here.
"""

from services.assessment import store
from services.assessment.announcement import announce
from services.assessment.domain import Kind
from services.assessment.planning import Answer
from services.assessment.store import Case, Contest
from shared.contracts.consent import FactContested, FactContestWithdrawn
from shared.inbox import TooEarly
from shared.unit_of_work import UnitOfWork

CONTESTABLE = (Kind.FACT, Kind.RECOMMENDATION, Kind.CONCLUSION, Kind.ATTENDANCE)
"""What the team found; a statement is the person's own word."""


def mark_contested(work: UnitOfWork, *, case_id: str, fact_id: str, contested: bool, by: str) -> Answer:
    """Mark what was found as contested, or take the team's mark away, as its next version; it keeps its day."""
    case = store.load_open_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, fact_id, *CONTESTABLE)[-1]
    before = store.content_of(work.keys, case, newest)
    if bool(before.get("contested")) == contested:
        return {"fact_id": fact_id, "version": newest.version}
    found_at = store.found_at(newest, before).isoformat()
    found_by = before.get("found_by", newest.recorded_by)  # a mark is not the finding: who found it stays who did
    content = {**before, "contested": contested, "found_at": found_at, "found_by": found_by}
    entry = store.add_version(work, case, Kind(newest.kind), content, by=by, after=newest)
    announce(work, case, entry, content)
    return {"fact_id": fact_id, "version": entry.version}


def hear_contest(work: UnitOfWork, event: FactContested | FactContestWithdrawn) -> None:
    """Keep whether the person contests a finding; of all that is said about it the highest number counts."""
    case = _case_of(work, event.fact_id)
    known = work.session.get(Contest, event.fact_id)
    if case.person_id != event.person_id or (known is not None and known.number >= event.number):
        return
    row = known or Contest(fact_id=event.fact_id, case_id=case.case_id, number=0, mark=b"")
    row.number = event.number
    row.mark = work.seal(case.person_id, store.contest_place(event.fact_id), isinstance(event, FactContested))
    work.session.add(row)


def _case_of(work: UnitOfWork, fact_id: str) -> Case:
    entry = work.session.exec(store.versions_of(fact_id)).first()
    if entry is None:
        raise TooEarly
    return store.load_case(work.session, entry.case_id)
