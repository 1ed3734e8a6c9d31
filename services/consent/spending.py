"""Work was done, or was recorded by mistake: a voucher is spent for each unit, or put back.

Which account pays depends on the person's commissions and the day alone, never on what was done. Without a voucher
the work is owed: it is never refused, and nobody who helps has to ask first. Everything is under the lock of the
recipient's accounts, so no voucher is spent twice.
"""

import json

import structlog
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from services.consent import store, voucher_store
from services.consent.billing import Commissioned, line_of, month_of
from services.consent.billing_tables import BookRow, VoucherRow, WorkRow
from services.consent.domain import RecipientRole
from services.consent.recipient_tables import RecipientRow
from services.consent.settings import ConsentSettings
from services.consent.tables import PersonRow, SubjectRow
from services.consent.voucher import VoucherAct, VoucherState
from services.consent.voucher_store import NOBODY
from shared.contracts.care import WorkCorrected, WorkDone
from shared.contracts.requests import CONTINGENT
from shared.contracts.town import Town
from shared.inbox import TooEarly
from shared.keys import KeyDestroyed, PersonKeys, UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()


def know_work(work: UnitOfWork, event: WorkDone, *, settings: ConsentSettings) -> None:
    """Spend a voucher for each unit; told again, it changes nothing."""
    person = work.session.get(PersonRow, event.person_id)
    if person is None or not person.has_case:  # by which commission they came is not known yet
        raise TooEarly(event.work_id, waits_for=event.person_id)
    work_hash = voucher_store.work_hash(settings.index_key(), event.work_id)
    if work.session.get(WorkRow, work_hash) is not None:
        return
    recipient_id, budget_line = _account(work, event.person_id)
    voucher_store.lock(work, recipient_id)
    row = WorkRow(
        work_hash=work_hash,
        person_id=event.person_id,
        owed_units=event.units,
        owed_by=recipient_id,
        owed_line=budget_line,
    )
    work.session.add(row)
    pay(work, row, recipient_id=recipient_id)
    if row.owed_units:
        log.error("work_owed", recipient=settings.names_in_logs()(recipient_id), units=row.owed_units)


def pay(work: UnitOfWork, row: WorkRow, *, recipient_id: str) -> None:
    """Spend vouchers on work that is owed, as far as there are any."""
    month = month_of(work.town.today(work.now))
    drawn = voucher_store.draw(work, recipient_id, str(row.owed_line), month=month, count=row.owed_units)
    if not drawn:
        return
    if row.person_id is not None:
        known = serials_of(work.keys, row) if row.link else []
        row.link = work.seal(row.person_id, _place(row), [*known, *(voucher.serial for voucher in drawn)])
    voucher_store.move(work, drawn, VoucherAct.WORK)
    row.owed_units -= len(drawn)
    if not row.owed_units:
        row.owed_by = row.owed_line = None
    work.session.add(row)


def pay_what_is_owed(work: UnitOfWork, *, recipient_id: str, budget_line: str) -> None:
    """Spend what was funded on what is owed, before anything that is done later."""
    work.session.flush()
    for row in voucher_store.owed(work.session, recipient_id, budget_line):
        before = row.owed_units
        try:
            with work.attempt():
                pay(work, row, recipient_id=recipient_id)
        except (UnreadableValue, KeyDestroyed):  # it stays owed; nobody else waits for it
            log.error("work_unreadable", work_hash=row.work_hash)
            work.session.refresh(row)
            continue
        if row.owed_units == before:
            return


