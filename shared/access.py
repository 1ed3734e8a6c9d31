"""What a service keeps about one person, as that person may have it: Art. 15 and 20 GDPR, § 83 SGB X.

A service names its tables. Every column of a row is told unless it is left out with a reason, and sealed columns are
opened. So a new column is told by itself, and a new table fails a test until somebody has decided about it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, MetaData, Row, Table, false, or_, select
from sqlmodel import Session

from shared.keys import KeyDestroyed, KeyNeverMade, PersonKeys

Content = dict[str, Any]  # Any: JSON values

OWNER = "person_id"
"""The column that says whose a row is. It is the same for all that is told, so it is told once."""

_ABOUT = ("about_id", "about")
_FREE_TEXT = "text"
_OF_SEVERAL = ("family", "safety")


class Others(StrEnum):
    """Whether a record concerns somebody else too: their rights are weighed before it is handed over.

    Art. 15 (4) GDPR: that is for a named human to weigh; here nothing is held back.
    """

    NO = "no"
    PERHAPS = "perhaps"
    YES = "yes"


class Record(BaseModel):
    """One thing that is kept about the person."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str
    recorded_at: datetime | None
    source: str
    concerns_others: Others
    content: Content = Field(repr=False)
    unreadable: list[str] = []
    """Columns that are there and that nobody can open any more."""


class AccessExport(BaseModel):
    """Everything that one service keeps about a person."""

    model_config = ConfigDict(frozen=True)

    service: str
    service_version: str
    person_id: str
    generated_at: datetime
    records: list[Record] = Field(repr=False)

    @classmethod
    def of(cls, service: str, version: str, person_id: str, records: list[Record], *, at: datetime) -> Self:
        """Return what is answered to the person."""
        return cls(service=service, service_version=version, person_id=person_id, generated_at=at, records=records)


@dataclass(frozen=True, slots=True)
class Told:
    """How the rows of one table are told.

    A row is the person's by its `person_id`; without one `through` a column that it shares with a table that has one,
    or by its key (`key` names the column). A sealed value is opened with that key, else with the person's own, for
    the place `table.column.id`.
    """

    table: str
    kind: str
    at: str | None = None
    by: str | None = None
    source: str = ""
    key: str | None = None
    through: tuple[str, str] | None = None
    named: str | None = None
    """The column by which a row is named; the primary key unless it says otherwise."""
    also: Callable[[Table, str], ColumnElement[bool]] | None = None
    """Finds further rows of a person, where neither column nor key tell."""
    opened: Mapping[str, Callable[[PersonKeys, Any], Any]] = field(default_factory=dict)
    """Columns that are read in a way of their own."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not told, and why."""
    others: Others = Others.NO
    """Whether every row of it concerns somebody else, as a representative; what a row says can only add to that."""


KIT = (
    Told(
        "outbox",
        "message",
        at="created_at",
        key="key_id",
        named="message_id",
        source="sent by this service",
        left_out={
            "seq": "technical: the order of sending",
            "key_id": "says whose it is, and that is what was asked for",
            "claimed_until": "technical: which instance sends it",
        },
    ),
    Told(
        "inbox",
        "message",
        at="received_at",
        key="waiting_key",
        source="waits for another message",
        left_out={"waiting_key": "says whose it is, and that is what was asked for"},
    ),
    Told(
        "parked",
        "message",
        at="parked_at",
        key="key_id",
        source="could not be handled",
        left_out={"key_id": "says whose it is, and that is what was asked for"},
    ),
)
"""The messages of a person that a service still has. What was handled leaves an id that names nobody."""

KIT_LEFT_OUT = {
    "row_lock": "technical: names of rows to lock; of a person no more than the id",
    "journal_position": "technical: how far the journal has been followed",
    "erased": "ids of erased persons: of whoever can ask, there is none",
}


def kept_about(
    session: Session,
    keys: PersonKeys,
    metadata: MetaData,
    told: Iterable[Told],
    *,
    person_id: str,
    key_ids: Collection[str] = (),
) -> list[Record]:
    """Return everything that these tables hold about a person; raise KeyDestroyed if the person was erased.

    `key_ids` names further keys whose values are the person's, as that of a commission.
    """
    if keys.is_destroyed(person_id):
        raise KeyDestroyed(person_id)
    reading = _Reading(session, keys, metadata, person_id, frozenset({person_id, *key_ids}))
    return [record for one in told for record in reading.records(one)]


