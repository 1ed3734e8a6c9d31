"""Receipts: what a person said, signed by the gate and given to that person alone. Anybody can verify one offline.

A receipt is made once, from what was recorded, and kept as it was given out, sealed for its person (after the consent
record of ISO/IEC TS 27560:2023 and Kantara's consent receipt; Art. 7 (1), Art. 12 (1) GDPR). It says what the person
said and nothing that the gate does beyond it: who looks over the person's shoulder must learn nothing more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from secrets import token_urlsafe
from typing import Any

import structlog
from sqlmodel import col, select

from services.consent import answer_store, grants, representation, store
from services.consent.declaration import Declaration
from services.consent.domain import Answer, Ending
from services.consent.recipient_tables import RecipientRow
from services.consent.signing import SignedAs, SigningKey
from services.consent.tables import AnswerRow, ReceiptRow
from shared.contracts.categories import Category
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

SCHEMA_VERSION = "gesehen-receipt-1"
GIVEN, WITHDRAWN = "given", "withdrawn"
NOTICES = ("purpose", "refusing_has_no_disadvantage", "right_to_withdraw")
"""No grant is recorded before the person was given all three (`declaration.check_notices`)."""

Content = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who gives receipts, and with which key."""

    name: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What a withdrawal came to."""

    answers_ended: int
    receipt: str | None


def record(work: UnitOfWork, declared: Declaration, *, issuer: Issuer) -> dict[str, str]:
    """Record a declaration; return the receipt of each grant."""
    grant_ids = grants.record(work, declared)
    work.session.flush()
    return {grant_id: of_grant(work, grant_id, issuer=issuer) for grant_id in grant_ids}


def withdraw(
    work: UnitOfWork,
    *,
    issuer: Issuer,
    recorded_by: str,
    person_id: str,
    recipient_id: str | None = None,
    purpose: str | None = None,
    categories: frozenset[Category] | None = None,
) -> Withdrawn:
    """Take answers back; return the receipt. If nothing ended there is none."""
    ids = [person_id, *store.other_ids(work, person_id)]
    standing = _not_ended(work, ids)
    ended = grants.withdraw(
        work, person_id=person_id, recipient_id=recipient_id, purpose=purpose, categories=categories
    )
    taken_back = _taken_back(work, ids, standing)
    if not taken_back:
        return Withdrawn(ended, None)
    record_id = token_urlsafe(16)
    said = {
        "recipient_id": recipient_id,
        "purpose": purpose,
        "categories": sorted(category.value for category in categories) if categories else None,
    }
    content = {
        **_frame(work, record_id, WITHDRAWN, person_id, issuer),
        "withdrawal_of": {name: value for name, value in said.items() if value is not None} or "everything",
        "ended": _ended_grants(work, taken_back),
        "recorded_at": work.now.isoformat(),
        "recorded_by": recorded_by,
    }
    return Withdrawn(ended, _keep(work, record_id, person_id, content, issuer))


def of_grant(work: UnitOfWork, grant_id: str, *, issuer: Issuer) -> str:
    """Return the receipt of a grant; make it if it was never asked for. Needs the person's row lock."""
    grant = answer_store.load_grant(work, grant_id)
    kept = work.session.get(ReceiptRow, grant_id)
    if kept is not None:
        return _read(work, kept)
    answers = [answer for answer in answer_store.answers_of(work, grant.person_id) if answer.grant_id == grant_id]
    content = {
        **_frame(work, grant_id, GIVEN, grant.person_id, issuer),
        "version": grant.version,
        "given_by": _representative(work, grant.given_by) if grant.given_by else "the person",
        "recipient": _recipient(work, grant.recipient_id),
        "purpose": grant.purpose,
        "kind": grant.kind,
        "words": {answer.category.value: _word(answer) for answer in answers},
        "reaches_back": grant.reaches_back,
        "notices_given": list(NOTICES),
        "text": {"version": grant.text_version, "sha256": grant.text_sha256},
        "language": grant.language,
        "channel": grant.channel,
        "place": grant.place,
        "declared_on": grant.declared_on.isoformat() if grant.declared_on else None,
        "document_sha256": grant.document_sha256,
        "recorded_at": grant.given_at.isoformat(),
        "recorded_by": grant.recorded_by,
    }
    return _keep(work, grant_id, grant.person_id, content, issuer)


