"""Who may answer for a person: a legal guardian or a trusted person, within a stated scope, for a stated time.

Both names stand in the record. A conflict of interest stops it, and the person's own no or withdrawal always wins
(§ 1821 BGB: a guardian follows the person's wishes).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from secrets import token_urlsafe
from typing import Any

import structlog
from sqlmodel import Session, col, select

from services.consent import answer_store, store, withdrawal_store
from services.consent.answer_store import Unreadable
from services.consent.declaration import Declaration
from services.consent.domain import Answer, AnswerState, Ending, Word
from services.consent.errors import NotAcceptable, ObjectionStands, RecipientNotFound, RepresentationNotFound
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import RepresentationRow
from shared.contracts.categories import Category
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()


class RepresentationKind(StrEnum):
    """By which right somebody answers for a person."""

    REPRESENTATIVE = "representative"
    TRUSTED_PERSON = "trusted_person"


class Stopped(StrEnum):
    """Why a representation ended before its time."""

    CONFLICT_OF_INTEREST = "conflict_of_interest"
    OBJECTION = "objection"
    REVOKED = "revoked"


_WEIGHT = {Stopped.REVOKED: 0, Stopped.CONFLICT_OF_INTEREST: 1, Stopped.OBJECTION: 2}
"""What is put on record over what was said before of the same representation."""


ENDINGS = {
    Stopped.CONFLICT_OF_INTEREST: Ending.INVALID,
    Stopped.OBJECTION: Ending.WITHDRAWN,
    Stopped.REVOKED: Ending.EXPIRED,
}
"""How a representative's yes ends when the representation stops. An objection of the person binds every later one."""

_TAKEN_BACK = frozenset({AnswerState.WITHDRAWN, AnswerState.DISPUTED})


@dataclass(frozen=True, slots=True)
class Scope:
    """Towards whom, about what. Nothing that covers everybody or everything can be said."""

    recipient_ids: frozenset[str]
    categories: frozenset[Category]


@dataclass(frozen=True, slots=True)
class Representation:
    """Somebody who may answer for a person."""

    representation_id: str
    kind: RepresentationKind
    name: str = field(repr=False)
    scope: Scope
    works_for: str | None
    """The recipient that the representative works for, if any: towards that one there is a conflict of interest."""


def record(
    work: UnitOfWork,
    *,
    person_id: str,
    kind: RepresentationKind,
    name: str,
    scope: Scope,
    works_for: str | None,
    valid_until: date,
    document_sha256: str,
    recorded_by: str,
) -> str:
    """Record who may answer for a person; return the id that an answer is then given under."""
    store.load_person(work.session, person_id)
    for recipient_id in sorted(scope.recipient_ids | ({works_for} if works_for else set())):
        if work.session.get(RecipientRow, recipient_id) is None:
            raise RecipientNotFound
    if valid_until < work.now.date():
        raise NotAcceptable(("valid_until", "must not lie in the past"))
    representation_id = token_urlsafe(16)
    described = {
        "name": name,
        "recipient_ids": sorted(scope.recipient_ids),
        "categories": sorted(category.value for category in scope.categories),
        "works_for": works_for,
    }
    work.session.add(
        RepresentationRow(
            representation_id=representation_id,
            person_id=person_id,
            kind=kind.value,
            described=work.seal(person_id, _place(representation_id), described),
            document_sha256=document_sha256,
            recorded_by=recorded_by,
            since=work.now,
            valid_until=valid_until,
        )
    )
    return representation_id


def stop(work: UnitOfWork, *, representation_id: str, because: Stopped) -> list[Answer]:
    """Stop a representation; return the answers that were given under it and end with it.

    A conflict of interest, or the person's objection, is put on record also of one that was stopped before.
    """
    row = load(work.session, representation_id)
    if row.ended_at is None or _WEIGHT[Stopped(row.ended_by or Stopped.REVOKED)] < _WEIGHT[because]:
        row.ended_at, row.ended_by = work.now, because.value
        work.session.add(row)
        work.narrows(row)
    return [
        answer
        for answer in answer_store.answers_of(work, row.person_id)
        if answer.given_by == representation_id and answer.ended_at is None and answer.word is not Word.NO
    ]


def over_at(work: UnitOfWork, declared: Declaration) -> datetime | None:
    """Return when a representative's power to answer ends, and with it every yes that was given under it."""
    if declared.given_by is None:
        return None
    last_day = min(load(work.session, declared.given_by).valid_until, date.max - timedelta(days=1))
    return datetime.combine(last_day + timedelta(days=1), time(), UTC)


def check_may_answer(work: UnitOfWork, declared: Declaration) -> None:
    """Refuse an answer that no representation covers, or that the person's own no or withdrawal stands against."""
    if declared.given_by is None:
        return
    row = load(work.session, declared.given_by)
    if row.person_id != declared.person_id:
        raise RepresentationNotFound
    faults = _faults(work.session, declared, row, read(work, row), today=work.now.date())
    if faults:
        raise NotAcceptable(*faults)
    opening = {category for category, word in declared.words.items() if word is not Word.NO}
    if opening & _objected(work, declared):
        raise ObjectionStands


