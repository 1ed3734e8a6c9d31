"""Reads and writes the answers that persons gave, inside an open unit of work. It decides nothing."""

from collections.abc import Iterable
from datetime import datetime
from secrets import token_urlsafe

from sqlalchemy import update
from sqlmodel import col, select

from services.consent.domain import Answer, Ending, Kind, Word
from services.consent.tables import AnswerRow, GrantRow
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork


def add_answer(
    work: UnitOfWork,
    grant: GrantRow,
    *,
    category: Category,
    word: Word,
    expires_at: datetime | None,
    supersedes: str | None,
) -> None:
    """Store one word of a grant."""
    answer_id = token_urlsafe(16)
    work.session.add(
        AnswerRow(
            answer_id=answer_id,
            grant_id=grant.grant_id,
            person_id=grant.person_id,
            said=work.seal(
                grant.person_id, f"answer.said.{answer_id}", {"category": category.value, "word": word.value}
            ),
            given_at=work.now,
            expires_at=expires_at,
            supersedes=supersedes,
        )
    )


def answers_of(work: UnitOfWork, person_id: str) -> list[Answer]:
    """Return all answers that a person ever gave, ended ones included."""
    query = select(AnswerRow, GrantRow).where(AnswerRow.person_id == person_id, AnswerRow.grant_id == GrantRow.grant_id)
    found = []
    for row, grant in work.session.exec(query.order_by(col(AnswerRow.given_at))):
        said = work.unseal(person_id, f"answer.said.{row.answer_id}", row.said)
        found.append(
            Answer(
                answer_id=row.answer_id,
                grant_id=row.grant_id,
                person_id=person_id,
                recipient_id=grant.recipient_id,
                purpose=grant.purpose,
                category=Category(said["category"]),
                kind=Kind(grant.kind),
                word=Word(said["word"]),
                reaches_back=grant.reaches_back,
                given_at=row.given_at,
                expires_at=row.expires_at,
                ended_at=row.ended_at,
            )
        )
    return found


def end_answers(work: UnitOfWork, answer_ids: Iterable[str], *, ending: Ending) -> None:
    """End answers for ever."""
    answer_ids = list(answer_ids)
    if not answer_ids:
        return
    ended = update(AnswerRow).where(col(AnswerRow.answer_id).in_(answer_ids), col(AnswerRow.ended_at).is_(None))
    work.session.execute(ended.values(ended_at=work.now, ended_by=ending.value))
