"""Statements: sentences that a person approves word by word, the only free text that can ever leave.

A draft is told to nobody. An approval names the hash of the very text; another text needs another approval.
"""

import secrets

from services.assessment import domain, sources, store
from services.assessment.domain import AboutSomebodyElse, Kind, TextDiffers
from services.assessment.planning import Answer
from services.assessment.scanner import scan
from services.assessment.store import Entry
from shared.contracts.assessment import StatementApproved
from shared.contracts.envelope import Sources
from shared.unit_of_work import UnitOfWork


def draft_statement(
    work: UnitOfWork, *, case_id: str, text: str, derived_from: Sources | None, about_somebody_else: bool, by: str
) -> Answer:
    """Write a first draft."""
    case = store.load_informed_case(work.session, case_id)
    about = {"about_id": secrets.token_urlsafe(16)} if about_somebody_else else {}
    content = {"text": text, **about, **sources.kept(work.session, case, {}, derived_from)}
    return _drafted(store.add_version(work, case, Kind.STATEMENT, content, by=by), text)


def redraft_statement(
    work: UnitOfWork, *, case_id: str, statement_id: str, text: str, derived_from: Sources | None, by: str
) -> Answer:
    """Write another draft, about whom the first was. What was approved before stands until this one is approved."""
    case = store.load_open_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, statement_id, Kind.STATEMENT)[-1]
    before = store.content_of(work.keys, case, newest)
    content = {**before, "text": text, **sources.kept(work.session, case, before, derived_from)}
    if content == before:
        return _drafted(newest, text)
    return _drafted(store.add_version(work, case, Kind.STATEMENT, content, by=by, after=newest), text)


def approve_statement(work: UnitOfWork, *, case_id: str, statement_id: str, text_sha256: str, by: str) -> Answer:
    """Record that the person approved exactly the newest draft, and announce it; a second time changes nothing.

    What is about somebody else is not the person's to release (§ 67d (2) SGB X).
    """
    case = store.load_open_case(work.session, case_id)
    versions = store.load_versions(work.session, case_id, statement_id, Kind.STATEMENT)
    newest = versions[-1]
    content = store.content_of(work.keys, case, newest)
    text = str(content["text"])
    if "about_id" in content:
        raise AboutSomebodyElse
    if domain.hash_of(text) != text_sha256:
        raise TextDiffers
    if newest.approved_at is None:
        # To the others the first approval is version 1: a draft is told to nobody, and "from now on" counts from there.
        version = 1 + sum(earlier.approved_at is not None for earlier in versions)
        newest.approved_at, newest.approved_by = work.now, by
        event = StatementApproved(
            fact_id=statement_id,
            version=version,
            case_id=case_id,
            person_id=case.person_id,
            recorded_at=work.now,
            text=text,
            derived_from=content.get("derived_from"),
        )
        work.announce(event)
    return {"statement_id": statement_id, "version": newest.version, "approved_at": newest.approved_at.isoformat()}


def _drafted(entry: Entry, text: str) -> Answer:
    warnings: list[dict[str, str | int]] = [
        {"kind": warned.kind.value, "start": warned.start, "end": warned.end} for warned in scan(text)
    ]
    return {
        "statement_id": entry.entry_id,
        "version": entry.version,
        "text_sha256": domain.hash_of(text),
        "warnings": warnings,
    }