def of_person(work: UnitOfWork, person_id: str) -> list[tuple[str, str]]:
    """Return every receipt that was given to a person, with the record it is of; oldest first."""
    store.load_person(work.session, person_id)
    query = select(ReceiptRow).where(ReceiptRow.person_id == person_id)
    rows = work.session.exec(query.order_by(col(ReceiptRow.issued_at), col(ReceiptRow.record_id)))
    found = []
    for row in rows:
        try:
            found.append((row.record_id, _read(work, row)))
        except UnreadableValue:
            log.error("receipt_unreadable", record_id=row.record_id)
    return found


def _frame(work: UnitOfWork, record_id: str, event: str, person_id: str, issuer: Issuer) -> Content:
    return {
        "schema_version": SCHEMA_VERSION,
        "record_id": record_id,
        "event": event,
        "issuer": issuer.name,
        "issued_at": work.now.isoformat(),
        "person_id": person_id,
    }


def _keep(work: UnitOfWork, record_id: str, person_id: str, content: Content, issuer: Issuer) -> str:
    signed = issuer.key.sign(content, signed_as=SignedAs.RECEIPT)
    try:
        sealed = work.seal(person_id, f"receipt.signed.{record_id}", signed)
    except UnreadableValue:  # the person has it all the same, and what they said counts
        log.error("receipt_not_kept", record_id=record_id)
        return signed
    work.session.add(ReceiptRow(record_id=record_id, person_id=person_id, issued_at=work.now, signed=sealed))
    return signed


def _read(work: UnitOfWork, row: ReceiptRow) -> str:
    return str(work.unseal(row.person_id, f"receipt.signed.{row.record_id}", row.signed))


def _recipient(work: UnitOfWork, recipient_id: str) -> Content:
    row = work.session.get(RecipientRow, recipient_id)
    return {"id": recipient_id, "display_name": row.display_name if row else recipient_id}


def _representative(work: UnitOfWork, representation_id: str) -> Content:
    held = representation.read(work, representation.load(work.session, representation_id))
    return {"representation_id": representation_id, "name": held.name, "as": held.kind.value}


def _word(answer: Answer) -> Content:
    return {
        "word": answer.word.value,
        "valid_until": answer.expires_at.isoformat() if answer.expires_at else None,
    }


def _ended_grants(work: UnitOfWork, answers: Iterable[Answer]) -> list[Content]:
    def grant_id(answer: Answer) -> str:
        return answer.grant_id

    return [
        {
            "grant_id": of,
            "recipient": _recipient(work, group[0].recipient_id),
            "purpose": group[0].purpose,
            "kind": group[0].kind.value,
            "words": {answer.category.value: answer.word.value for answer in group},
        }
        for of, group in ((of, list(same)) for of, same in groupby(sorted(answers, key=grant_id), key=grant_id))
    ]


def _not_ended(work: UnitOfWork, ids: list[str]) -> set[str]:
    query = select(AnswerRow.answer_id).where(col(AnswerRow.person_id).in_(ids), col(AnswerRow.ended_at).is_(None))
    return set(work.session.exec(query))


def _taken_back(work: UnitOfWork, ids: list[str], standing: set[str]) -> list[Answer]:
    """Return those of the answers that a withdrawal ended; others may have run out at the same time."""
    query = select(AnswerRow.answer_id).where(
        col(AnswerRow.person_id).in_(ids), AnswerRow.ended_by == Ending.WITHDRAWN.value
    )
    ended = standing & set(work.session.exec(query).all())
    given = [answer for one in ids for answer in answer_store.answers_of(work, one)]
    return [answer for answer in given if answer.answer_id in ended]
