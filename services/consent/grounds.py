"""One query for any disclosed message: by which grant, after which text, known since when, under which rules.

Valid time (when it was so) and knowledge time (since when the gate knew it) are kept apart.
"""

from typing import Any

from sqlmodel import Session, col, select

from services.consent.errors import EntryNotFound
from services.consent.ledger import EntryKind
from services.consent.ledger_view import read_content
from services.consent.tables import AnswerRow, GrantRow, InquiryRow, LedgerRow
from shared.keys import PersonKeys

Grounds = dict[str, Any]  # Any: JSON values


def grounds_of(session: Session, keys: PersonKeys, *, person_id: str, recipient_id: str, number: int) -> Grounds:
    """Return why a recipient received what one entry of its chain says; or raise EntryNotFound."""
    row = session.get(LedgerRow, (recipient_id, number))
    if row is None or row.key_id != person_id or row.kind not in (EntryKind.RELEASED, EntryKind.OPENED_AGAIN):
        raise EntryNotFound
    content = read_content(keys, row)
    if "again_of" in content and not content["grants"]:  # told again as it was told first
        first = session.get(LedgerRow, (recipient_id, content["again_of"]))
        content = read_content(keys, first) if first else content
    return {
        "recipient_id": recipient_id,
        "number": number,
        "told_at": row.at.isoformat(),
        "told": content["released"],
        "rules": content["rules"],
        "facts": content["facts"],
        "grants": [_grant(session, grant_id) for grant_id in content["grants"]],
        "word": _word(session, content["inquiry"]) if "inquiry" in content else None,
    }


def _grant(session: Session, grant_id: str) -> Grounds:
    grant = session.get_one(GrantRow, grant_id)
    words = session.exec(select(AnswerRow).where(AnswerRow.grant_id == grant_id).order_by(col(AnswerRow.answer_id)))
    ends = [answer.ended_at for answer in words]
    return {
        "grant_id": grant_id,
        "kind": grant.kind,
        "version": grant.version,
        "purpose": grant.purpose,
        "declared_on": (grant.declared_on or grant.given_at.date()).isoformat(),
        "known_since": grant.given_at.isoformat(),
        "reaches_back": grant.reaches_back,
        "text_version": grant.text_version,
        "text_sha256": grant.text_sha256,
        "document_sha256": grant.document_sha256,
        "language": grant.language,
        "channel": grant.channel,
        "place": grant.place,
        "given_by": grant.given_by,
        "recorded_by": grant.recorded_by,
        "ended_at": max(end for end in ends if end).isoformat() if ends and all(ends) else None,
    }


def _word(session: Session, inquiry_id: str) -> Grounds:
    row = session.get_one(InquiryRow, inquiry_id)
    return {
        "inquiry_id": inquiry_id,
        "asked_at": row.asked_at.isoformat(),
        "answered_at": row.answered_at.isoformat() if row.answered_at else None,
    }
