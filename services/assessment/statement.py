"""Statements: sentences that a person approves word by word, the only free text that can ever leave.

A draft is told to nobody. An approval names the hash of the very text; another text needs another approval.
"""

from services.assessment import domain, store
from services.assessment.domain import Kind, TextDiffers
from services.assessment.handlers import Answer
from services.assessment.store import Entry
from shared.contracts.assessment import StatementApproved
from shared.unit_of_work import UnitOfWork


def draft_statement(work: UnitOfWork, *, case_id: str, text: str, by: str) -> Answer:
    """Write a first draft."""
    case = store.load_open_case(work.session, case_id)
    return _drafted(store.add_version(work, case, Kind.STATEMENT, {"text": text}, by=by), text)


def redraft_statement(work: UnitOfWork, *, case_id: str, statement_id: str, text: str, by: str) -> Answer:
    """Write another draft. What was approved before stands until this one is approved."""
    case = store.load_open_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, statement_id, Kind.STATEMENT)[-1]
    if store.content_of(work.keys, case, newest)["text"] == text:
        return _drafted(newest, text)
    return _drafted(store.add_version(work, case, Kind.STATEMENT, {"text": text}, by=by, after=newest), text)


def approve_statement(work: UnitOfWork, *, case_id: str, statement_id: str, text_sha256: str, by: str) -> Answer:
    """Record that the person approved exactly the newest draft, and announce it; a second time changes nothing."""
    case = store.load_open_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, statement_id, Kind.STATEMENT)[-1]
    text = str(store.content_of(work.keys, case, newest)["text"])
    if domain.hash_of(text) != text_sha256:
        raise TextDiffers
    if newest.approved_at is None:
        newest.approved_at, newest.approved_by = work.now, by
        event = StatementApproved(
            fact_id=statement_id,
            version=newest.version,
            case_id=case_id,
            person_id=case.person_id,
            recorded_at=work.now,
            text=text,
        )
        work.announce(event)
    return {"statement_id": statement_id, "version": newest.version, "approved_at": newest.approved_at.isoformat()}


def _drafted(entry: Entry, text: str) -> Answer:
    return {"statement_id": entry.entry_id, "version": entry.version, "text_sha256": domain.hash_of(text)}