def correct_work(work: UnitOfWork, event: WorkCorrected, *, settings: ConsentSettings) -> None:
    """Put back what was spent on work that was never done; what was billed already is paid back by a statement."""
    work_hash = voucher_store.work_hash(settings.index_key(), event.work_id)
    row = work.session.get(WorkRow, work_hash) or WorkRow(work_hash=work_hash, person_id=event.person_id)
    if row.is_corrected:  # it may overtake the work, which then spends nothing
        return
    serials = serials_of(work.keys, row) if row.link else []
    billed_to = {one.recipient_id for one in voucher_store.named(work, serials)}
    for recipient_id in sorted({row.owed_by or NOBODY, *billed_to}):
        voucher_store.lock(work, recipient_id)
    row.is_corrected, row.link = True, None
    row.owed_units, row.owed_by, row.owed_line = 0, None, None
    work.session.add(row)
    work.narrows(row)
    _put_back(work, voucher_store.named(work, serials), settings=settings)


def serials_of(keys: PersonKeys, row: WorkRow) -> list[str]:
    """Return the vouchers that work has spent; raise KeyDestroyed or UnreadableValue."""
    if row.link is None or row.person_id is None:
        return []
    return list(json.loads(keys.unseal(row.person_id, _place(row), row.link)))


def vouchers_spent(keys: PersonKeys, row: WorkRow) -> dict[str, int]:
    """Return how many vouchers work has spent, for the person: which ones would tell them apart on a statement."""
    return {"vouchers_spent": len(serials_of(keys, row))}


def _put_back(work: UnitOfWork, vouchers: list[VoucherRow], *, settings: ConsentSettings) -> None:
    """Void what nobody has seen and make fresh vouchers in its place, so that their numbers tell nothing."""
    unseen = [voucher for voucher in vouchers if voucher.state == VoucherState.SPENT.value]
    voucher_store.move(work, vouchers, VoucherAct.CORRECTION)
    make = voucher_store.maker(settings)
    for voucher in unseen:
        fresh = make(voucher.recipient_id, voucher.budget_line, voucher.month)
        work.session.add(fresh)
        work.narrows(fresh)
    for recipient_id, budget_line in sorted({(one.recipient_id, one.budget_line) for one in unseen}):
        pay_what_is_owed(work, recipient_id=recipient_id, budget_line=budget_line)


def _account(work: UnitOfWork, person_id: str) -> tuple[str, str]:
    """Return who pays, and out of which line: the person's open commission, or else the town's contingent.

    A mirror is no commission: that somebody is shielded changes nothing in what anybody is billed.
    """
    persons = [person_id, *store.other_ids(work, person_id)]
    query = paying().where(col(SubjectRow.person_id).in_(persons))
    found = {row.subject_id: row for row in work.session.exec(query)}
    known = {subject_id: commissioned(work.town, row) for subject_id, row in found.items()}
    pays = line_of(known, on=work.town.today(work.now))
    if pays is None:
        return _contingent(work), CONTINGENT
    return found[pays].recipient_id, known[pays].budget_line


def paying() -> SelectOfScalar[SubjectRow]:
    """Return the query for commissions that can pay for work; what a shield may be told of one is none itself."""
    return select(SubjectRow).where(
        SubjectRow.kind == store.COMMISSION,
        col(SubjectRow.mirrors).is_(None),
        col(SubjectRow.budget_line).is_not(None),
    )


def commissioned(town: Town, row: SubjectRow) -> Commissioned:
    """Return what a Jobcenter knows itself of its commission."""
    return Commissioned(
        budget_line=str(row.budget_line),
        received_on=row.received_on,
        deadline=row.deadline or row.received_on,
        cancelled_on=town.today(row.cancelled_at) if row.cancelled_at else None,
    )


def _contingent(work: UnitOfWork) -> str:
    """Return who pays for people without a commission: the town's Jobcenter; of several the one that funds it."""
    jobcenters = select(RecipientRow.recipient_id).where(
        RecipientRow.role == RecipientRole.JOBCENTER.value, col(RecipientRow.shields).is_(None)
    )
    funding = set(work.session.exec(select(BookRow.recipient_id).where(BookRow.budget_line == CONTINGENT)))
    found = sorted(work.session.exec(jobcenters), key=lambda one: (one not in funding, one))
    return found[0] if found else NOBODY


def _place(row: WorkRow) -> str:
    return f"work_done.link.{row.work_hash}"