def undecided(metadata: MetaData, told: Iterable[Told], left_out: Mapping[str, str]) -> list[str]:
    """Return the tables about which nobody has decided, and decisions about what does not exist (any more)."""
    known = [*told, *KIT]
    tables = {one.table for one in known}
    missing = [name for name in metadata.tables if name not in tables and name not in left_out]
    gone = [name for name in (*tables, *left_out) if name not in metadata.tables]
    columns = [
        f"{one.table}.{name}"
        for one in known
        if one.table in metadata.tables
        for name in (*one.left_out, *one.opened, one.at, one.by, one.key, one.named)
        if name and name not in metadata.tables[one.table].c
    ]
    return [*missing, *gone, *columns]


@dataclass(frozen=True, slots=True)
class _Reading:
    session: Session
    keys: PersonKeys
    metadata: MetaData
    person_id: str
    key_ids: frozenset[str]

    def records(self, told: Told) -> list[Record]:
        table = self.metadata.tables[told.table]
        order = [table.c[told.at]] if told.at else []
        rows = self.session.execute(select(table).where(self._is_whose(told, table)).order_by(*order, *_names(table)))
        return [self._record(told, table, row) for row in rows]

    def _is_whose(self, told: Told, table: Table) -> ColumnElement[bool]:
        ways: list[ColumnElement[bool]] = []
        if OWNER in table.c:
            ways.append(table.c[OWNER] == self.person_id)
        elif told.through:
            column, owner = told.through[0], self.metadata.tables[told.through[1]]
            ways.append(table.c[column].in_(select(owner.c[column]).where(owner.c[OWNER] == self.person_id)))
        elif told.key:
            ways.append(table.c[told.key].in_(sorted(self.key_ids)))
        if told.also:
            ways.append(told.also(table, self.person_id))
        return or_(*ways) if ways else false()

    def _record(self, told: Told, table: Table, row: Row[Any]) -> Record:  # Any: each table has its own columns
        unreadable: list[str] = []
        content: Content = {}
        for name in _told_columns(told, table):
            try:
                content[name] = self._value(told, table, row, name)
            except KeyDestroyed as error:
                if isinstance(error, KeyNeverMade) or error.key_id == self.person_id:
                    raise
                unreadable.append(name)
            except ValueError:
                unreadable.append(name)
        return Record(
            kind=told.kind,
            id=_named(told, table, row),
            recorded_at=getattr(row, told.at) if told.at else None,
            source=str(getattr(row, told.by)) if told.by else told.source,
            concerns_others=_most([told.others, concerns_others(content, self.person_id)]),
            content=content,
            unreadable=unreadable,
        )

    def _value(self, told: Told, table: Table, row: Row[Any], name: str) -> Any:
        if name in told.opened:
            return told.opened[name](self.keys, row)
        value = getattr(row, name)
        if isinstance(value, bytes | memoryview):
            key_id = str(getattr(row, told.key)) if told.key else self.person_id
            return self._unsealed(key_id, f"{told.table}.{name}.{_named(told, table, row)}", bytes(value))
        return value.isoformat() if isinstance(value, datetime | date) else value

    def _unsealed(self, key_id: str, place: str, sealed: bytes) -> Any:  # Any: a JSON value
        return json.loads(self.keys.unseal(key_id, place, sealed)) if sealed else None


def concerns_others(value: Any, person_id: str) -> Others:  # Any: a JSON value
    """Say whether something is about somebody else, or may be as well: free text, family, safety."""
    if isinstance(value, list):
        return _most(concerns_others(item, person_id) for item in value)
    if not isinstance(value, dict):
        return Others.PERHAPS if value in _OF_SEVERAL else Others.NO
    if any(value.get(name) not in (None, person_id) for name in _ABOUT):
        return Others.YES
    named = any(value.get(name) for name in (_FREE_TEXT, *_OF_SEVERAL))
    return _most(
        [Others.PERHAPS if named else Others.NO, *(concerns_others(item, person_id) for item in value.values())]
    )


def _most(found: Iterable[Others]) -> Others:
    return max(found, key=list(Others).index, default=Others.NO)


def _told_columns(told: Told, table: Table) -> list[str]:
    sole = [column.name for column in _names(table)] if told.named is None else [told.named]
    beside = {OWNER, told.at, told.by, *(sole if len(sole) == 1 else ())}  # the record itself says these
    return [column.name for column in table.c if column.name not in beside and column.name not in told.left_out]


def _names(table: Table) -> list[Any]:
    return list(table.primary_key.columns)


def _named(told: Told, table: Table, row: Row[Any]) -> str:
    names = [told.named] if told.named else [column.name for column in _names(table)]
    return ".".join(str(getattr(row, name)) for name in names)
