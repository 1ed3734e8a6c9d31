"""What a Jobcenter says about money: it funds vouchers, and disputes one that was billed. Both are about nobody."""

from collections import Counter
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from services.consent import spending, store, voucher_store
from services.consent.billing import month_of
from services.consent.billing_tables import BookRow, VoucherDisputeRow, VoucherRow, WorkRow
from services.consent.errors import DisputeNotFound, DisputeSettled
from services.consent.settings import ConsentSettings
from services.consent.voucher import ON_A_STATEMENT, VoucherAct, VoucherState
from shared.contracts.requests import CONTINGENT, DisputeVoucher, Fund
from shared.contracts.town import Town
from shared.unit_of_work import UnitOfWork

FARTHEST_MONTH = timedelta(days=366)

Faults = list[dict[str, str]]

STANDS, CREDITED = "stands", "credited"


def fund(work: UnitOfWork, recipient_id: str, command: Fund, *, settings: ConsentSettings) -> Faults:
    """Add units to the book of a line and month, and spend first what is owed."""
    today = work.town.today(work.now)
    if not month_of(today) <= command.month <= month_of(today + FARTHEST_MONTH):
        return [_fault("month", "must be this month or one of the next twelve")]
    if command.budget_line == CONTINGENT and store.is_shield(work.session, recipient_id):
        return [_fault("budget_line", "is funded by the Jobcenter itself")]
    key = recipient_id, command.budget_line, command.month
    book = work.session.get(BookRow, key) or BookRow(
        recipient_id=recipient_id, budget_line=command.budget_line, month=command.month, units=0
    )
    book.units += command.units
    work.session.add(book)
    work.narrows(book)
    voucher_store.fill(work, book, settings=settings)
    spending.pay_what_is_owed(work, recipient_id=recipient_id, budget_line=command.budget_line)
    return []


def look_after(work: UnitOfWork, *, recipient_id: str, settings: ConsentSettings) -> None:
    """Fill books that a restore has left short, and spend what a new month has opened on what is owed."""
    for book in voucher_store.short_books(work, recipient_id):
        voucher_store.fill(work, book, settings=settings)
    for budget_line in voucher_store.owed_lines(work.session, recipient_id):
        spending.pay_what_is_owed(work, recipient_id=recipient_id, budget_line=budget_line)


def dispute(work: UnitOfWork, recipient_id: str, command: DisputeVoucher) -> Faults:
    """Take down that a voucher is disputed. What became of its work meanwhile makes no difference to the answer."""
    voucher = work.session.get(VoucherRow, command.serial)
    if voucher is None or voucher.recipient_id != recipient_id or VoucherState(voucher.state) not in ON_A_STATEMENT:
        return [_fault("serial", "stands on none of your statements")]
    if work.session.get(VoucherDisputeRow, command.serial) is not None:
        return [_fault("serial", "was disputed before")]
    row = VoucherDisputeRow(
        serial=command.serial, recipient_id=recipient_id, reason=command.reason.value, disputed_at=work.now
    )
    work.session.add(row)
    work.narrows(row)
    return []


def settle(work: UnitOfWork, *, serial: str, outcome: str, by: str) -> None:
    """Settle a dispute; said again it changes nothing. The next statement tells the Jobcenter."""
    row = work.session.get(VoucherDisputeRow, serial)
    if row is None:
        raise DisputeNotFound
    if row.outcome is not None:
        if row.outcome != outcome:
            raise DisputeSettled
        return
    row.outcome, row.settled_at, row.settled_by = outcome, work.now, by
    work.session.add(row)
    work.narrows(row)
    if outcome == CREDITED:
        voucher_store.move(work, voucher_store.named(work, [serial]), VoucherAct.UPHELD)


def lock_of_dispute(session: Session, serial: str) -> set[str]:
    """Return the row to lock before a dispute is settled."""
    row = session.get(VoucherDisputeRow, serial)
    return {voucher_store.lock_of(row.recipient_id)} if row else set()


def disputes(session: Session, *, only_open: bool = True) -> list[dict[str, str | None]]:
    """Return disputes: serials, whose, why and since when. No person can be found from here."""
    query = select(VoucherDisputeRow).order_by(col(VoucherDisputeRow.disputed_at), VoucherDisputeRow.serial)
    return [
        {
            "serial": row.serial,
            "recipient_id": row.recipient_id,
            "reason": row.reason,
            "disputed_at": row.disputed_at.isoformat(),
            "outcome": row.outcome,
        }
        for row in session.exec(query)
        if not (only_open and row.outcome)
    ]


def accounts(session: Session, *, town: Town, now: datetime) -> list[dict[str, str | int]]:
    """Return of each account how many units are funded, unspent, spent and not billed, billed, paid back and owed."""
    funded: dict[tuple[str, str], dict[str, int]] = {}

    def count(recipient_id: str, line: str, name: str, units: int) -> None:
        account = funded.setdefault((recipient_id, line), dict.fromkeys(_COUNTED, 0))
        account[name] += units

    for book in session.exec(select(BookRow)):
        count(book.recipient_id, book.budget_line, "funded", book.units)
    for recipient_id, line, state in session.exec(
        select(VoucherRow.recipient_id, VoucherRow.budget_line, VoucherRow.state)
    ):
        if state != VoucherState.VOID.value:
            count(recipient_id, line, state, 1)
    for row in session.exec(select(WorkRow).where(col(WorkRow.owed_units) > 0)):
        count(str(row.owed_by), str(row.owed_line), "owed", row.owed_units)
    sizes = _open_commissions(session, town=town, on=town.today(now))
    return [
        {"recipient_id": recipient_id, "budget_line": line, "commissions": sizes[recipient_id, line], **counts}
        for (recipient_id, line), counts in sorted(funded.items())
    ]


def unsettled(session: Session) -> dict[str, int]:
    """Return how much is owed, and how many disputes wait for a lead."""
    owed = session.exec(select(func.coalesce(func.sum(WorkRow.owed_units), 0))).one()
    waiting = select(func.count()).where(col(VoucherDisputeRow.outcome).is_(None))
    return {"units_owed": int(owed), "voucher_disputes_open": int(session.exec(waiting).one())}


_COUNTED = ("funded", "owed", *(state.value for state in VoucherState if state is not VoucherState.VOID))


def _open_commissions(session: Session, *, town: Town, on: date) -> Counter[tuple[str, str]]:
    rows = session.exec(spending.paying())
    known = [(row.recipient_id, spending.commissioned(town, row)) for row in rows]
    return Counter((recipient_id, one.budget_line) for recipient_id, one in known if one.is_open(on=on))


def _fault(field: str, reason: str) -> dict[str, str]:
    return {"field": field, "reason": reason}
