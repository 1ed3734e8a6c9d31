"""Makes, draws and changes vouchers inside an open unit of work, under the lock of the recipient's accounts."""

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from services.consent.billing_tables import BookRow, VoucherRow, WorkRow
from services.consent.settings import ConsentSettings
from services.consent.signing import SigningKey
from services.consent.voucher import VoucherAct, VoucherState, after, new_serial
from shared.contracts.billing import voucher_text
from shared.contracts.requests import CONTINGENT
from shared.database import touch
from shared.unit_of_work import UnitOfWork

NOBODY = ""
"""Who owes what was done for people without a commission while no Jobcenter is registered."""


def lock_of(recipient_id: str) -> str:
    """Name the row that is locked while vouchers of a recipient change hands."""
    return f"billing:{recipient_id}"


def lock(work: UnitOfWork, recipient_id: str) -> None:
    """Hold a recipient's accounts from now until the commit: whoever spends next sees what was spent here."""
    work.session.flush()
    touch(work.session, VoucherRow.metadata, lock_of(recipient_id))


def work_hash(secret: bytes, work_id: str) -> str:
    """Return the keyed hash by which work that is told again is known again."""
    return hmac.new(secret, f"work|{work_id}".encode(), hashlib.sha256).hexdigest()


def fill(work: UnitOfWork, book: BookRow, *, settings: ConsentSettings) -> None:
    """Make as many vouchers as a book is short of."""
    work.session.flush()
    short = book.units - _made(work.session, book.recipient_id).get((book.budget_line, book.month), 0)
    make = maker(settings)
    work.session.add_all([make(book.recipient_id, book.budget_line, book.month) for _ in range(short)])


def short_books(work: UnitOfWork, recipient_id: str) -> list[BookRow]:
    """Return books with fewer vouchers than were funded: a restored backup has lost some."""
    made = _made(work.session, recipient_id)
    return [one for one in books(work.session, recipient_id) if made.get((one.budget_line, one.month), 0) < one.units]


def _made(session: Session, recipient_id: str) -> dict[tuple[str, str], int]:
    query = select(VoucherRow.budget_line, VoucherRow.month, func.count()).where(
        VoucherRow.recipient_id == recipient_id, VoucherRow.state != VoucherState.VOID.value
    )
    rows = session.exec(query.group_by(VoucherRow.budget_line, VoucherRow.month))
    return {(line, month): int(number) for line, month, number in rows}


def maker(settings: ConsentSettings) -> Callable[[str, str, str], VoucherRow]:
    """Return what makes a signed voucher of a recipient's line and month, at the price of now."""
    key, cents = SigningKey(settings.signing_key()), settings.unit_cents

    def make(recipient_id: str, budget_line: str, month: str) -> VoucherRow:
        serial = new_serial()
        return VoucherRow(
            serial=serial,
            recipient_id=recipient_id,
            budget_line=budget_line,
            month=month,
            cents=cents,
            signature=key.sign_text(voucher_text(recipient_id=recipient_id, serial=serial, cents=cents)),
            state=VoucherState.UNSPENT.value,
        )

    return make


def draw(work: UnitOfWork, recipient_id: str, budget_line: str, *, month: str, count: int) -> list[VoucherRow]:
    """Return up to so many unspent vouchers that may be used in a month, by chance: no order of them tells anything."""
    work.session.flush()
    usable = select(VoucherRow).where(
        VoucherRow.recipient_id == recipient_id,
        VoucherRow.budget_line == budget_line,
        VoucherRow.state == VoucherState.UNSPENT.value,
        col(VoucherRow.month) <= month,
    )
    drawn = usable.order_by(func.random()).limit(count).execution_options(populate_existing=True)
    return list(work.session.exec(drawn))


def in_state(work: UnitOfWork, recipient_id: str, state: VoucherState) -> list[VoucherRow]:
    """Return all vouchers of a recipient in a state."""
    work.session.flush()
    query = select(VoucherRow).where(VoucherRow.recipient_id == recipient_id, VoucherRow.state == state.value)
    return list(work.session.exec(query.order_by(VoucherRow.serial).execution_options(populate_existing=True)))


def named(work: UnitOfWork, serials: Collection[str]) -> list[VoucherRow]:
    """Return vouchers by serial, as they are now."""
    work.session.flush()
    query = select(VoucherRow).where(col(VoucherRow.serial).in_(sorted(serials)))
    return list(work.session.exec(query.execution_options(populate_existing=True)))


def move(work: UnitOfWork, vouchers: Iterable[VoucherRow], act: VoucherAct) -> None:
    """Have something happen to vouchers. All but spending goes into the journal: no restore bills anything twice."""
    for voucher in vouchers:
        state = after(VoucherState(voucher.state), act)
        if state.value == voucher.state:
            continue
        voucher.state = state.value
        work.session.add(voucher)
        if act is not VoucherAct.WORK:
            work.narrows(voucher)


def books(session: Session, recipient_id: str) -> Sequence[BookRow]:
    """Return all books of a recipient."""
    query = select(BookRow).where(BookRow.recipient_id == recipient_id)
    return session.exec(query.order_by(BookRow.budget_line, BookRow.month)).all()


def owed(session: Session, recipient_id: str, budget_line: str) -> Sequence[WorkRow]:
    """Return the work that an account owes, in no order that means anything."""
    owing = {recipient_id, NOBODY} if budget_line == CONTINGENT else {recipient_id}
    query = select(WorkRow).where(
        col(WorkRow.owed_by).in_(owing), WorkRow.owed_line == budget_line, col(WorkRow.owed_units) > 0
    )
    return session.exec(query.order_by(WorkRow.work_hash)).all()


def owed_lines(session: Session, recipient_id: str) -> list[str]:
    """Return the lines of a recipient that owe anything."""
    owing = col(WorkRow.owed_by).in_({recipient_id, NOBODY})
    lines = select(WorkRow.owed_line).where(owing, col(WorkRow.owed_units) > 0).distinct()
    return sorted(str(line) for line in session.exec(lines))
