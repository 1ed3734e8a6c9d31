"""Reads the gate's persons, recipients, commissions and referrals inside an open unit of work. It decides nothing."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from services.consent.errors import PersonForgotten, PersonNotFound
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import PersonRow, SubjectRow
from shared.database import insert_all_or_ignore, touch
from shared.unit_of_work import UnitOfWork

COMMISSION, REFERRAL = "commission", "referral"
FIGURES, STATEMENT, CAPACITY_QUERY = "figures", "statement", "capacity_query"


# Asked at every event and every opening, so they are built once.
_ENDED_CASES = select(PersonRow.person_id).where(
    col(PersonRow.person_id).in_(bindparam("person_ids", expanding=True)), col(PersonRow.case_ended_at).is_not(None)
)
_SHIELDED = select(PersonRow.person_id).where(
    col(PersonRow.person_id).in_(bindparam("person_ids", expanding=True)), col(PersonRow.shielded_at).is_not(None)
)
_SUBJECTS = (
    select(SubjectRow)
    .where(col(SubjectRow.person_id).in_(bindparam("person_ids", expanding=True)))
    .order_by(col(SubjectRow.subject_id))
)
_NAMED_SUBJECTS = select(SubjectRow).where(col(SubjectRow.subject_id).in_(bindparam("subject_ids", expanding=True)))
_RECIPIENTS = select(RecipientRow).where(col(RecipientRow.recipient_id).in_(bindparam("recipient_ids", expanding=True)))


def reference_index(secret: bytes, recipient_id: str, reference: str) -> str:
    """Return a keyed hash by which a reference is found without lying readable in the table."""
    return hmac.new(secret, f"reference|{recipient_id}|{reference}".encode(), hashlib.sha256).hexdigest()


def contact_index(secret: bytes, recipient_id: str, contact: Mapping[str, str | None]) -> str:
    """Return a keyed hash by which another contact under a known reference is noticed; the contact is not kept here."""
    text = json.dumps(contact, sort_keys=True)
    return hmac.new(secret, f"contact|{recipient_id}|{text}".encode(), hashlib.sha256).hexdigest()


def remember_persons(session: Session, person_ids: Iterable[str]) -> None:
    """Note that the gate has heard of persons."""
    rows = [{"person_id": person_id} for person_id in person_ids]
    insert_all_or_ignore(session, PersonRow.metadata.tables["person"], rows)


def with_ended_case(session: Session, person_ids: Iterable[str]) -> set[str]:
    """Return those of the persons whose case has ended."""
    return set(session.exec(_ENDED_CASES, params={"person_ids": list(person_ids)}))


def shielded(session: Session, person_ids: Iterable[str]) -> set[str]:
    """Return those of the persons who are shielded."""
    return set(session.exec(_SHIELDED, params={"person_ids": list(person_ids)}))


def load_person(session: Session, person_id: str) -> PersonRow:
    """Return a person; raise PersonNotFound, or PersonForgotten after an erasure."""
    found = session.get(PersonRow, person_id)
    if found is None:
        raise PersonNotFound
    if found.erased_at is not None:
        raise PersonForgotten
    return found


def same_human(session: Session, person_id: str) -> list[str]:
    """Return every id under which this human said something: this one, those joined into it, and into those."""
    found, new = [person_id], [person_id]
    while new:
        former = session.exec(select(PersonRow.person_id).where(col(PersonRow.joined_into).in_(new)))
        new = sorted(set(former) - set(found))
        found += new
    return found


def other_ids(work: UnitOfWork, person_id: str) -> list[str]:
    """Return every other id of this human, locked: those it goes on as, and those joined into these; none erased."""
    passed, row = [person_id], work.session.get(PersonRow, person_id)
    while row is not None and row.joined_into is not None and row.joined_into not in passed:
        passed.append(row.joined_into)
        row = work.session.get(PersonRow, row.joined_into)
    found = sorted({*passed, *same_human(work.session, passed[-1])} - {person_id})
    for one in found:
        touch(work.session, PersonRow.metadata, f"person:{one}")
    return [one for one in found if (known := work.session.get(PersonRow, one)) and known.erased_at is None]


def recipient(session: Session, recipient_id: str, *, at: datetime, locked: bool = False) -> RecipientRow | None:
    """Return a recipient to whom anything may leave at that moment.

    `locked` keeps it from being ended before this transaction commits.
    """
    found = registered(session, recipient_id, locked=locked)
    return found if found is not None and _may_be_told(found, at=at) else None


def recipients(session: Session, recipient_ids: set[str], *, at: datetime) -> dict[str, RecipientRow]:
    """Return those of the named recipients to whom anything may leave at that moment, by id."""
    rows = session.exec(_RECIPIENTS, params={"recipient_ids": sorted(recipient_ids)}).all()
    return {row.recipient_id: row for row in rows if _may_be_told(row, at=at)}


def _may_be_told(row: RecipientRow, *, at: datetime) -> bool:
    """Whether anything may leave to a recipient: it has not ended, and its commitment is in force. Said here alone."""
    return row.ended_at is None and at < row.commitment_ends_at


def registered(session: Session, recipient_id: str, *, locked: bool = False) -> RecipientRow | None:
    """Return a recipient that has not been ended, though its commitment may have lapsed."""
    found = session.get(RecipientRow, recipient_id, with_for_update={"read": True} if locked else None)
    return found if found is not None and found.ended_at is None else None


def is_shield(session: Session, recipient_id: str) -> bool:
    """Say whether a recipient is a Jobcenter's shield: whomever it commissions for is shielded from the start."""
    found = session.get(RecipientRow, recipient_id)
    return found is not None and found.shields is not None


def active_recipients(session: Session, *, at: datetime) -> list[RecipientRow]:
    """Return all recipients to whom anything may leave at that moment."""
    query = select(RecipientRow).where(col(RecipientRow.ended_at).is_(None), col(RecipientRow.commitment_ends_at) > at)
    return list(session.exec(query.order_by(RecipientRow.recipient_id)))


def subject_by_reference(session: Session, recipient_id: str, index: str) -> SubjectRow | None:
    """Return the commission or referral that a recipient knows by this reference."""
    query = select(SubjectRow).where(SubjectRow.recipient_id == recipient_id, SubjectRow.reference_index == index)
    return session.exec(query).one_or_none()


def subjects_of(session: Session, person_id: str) -> list[SubjectRow]:
    """Return all commissions and referrals of a person."""
    return subjects_of_all(session, [person_id])[person_id]


def subjects_of_all(session: Session, person_ids: Iterable[str]) -> dict[str, list[SubjectRow]]:
    """Return all commissions and referrals of persons, by person."""
    found: dict[str, list[SubjectRow]] = {person_id: [] for person_id in person_ids}
    for row in session.exec(_SUBJECTS, params={"person_ids": list(found)}):
        found[str(row.person_id)].append(row)
    return found


def subjects(session: Session, subject_ids: Iterable[str]) -> dict[str, SubjectRow]:
    """Return commissions and referrals by id."""
    rows = session.exec(_NAMED_SUBJECTS, params={"subject_ids": list(subject_ids)})
    return {row.subject_id: row for row in rows}


def key_of(subject: SubjectRow) -> str:
    """Return the key that seals a subject's own values: it exists before the person is known.

    After an erasure a commission's reference lies under a new key, which has never sealed anything about the person.
    """
    return subject.sealed_under or subject.subject_id


def reference_of(work: UnitOfWork, subject: SubjectRow) -> str:
    """Return the reference by which the recipient knows the subject."""
    return str(work.unseal(key_of(subject), f"subject.reference.{subject.subject_id}", subject.reference))
