"""The tables of assessment, and how they are asked. What the team writes down lies sealed under the person's key."""

import json
import secrets
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, or_
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from services.assessment.domain import CaseHasEnded, CaseNotFound, EntryNotFound, Kind, NoticesNotGiven
from services.assessment.steps import NextStep
from shared.database import Instant
from shared.figures import figures_table
from shared.keys import PersonKeys
from shared.tables import add_kit_tables
from shared.unit_of_work import UnitOfWork


class Base(SQLModel, registry=registry()):
    """Tables of this service only; SQLModel's own registry is one for the whole process."""


class Case(Base, table=True):
    """A case as the team sees it: whose it is, and what comes next."""

    case_id: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(index=True, max_length=64)
    opened_at: datetime = Field(sa_type=Instant)
    first_contact_by: date
    team_id: str = Field(max_length=64)
    responsible_id: str = Field(max_length=64)
    notices_given_at: datetime | None = Field(default=None, sa_type=Instant)
    taken_at: datetime | None = Field(default=None, sa_type=Instant)
    handed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was taken or handed over last, as it was announced."""
    next_step: str = Field(max_length=40)
    due_on: date = Field(index=True)
    step_number: int = 0
    step_announced: str = Field(default="", max_length=200)
    """What was announced last, so that the same is not announced again."""
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Entry(Base, table=True):
    """One version of one thing that the team wrote down. Without content it says that the thing was removed."""

    entry_id: str = Field(primary_key=True, max_length=64)
    version: int = Field(primary_key=True)
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    kind: str = Field(max_length=20)
    recorded_at: datetime = Field(sa_type=Instant)
    recorded_by: str = Field(max_length=64)
    content: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    approved_by: str | None = Field(default=None, max_length=64)


class Contest(Base, table=True):
    """Whether the person contests a finding: of the fact, so that no version takes it away. Sealed, for it is hers."""

    fact_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", max_length=64)
    number: int
    mark: bytes = Field(sa_type=LargeBinary, repr=False)


class Telling(Base, table=True):
    """Something that the team owes the person a word about, by a day. About what, and until when, lies sealed."""

    telling_id: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    said_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the gate said so: of the same item the newest word counts."""
    heard_at: datetime = Field(sa_type=Instant)
    due: bytes = Field(sa_type=LargeBinary, repr=False)
    about: bytes = Field(sa_type=LargeBinary, repr=False)
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    told_by: str | None = Field(default=None, max_length=64)


class Absence(Base, table=True):
    """Somebody of a team is away. It is about staff, and about no person."""

    member_id: str = Field(primary_key=True, max_length=64)
    from_on: date = Field(primary_key=True)
    until_on: date
    deputy_id: str | None = Field(default=None, max_length=64)


class AnsweredRequest(Base, table=True):
    """What was answered to a request with an Idempotency-Key: sealed, for the hash of a text can be guessed back."""

    __tablename__ = "answered_request"

    request_key: str = Field(primary_key=True, max_length=64)
    case_id: str = Field(foreign_key="case.case_id", index=True, max_length=64)
    answer: bytes = Field(sa_type=LargeBinary, repr=False)
    answered_at: datetime = Field(sa_type=Instant)


add_kit_tables(Base.metadata)
figures_table(Base.metadata)
metadata = Base.metadata

Content = dict[str, Any]  # Any: a JSON value


def load_case(session: Session, case_id: str) -> Case:
    """Return a case; raise CaseNotFound."""
    case = session.get(Case, case_id)
    if case is None:
        raise CaseNotFound
    return case


def load_open_case(session: Session, case_id: str) -> Case:
    """Return a case that can be written in; raise CaseNotFound or CaseHasEnded."""
    case = load_case(session, case_id)
    if case.ended_at is not None:
        raise CaseHasEnded
    return case


def load_informed_case(session: Session, case_id: str) -> Case:
    """Return an open case whose person was given the notices; raise NoticesNotGiven besides.

    Before that a team makes contact, and protects a child; it writes down nothing else about anybody.
    """
    case = load_open_case(session, case_id)
    if case.notices_given_at is None:
        raise NoticesNotGiven
    return case


def load_owed_case(session: Session, case_id: str) -> Case:
    """Return a case that somebody has to look after; raise CaseNotFound or CaseHasEnded."""
    case = load_case(session, case_id)
    if case.ended_at is not None and case.next_step == NextStep.NONE:
        raise CaseHasEnded
    return case


