"""What a recommendation, a conclusion or a statement rests on: its origin travels with it (§ 76 SGB X)."""

from sqlmodel import Session

from services.assessment import store
from services.assessment.domain import EntryNotFound, Kind, NotAcceptable
from services.assessment.store import Case, Content
from shared.contracts.envelope import Sources

TOLD = (Kind.FACT, Kind.STATEMENT, Kind.RECOMMENDATION, Kind.CONCLUSION, Kind.ATTENDANCE)
"""Everything that the care circle can have been told of; each is a fact to it."""


def kept(session: Session, case: Case, before: Content, derived_from: Sources | None) -> Content:
    """Return what an entry rests on: all that it rested on before, and what is named now."""
    for fact_id in derived_from or ():
        _check(session, case, fact_id)
    every = sorted({*before.get("derived_from", ()), *(derived_from or ())})
    return {"derived_from": every} if every else {}


def _check(session: Session, case: Case, fact_id: str) -> None:
    try:
        newest = store.load_versions(session, case.case_id, fact_id, *TOLD)[-1]
    except EntryNotFound:
        newest = None
    if newest is None or newest.content is None:
        raise NotAcceptable("derived_from", "names what is not in this case")
