"""Reads and writes the gate's tables inside an open unit of work. It decides nothing."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from secrets import token_urlsafe

import structlog
from sqlalchemy import update
from sqlmodel import Session, col, select

from services.consent.domain import Answer, Ending, Kind, KnownFact, Word
from services.consent.errors import PersonNotFound
from services.consent.tables import (
    AnswerRow,
    FactRow,
    GrantRow,
    PersonRow,
    RecipientRow,
    ReleaseRow,
    SubjectRow,
)
from shared.contracts.categories import Category
from shared.contracts.envelope import Disclosable
from shared.database import insert_or_ignore
from shared.keys import UnreadableValue
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

CONTENT, RETRACTION, STATUS = "content", "retraction", "status"
WAITING, OPENED, RETRACTED, VOID = "waiting", "opened", "retracted", "void"
COMMISSION, REFERRAL = "commission", "referral"


def reference_index(secret: bytes, recipient_id: str, reference: str) -> str:
    """Return a keyed hash by which a reference is found without lying readable in the table."""
    return hmac.new(secret, f"reference|{recipient_id}|{reference}".encode(), hashlib.sha256).hexdigest()


def remember_person(work: UnitOfWork, person_id: str) -> None:
    """Note that the gate has heard of a person."""
    insert_or_ignore(work.session, PersonRow.metadata.tables["person"], {"person_id": person_id})


def load_person(session: Session, person_id: str) -> PersonRow:
    """Return a person; raise PersonNotFound."""
    found = session.get(PersonRow, person_id)
    if found is None:
        raise PersonNotFound(person_id)
    return found


def recipient(session: Session, recipient_id: str) -> RecipientRow | None:
    """Return a recipient that has not been ended."""
    found = session.get(RecipientRow, recipient_id)
    return found if found is not None and found.ended_at is None else None


def subject_by_reference(session: Session, recipient_id: str, index: str) -> SubjectRow | None:
    """Return the commission or referral that a recipient knows by this reference."""
    query = select(SubjectRow).where(SubjectRow.recipient_id == recipient_id, SubjectRow.reference_index == index)
    return session.exec(query).one_or_none()


def subjects_of(session: Session, person_id: str) -> list[SubjectRow]:
    """Return all commissions and referrals of a person."""
    return list(
        session.exec(select(SubjectRow).where(SubjectRow.person_id == person_id).order_by(SubjectRow.subject_id))
    )


def key_of(subject: SubjectRow) -> str:
    """Return the key that seals a subject's own values: it exists before the person is known, and outlives nobody."""
    return subject.subject_id


def reference_of(work: UnitOfWork, subject: SubjectRow) -> str:
    """Return the reference by which the recipient knows the subject."""
    return str(work.unseal(key_of(subject), f"subject.reference.{subject.subject_id}", subject.reference))


def save_fact(
    work: UnitOfWork, event: Disclosable, *, fact_id: str, version: int, recorded_at: datetime, only_for: str | None
) -> None:
    """Keep the newest version of a fact; an older one only tells when the fact was first recorded."""
    person_id = event.key_id
    row = work.session.get(FactRow, fact_id)
    if row is not None and row.person_id != person_id:
        return  # a fact never changes hands
    first = recorded_at if version == 1 else (row.first_recorded_at if row else None)
    if row is None:
        row = FactRow(
            fact_id=fact_id,
            person_id=person_id,
            version=0,
            category=b"",
            professional=event.professional,
            first_received_at=work.now,
        )
    row.first_recorded_at = first
    if version > row.version:
        row.version = version
        row.professional = row.professional or event.professional  # the origin of a fact never weakens (§ 76 SGB X)
        row.category = work.seal(person_id, f"fact.category.{fact_id}", event.category().value)
        row.content = work.seal(
            person_id, f"fact.content.{fact_id}", {"content": event.content(), "only_for": only_for}
        )
    work.session.add(row)


def remove_fact(work: UnitOfWork, *, person_id: str, fact_id: str, version: int) -> None:
    """Forget a fact that was wrong; a late older version does not bring it back."""
    row = work.session.get(FactRow, fact_id)
    if row is None:
        row = FactRow(
            fact_id=fact_id, person_id=person_id, version=0, category=b"", professional=True, first_received_at=work.now
        )
    if row.person_id == person_id and version > row.version:
        row.version, row.category, row.content = version, b"", None
        work.session.add(row)


def facts_of(work: UnitOfWork, person_id: str) -> list[KnownFact]:
    """Return everything that the gate knows of a person now. What cannot be read is not known, and stops nothing."""
    rows = work.session.exec(select(FactRow).where(FactRow.person_id == person_id, col(FactRow.content).is_not(None)))
    found = []
    for row in rows:
        try:
            found.append(_known_fact(work, row))
        except UnreadableValue:
            log.error("fact_unreadable", fact_id=row.fact_id)
    return found


def _known_fact(work: UnitOfWork, row: FactRow) -> KnownFact:
    sealed = work.unseal(row.person_id, f"fact.content.{row.fact_id}", row.content or b"")
    return KnownFact(
        fact_id=row.fact_id,
        version=row.version,
        category=Category(work.unseal(row.person_id, f"fact.category.{row.fact_id}", row.category)),
        professional=row.professional,
        content=sealed["content"],
        only_for=sealed["only_for"],
        first_recorded_at=row.first_recorded_at,
        first_received_at=row.first_received_at,
    )


def forget_facts(work: UnitOfWork, person_id: str) -> None:
    """Delete what the gate knows of a person: the case has ended and no answer lets anybody know it.

    Ids and versions stay, so that a message that was held up on its way brings nothing back.
    """
    forgotten = update(FactRow).where(col(FactRow.person_id) == person_id)
    work.session.execute(forgotten.values(category=b"", content=None))


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


def add_release(work: UnitOfWork, subject: SubjectRow, *, kind: str, target_id: str | None = None) -> str:
    """Record something to be opened and send its notice; return the id, which is all that the notice says."""
    release_id = random_id()
    work.session.add(
        ReleaseRow(
            release_id=release_id,
            recipient_id=subject.recipient_id,
            subject_id=subject.subject_id,
            person_id=subject.person_id,
            kind=kind,
            state=WAITING,
            created_at=work.now,
            target_id=target_id,
        )
    )
    work.notify(subject.recipient_id, release_id)
    return release_id


def void(session: Session, releases: Iterable[ReleaseRow]) -> None:
    """Void those of the releases that nobody has opened: there is nothing more to be told by them."""
    for release in releases:
        if release.state == WAITING:
            release.state = VOID
            session.add(release)


def releases_of(session: Session, subject_id: str) -> list[ReleaseRow]:
    """Return the content releases of a subject, oldest first."""
    query = select(ReleaseRow).where(ReleaseRow.subject_id == subject_id, ReleaseRow.kind == CONTENT)
    return list(session.exec(query.order_by(col(ReleaseRow.created_at))))
