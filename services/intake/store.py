"""The tables of intake, and how they are asked. Personal values lie sealed under the key of the person."""

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

import structlog
from sqlalchemy import ColumnElement, LargeBinary, Table
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, col, select

from services.intake.domain import CaseNotFound
from shared.contracts.intake import Contact, Identity
from shared.database import Instant
from shared.figures import figures_table
from shared.keys import PersonKeys, UnreadableValue
from shared.tables import add_kit_tables

log = structlog.get_logger()


class Base(SQLModel, registry=registry()):
    """Tables of this service only; SQLModel's own registry is one for the whole process."""


class Case(Base, table=True):
    """A case with the person it is about, who is responsible, and what comes next."""

    case_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(unique=True, max_length=64)
    origin: str = Field(max_length=20)
    opened_at: datetime = Field(sa_type=Instant)
    first_contact_by: date
    responsible_id: str = Field(max_length=64)
    next_step: str = Field(max_length=40)
    due_on: date = Field(index=True)
    notices_given_at: datetime | None = Field(default=None, sa_type=Instant)
    reviewed_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    closing_asked: bool = False
    """Whether somebody has to look if it can be closed: the assessment is through, and nobody has looked since."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    shielded_at: datetime | None = Field(default=None, sa_type=Instant)
    joined_case_id: str | None = Field(default=None, max_length=64)
    contact_fact_id: str = Field(max_length=64)
    contact_version: int
    contact: bytes = Field(sa_type=LargeBinary, repr=False)
    identity_fact_id: str = Field(max_length=64)
    identity_version: int = 0
    identity: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)


class Commission(Base, table=True):
    """What a Jobcenter commissioned. The case stands without it."""

    commission_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", unique=True, max_length=64)
    recipient_id: str = Field(max_length=64)
    service: str = Field(max_length=40)
    deadline: date
    budget_line: str | None = Field(default=None, max_length=20)
    received_at: datetime = Field(sa_type=Instant)
    changed_at: datetime | None = Field(default=None, sa_type=Instant)
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)


class Notice(Base, table=True):
    """The three notices were given: which text, in which language. The language belongs to the person, so: sealed."""

    notice_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    given_at: datetime = Field(sa_type=Instant)
    given_by: str = Field(max_length=64)
    proof: bytes = Field(sa_type=LargeBinary, repr=False)


class AnsweredRequest(Base, table=True):
    """What was answered to a request with an Idempotency-Key: ids only. What stood in it is a hash, sealed."""

    __tablename__ = "answered_request"

    request_key: str = Field(primary_key=True, max_length=64)
    answer: str = Field(max_length=1000)
    body_sha256: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    answered_at: datetime = Field(sa_type=Instant)


add_kit_tables(Base.metadata)
figures_table(Base.metadata)
metadata = Base.metadata


def load_case(session: Session, case_id: str) -> Case:
    """Return a case; raise CaseNotFound."""
    case = session.get(Case, case_id)
    if case is None:
        raise CaseNotFound
    return case


def case_of_person(session: Session, person_id: str) -> Case | None:
    """Return the case of a person: each has one."""
    return session.exec(select(Case).where(Case.person_id == person_id)).one_or_none()


def open_cases(session: Session) -> list[Case]:
    """Return every case that has not ended, the most urgent first."""
    return list(session.exec(select(Case).where(col(Case.ended_at).is_(None)).order_by(col(Case.due_on), Case.case_id)))


def notices_of(session: Session, case_id: str) -> list[Notice]:
    """Return which notices were given, oldest first."""
    found = select(Notice).where(Notice.case_id == case_id).order_by(col(Notice.given_at))
    return list(session.exec(found))


def commission_of(session: Session, case_id: str) -> Commission | None:
    """Return the commission of a case, if it has one."""
    return session.exec(select(Commission).where(Commission.case_id == case_id)).one_or_none()


def joined_case(session: Session, case_id: str) -> list[str]:
    """Return the case to which the commission of this one moved, if it did."""
    found = session.exec(select(Case.joined_case_id).where(Case.case_id == case_id)).first()
    return [found] if found else []


def names_person(answered: Table, person_id: str) -> ColumnElement[bool]:
    """Say which answers to repeated requests name a person: there is no column for whose they are."""
    return answered.c["answer"].contains(f'"{person_id}"', autoescape=True)


def person_lock(session: Session, *case_ids: str) -> set[str]:
    """Name the rows to lock before cases are read for a change."""
    found = session.exec(select(Case.person_id).where(col(Case.case_id).in_(case_ids)))
    return {f"person:{person_id}" for person_id in found}


T = TypeVar("T")


def readable(read: Callable[[], T]) -> T | None:
    """Return what can be read; None if nobody can: then what is said anew takes its place."""
    try:
        return read()
    except UnreadableValue:
        log.error("value_replaced_unread")
        return None


def contact_of(keys: PersonKeys, case: Case) -> Contact:
    """Unseal how the person may be reached."""
    return Contact.model_validate_json(keys.unseal(case.person_id, contact_place(case.case_id), case.contact))


def identity_of(keys: PersonKeys, case: Case) -> Identity | None:
    """Unseal who the person is, if they told."""
    if case.identity is None:
        return None
    return Identity.model_validate_json(keys.unseal(case.person_id, identity_place(case.case_id), case.identity))


def proof_of(keys: PersonKeys, case: Case, notice: Notice) -> dict[str, str]:
    """Unseal which notices were given: language, version and hash of the text."""
    proof: dict[str, str] = json.loads(keys.unseal(case.person_id, proof_place(notice.notice_id), notice.proof))
    return proof


def contact_place(case_id: str) -> str:
    """Name the place that a contact is sealed for."""
    return f"case.contact.{case_id}"


def identity_place(case_id: str) -> str:
    """Name the place that an identity is sealed for."""
    return f"case.identity.{case_id}"


def proof_place(notice_id: str) -> str:
    """Name the place that a notice's proof is sealed for."""
    return f"notice.proof.{notice_id}"
