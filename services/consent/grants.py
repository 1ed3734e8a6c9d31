"""The person decides: answers are recorded, superseded, withdrawn, and end when their time is over."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from secrets import token_urlsafe

from sqlalchemy import ColumnElement, func
from sqlmodel import col, or_, select

from services.consent import answer_store, representation, store
from services.consent.answer_store import Unreadable
from services.consent.declaration import Declaration, check
from services.consent.domain import CONFIRM_WITHIN, REMIND_BEFORE, Answer, Ending, Kind, Word
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.notices import reconsider
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import AnswerRow, GrantRow
from shared.contracts.categories import Category
from shared.contracts.consent import Awaited, GrantRecorded, GrantWithdrawn, PersonAwaited
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
    _check_nothing_overtook(work, declared)
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
    if set(declared.words.values()) != {Word.YES}:  # what narrows under a former id narrows there, too
        for person_id in store.goes_on_as(work, declared.person_id):
            end_what_was_said_before(work, former_id=declared.person_id, person_id=person_id)
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

    Said under a former id it is meant of what the same human said under the one that goes on, as well.

    Takes effect at the commit, retractions included; a repeated withdrawal changes nothing. A no stays a no.
    Returns the number of answers that ended. One that cannot be read ends wherever it may be meant. Raises
    RecipientNotFound, and NotAcceptable for a purpose under which the person never answered: nothing would end, and the
    person would believe it had.
    """
    store.load_person(work.session, person_id)
    if recipient_id is not None and work.session.get(RecipientRow, recipient_id) is None:
        raise RecipientNotFound  # a slip of the pen must not look like a withdrawal
    ids = [person_id, *store.goes_on_as(work, person_id)]
    given = [one for each in ids for one in answer_store.answers_of(work, each)]
    unreadable = [one for each in ids for one in answer_store.unreadable_answers(work, each)]
    known = {answer.purpose for answer in given} | {answer.purpose for answer in unreadable}
    if purpose is not None and purpose not in known:
        raise NotAcceptable(("purpose", "is none under which the person has ever answered"))
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
    end(work, [*ended, *lost])
    for each in ids:
        reconsider(work, each)
    return len(ended) + len(lost)


def end(work: UnitOfWork, answers: Sequence[Answer | Unreadable], *, ending: Ending = Ending.WITHDRAWN) -> None:
    """End answers as taken back, or for another reason, and say so inside."""
    answer_store.end_answers(work, [answer.answer_id for answer in answers], ending=ending)
    for grant_id, person_id in sorted({(answer.grant_id, answer.person_id) for answer in answers}):
        work.announce(GrantWithdrawn(grant_id=grant_id, person_id=person_id, withdrawn_at=work.now))


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


def _check_nothing_overtook(work: UnitOfWork, declared: Declaration) -> None:
    """Refuse a paper that is older than what the person has narrowed since: a no, an ask, a withdrawal, a dispute.

    What nobody can read may have been a no. A day begins in Germany up to two hours before it does in UTC.
    """
    day = declared.evidence.declared_on
    opening = {category: word for category, word in declared.words.items() if word is not Word.NO}
    if day is None or not opening:
        return
    asked = (declared.recipient_id, declared.purpose)
    ids = store.same_human(work.session, declared.person_id)
    given = [one for person_id in ids for one in answer_store.answers_of(work, person_id) if one.category in opening]
    lost = [one for person_id in ids for one in answer_store.unreadable_answers(work, person_id)]
    since = [
        *(narrowed_at(one, opening[one.category]) for one in given if _question(one) == asked),
        *(one.narrowed_at() for one in lost if _question(one) == asked),
    ]
    if any(at is not None and work.town.today(at) > day for at in since):
        raise NotAcceptable(("evidence.declared_on", "is older than what the person has narrowed since"))


def _question(answer: Answer | Unreadable) -> tuple[str, str]:
    return answer.recipient_id, answer.purpose


def narrowed_at(answer: Answer, word: Word) -> datetime | None:
    """Return when the person narrowed what a paper with that word would open: by this answer, or by its end."""
    is_narrow = answer.word is Word.NO or (answer.word is Word.ASK and word is Word.YES)
    times = (
        answer.given_at if is_narrow else None,
        answer.ended_at if answer.ended_by in {Ending.WITHDRAWN, Ending.INVALID} else None,
        answer.disputed_at if answer.ended_by is not Ending.SUPERSEDED else None,  # a later word has settled it
    )
    return max((at for at in times if at is not None), default=None)


def end_what_was_said_before(work: UnitOfWork, *, former_id: str, person_id: str) -> None:
    """End every yes and ask of a person that is older than the last word to the same question under a former id.

    Under whichever: an id that was joined into the former one before counts as well.

    Whatever that last word was: which of the two counts is for the person to say again. What nobody can read may have
    been a word to any question.
    """
    last: dict[tuple[str, str, Category | None], datetime] = {}
    ids = store.same_human(work.session, former_id)
    for answer in (one for each in ids for one in answer_store.answers_of(work, each)):
        question, at = (*_question(answer), answer.category), narrowed_at(answer, Word.YES) or answer.given_at
        last[question] = max(at, answer.given_at, last.get(question, at))
    for lost in (one for each in ids for one in answer_store.unreadable_answers(work, each)):
        anything, at = (*_question(lost), None), lost.narrowed_at() or lost.given_at
        last[anything] = max(at, last.get(anything, at))
    said = [one for one in answer_store.answers_of(work, person_id) if one.ended_at is None and one.word is not Word.NO]
    over = [
        answer
        for answer in said
        if any(
            _said_at(work, answer) < last[question]
            for question in ((*_question(answer), answer.category), (*_question(answer), None))
            if question in last
        )
    ]
    end(work, over)
    for grant_id in sorted({answer.grant_id for answer in over}):  # and that is asked
        due_at, awaited = work.now + REMIND_BEFORE, Awaited.RENEWAL
        work.announce(PersonAwaited(item_id=grant_id, person_id=person_id, awaited=awaited, due_at=due_at, at=work.now))


def _said_at(work: UnitOfWork, answer: Answer) -> datetime:
    """Return when the person said something at the latest: a paper is as old as the day on it."""
    day = answer_store.load_grant(work, answer.grant_id).declared_on
    return answer.given_at if day is None else min(answer.given_at, datetime.combine(day, time.max, UTC))


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
