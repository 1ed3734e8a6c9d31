"""How a case is shown to the team: what stands written in it, unsealed. Nobody outside the team is shown any of it."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from services.assessment import domain, store
from services.assessment.child_protection import CONCERN, Move, Reason, Stage
from services.assessment.domain import Kind, KnownFrom
from services.assessment.steps import ContactOutcome, NextStep
from services.assessment.store import Case, Entry, Telling
from shared.contracts.assessment import AttendanceKind, LifeDomain
from shared.contracts.intake import Channel
from shared.keys import PersonKeys

Read = Mapping[str, Any]  # Any: JSON values of an entry, checked when it was written


class Shown(BaseModel):
    """What is shown to the team over HTTP, and nowhere else."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:  # Any: pydantic's own signature
        """Show no field when printed: that would be another place where it is shown."""
        return ()


class CaseLine(Shown):
    """A case in a list: ids and what comes next."""

    case_id: str
    person_id: str
    opened_at: datetime
    team_id: str
    responsible_id: str
    next_step: NextStep
    due_on: date


class Written(Shown):
    """Who wrote something, and when."""

    recorded_at: datetime
    recorded_by: str


class FactVersion(Written):
    """One version of a finding."""

    version: int
    life_domain: LifeDomain
    code: str
    severity: int
    since_on: date | None = None
    amount_cents: int | None = None
    contested: bool
    about: Literal["somebody_else"] | None = None
    known_from: KnownFrom | None = None
    confirmed_by: str | None = None
    waits_for_second: bool


class FactView(FactVersion):
    """A finding as it is now, and as it was; the person's own mark is one of the finding, not of a version."""

    fact_id: str
    contested_by_person: bool
    earlier: list[FactVersion]


class CodeView(Written):
    """A recommendation or a conclusion."""

    fact_id: str
    version: int
    code: str
    contested: bool = False
    contested_by_person: bool
    derived_from: list[str] | None = None


class StatementView(Written):
    """The newest draft of a statement, and whether the person approved it."""

    statement_id: str
    version: int
    text: str
    text_sha256: str
    approved_at: datetime | None
    approved_version: int | None
    about: Literal["somebody_else"] | None = None
    derived_from: list[str] | None = None


class AttendanceView(Written):
    """A talk that the person came to."""

    fact_id: str
    kind: AttendanceKind
    attended_on: date
    contested: bool = False
    contested_by_person: bool


class AttemptView(Written):
    """One try to make contact."""

    channel: Channel
    outcome: ContactOutcome


class MoveView(Written):
    """A move that a named human made."""

    move: Move
    reason: Reason | None = None


class NoteView(Written):
    """A private note."""

    note_id: str
    text: str


class ConcernView(Written):
    """A concern for a child: how far it is, and who made which move."""

    concern_id: str
    stage: Stage
    moves: list[MoveView]


class TellingView(Shown):
    """Something that the person has to be told, by a day."""

    telling_id: str
    about: str
    due_at: datetime


class CaseView(CaseLine):
    """A case with everything that stands written in it."""

    first_contact_by: date
    taken_at: datetime | None
    finished_at: datetime | None
    ended_at: datetime | None
    tellings: list[TellingView]
    facts: list[FactView]
    recommendations: list[CodeView]
    conclusion: CodeView | None
    statements: list[StatementView]
    attendance: list[AttendanceView]
    contact_attempts: list[AttemptView]
    notes: list[NoteView]
    concerns: list[ConcernView]


def line(case: Case) -> CaseLine:
    """Return a case as a line of a list."""
    return CaseLine.model_validate(case, from_attributes=True)


def whole(
    keys: PersonKeys,
    case: Case,
    entries: list[list[Entry]],
    contested: frozenset[str] = frozenset(),
    tellings: Iterable[Telling] = (),
) -> CaseView:
    """Return a case with everything, unsealed; `contested` names what the person contests at the consent desk."""

    def each(kind: Kind) -> list[tuple[Entry, list[Read]]]:
        return [
            (versions[-1], [_read(keys, case, version, contested) for version in versions])
            for versions in entries
            if versions[-1].kind == kind
        ]

    notes = each(Kind.NOTE)
    conclusions = [CodeView(**newest[-1]) for _, newest in each(Kind.CONCLUSION)]
    approved = {versions[0].entry_id: _approved_version(versions) for versions in entries}
    return CaseView(
        **line(case).model_dump(),
        first_contact_by=case.first_contact_by,
        taken_at=case.taken_at,
        finished_at=case.finished_at,
        ended_at=case.ended_at,
        tellings=[_telling(keys, case, telling) for telling in tellings],
        facts=[
            FactView(**read[-1], earlier=[FactVersion(**earlier) for earlier in read[:-1]])
            for _, read in each(Kind.FACT)
        ],
        recommendations=[CodeView(**read[-1]) for _, read in each(Kind.RECOMMENDATION)],
        conclusion=conclusions[0] if conclusions else None,
        statements=[
            StatementView(
                **read[-1],
                statement_id=entry.entry_id,
                text_sha256=domain.hash_of(read[-1]["text"]),
                approved_at=entry.approved_at,
                approved_version=approved[entry.entry_id],
            )
            for entry, read in each(Kind.STATEMENT)
        ],
        attendance=[AttendanceView(**read[-1]) for _, read in each(Kind.ATTENDANCE)],
        contact_attempts=[AttemptView(**read[-1]) for _, read in each(Kind.CONTACT_ATTEMPT)],
        notes=[NoteView(**read[-1], note_id=entry.entry_id) for entry, read in notes if CONCERN not in read[-1]],
        concerns=[_concern(entry, read) for entry, read in notes if CONCERN in read[-1]],
    )


def _read(keys: PersonKeys, case: Case, entry: Entry, contested: frozenset[str]) -> Read:
    ids = {"fact_id": entry.entry_id, "version": entry.version}
    written = {"recorded_at": entry.recorded_at, "recorded_by": entry.recorded_by}
    content = store.content_of(keys, case, entry)
    about = {"about": "somebody_else"} if "about_id" in content else {}
    waits = {"waits_for_second": domain.waits_for_second(content)}
    return {**ids, **written, **content, **about, **waits, "contested_by_person": entry.entry_id in contested}


def _concern(entry: Entry, read: list[Read]) -> ConcernView:
    moves = [MoveView(**version) for version in read if "move" in version]
    return ConcernView(**read[-1], concern_id=entry.entry_id, stage=read[-1][CONCERN], moves=moves)


def _telling(keys: PersonKeys, case: Case, telling: Telling) -> TellingView:
    places = {"due_at": store.telling_place(telling.telling_id), "about": store.about_place(telling.telling_id)}
    sealed = {"due_at": telling.due, "about": telling.about}
    read = {name: json.loads(keys.unseal(case.person_id, place, sealed[name])) for name, place in places.items()}
    return TellingView(telling_id=telling.telling_id, **read)


def _approved_version(versions: list[Entry]) -> int | None:
    return max((version.version for version in versions if version.approved_at), default=None)
