"""Reads and writes the messages that wait, or waited, for a person's word. It decides nothing."""

from collections import defaultdict
from secrets import token_urlsafe
from typing import Any

import structlog
from sqlalchemy import bindparam
from sqlmodel import col, select

from services.consent.domain import ANSWER_WITHIN, Inquiry
from services.consent.tables import InquiryRow, SubjectRow
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

WAITING, DECLINED, LAPSED, VOID = "waiting", "declined", "lapsed", "void"

_INQUIRIES = (
    select(InquiryRow)
    .where(col(InquiryRow.person_id).in_(bindparam("person_ids", expanding=True)))
    .order_by(col(InquiryRow.asked_at))
)


def inquiries_of(work: UnitOfWork, *person_ids: str) -> dict[str, list[Inquiry]]:
    """Return persons' inquiries by subject, oldest first. What cannot be read does not count, and stops nothing."""
    found: dict[str, list[Inquiry]] = defaultdict(list)
    for row in work.session.exec(_INQUIRIES, params={"person_ids": list(person_ids)}):
        inquiry = read_or_none(work, row)
        if inquiry is not None:
            found[row.subject_id].append(inquiry)
    return found


def read_or_none(work: UnitOfWork, row: InquiryRow) -> Inquiry | None:
    """Return what a row holds, or None if nobody can read it any more."""
    try:
        return read(work, row)
    except UnreadableValue:
        log.error("inquiry_unreadable", inquiry_id=row.inquiry_id)
        return None


def read(work: UnitOfWork, row: InquiryRow) -> Inquiry:
    """Return what a row holds."""
    asked = work.unseal(row.person_id, f"inquiry.asked.{row.inquiry_id}", row.asked)
    return Inquiry(row.inquiry_id, row.state, asked["sha256"], asked["fields"], frozenset(asked["answers"]))


def add(
    work: UnitOfWork, subject: SubjectRow, *, fields: dict[str, Any], sha256: str, answer_ids: frozenset[str]
) -> InquiryRow:
    """Store a message that waits for the person's word."""
    inquiry_id, person_id = token_urlsafe(16), str(subject.person_id)
    asked = {"fields": fields, "sha256": sha256, "answers": sorted(answer_ids)}
    row = InquiryRow(
        inquiry_id=inquiry_id,
        person_id=person_id,
        subject_id=subject.subject_id,
        recipient_id=subject.recipient_id,
        state=WAITING,
        asked=work.seal(person_id, f"inquiry.asked.{inquiry_id}", asked),
        asked_at=work.now,
        answer_by=work.now + ANSWER_WITHIN,
    )
    work.session.add(row)
    return row


def settle(work: UnitOfWork, inquiry_id: str, *, state: str) -> None:
    """Record what became of an inquiry."""
    row = work.session.get_one(InquiryRow, inquiry_id)
    row.state, row.answered_at = state, work.now
    work.session.add(row)