def load(session: Session, representation_id: str) -> RepresentationRow:
    """Return a representation's row; raise RepresentationNotFound."""
    found = session.get(RepresentationRow, representation_id)
    if found is None:
        raise RepresentationNotFound
    return found


def read(work: UnitOfWork, row: RepresentationRow) -> Representation:
    """Return what a row holds."""
    held: dict[str, Any] = work.unseal(row.person_id, _place(row.representation_id), row.described)
    scope = Scope(frozenset(held["recipient_ids"]), frozenset(Category(name) for name in held["categories"]))
    return Representation(row.representation_id, RepresentationKind(row.kind), held["name"], scope, held["works_for"])


def of_person(work: UnitOfWork, person_id: str) -> list[tuple[RepresentationRow, Representation]]:
    """Return everybody who may, or might, answer for a person."""
    query = select(RepresentationRow).where(RepresentationRow.person_id == person_id)
    found = []
    for row in work.session.exec(query.order_by(RepresentationRow.since)):  # type: ignore[arg-type]  # a column
        try:
            found.append((row, read(work, row)))
        except UnreadableValue:
            log.error("representation_unreadable", representation_id=row.representation_id)
    return found


def _faults(
    session: Session, declared: Declaration, row: RepresentationRow, held: Representation, *, today: date
) -> list[tuple[str, str]]:
    if row.ended_at is not None or row.valid_until < today:
        return [("given_by", "is a representation that is over")]
    if held.works_for is not None and _is_one_house(session, held.works_for, declared.recipient_id):
        return [("given_by", "has a conflict of interest towards this recipient")]
    faults = []
    if declared.recipient_id not in held.scope.recipient_ids:
        faults.append(("recipient_id", "is outside the scope of the representation"))
    outside = sorted(declared.words.keys() - held.scope.categories)
    faults += [(f"words.{category.value}", "is outside the scope of the representation") for category in outside]
    return faults


def _is_one_house(session: Session, one: str, other: str) -> bool:
    """Say whether two recipients belong together: they are one, one shields the other, or both are one organisation."""
    if one == other:
        return True
    rows = [session.get(RecipientRow, recipient_id) for recipient_id in (one, other)]
    known = [row for row in rows if row is not None]
    shields = {row.shields for row in known} & {one, other}
    organisations = [row.organisation for row in known if row.organisation]
    return bool(shields) or len(set(organisations)) < len(organisations)


def _objected(work: UnitOfWork, declared: Declaration) -> set[Category]:
    """Return the categories on which the person's own word to this recipient stands against a representative's.

    That is their last own word if it is a no or an ask; and whatever was taken back or disputed, whoever had said it:
    nobody but the person opens that again. An objection to being represented binds whoever comes next, within its
    scope. What was never the person's word counts neither way. What nobody can read may be a no to any of them.
    """
    ids = store.same_human(work.session, declared.person_id)
    objected = _objected_to(work, declared, ids)
    for one in withdrawal_store.taken_back(work, ids):
        covered = [item for item in Category if one.covers(declared.recipient_id, declared.purpose, item)]
        objected |= {category: max(one.at, objected.get(category, one.at)) for category in covered}
    lost = [one for person_id in ids for one in answer_store.unreadable_answers(work, person_id)]
    if any(answer.narrowed_at() is not None and _is_to_the_same(answer, declared) for answer in lost):
        return set(Category)
    last: dict[tuple[Category, str], Answer] = {}
    said = [one for person_id in ids for one in answer_store.answers_of(work, person_id)]
    for answer in sorted(said, key=lambda one: one.given_at):
        state = answer.state(at=work.now)
        own = answer.given_by is None and answer.confirm_by is None
        counts = state is not AnswerState.INVALID and (own or state in _TAKEN_BACK)
        if counts and _is_to_the_same(answer, declared):
            last[answer.category, answer.kind.value] = answer
    lifted = {
        one.category
        for one in last.values()
        if one.given_by is None and one.word is Word.YES and one.given_at > objected.get(one.category, one.given_at)
    }
    return (objected.keys() - lifted) | {
        answer.category
        for answer in last.values()
        if answer.state(at=work.now) in _TAKEN_BACK or answer.word is not Word.YES
    }


def _objected_to(work: UnitOfWork, declared: Declaration, ids: Iterable[str]) -> dict[Category, datetime]:
    """Return for which categories towards this recipient the person objected to somebody who answered, and when."""
    found: dict[Category, datetime] = {}
    query = select(RepresentationRow).where(col(RepresentationRow.person_id).in_(list(ids)))
    for row in work.session.exec(query.where(RepresentationRow.ended_by == Stopped.OBJECTION.value)):
        at = row.ended_at or work.now
        try:
            scope = read(work, row).scope
        except UnreadableValue:
            return dict.fromkeys(Category, work.now)
        if any(_is_one_house(work.session, one, declared.recipient_id) for one in scope.recipient_ids):
            found |= {category: max(at, found.get(category, at)) for category in scope.categories}
    return found


def _is_to_the_same(said: Answer | Unreadable, declared: Declaration) -> bool:
    return (said.recipient_id, said.purpose) == (declared.recipient_id, declared.purpose)


def _place(representation_id: str) -> str:
    return f"representation.described.{representation_id}"
