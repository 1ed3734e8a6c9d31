"""An emergency: a named human tells a rescue service, a crisis service, the youth welfare office or the police.

It is a record and a function of its own: it needs no grant, makes none, changes none, and the decision knows nothing of
it. Nothing is sent: the message is answered to the human, who hands it over, after the ledger entry was committed. A
second person confirms, or a lead reviews it within a day; and the person is told.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from secrets import token_urlsafe
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session, select

from services.consent import emergency_view, fact_store, ledger_store, store
from services.consent.emergency_domain import REASONS, EmergencyRecipient, FamilyNotice, Outcome, Reason, chain_of
from services.consent.emergency_release import emergency_message, tellable, told_fields
from services.consent.errors import (
    AlreadyRecorded,
    NotAcceptable,
    NotTheSecondPerson,
    RequestKeyUsed,
    ReviewerWasInvolved,
    SecondPersonTooLate,
)
from services.consent.ledger import EntryKind
from services.consent.tables import EmergencyRow, PersonRow
from shared.contracts.categories import Category
from shared.contracts.consent import EmergencyDisclosed, EmergencyReviewOverdue, EmergencySettled
from shared.contracts.envelope import canonical
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

Shown = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a human decides to tell in an emergency: whom, about whom, which categories, and why."""

    person_id: str
    recipient: EmergencyRecipient
    assessor_id: str
    reason: Reason
    reason_text: str = field(repr=False)
    categories: frozenset[Category]
    second_person_id: str | None
    family: FamilyNotice | None

    def why(self) -> Shown:
        """Return what stays inside: the reason, in the assessor's words too, and what was chosen."""
        return {
            "reason": self.reason.value,
            "reason_text": self.reason_text,
            "categories": sorted(self.categories),
            "family": self.family.value if self.family else None,
        }


def locks_for(disclosure: Disclosure, *, request_key: str | None) -> set[str]:
    """Return the rows to lock before anything is read."""
    key = {f"request:{request_key}"} if request_key else set()
    return {f"person:{disclosure.person_id}", f"recipient:{chain_of(disclosure.recipient)}", *key}


def person_lock(session: Session, emergency_id: str) -> set[str]:
    """Return the row to lock before an emergency is changed. Whom it is about never changes."""
    row = session.get(EmergencyRow, emergency_id)
    return {f"person:{row.person_id}"} if row else set()


def disclose(
    work: UnitOfWork, disclosure: Disclosure, *, by: str, request_key: str | None = None, index_key: bytes = b""
) -> Shown:
    """Enter what is told into the ledger and return it, to be handed over; asked again by the same key, the same."""
    sha256 = _hash(disclosure, by=by, index_key=index_key)
    row = _asked_before(work, request_key)
    if row is not None and row.request_sha256 != sha256:
        raise RequestKeyUsed
    if row is None:
        _check(disclosure, by=by)
        row = _record(work, disclosure)
        row.request_key, row.request_sha256 = request_key, sha256
        work.session.add(row)
        work.session.flush()
    summary = emergency_view.summary(row, work.keys, now=work.now)
    return {**summary, "recipient": row.recipient, "message": emergency_view.message_of(work, row)}


def confirm(work: UnitOfWork, *, emergency_id: str, by: str) -> Shown:
    """Record that a second person stands for it too, in their own name: nobody can vouch for somebody else."""
    row = emergency_view.load(work.session, emergency_id)
    if by == row.assessor_id or row.second_person_id not in (None, by):
        raise NotTheSecondPerson
    if row.confirmed_by is None:
        if work.now >= emergency_view.progress_of(row).review_due_at:
            raise SecondPersonTooLate
        row.confirmed_by, row.confirmed_at = by, work.now
        work.session.add(row)
        _announce_settled(work, row)
    elif row.confirmed_by != by:
        raise AlreadyRecorded
    return emergency_view.summary(row, work.keys, now=work.now)


def review(work: UnitOfWork, *, emergency_id: str, outcome: Outcome, by: str) -> Shown:
    """Record what somebody who had no part in it found."""
    row = emergency_view.load(work.session, emergency_id)
    if by in (row.assessor_id, row.second_person_id, row.confirmed_by):
        raise ReviewerWasInvolved
    if row.reviewed_by is None:
        row.reviewed_by, row.reviewed_at, row.outcome = by, work.now, outcome.value
        work.session.add(row)
        _announce_settled(work, row)
    elif (row.reviewed_by, row.outcome) != (by, outcome.value):
        raise AlreadyRecorded
    return emergency_view.summary(row, work.keys, now=work.now)


