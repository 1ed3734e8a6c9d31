"""Home visits as they are read and written: each under a key of its own, which goes with its end.

A visit is read back by the way it went: nothing here makes one agreed or under way but the permission that is kept.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session, col, select

from services.referral.errors import VisitNotFound
from services.referral.tables import VisitRow
from services.referral.visit import (
    Agreed,
    GivenHow,
    Leaving,
    Open,
    Over,
    Permission,
    Plan,
    Proposed,
    Purpose,
    UnderWay,
    Visit,
)
from shared.contracts.envelope import canonical
from shared.keys import KeyDestroyed, PersonKeys, UnreadableValue

log = structlog.get_logger()

Kept = dict[str, Any]  # Any: JSON values


class Visits:
    """Reads and writes visits in a session that somebody else opened and commits."""

    def __init__(self, session: Session, keys: PersonKeys) -> None:
        self._session = session
        self._keys = keys

    def add(self, visit: Proposed) -> None:
        """Store a new visit."""
        row = VisitRow(
            visit_id=visit.visit_id, case_id=visit.case_id, person_id=visit.person_id, proposed_by=visit.proposed_by
        )
        row.kept = self._sealed(visit)
        self._session.add(row)
        self._session.flush()

    def save(self, visit: Open) -> VisitRow:
        """Store where it stands now, and return its row."""
        row = self.row(visit.visit_id)
        row.kept = self._sealed(visit)
        self._session.add(row)
        self._session.flush()
        return row

    def wipe(self, row: VisitRow) -> None:
        """Keep nothing of a visit but that it is over. Its key is destroyed by whoever ends it."""
        row.is_over, row.kept = True, None
        self._session.add(row)
        self._session.flush()

    def row(self, visit_id: str) -> VisitRow:
        """Return the row of a visit or raise VisitNotFound."""
        row = self._session.get(VisitRow, visit_id)
        if row is None:
            raise VisitNotFound
        return row

    def get(self, visit_id: str) -> Visit:
        """Return a visit; raise VisitNotFound, UnreadableValue, or KeyDestroyed if its key is not there."""
        return self.read(self.row(visit_id))

    def read(self, row: VisitRow) -> Visit:
        """Return what a row keeps; raise UnreadableValue, or KeyDestroyed if its key is not there."""
        if row.is_over or row.kept is None:
            return Over(**_clear(row))
        return _visit(row, kept_of(self._keys, row))

    def readable(self, rows: Iterable[VisitRow]) -> list[Visit]:
        """Return those that can be read; of each other one the log is loud."""
        found = []
        for row in rows:
            try:
                found.append(self.read(row))
            except (UnreadableValue, KeyDestroyed):
                log.error("visit_unreadable", visit_id=row.visit_id)
        return found

    def open_rows(self, case_id: str | None = None) -> list[VisitRow]:
        """Return the rows of the visits that are not over; of one case if it is named."""
        found = select(VisitRow).where(col(VisitRow.is_over).is_(False)).order_by(VisitRow.visit_id)
        return list(self._session.exec(found.where(VisitRow.case_id == case_id) if case_id else found))

    def keys_of(self, person_id: str) -> set[str]:
        """Return the keys of all visits of a person."""
        return {key_id(one) for one in self._session.exec(select(VisitRow.visit_id).where(_theirs(person_id)))}

    def _sealed(self, visit: Open) -> bytes:
        return self._keys.seal(key_id(visit.visit_id), _place(visit.visit_id), canonical(_kept(visit)))


def lock_of(session: Session, visit_id: str) -> set[str]:
    """Name the row to lock before a visit is read for a change: its person's."""
    person_id = session.exec(select(VisitRow.person_id).where(VisitRow.visit_id == visit_id)).one_or_none()
    return {f"person:{person_id}"} if person_id else set()


def key_id(visit_id: str) -> str:
    """Name the key that all of a visit lies under. No other service has it, and it ends with the visit."""
    return f"visit:{visit_id}"


def kept_of(keys: PersonKeys, row: Any) -> Kept | None:  # Any: a row of the table, however it was read
    """Unseal what is kept of a visit; None if it is over."""
    if row.kept is None:
        return None
    kept: Kept = json.loads(keys.unseal(key_id(row.visit_id), _place(row.visit_id), bytes(row.kept)))
    return kept


def _theirs(person_id: str) -> Any:  # Any: a clause
    return col(VisitRow.person_id) == person_id


def _place(visit_id: str) -> str:
    return f"visit.kept.{visit_id}"


def _clear(row: VisitRow) -> dict[str, str]:
    return {name: getattr(row, name) for name in ("visit_id", "case_id", "person_id", "proposed_by")}


def _kept(visit: Open) -> Kept:
    kept: Kept = {"state": visit.state.value, "number": visit.number, "plan": asdict(visit.plan)}
    if isinstance(visit, Agreed | UnderWay):
        kept["permission"] = asdict(visit.permission)
    if isinstance(visit, UnderWay):
        kept["set_out_at"] = visit.set_out_at
    if isinstance(visit, UnderWay | Leaving):
        kept["check_out_by"] = visit.check_out_by
    return kept


def _visit(row: VisitRow, kept: Kept | None) -> Visit:
    if kept is None:
        return Over(**_clear(row))
    plan, number = _plan(kept["plan"]), kept["number"]
    if "permission" not in kept and "check_out_by" in kept:
        return Leaving(**_clear(row), plan=plan, check_out_by=_time(kept["check_out_by"]), number=number)
    steps = ("permission" in kept) + ("set_out_at" in kept)
    proposed = Proposed(**_clear(row), plan=plan, number=number - steps)
    if "permission" not in kept:
        return proposed
    agreed = proposed.agree(_permission(kept["permission"]))
    if "set_out_at" not in kept:
        return agreed
    return agreed.set_out(_time(kept["set_out_at"]), check_out_by=_time(kept["check_out_by"]))


def _plan(said: Kept) -> Plan:
    return Plan(
        purpose=Purpose(said["purpose"]),
        workers=tuple(said["workers"]),
        from_at=_time(said["from_at"]),
        until_at=_time(said["until_at"]),
        where=said["where"],
        ask_for=said["ask_for"],
        language=said["language"],
        salt=said["salt"],
    )


def _permission(said: Kept) -> Permission:
    return Permission(
        plan_sha256=said["plan_sha256"],
        until_at=_time(said["until_at"]),
        given_how=GivenHow(said["given_how"]),
        language=said["language"],
        recorded_by=said["recorded_by"],
        given_at=_time(said["given_at"]),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
