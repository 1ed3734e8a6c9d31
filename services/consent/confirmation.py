"""Was it really the person's word? A yes that was taken under pressure is confirmed elsewhere; a declaration that the
person does not recognise is disputed, and then settled: by the person, or as invalid.
"""

from enum import StrEnum

from services.consent import answer_store, store
from services.consent.domain import Answer, Ending, Kind, Place, Word
from services.consent.errors import GrantOver, NotAcceptable, RecipientNotFound
from services.consent.grants import is_same_question
from services.consent.notices import reconsider
from services.consent.tables import GrantRow
from shared.unit_of_work import UnitOfWork


class Invalidity(StrEnum):
    """Why a declaration never was one."""

    WRONG_PERSON = "wrong_person"
    NOT_INFORMED = "not_informed"
    NOT_FREE = "not_free"
    NOT_CAPABLE = "not_capable"
    NO_POWER = "no_power"
    FORGED = "forged"


class Settlement(StrEnum):
    """How a dispute ends."""

    STANDS = "stands"
    INVALID = "invalid"


def confirm(work: UnitOfWork, *, grant_id: str, place: Place) -> None:
    """Make what was said under pressure the person's word, from now on; it ends the answers before it."""
    grant = answer_store.load_grant(work, grant_id)
    _check_place(place)
    if store.recipient(work.session, grant.recipient_id, at=work.now) is None:
        raise RecipientNotFound
    answers = answer_store.answers_of(work, grant.person_id)
    waiting = [
        answer for answer in _open_words(grant, answers) if answer.confirm_by and not answer.has_run_out(at=work.now)
    ]
    if not waiting:
        raise GrantOver
    for answer in waiting:
        _supersede(work, grant, answer, answers)
        answer_store.change(work, answer, confirm_by=None, given_at=work.now)
    reconsider(work, grant.person_id)


def dispute(work: UnitOfWork, *, grant_id: str) -> None:
    """Stop a declaration that the person does not recognise as theirs; what rested on it is retracted. A no stays.

    What still waits for a confirmation never counted, and now never will.
    """
    grant = answer_store.load_grant(work, grant_id)
    disputed = _open_words(grant, answer_store.answers_of(work, grant.person_id))
    if not disputed:
        raise GrantOver
    _end(work, [answer for answer in disputed if answer.confirm_by is not None])
    for answer in disputed:
        if answer.confirm_by is None:
            answer_store.change(work, answer, narrows=True, disputed_at=work.now)
    reconsider(work, grant.person_id)


def settle(work: UnitOfWork, *, grant_id: str, outcome: Settlement, place: Place) -> None:
    """End a dispute: the person recognises the declaration after all, elsewhere; or it never was one."""
    grant = answer_store.load_grant(work, grant_id)
    answers = answer_store.answers_of(work, grant.person_id)
    disputed = [answer for answer in _open_words(grant, answers) if answer.is_disputed]
    if not disputed:
        raise GrantOver
    if outcome is Settlement.STANDS:
        _check_place(place)
        for answer in disputed:
            answer_store.change(work, answer, disputed_at=None)
    else:
        _end(work, disputed)
    reconsider(work, grant.person_id)


def invalidate(work: UnitOfWork, *, grant_id: str, because: Invalidity) -> None:
    """Record that a yes or an ask never was one; it never stands again. A no stays: only a newer answer ends it."""
    grant = answer_store.load_grant(work, grant_id)
    words = _open_words(grant, answer_store.answers_of(work, grant.person_id))
    if not words:
        raise GrantOver
    grant.invalid_because = because.value
    work.session.add(grant)
    _end(work, words)
    reconsider(work, grant.person_id)


def _open_words(grant: GrantRow, answers: list[Answer]) -> list[Answer]:
    return [
        answer
        for answer in answers
        if answer.grant_id == grant.grant_id and answer.ended_at is None and answer.word is not Word.NO
    ]


def _end(work: UnitOfWork, answers: list[Answer]) -> None:
    answer_store.end_answers(work, [answer.answer_id for answer in answers], ending=Ending.INVALID)


def _supersede(work: UnitOfWork, grant: GrantRow, confirmed: Answer, answers: list[Answer]) -> None:
    before = [
        answer.answer_id
        for answer in answers
        if answer.ended_at is None
        and answer.answer_id != confirmed.answer_id
        and is_same_question(
            answer,
            recipient_id=grant.recipient_id,
            purpose=grant.purpose,
            kind=Kind(grant.kind),
            category=confirmed.category,
        )
    ]
    answer_store.end_answers(work, before, ending=Ending.SUPERSEDED)


def _check_place(place: Place) -> None:
    if place is not Place.ELSEWHERE:
        raise NotAcceptable(("place", "must be elsewhere: not at the Jobcenter, nor on its devices"))
