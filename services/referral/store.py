"""Cases, referrals and their history, as they are read and written. Where somebody is sent lies sealed."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, true
from sqlmodel import Session, col, select

from services.referral.domain import Happening, Planned, Referral
from services.referral.errors import CaseNotFound, ReferralNotFound
from services.referral.state import News, Reopening, days_in
from services.referral.tables import Case, HappeningRow, ReferralRow
from shared.contracts.care import Turn
from shared.contracts.consent import Outcome
from shared.contracts.envelope import canonical
from shared.contracts.town import ESSEN, Town
from shared.keys import KeyDestroyed, KeyNeverMade, PersonKeys, UnreadableValue

log = structlog.get_logger()


class Referrals:
    """Reads and writes referrals in a session that somebody else opened and commits."""

    def __init__(self, session: Session, keys: PersonKeys, *, town: Town = ESSEN) -> None:
        self._session = session
        self._keys = keys
        self._days = days_in(town)

    def case(self, case_id: str) -> Case:
        """Return a case or raise CaseNotFound."""
        found = self._session.get(Case, case_id)
        if found is None:
            raise CaseNotFound
        return found

    def add(self, referral: Referral) -> None:
        """Store a new referral."""
        row = ReferralRow(
            referral_id=referral.referral_id,
            case_id=referral.case_id,
            person_id=referral.person_id,
            responsible_id=referral.responsible_id,
            requested_at=referral.requested_at,
            asked=self._asked(referral),
            planned=self._planned(referral),
        )
        self._session.add(row)
        self._session.flush()

    def save(self, referral: Referral) -> None:
        """Store what has happened since."""
        row = self._session.get_one(ReferralRow, referral.referral_id)
        row.is_open = not referral.is_over()
        row.responsible_id = referral.responsible_id
        row.asked, row.planned = self._asked(referral), self._planned(referral)
        self._session.add(row)
        known = len(self._history(col(ReferralRow.referral_id) == row.referral_id).get(row.referral_id, ()))
        for position, happening in enumerate(referral.history[known:], start=known):
            self._session.add(self._happening_row(referral, position, happening))
        self._session.flush()

    def get(self, referral_id: str) -> Referral:
        """Return a referral; raise ReferralNotFound, or KeyDestroyed when its person was erased."""
        row = self._session.get(ReferralRow, referral_id)
        if row is None:
            raise ReferralNotFound
        history = self._history(col(ReferralRow.referral_id) == referral_id)
        return self._referral(row, history.get(referral_id, []))

    def of_case(self, case_id: str) -> list[Referral]:
        """Return the referrals of a case, oldest first."""
        return self._read(col(ReferralRow.case_id) == case_id)

    def unreadable_of_case(self, case_id: str) -> list[ReferralRow]:
        """Return the open referrals of a case that cannot be read: what lies in plain columns can be acted on."""
        readable = {referral.referral_id for referral in self.of_case(case_id)}
        found = select(ReferralRow).where(col(ReferralRow.case_id) == case_id, col(ReferralRow.is_open).is_(True))
        return [
            row
            for row in self._session.exec(found.order_by(ReferralRow.referral_id))
            if row.referral_id not in readable
        ]

    def all(self) -> list[Referral]:
        """Return all referrals, oldest first."""
        return self._read(true())

    def open(self) -> list[Referral]:
        """Return the referrals that are not over, oldest first."""
        return self._read(col(ReferralRow.is_open).is_(True))

    def count_open(self) -> int:
        """Return how many are not over, whether they can be read or not."""
        rows = self._session.exec(select(ReferralRow.person_id).where(col(ReferralRow.is_open).is_(True)))
        return sum(not self._keys.is_destroyed(person_id) for person_id in rows)

    def person_of_case(self, case_id: str) -> str | None:
        """Return whose case it is, for the row lock."""
        return self._session.exec(select(Case.person_id).where(col(Case.case_id) == case_id)).one_or_none()

    def person_of(self, referral_id: str) -> str | None:
        """Return whom a referral is about, for the row lock."""
        found = select(ReferralRow.person_id).where(col(ReferralRow.referral_id) == referral_id)
        return self._session.exec(found).one_or_none()

    def _read(self, chosen: ColumnElement[bool]) -> list[Referral]:
        ordered = select(ReferralRow).order_by(col(ReferralRow.requested_at), col(ReferralRow.referral_id))
        histories = self._history(chosen)
        referrals = []
        for row in self._session.exec(ordered.where(chosen)):
            try:
                referrals.append(self._referral(row, histories.get(row.referral_id, [])))
            except KeyNeverMade:  # the store of keys is the wrong one: an empty list would be a lie
                raise
            except KeyDestroyed:  # the person was erased
                continue
            except UnreadableValue:  # loud, and no reason to stop at the others
                log.error("referral_unreadable", referral_id=row.referral_id)
        return referrals

    def _history(self, chosen: ColumnElement[bool]) -> dict[str, list[HappeningRow]]:
        found = select(HappeningRow).join(ReferralRow).where(chosen).order_by(col(HappeningRow.position))
        histories: dict[str, list[HappeningRow]] = {}
        for row in self._session.exec(found):
            histories.setdefault(row.referral_id, []).append(row)
        return histories

    def _referral(self, row: ReferralRow, history: list[HappeningRow]) -> Referral:
        asked = self._unseal(row.person_id, f"referral.asked.{row.referral_id}", row.asked)
        happened = [self._happening(row.person_id, one) for one in history]
        if not row.is_open and not any(one.news in (News.CLOSED, News.ENDED) for one in happened):
            # it could not be read when its case ended
            happened.append(Happening(News.CLOSED, max([row.requested_at, *(one.at for one in happened)])))
        because = asked.get("reopened_because")
        return Referral(
            referral_id=row.referral_id,
            case_id=row.case_id,
            person_id=row.person_id,
            responsible_id=row.responsible_id,
            requested_at=row.requested_at,
            recipient_id=asked["recipient_id"],
            service=asked["service"],
            needed=tuple(asked["needed"]),
            history=tuple(happened),
            planned=self._told(row),
            has_place=asked.get("has_place", False),
            reopens=asked.get("reopens"),
            reopened_because=Reopening(because) if because else None,
            days=self._days,
        )

    def _asked(self, referral: Referral) -> bytes:
        asked = {
            "recipient_id": referral.recipient_id,
            "service": referral.service,
            "needed": list(referral.needed),
            "has_place": referral.has_place,
            "reopens": referral.reopens,
            "reopened_because": referral.reopened_because,
        }
        return self._seal(referral.person_id, f"referral.asked.{referral.referral_id}", asked)

    def _planned(self, referral: Referral) -> bytes | None:
        if referral.planned is None:
            return None
        where = f"referral.planned.{referral.referral_id}"
        return self._seal(referral.person_id, where, asdict(referral.planned))

    def _told(self, row: ReferralRow) -> Planned | None:
        if row.planned is None:
            return None
        said = self._unseal(row.person_id, f"referral.planned.{row.referral_id}", row.planned)
        return Planned(
            number=said["number"],
            responsible_id=said["responsible_id"],
            turn=Turn(said["turn"]),
            step=said["step"],
            due_at=datetime.fromisoformat(said["due_at"]) if said["due_at"] else None,
        )

    def _happening_row(self, referral: Referral, position: int, happening: Happening) -> HappeningRow:
        said = {
            "news": happening.news,
            "at": happening.at,
            "appointment_at": happening.appointment_at,
            "outcome": happening.outcome,
            "noted_by": happening.noted_by,
        }
        where = f"happening.news.{referral.referral_id}.{position}"
        sealed = self._seal(referral.person_id, where, said)
        return HappeningRow(referral_id=referral.referral_id, position=position, news=sealed)

    def _happening(self, person_id: str, row: HappeningRow) -> Happening:
        said = self._unseal(person_id, f"happening.news.{row.referral_id}.{row.position}", row.news)
        appointment_at, outcome = said["appointment_at"], said["outcome"]
        return Happening(
            news=News(said["news"]),
            at=datetime.fromisoformat(said["at"]),
            appointment_at=datetime.fromisoformat(appointment_at) if appointment_at else None,
            outcome=Outcome(outcome) if outcome else None,
            noted_by=said.get("noted_by"),
        )

    def _seal(self, person_id: str, where: str, value: dict[str, Any]) -> bytes:  # Any: JSON values
        return self._keys.seal(person_id, where, canonical(value))

    def _unseal(self, person_id: str, where: str, sealed: bytes) -> Any:  # Any: a JSON value
        return json.loads(self._keys.unseal(person_id, where, sealed))
