"""What narrows: answers end, and no older word opens again what a person has narrowed since, under whichever id."""

from collections.abc import Sequence
from datetime import UTC, datetime, time

from services.consent import answer_store, store, withdrawal_store
from services.consent.answer_store import Unreadable
from services.consent.declaration import Declaration
from services.consent.domain import REMIND_BEFORE, Answer, Ending, Word
from services.consent.errors import NotAcceptable
from shared.contracts.categories import Category
from shared.contracts.consent import Awaited, GrantWithdrawn, PersonAwaited
from shared.unit_of_work import UnitOfWork


def end(work: UnitOfWork, answers: Sequence[Answer | Unreadable], *, ending: Ending = Ending.WITHDRAWN) -> None:
    """End answers as taken back, or for another reason, and say so inside."""
    answer_store.end_answers(work, [answer.answer_id for answer in answers], ending=ending)
    for grant_id, person_id in sorted({(answer.grant_id, answer.person_id) for answer in answers}):
        work.announce(GrantWithdrawn(grant_id=grant_id, person_id=person_id, withdrawn_at=work.now))


def take_everything_back(work: UnitOfWork, person_id: str) -> None:
    """End every yes and ask of a person, what cannot be read too. The caller reconsiders them."""
    withdrawal_store.keep(work, person_id=person_id, recipient_id=None, purpose=None, categories=None)
    given = answer_store.answers_of(work, person_id)
    end(work, [one for one in given if one.ended_at is None and one.word is not Word.NO])
    end(work, [one for one in answer_store.unreadable_answers(work, person_id) if one.ended_at is None])


def check_nothing_overtook(work: UnitOfWork, declared: Declaration) -> None:
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
        *(
            one.at
            for one in withdrawal_store.taken_back(work, ids)
            if any(one.covers(*asked, category) for category in opening)
        ),
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
    taken_back = withdrawal_store.taken_back(work, ids)

    def spoken_at(answer: Answer) -> list[datetime]:
        questions = ((*_question(answer), answer.category), (*_question(answer), None))
        ends = [one.at for one in taken_back if one.covers(*_question(answer), answer.category)]
        return [*ends, *(last[question] for question in questions if question in last)]

    said = [one for one in answer_store.answers_of(work, person_id) if one.ended_at is None and one.word is not Word.NO]
    over = [answer for answer in said if any(_said_at(work, answer) < at for at in spoken_at(answer))]
    end(work, over)
    for grant_id in sorted({answer.grant_id for answer in over}):  # and that is asked
        due_at, awaited = work.now + REMIND_BEFORE, Awaited.RENEWAL
        work.announce(PersonAwaited(item_id=grant_id, person_id=person_id, awaited=awaited, due_at=due_at, at=work.now))


def _said_at(work: UnitOfWork, answer: Answer) -> datetime:
    """Return when the person said something at the latest: a paper is as old as the day on it."""
    day = answer_store.load_grant(work, answer.grant_id).declared_on
    return answer.given_at if day is None else min(answer.given_at, datetime.combine(day, time.max, UTC))
