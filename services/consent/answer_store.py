"""Reads and writes the answers that persons gave, inside an open unit of work. It decides nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

import structlog
from sqlalchemy import Row, bindparam
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from services.consent.domain import Answer, Ending, Kind, Word
from services.consent.errors import GrantNotFound
from services.consent.table_base import columns
from services.consent.tables import AnswerRow, GrantRow, HoldRow
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()


def load_grant(work: UnitOfWork, grant_id: str) -> GrantRow:
    """Return a declaration; raise GrantNotFound."""
    found = work.session.get(GrantRow, grant_id)
    if found is None:
        raise GrantNotFound
    return found


def person_of_grant(work: UnitOfWork, grant_id: str) -> str:
    """Return whose declaration it is."""
    return load_grant(work, grant_id).person_id


def add_answer(
    work: UnitOfWork,
    grant: GrantRow,
    *,
    category: Category,
    word: Word,
    expires_at: datetime | None,
    confirm_by: datetime | None,
    supersedes: str | None,
) -> None:
    """Store one word of a grant."""
    answer_id = token_urlsafe(16)
    said = {"category": category.value, "word": word.value}
    answer = AnswerRow(
        answer_id=answer_id,
        grant_id=grant.grant_id,
        person_id=grant.person_id,
        said=work.seal(grant.person_id, f"answer.said.{answer_id}", said),
        given_at=work.now,
        expires_at=expires_at,
        confirm_by=confirm_by,
        supersedes=supersedes,
    )
    work.session.add(answer)
    if word is not Word.YES:
        work.narrows(grant)
        work.narrows(answer)


def answers_of(work: UnitOfWork, person_id: str) -> list[Answer]:
    """Return all answers that a person ever gave, ended ones included. What cannot be read does not count."""
    return answers_of_all(work, [person_id])[0][person_id]


def answers_of_all(work: UnitOfWork, person_ids: Iterable[str]) -> tuple[dict[str, list[Answer]], frozenset[str]]:
    """Return the same for several persons, by person; and of whom something cannot be read."""
    found: dict[str, list[Answer]] = {person_id: [] for person_id in person_ids}
    held, lost = _held(work, found), set[str]()
    for row in _rows(work, found):
        is_held = (row.person_id, None) in held or (row.person_id, row.recipient_id) in held
        answer = _answer(work, row, is_held=is_held)
        if answer is not None:
            found[row.person_id].append(answer)
        else:
            lost.add(row.person_id)
    return found, frozenset(lost)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What a person once said and nobody can read any more. Nothing leaves by it, whatever it said."""

    answer_id: str
    grant_id: str
    person_id: str
    recipient_id: str
    purpose: str
    given_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    def narrowed_at(self) -> datetime | None:
        """Return when it may have narrowed something: when it was taken back, or said; it may have been a no."""
        if self.ended_at is None:
            return self.given_at
        return self.ended_at if self.ended_by in {Ending.WITHDRAWN.value, Ending.INVALID.value} else None


def unreadable_answers(work: UnitOfWork, person_id: str) -> list[Unreadable]:
    """Return what cannot be read of what a person said."""
    lost = [row for row in _rows(work, [person_id]) if _answer(work, row, is_held=False) is None]
    return [
        Unreadable(
            answer_id=row.answer_id,
            grant_id=row.grant_id,
            person_id=row.person_id,
            recipient_id=row.recipient_id,
            purpose=row.purpose,
            given_at=row.given_at,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
        )
        for row in lost
    ]


def _rows(work: UnitOfWork, person_ids: Iterable[str]) -> Sequence[Row[Any]]:  # Any: columns of many types
    return work.session.execute(_ANSWERS, {"person_ids": list(person_ids)}).all()


def _answer(work: UnitOfWork, row: Row[Any], *, is_held: bool) -> Answer | None:
    """Return what a row says; None if it cannot be read, or is nothing that is known here; raise KeyDestroyed."""
    try:
        said = work.unseal(row.person_id, f"answer.said.{row.answer_id}", row.said)
        return Answer(
            answer_id=row.answer_id,
            grant_id=row.grant_id,
            person_id=row.person_id,
            recipient_id=row.recipient_id,
            purpose=row.purpose,
            category=Category(said["category"]),
            kind=Kind(row.kind),
            word=Word(said["word"]),
            reaches_back=row.reaches_back,
            given_at=row.given_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            ended_by=Ending(row.ended_by) if row.ended_by else None,
            confirm_by=row.confirm_by,
            is_disputed=row.disputed_at is not None,
            disputed_at=row.disputed_at,
            is_held=is_held,
            given_by=row.given_by,
        )
    except (ValueError, KeyError, TypeError):  # UnreadableValue is one of them, KeyDestroyed is none
        log.error("answer_unreadable", answer_id=row.answer_id)
        return None


def change(work: UnitOfWork, answer: Answer, *, narrows: bool = False, **changes: datetime | None) -> None:
    """Change what an answer waits for; its word and its end are changed by nothing but a newer answer, or its end."""
    row = work.session.get_one(AnswerRow, answer.answer_id)
    for name, value in changes.items():
        setattr(row, name, value)
    work.session.add(row)
    if narrows:
        work.narrows(work.session.get_one(GrantRow, row.grant_id))
        work.narrows(row)


def end_answers(work: UnitOfWork, answer_ids: Iterable[str], *, ending: Ending) -> None:
    """End answers for ever, after any restore too."""
    answer_ids = list(answer_ids)
    if not answer_ids:
        return
    standing = select(AnswerRow, GrantRow).where(
        col(AnswerRow.answer_id).in_(answer_ids),
        col(AnswerRow.ended_at).is_(None),
        AnswerRow.grant_id == GrantRow.grant_id,
    )
    for answer, grant in work.session.exec(standing).all():
        answer.ended_at, answer.ended_by = work.now, ending.value
        work.session.add(answer)
        work.narrows(grant)
        work.narrows(answer)


def held_recipients(work: UnitOfWork, person_id: str) -> set[str | None]:
    """Return towards whom a person's quiet signal holds everything; None means towards all."""
    return {recipient_id for _, recipient_id in _held(work, [person_id])}


def _held(work: UnitOfWork, person_ids: Iterable[str]) -> set[tuple[str, str | None]]:
    return set(work.session.exec(_HELD, params={"person_ids": list(person_ids)}))


# Asked at every event and every opening, so they are built once, and no row is made an object of the ORM.
_ANSWERS = (
    select_columns(
        *columns(AnswerRow, "answer_id", "grant_id", "person_id", "said", "given_at", "expires_at", "ended_at"),
        *columns(AnswerRow, "ended_by", "confirm_by", "disputed_at"),
        *columns(GrantRow, "recipient_id", "purpose", "kind", "reaches_back", "given_by"),
    )
    .where(
        col(AnswerRow.person_id).in_(bindparam("person_ids", expanding=True)),
        col(AnswerRow.grant_id) == col(GrantRow.grant_id),
    )
    .order_by(col(AnswerRow.given_at))
)
_HELD = select(HoldRow.person_id, HoldRow.recipient_id).where(
    col(HoldRow.person_id).in_(bindparam("person_ids", expanding=True)), col(HoldRow.ended_at).is_(None)
)
