"""The person decides: answers are recorded, superseded, withdrawn, and end when their time is over."""

from contextlib import suppress
from datetime import datetime
from secrets import token_urlsafe

from sqlalchemy import ColumnElement, func
from sqlmodel import col, or_, select

from services.consent import answer_store, narrowing, representation, store, withdrawal_store
from services.consent.declaration import Declaration, check
from services.consent.domain import BENEFIT, CONFIRM_WITHIN, Answer, Ending, Kind, Word
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.notices import reconsider
from services.consent.position_store import purpose_of
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import AnswerRow, GrantRow
from shared.contracts.categories import Category
from shared.contracts.consent import Awaited, GrantRecorded, PersonAwaited
from shared.keys import KeyDestroyed
from shared.unit_of_work import UnitOfWork


def record(work: UnitOfWork, declared: Declaration) -> list[str]:
    """Record a declaration, one grant per kind; each answer ends the one before it. Return the grant ids.

    A yes or an ask that was taken under pressure waits for the person's confirmation, and opens nothing until then;
    what narrows counts at once, wherever it was said: a no, and that an ask is no yes any more.
    """
    check(work, declared)
    standing = [answer for answer in answer_store.answers_of(work, declared.person_id) if answer.ended_at is None]
    representation.check_may_answer(work, declared)
    narrowing.check_nothing_overtook(work, declared)
    grant_ids = []
    for kind in sorted(declared.kinds):
        grant = _grant(work, declared, kind)
        work.session.add(grant)
        work.session.flush()
        for category in declared.words:
            _answer(work, declared, grant, category, standing=standing)
        work.announce(GrantRecorded(grant_id=grant.grant_id, person_id=grant.person_id, recorded_at=work.now))
        if declared.is_under_pressure() and set(declared.words.values()) != {Word.NO}:
            _await_confirmation(work, grant)
        grant_ids.append(grant.grant_id)
    reconsider(work, declared.person_id)
    if set(declared.words.values()) != {Word.YES}:  # what narrows under one id of a human narrows under all
        for person_id in store.other_ids(work, declared.person_id):
            narrowing.end_what_was_said_before(work, former_id=declared.person_id, person_id=person_id)
            reconsider(work, person_id)
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

    Said under one id it is meant of what the same human said under any other, as well.

    Takes effect at the commit, retractions included; a repeated withdrawal changes nothing. A no stays a no.
    It is kept also where nothing stands: an older paper that comes later opens nothing of it. Returns the number of
    answers that ended. One that cannot be read ends wherever it may be meant. Raises RecipientNotFound, and
    NotAcceptable for a purpose under which the person could never answer: that is a slip of the pen.
    """
    store.load_person(work.session, person_id)
    if recipient_id is not None and work.session.get(RecipientRow, recipient_id) is None:
        raise RecipientNotFound  # a slip of the pen must not look like a withdrawal
    ids = [person_id, *store.other_ids(work, person_id)]
    given = [one for each in ids for one in answer_store.answers_of(work, each)]
    unreadable = [one for each in ids for one in answer_store.unreadable_answers(work, each)]
    known = {one.purpose for one in given} | {one.purpose for one in unreadable}
    known |= {purpose_of(subject) for each in ids for subject in store.subjects_of(work.session, each)}
    if purpose not in {None, BENEFIT, *known}:
        raise NotAcceptable(("purpose", "is none under which the person could ever answer"))
    withdrawal_store.keep(work, person_id=person_id, recipient_id=recipient_id, purpose=purpose, categories=categories)
    ended = [
        answer
        for answer in given
        if answer.ended_at is None
        and answer.word is not Word.NO
        and recipient_id in (None, answer.recipient_id)
        and purpose in (None, answer.purpose)
        and (categories is None or answer.category in categories)
    ]
    lost = [
        answer
        for answer in unreadable
        if answer.ended_at is None and recipient_id in (None, answer.recipient_id) and purpose in (None, answer.purpose)
    ]
    narrowing.end(work, [*ended, *lost])
    for each in ids:
        reconsider(work, each)
    return len(ended) + len(lost)


def given_by(work: UnitOfWork, person_id: str) -> list[Answer]:
    """Return every answer that a person ever gave, ended ones included."""
    store.load_person(work.session, person_id)
    return answer_store.answers_of(work, person_id)


def expire(work: UnitOfWork, person_id: str) -> None:
    """End the answers of a person whose time is over, and retract what rested on them."""
    over = select(AnswerRow.answer_id).where(AnswerRow.person_id == person_id, *_is_over(work))
    answer_store.end_answers(work, work.session.exec(over).all(), ending=Ending.EXPIRED)
    with suppress(KeyDestroyed), work.attempt():  # of an erased person nothing can be read, nor told
        reconsider(work, person_id)


def persons_with_expired_answers(work: UnitOfWork) -> list[str]:
    """Return the persons of whom some answer's time is over."""
    return sorted(set(work.session.exec(select(AnswerRow.person_id).where(*_is_over(work)))))


