"""The capacity query: once a week every provider is asked how many places it keeps. Nobody stands in it.

It needs no grant, so it may depend on the calendar, on who is registered and on what a provider itself answered, and on
nothing else: no need of anybody sends it out, so none can be read off it (decision 0021). The answer is `offer_places`.
"""

from datetime import date
from typing import Any

from sqlmodel import Session, col, func, select

from services.consent import release_store, store
from services.consent.capacity_tables import CapacityQueryRow
from services.consent.domain import RecipientRole
from services.consent.recipient_tables import CommitmentRow
from services.consent.tables import ReleaseRow, SubjectRow
from shared.contracts.town import Town
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

ANSWER_WORKING_DAYS = 3


def providers_to_ask(work: UnitOfWork) -> list[str]:
    """Return the providers that are served and were not asked this week. One is asked from its second week on."""
    week = _week_of(work.town.today(work.now))
    asked = set(work.session.exec(select(CapacityQueryRow.recipient_id).where(CapacityQueryRow.week == week)))
    return [
        row.recipient_id
        for row in store.active_recipients(work.session, at=work.now)
        if row.role == RecipientRole.PROVIDER
        and row.recipient_id not in asked
        and _first_week(work.session, row.recipient_id, work.town) != week
    ]


def ask(work: UnitOfWork, *, recipient_id: str) -> None:
    """Ask a provider that was not asked this week. What it was asked before and did not open opens nothing any more."""
    today = work.town.today(work.now)
    week = _week_of(today)
    if work.session.get(CapacityQueryRow, (recipient_id, week)) is not None:
        return
    _void(work.session, recipient_id)
    query = CapacityQueryRow(
        recipient_id=recipient_id,
        week=week,
        subject_id=random_id(),
        answer_by=work.town.after_working_days(today, ANSWER_WORKING_DAYS),
    )
    subject = SubjectRow(
        subject_id=query.subject_id,
        recipient_id=recipient_id,
        kind=store.CAPACITY_QUERY,
        reference_index=f"capacity {week}",
        reference=b"",
        service=week,
        needed=[],
        received_on=today,
    )
    work.session.add_all([query, subject])
    work.session.flush()
    release_store.add_release(work, subject, kind=release_store.CAPACITY_QUERY)


def note_answer(work: UnitOfWork, *, recipient_id: str) -> None:
    """Note that a provider said how many places it keeps: what it was asked last is answered."""
    found = select(CapacityQueryRow).where(CapacityQueryRow.recipient_id == recipient_id)
    query = work.session.exec(found.order_by(col(CapacityQueryRow.week).desc()).limit(1)).first()
    if query is not None and query.answered_at is None:
        query.answered_at = work.now
        work.session.add(query)
        _void(work.session, recipient_id)


def asked(session: Session, subject: SubjectRow) -> dict[str, Any]:  # Any: JSON values
    """Return what a provider is asked by a release."""
    query = session.exec(select(CapacityQueryRow).where(CapacityQueryRow.subject_id == subject.subject_id)).one()
    return {"week": query.week, "answer_by": query.answer_by.isoformat()}


def listed(session: Session) -> list[dict[str, Any]]:  # Any: JSON values
    """Return what each provider was asked last, and whether it answered."""
    last = select(CapacityQueryRow.recipient_id, func.max(CapacityQueryRow.week)).group_by(
        col(CapacityQueryRow.recipient_id)
    )
    rows = [session.get_one(CapacityQueryRow, key) for key in session.exec(last).all()]
    return [
        {
            "recipient_id": row.recipient_id,
            "week": row.week,
            "answer_by": row.answer_by.isoformat(),
            "answered": row.answered_at is not None,
        }
        for row in sorted(rows, key=lambda row: row.recipient_id)
    ]


def _week_of(day: date) -> str:
    """Return the week of a day, such as `2026-W49` (ISO 8601)."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _first_week(session: Session, recipient_id: str, town: Town) -> str:
    found = select(func.min(CommitmentRow.recorded_at)).where(CommitmentRow.recipient_id == recipient_id)
    return _week_of(town.today(session.exec(found).one()))


def _void(session: Session, recipient_id: str) -> None:
    waiting = select(ReleaseRow).where(
        ReleaseRow.recipient_id == recipient_id,
        ReleaseRow.kind == release_store.CAPACITY_QUERY,
        ReleaseRow.state == release_store.WAITING,
    )
    release_store.void(session, session.exec(waiting).all())
