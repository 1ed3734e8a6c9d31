"""The person decides: answers are recorded, superseded, withdrawn, and end when their time is over."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe

from sqlmodel import col, select

from services.consent import answer_store, store
from services.consent.domain import BENEFIT, LONGEST_VALIDITY, Answer, Ending, Kind, RecipientRole, Word
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.notices import reconsider
from services.consent.tables import AnswerRow, GrantRow, RecipientRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import GrantRecorded, GrantWithdrawn
from shared.keys import KeyDestroyed
from shared.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the person's declaration can be proved (Art. 7 (1) GDPR, § 67b (2) SGB X)."""

    channel: str
    language: str
    text_version: str
    text_sha256: str
    document_sha256: str | None
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a person declares in one act: a word per category, for one recipient and one purpose."""

    person_id: str
    recipient_id: str
    purpose: str
    words: Mapping[Category, Word]
    kinds: frozenset[Kind]
    reaches_back: bool
    valid_for: timedelta
    evidence: Evidence


def check_notices(given: tuple[bool, bool, bool]) -> None:
    """Refuse a declaration that was taken before the person had the three notices."""
    names = ("told_purpose", "told_refusal_is_free", "told_right_to_withdraw")
    missing = [name for name, done in zip(names, given, strict=True) if not done]
    if missing:
        raise NotAcceptable(*((f"evidence.{name}", "must have happened before") for name in missing))


def record(work: UnitOfWork, declared: Declaration) -> list[str]:
    """Record a declaration, one grant per kind; each answer ends the one before it. Return the grant ids."""
    _check(work, declared)
    standing = [answer for answer in answer_store.answers_of(work, declared.person_id) if answer.ended_at is None]
    grant_ids = []
    for kind in sorted(declared.kinds):
        grant = _grant(work, declared, kind)
        work.session.add(grant)
        for category, word in declared.words.items():
            before = [answer for answer in standing if _is_same_question(answer, declared, kind, category)]
            answer_store.end_answers(work, [answer.answer_id for answer in before], ending=Ending.SUPERSEDED)
            answer_store.add_answer(
                work,
                grant,
                category=category,
                word=word,
                expires_at=None if word is Word.NO else work.now + declared.valid_for,
                supersedes=before[-1].answer_id if before else None,
            )
        work.announce(GrantRecorded(grant_id=grant.grant_id, person_id=grant.person_id, recorded_at=work.now))
        grant_ids.append(grant.grant_id)
    reconsider(work, declared.person_id)
    return grant_ids


def withdraw(
    work: UnitOfWork,
    *,
    person_id: str,
    recipient_id: str | None = None,
    purpose: str | None = None,
    categories: frozenset[Category] | None = None,
) -> int:
    """Take answers back, without reason. What is not narrowed is meant: nothing given withdraws everything.

    Takes effect at the commit, retractions included; a repeated withdrawal changes nothing. A no stays a no.
    Returns the number of answers that ended.
    """
    store.load_person(work.session, person_id)
    ended = [
        answer
        for answer in answer_store.answers_of(work, person_id)
        if answer.ended_at is None
        and answer.word is not Word.NO
        and recipient_id in (None, answer.recipient_id)
        and purpose in (None, answer.purpose)
        and (categories is None or answer.category in categories)
    ]
    answer_store.end_answers(work, [answer.answer_id for answer in ended], ending=Ending.WITHDRAWN)
    for grant_id in sorted({answer.grant_id for answer in ended}):
        work.announce(GrantWithdrawn(grant_id=grant_id, person_id=person_id, withdrawn_at=work.now))
    reconsider(work, person_id)
    return len(ended)


def given_by(work: UnitOfWork, person_id: str) -> list[Answer]:
    """Return every answer that a person ever gave, ended ones included."""
    store.load_person(work.session, person_id)
    return answer_store.answers_of(work, person_id)


def expire(work: UnitOfWork, person_id: str) -> None:
    """End the answers of a person whose time is over, and retract what rested on them."""
    over = select(AnswerRow.answer_id).where(
        AnswerRow.person_id == person_id, col(AnswerRow.ended_at).is_(None), col(AnswerRow.expires_at) <= work.now
    )
    answer_store.end_answers(work, work.session.exec(over).all(), ending=Ending.EXPIRED)
    with suppress(KeyDestroyed), work.attempt():  # of an erased person nothing can be read, nor told
        reconsider(work, person_id)


def persons_with_expired_answers(work: UnitOfWork) -> list[str]:
    """Return the persons of whom some answer's time is over."""
    over = select(AnswerRow.person_id).where(col(AnswerRow.ended_at).is_(None), col(AnswerRow.expires_at) <= work.now)
    return sorted(set(work.session.exec(over)))


def _check(work: UnitOfWork, declared: Declaration) -> None:
    store.load_person(work.session, declared.person_id)
    recipient = store.recipient(work.session, declared.recipient_id)
    if recipient is None:
        raise RecipientNotFound(declared.recipient_id)
    faults = [*_faults_of_words(declared, recipient), *_faults_of_purpose(work, declared, recipient)]
    if not timedelta(0) < declared.valid_for <= LONGEST_VALIDITY:
        faults.append(("valid_days", "must be between 1 and 183"))
    if faults:
        raise NotAcceptable(*faults)


def _faults_of_words(declared: Declaration, recipient: RecipientRow) -> Iterable[tuple[str, str]]:
    if not declared.words:
        yield "words", "must name at least one category"
    if not declared.kinds:
        yield "kinds", "must name at least one legal instrument"
    for category in declared.words:
        if category.value not in recipient.offered:
            yield f"words.{category.value}", "is not offered to this recipient"


def _faults_of_purpose(work: UnitOfWork, declared: Declaration, recipient: RecipientRow) -> Iterable[tuple[str, str]]:
    if recipient.role == RecipientRole.JOBCENTER:
        if declared.purpose != BENEFIT:
            yield "purpose", "must be benefit for a Jobcenter"
        return
    referral = work.session.get(SubjectRow, declared.purpose.removeprefix("referral:"))
    fits = referral is not None and declared.purpose.startswith("referral:")
    if not fits or referral is None or referral.person_id != declared.person_id:
        yield "purpose", "must be referral:<id> of a referral of this person"
    elif referral.recipient_id != declared.recipient_id:
        yield "recipient_id", "is not the provider of this referral"


def _is_same_question(answer: Answer, declared: Declaration, kind: Kind, category: Category) -> bool:
    return (answer.recipient_id, answer.purpose, answer.kind, answer.category) == (
        declared.recipient_id,
        declared.purpose,
        kind,
        category,
    )


def _grant(work: UnitOfWork, declared: Declaration, kind: Kind) -> GrantRow:
    evidence = declared.evidence
    return GrantRow(
        grant_id=token_urlsafe(16),
        person_id=declared.person_id,
        recipient_id=declared.recipient_id,
        purpose=declared.purpose,
        kind=kind.value,
        reaches_back=declared.reaches_back,
        given_at=work.now,
        channel=evidence.channel,
        language=evidence.language,
        text_version=evidence.text_version,
        text_sha256=evidence.text_sha256,
        document_sha256=evidence.document_sha256,
        recorded_by=evidence.recorded_by,
    )
