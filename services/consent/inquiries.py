"""Ask me each time: a message waits for the person's word on the very text. Unanswered means no, and leaves no trace.

The hash that the person was shown is the hash that is sent: if anything changes before it is opened, the word does not
cover it, nothing of it is sent, and the person is asked anew.
"""

from typing import Any

from sqlmodel import Session, col, select

from services.consent import inquiry_store
from services.consent.composition import Composed
from services.consent.domain import APPROVED, Inquiry, Place, Word
from services.consent.errors import InquiryNotFound, InquiryOver, NotAcceptable, TextDiffers
from services.consent.release import hash_of
from services.consent.tables import InquiryRow, SubjectRow
from shared.contracts.consent import Awaited, PersonAwaited
from shared.unit_of_work import UnitOfWork


def put(work: UnitOfWork, subject: SubjectRow, question: Composed | None, *, known: list[Inquiry]) -> None:
    """Have exactly this message wait for the person's word; one of the `known` that is out of date waits no longer."""
    sha256 = hash_of(question.fields) if question else None
    for inquiry in known:
        if inquiry.state == inquiry_store.WAITING and inquiry.sha256 != sha256:
            inquiry_store.settle(work, inquiry.inquiry_id, state=inquiry_store.VOID)
    if question is None or sha256 is None or _was_asked(known, question, sha256):
        return
    row = inquiry_store.add(work, subject, fields=question.fields, sha256=sha256, answer_ids=question.answer_ids)
    work.announce(
        PersonAwaited(
            item_id=row.inquiry_id, person_id=row.person_id, awaited=Awaited.WORD, due_at=row.answer_by, at=work.now
        )
    )


def answer(work: UnitOfWork, *, inquiry_id: str, word: Word, sha256: str, place: Place) -> InquiryRow:
    """Take the person's word on one message, named by the hash that was shown. The caller reconsiders the person.

    A yes is not taken where there may be pressure; a no is, anywhere.
    """
    row = load(work.session, inquiry_id)
    if row.state != inquiry_store.WAITING or row.answer_by <= work.now:
        raise InquiryOver
    if inquiry_store.read(work, row).sha256 != sha256:
        raise TextDiffers
    if word is Word.YES and place is not Place.ELSEWHERE:
        raise NotAcceptable(("place", "must be elsewhere: not at the Jobcenter, nor on its devices"))
    state = APPROVED if word is Word.YES else inquiry_store.DECLINED
    inquiry_store.settle(work, inquiry_id, state=state)
    return row


def load(session: Session, inquiry_id: str) -> InquiryRow:
    """Return an inquiry; raise InquiryNotFound."""
    found = session.get(InquiryRow, inquiry_id)
    if found is None:
        raise InquiryNotFound
    return found


def waiting_for(work: UnitOfWork, person_id: str) -> list[dict[str, Any]]:  # Any: JSON values
    """Return every message that waits for a person's word: what would be told, to whom, under which hash."""
    query = select(InquiryRow).where(
        InquiryRow.person_id == person_id,
        InquiryRow.state == inquiry_store.WAITING,
        col(InquiryRow.answer_by) > work.now,
    )
    found = []
    for row in work.session.exec(query.order_by(col(InquiryRow.asked_at))):
        inquiry = inquiry_store.read_or_none(work, row)
        if inquiry is None:
            continue
        found.append(
            {
                "inquiry_id": row.inquiry_id,
                "recipient_id": row.recipient_id,
                "would_see": inquiry.fields,
                "sha256": inquiry.sha256,
                "asked_at": row.asked_at.isoformat(),
                "answer_by": row.answer_by.isoformat(),
            }
        )
    return found


def lapse(work: UnitOfWork, *, inquiry_id: str) -> None:
    """End an inquiry that nobody answered in time. That is a no to this text."""
    row = load(work.session, inquiry_id)
    if row.state == inquiry_store.WAITING and row.answer_by <= work.now:
        inquiry_store.settle(work, inquiry_id, state=inquiry_store.LAPSED)


def unanswered(work: UnitOfWork) -> list[tuple[str, str]]:
    """Return (inquiry, person) of those whose time is over."""
    query = select(InquiryRow).where(InquiryRow.state == inquiry_store.WAITING, col(InquiryRow.answer_by) <= work.now)
    return [(row.inquiry_id, row.person_id) for row in work.session.exec(query)]


def _was_asked(known: list[Inquiry], question: Composed, sha256: str) -> bool:
    """Whether this very text, resting on the same answers, waits already or was answered or left unanswered."""
    asked = (inquiry for inquiry in known if inquiry.state != inquiry_store.VOID)
    return any(inquiry.sha256 == sha256 and inquiry.answer_ids == question.answer_ids for inquiry in asked)