def is_same_question(answer: Answer, *, recipient_id: str, purpose: str, kind: Kind, category: Category) -> bool:
    """Whether an answer is to this question: only a newer answer to the same one supersedes it."""
    question = (answer.recipient_id, answer.purpose, answer.kind, answer.category)
    return question == (recipient_id, purpose, kind, category)


def _is_over(work: UnitOfWork) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    over = or_(col(AnswerRow.expires_at) <= work.now, col(AnswerRow.confirm_by) <= work.now)
    return col(AnswerRow.ended_at).is_(None), over


def _answer(
    work: UnitOfWork, declared: Declaration, grant: GrantRow, category: Category, *, standing: list[Answer]
) -> None:
    word = declared.words[category]
    waits = declared.is_under_pressure() and word is not Word.NO
    before = [
        answer
        for answer in standing
        if is_same_question(
            answer,
            recipient_id=declared.recipient_id,
            purpose=declared.purpose,
            kind=Kind(grant.kind),
            category=category,
        )
        and (not waits or answer.confirm_by is not None or (word is Word.ASK and answer.word is Word.YES))
    ]
    answer_store.end_answers(work, [answer.answer_id for answer in before], ending=Ending.SUPERSEDED)
    answer_store.add_answer(
        work,
        grant,
        category=category,
        word=word,
        expires_at=_earlier(declared.expires_at(category, work.now), representation.over_at(work, declared)),
        confirm_by=work.now + CONFIRM_WITHIN if waits else None,
        supersedes=before[-1].answer_id if before else None,
    )


def _earlier(expires_at: datetime | None, over_at: datetime | None) -> datetime | None:
    return expires_at if expires_at is None or over_at is None else min(expires_at, over_at)


def _await_confirmation(work: UnitOfWork, grant: GrantRow) -> None:
    due_at = work.now + CONFIRM_WITHIN
    work.announce(
        PersonAwaited(
            item_id=grant.grant_id, person_id=grant.person_id, awaited=Awaited.CONFIRMATION, due_at=due_at, at=work.now
        )
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
        version=1 + _versions_before(work, declared, kind),
        declared_on=evidence.declared_on,
        place=evidence.place.value,
        given_by=declared.given_by,
        channel=evidence.channel,
        language=evidence.language,
        text_version=evidence.text_version,
        text_sha256=evidence.text_sha256,
        document_sha256=evidence.document_sha256,
        recorded_by=evidence.recorded_by,
    )


def _versions_before(work: UnitOfWork, declared: Declaration, kind: Kind) -> int:
    counted = select(func.count()).where(
        GrantRow.person_id == declared.person_id,
        GrantRow.recipient_id == declared.recipient_id,
        GrantRow.purpose == declared.purpose,
        GrantRow.kind == kind.value,
    )
    return int(work.session.exec(counted).one())
