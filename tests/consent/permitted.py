"""What anybody may know at a moment: by the pure decision, and as the gate composes it from its tables."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import product

from sqlmodel import Session, select

from services.consent import answer_store, fact_store, inquiry_store, store
from services.consent.decision import View, may_know
from services.consent.domain import BENEFIT, REQUIRED_KINDS, Asked, RecipientRole
from services.consent.position_store import position_of, purpose_of
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import PersonRow, ReleaseRow, SubjectRow, metadata
from shared.contracts.categories import Category
from shared.contracts.envelope import canonical
from shared.keys import KeyDestroyed
from shared.unit_of_work import UnitOfWork
from tests.consent.gate import Gate

Known = frozenset[tuple[str, ...]]

MOVES = frozenset({"command", "release", "subject", "ledger", "ledger_head", "outbox", "row_lock"})
"""Tables that openings and commands do write: each is looked at closer, but for what was told and is on its way."""


def permitted(gate: Gate) -> tuple[Known, Known]:
    """Return what every registered recipient may know of everybody: as decided for any purpose, and as composed."""
    with gate.service.database.read() as session:
        work = UnitOfWork(session, gate.service.keys, now=gate.clock.now)
        recipients = store.active_recipients(session, at=work.now)
        persons = list(session.exec(select(PersonRow.person_id)))
        return (
            _of_all(persons, lambda person_id: _decided(work, person_id, recipients)),
            _of_all(persons, lambda person_id: _composed(work, person_id, recipients)),
        )


def _of_all(persons: Iterable[str], known: Callable[[str], set[tuple[str, ...]]]) -> Known:
    found: set[tuple[str, ...]] = set()
    for person_id in persons:
        with suppress(KeyDestroyed):  # of an erased person nobody may know anything
            found |= known(person_id)
    return frozenset(found)


def _decided(work: UnitOfWork, person_id: str, recipients: Iterable[RecipientRow]) -> set[tuple[str, ...]]:
    """Ask the decision for each recipient about all that it is ever offered, for every purpose there is."""
    facts, answers = fact_store.facts_of(work, person_id), answer_store.answers_of(work, person_id)
    purposes = {BENEFIT, *(purpose_of(subject) for subject in store.subjects_of(work.session, person_id))}
    found: set[tuple[str, ...]] = set()
    for recipient, purpose, view in product(recipients, purposes, View):
        offered = frozenset(Category(name) for name in recipient.offered)
        kinds = REQUIRED_KINDS[RecipientRole(recipient.role)]
        asked = Asked(person_id, recipient.recipient_id, purpose, offered, kinds)
        found |= {
            (recipient.recipient_id, purpose, view.name, fact.fact_id, str(fact.version), canonical(fact.content).hex())
            for fact in may_know(asked, facts, answers, at=work.now, view=view)
        }
    return found


def _composed(work: UnitOfWork, person_id: str, recipients: Iterable[RecipientRow]) -> set[tuple[str, ...]]:
    """Compose as the gate does for an opening."""
    facts, answers = fact_store.facts_of(work, person_id), answer_store.answers_of(work, person_id)
    by_id, inquiries = {one.recipient_id: one for one in recipients}, inquiry_store.inquiries_of(work, person_id)
    found: set[tuple[str, ...]] = set()
    for subject in store.subjects_of(work.session, person_id):
        if subject.recipient_id in by_id:
            asked = inquiries[subject.subject_id]
            stand = position_of(
                work, subject, by_id[subject.recipient_id], facts, answers, inquiries=asked, is_shielded=False
            )
            question = canonical(stand.question.fields).hex() if stand.question else ""
            if stand.tell.says_anything or question:
                told = canonical(stand.tell.fields).hex()
                found.add((subject.recipient_id, subject.subject_id, told, question, *stand.tell.grant_ids))
    return found


def kept(gate: Gate) -> dict[str, frozenset[str]]:
    """Return all rows of the tables that neither an opening nor a command may touch, and what of others must stay.

    An opened release was waiting before, and a referral is opened then; statuses come and go by the calendar; but no
    release of content comes or changes what it is about, and nothing that is asked, known or said does.
    """
    with gate.service.database.read() as session:
        rows = {
            name: frozenset(repr(tuple(row)) for row in session.execute(table.select()))
            for name, table in metadata.tables.items()
            if name not in MOVES
        }
        return {**rows, "release": _releases(session), "subject": _subjects(session)}


def _releases(session: Session) -> frozenset[str]:
    return frozenset(
        repr((row.release_id, row.recipient_id, row.subject_id, row.person_id, row.kind, row.target_id, row.created_at))
        for row in session.exec(select(ReleaseRow).where(ReleaseRow.kind != "status"))
    )


def _subjects(session: Session) -> frozenset[str]:
    """Return what is known of those that have a person: a new commission has none."""
    return frozenset(
        repr(row.model_dump(exclude={"status_noticed", "cancelled_at", "opened"}))
        for row in session.exec(select(SubjectRow))
        if row.person_id is not None
    )