def is_looked_after() -> ColumnElement[bool]:
    """Say of which cases somebody has to look after them: not ended, or something is owed in it all the same."""
    return or_(col(Case.ended_at).is_(None), col(Case.next_step) != NextStep.NONE.value)


def open_cases(session: Session) -> list[Case]:
    """Return every case that somebody has to look after, the most urgent first."""
    return list(session.exec(select(Case).where(is_looked_after()).order_by(col(Case.due_on), Case.case_id)))


def cases_of(session: Session, person_id: str) -> list[Case]:
    """Return a person's cases, the newest first."""
    found = select(Case).where(Case.person_id == person_id).order_by(col(Case.opened_at).desc())
    return list(session.exec(found))


def open_tellings(session: Session, case_id: str) -> list[Telling]:
    """Return what the person has not been told yet, in the order in which it was heard."""
    found = select(Telling).where(Telling.case_id == case_id, col(Telling.told_at).is_(None))
    return list(session.exec(found.order_by(col(Telling.heard_at), Telling.telling_id)))


def telling_place(telling_id: str) -> str:
    """Name the place that the day of a telling is sealed for."""
    return f"telling.due.{telling_id}"


def about_place(telling_id: str) -> str:
    """Name the place that the occasion of a telling is sealed for."""
    return f"telling.about.{telling_id}"


def entries_of(session: Session, case_id: str, *kinds: Kind) -> list[list[Entry]]:
    """Return what stands written in a case, as versions from old to new; what was removed is left out."""
    order = (col(Entry.recorded_at), Entry.entry_id, col(Entry.version))
    found = session.exec(select(Entry).where(Entry.case_id == case_id).order_by(*order))
    versions: dict[str, list[Entry]] = {}
    for entry in found:
        versions.setdefault(entry.entry_id, []).append(entry)
    return [
        history
        for history in versions.values()
        if history[-1].content is not None and (not kinds or history[-1].kind in kinds)
    ]


def load_versions(session: Session, case_id: str, entry_id: str, *kinds: Kind) -> list[Entry]:
    """Return the versions of one entry from old to new; raise EntryNotFound."""
    found = list(session.exec(versions_of(entry_id)))
    if not found or found[-1].case_id != case_id or found[-1].kind not in kinds:
        raise EntryNotFound
    return found


def versions_of(entry_id: str) -> SelectOfScalar[Entry]:
    """Return the query for the versions of one entry from old to new."""
    return select(Entry).where(Entry.entry_id == entry_id).order_by(col(Entry.version))


def add_version(
    work: UnitOfWork, case: Case, kind: Kind, content: Content | None, *, by: str, after: Entry | None = None
) -> Entry:
    """Write a first version, or the next one after another."""
    entry_id = after.entry_id if after else secrets.token_urlsafe(16)
    version = after.version + 1 if after else 1
    sealed = None if content is None else work.seal(case.person_id, _place(entry_id, version), content)
    entry = Entry(
        entry_id=entry_id,
        version=version,
        case_id=case.case_id,
        kind=kind.value,
        recorded_at=work.now,
        recorded_by=by,
        content=sealed,
    )
    work.session.add(entry)
    work.session.flush()
    return entry


def content_of(keys: PersonKeys, case: Case, entry: Entry) -> Content:
    """Unseal what an entry says."""
    if entry.content is None:
        raise EntryNotFound
    content: Content = json.loads(keys.unseal(case.person_id, _place(entry.entry_id, entry.version), entry.content))
    return content


def found_at(entry: Entry, content: Content) -> datetime:
    """Return when what an entry says was found: a version that changed its mark alone keeps the day."""
    return datetime.fromisoformat(content["found_at"]) if "found_at" in content else entry.recorded_at


def contested_by_person(session: Session, keys: PersonKeys, case: Case, entry_ids: Iterable[str]) -> frozenset[str]:
    """Return which of these entries the person contests."""
    rows = session.exec(select(Contest).where(col(Contest.fact_id).in_(list(entry_ids))))
    return frozenset(
        row.fact_id for row in rows if json.loads(keys.unseal(case.person_id, contest_place(row.fact_id), row.mark))
    )


def contest_place(fact_id: str) -> str:
    """Return the place that a mark is sealed for."""
    return f"contest.mark.{fact_id}"


def person_lock(session: Session, case_id: str) -> set[str]:
    """Name the row to lock before a case is read for a change."""
    person_id = session.exec(select(Case.person_id).where(Case.case_id == case_id)).first()
    return {f"person:{person_id}"} if person_id else set()


def _place(entry_id: str, version: int) -> str:
    return f"entry.content.{entry_id}.{version}"