def tell_person(
    work: UnitOfWork, *, emergency_id: str, told_on: date | None, language: str, by: str, zone: ZoneInfo
) -> Shown:
    """Record that the person knows what was told, to whom and why: since which day, in which language."""
    row = emergency_view.load(work.session, emergency_id)
    today = work.now.astimezone(zone).date()
    told_on = told_on or today
    if not row.told_at.astimezone(zone).date() <= told_on <= today:
        raise NotAcceptable(("told_on", "must lie between the emergency and today"))
    said = {"told_on": told_on.isoformat(), "language": language}
    place = f"emergency.person_told.{emergency_id}"
    if row.person_told is None:
        row.person_told_by, row.person_told_at = by, work.now
        row.person_told = work.seal(row.person_id, place, said)
        work.session.add(row)
    elif work.unseal(row.person_id, place, row.person_told) != said:
        raise AlreadyRecorded
    return emergency_view.summary(row, work.keys, now=work.now)


def announce_overdue(work: UnitOfWork, *, emergency_id: str) -> None:
    """Tell the team once that a review is overdue."""
    row = emergency_view.load(work.session, emergency_id)
    if row.overdue_announced_at is not None or row.reviewed_at is not None:
        return
    row.overdue_announced_at = work.now
    work.session.add(row)
    due_at = emergency_view.progress_of(row).review_due_at
    work.announce(EmergencyReviewOverdue(emergency_id=emergency_id, person_id=row.person_id, due_at=due_at))


def _announce_settled(work: UnitOfWork, row: EmergencyRow) -> None:
    """Say that nobody owes a look any more; of an erased person nobody hears that, and the row has no use any more."""
    if not work.keys.is_destroyed(row.person_id):
        work.announce(EmergencySettled(emergency_id=row.emergency_id, person_id=row.person_id, at=work.now))
    elif work.session.get_one(PersonRow, row.person_id).erased_at is not None:
        log.info("emergency_settled_and_forgotten", emergency_id=row.emergency_id)
        work.session.delete(row)


def _check(disclosure: Disclosure, *, by: str) -> None:
    faults = list(_faults(disclosure, by=by))
    if faults:
        raise NotAcceptable(*faults)


def _faults(disclosure: Disclosure, *, by: str) -> Iterable[tuple[str, str]]:
    if disclosure.assessor_id != by:
        yield "assessor_id", "must be your own id"
    if disclosure.second_person_id == by:
        yield "second_person_id", "must be another person than you"
    if disclosure.reason not in REASONS[disclosure.recipient]:
        yield "reason", "is no reason to tell this recipient"
    if not disclosure.categories <= tellable(disclosure.recipient):
        yield "categories", "holds a category that this recipient is never told"
    about_a_child = disclosure.recipient is EmergencyRecipient.YOUTH_WELFARE_OFFICE
    if about_a_child and disclosure.family is None:
        yield "family", "must say whether the family was told before (§ 4 KKG)"
    if not about_a_child and disclosure.family is not None:
        yield "family", "is for the youth welfare office alone"


def _record(work: UnitOfWork, disclosure: Disclosure) -> EmergencyRow:
    person_id, emergency_id = disclosure.person_id, token_urlsafe(16)
    store.load_person(work.session, person_id)
    facts = fact_store.facts_of(work, person_id)
    message = emergency_message(disclosure.recipient, disclosure.reason, disclosure.categories, facts)
    entry = ledger_store.append(
        work,
        recipient_id=chain_of(disclosure.recipient),
        kind=EntryKind.EMERGENCY,
        release_id=emergency_id,
        key_id=person_id,
        content={"told": told_fields(message), "by": disclosure.assessor_id},
    )
    row = EmergencyRow(
        emergency_id=emergency_id,
        person_id=person_id,
        recipient=disclosure.recipient.value,
        assessor_id=disclosure.assessor_id,
        told_at=work.now,
        entry=entry.number,
        why=work.seal(person_id, f"emergency.why.{emergency_id}", disclosure.why()),
        second_person_id=disclosure.second_person_id,
        request_sha256="",
    )
    progress = emergency_view.progress_of(row)
    work.announce(
        EmergencyDisclosed(
            emergency_id=emergency_id,
            person_id=person_id,
            at=work.now,
            tell_person_by=progress.telling_due_at,
            review_by=progress.review_due_at,
        )
    )
    return row


def _asked_before(work: UnitOfWork, request_key: str | None) -> EmergencyRow | None:
    if request_key is None:
        return None
    return work.session.exec(select(EmergencyRow).where(EmergencyRow.request_key == request_key)).one_or_none()


def _hash(disclosure: Disclosure, *, by: str, index_key: bytes) -> str:
    """Return a keyed hash by which a repeated request is known again, and nothing can be guessed back."""
    asked = [by, disclosure.person_id, disclosure.recipient.value, disclosure.assessor_id, disclosure.second_person_id]
    return hashlib.sha256(index_key + canonical([*asked, disclosure.why()])).hexdigest()
