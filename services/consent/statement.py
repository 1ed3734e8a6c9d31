"""The monthly statement: what a Jobcenter is billed, proved by vouchers, without anybody in it.

It needs no grant, so it is one of the few things that leave by themselves. It may depend on: the recipient's own
commissions, funding and disputes, the calendar, the price of a unit; and of all that is done for people, per group of
budget lines, on how many whole tens of units were spent or taken back. Which work was done when, for whom, by whom and
of what kind cannot be read off it. Made once for each month, from the first working day after it; never changed.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from secrets import SystemRandom

import structlog
from sqlmodel import Session, col, select

from services.consent import release_store, spending, store, voucher_store
from services.consent.billing import MOST_IN_ONE_DOCUMENT, Lines, billed_together, due_months, in_tens
from services.consent.billing_tables import BookRow, StatementRow, VoucherDisputeRow, VoucherRow
from services.consent.domain import RecipientRole
from services.consent.settings import ConsentSettings
from services.consent.signing import PublicKeys, SignedAs, SigningKey
from services.consent.tables import SubjectRow
from services.consent.voucher import VoucherAct, VoucherState
from shared.contracts.billing import (
    NO_STATEMENT,
    BilledGroup,
    BillingStatement,
    Correction,
    FundedLine,
    SettledDispute,
    voucher_text,
)
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

Chosen = list[tuple[Lines, int, list[VoucherRow]]]
"""Per group and price the vouchers that were drawn."""


def billed_recipients(work: UnitOfWork) -> list[str]:
    """Return the Jobcenters that are served and have funded anything."""
    served = store.active_recipients(work.session, at=work.now)
    funding = set(work.session.exec(select(BookRow.recipient_id)))
    return [
        row.recipient_id for row in served if row.role == RecipientRole.JOBCENTER.value and row.recipient_id in funding
    ]


def issue(work: UnitOfWork, *, recipient_id: str, settings: ConsentSettings) -> int:
    """Make each statement of a recipient that is due, and send a notice of each document; return how many those are."""
    first = min(book.month for book in voucher_store.books(work.session, recipient_id))
    stated = select(StatementRow.month).where(StatementRow.recipient_id == recipient_id)
    today, holidays = work.town.today(work.now), frozenset(work.town.holidays)
    months = list(due_months(first, stated=set(work.session.exec(stated)), today=today, holidays=holidays))
    made = sum(_issue(work, recipient_id, month, settings=settings) for month in months)
    if made:
        log.info("statements_issued", recipient=settings.names_in_logs()(recipient_id), documents=made)
    return made


def document_of(session: Session, subject: SubjectRow) -> StatementRow | None:
    """Return the document that a release is about, as it was signed."""
    return session.get(StatementRow, subject.subject_id)


def _issue(work: UnitOfWork, recipient_id: str, month: str, *, settings: ConsentSettings) -> int:
    key = SigningKey(settings.signing_key())
    groups = _groups(work, recipient_id, month)
    billed = _choose(work, recipient_id, groups, VoucherState.SPENT, sound=key.public)
    repaid = _choose(work, recipient_id, groups, VoucherState.CREDITED, sound=key.public)
    corrections = tuple(
        Correction(budget_lines=lines, unit_cents=cents, count=len(these), amount_cents=-cents * len(these))
        for lines, cents, these in repaid
    )
    number, previous = _last(work.session, recipient_id)
    disputes = _settled(work, recipient_id, told_in=number + 1)
    pages = _paged(billed)
    for part, page in enumerate(pages, start=1):
        is_first = part == 1
        said = BillingStatement(
            issuer=settings.town.issuer,
            recipient_id=recipient_id,
            number=number + part,
            previous_sha256=previous,
            month=month,
            part=part,
            parts=len(pages),
            issued_on=work.town.today(work.now),
            funded=_funded(work.session, recipient_id),
            groups=page,
            corrections=corrections if is_first else (),
            disputes=disputes if is_first else (),
            total_cents=sum(one.amount_cents for one in page)
            + (sum(one.amount_cents for one in corrections) if is_first else 0),
        )
        previous = _keep(work, said, key.sign(said.model_dump(mode="json"), signed_as=SignedAs.STATEMENT))
    for _, _, these in billed:
        voucher_store.move(work, these, VoucherAct.STATEMENT)
    for _, _, these in repaid:
        voucher_store.move(work, these, VoucherAct.REPAYMENT)
    return len(pages)


def _groups(work: UnitOfWork, recipient_id: str, month: str) -> tuple[Lines, ...]:
    query = spending.paying().where(SubjectRow.recipient_id == recipient_id)
    commissions = [spending.commissioned(work.town, row) for row in work.session.exec(query)]
    funded = {book.budget_line for book in voucher_store.books(work.session, recipient_id)}
    return billed_together(commissions, month=month, funded=funded)


def _choose(
    work: UnitOfWork, recipient_id: str, groups: Sequence[Lines], state: VoucherState, *, sound: PublicKeys
) -> Chosen:
    """Draw whole tens by chance out of what stands there; the rest is carried, in its own line."""
    there: dict[tuple[str, int], list[VoucherRow]] = defaultdict(list)
    for voucher in voucher_store.in_state(work, recipient_id, state):
        if _is_sound(voucher, sound):
            there[voucher.budget_line, voucher.cents].append(voucher)
    chosen: Chosen = []
    for lines in groups:
        for cents in sorted({price for line, price in there if line in lines}):
            these = [voucher for line in lines for voucher in there[line, cents]]
            drawn = SystemRandom().sample(these, in_tens(len(these)))
            if drawn:
                chosen.append((lines, cents, sorted(drawn, key=lambda voucher: voucher.serial)))
    return chosen


def _is_sound(voucher: VoucherRow, keys: PublicKeys) -> bool:
    """Whether a voucher is as it was signed. One that is not is billed to nobody, and stops nothing."""
    text = voucher_text(recipient_id=voucher.recipient_id, serial=voucher.serial, cents=voucher.cents)
    if keys.has_signed(text, voucher.signature):
        return True
    log.error("voucher_not_as_signed", serial=voucher.serial)
    return False


def _paged(billed: Chosen) -> list[tuple[BilledGroup, ...]]:
    """Cut what is billed into documents that fit into a message; there is always one."""
    pages: list[list[BilledGroup]] = [[]]
    room = MOST_IN_ONE_DOCUMENT
    for lines, cents, vouchers in billed:
        left = vouchers
        while left:
            if not room:
                pages.append([])
                room = MOST_IN_ONE_DOCUMENT
            these, left = left[:room], left[room:]
            room -= len(these)
            pages[-1].append(_group(lines, cents, these))
    return [tuple(page) for page in pages]


def _group(lines: Lines, cents: int, vouchers: Sequence[VoucherRow]) -> BilledGroup:
    return BilledGroup(
        budget_lines=lines,
        unit_cents=cents,
        count=len(vouchers),
        amount_cents=cents * len(vouchers),
        vouchers=tuple(f"{voucher.serial}.{voucher.signature}" for voucher in vouchers),
    )


def _funded(session: Session, recipient_id: str) -> tuple[FundedLine, ...]:
    units: dict[str, int] = {}
    for book in voucher_store.books(session, recipient_id):
        units[book.budget_line] = units.get(book.budget_line, 0) + book.units
    return tuple(FundedLine(budget_line=line, units=number) for line, number in sorted(units.items()))


def _settled(work: UnitOfWork, recipient_id: str, *, told_in: int) -> tuple[SettledDispute, ...]:
    """Return the disputes that were settled since the last statement, as told by this one."""
    query = select(VoucherDisputeRow).where(
        VoucherDisputeRow.recipient_id == recipient_id,
        col(VoucherDisputeRow.outcome).is_not(None),
        col(VoucherDisputeRow.told_in).is_(None),
    )
    rows = work.session.exec(query.order_by(VoucherDisputeRow.serial).limit(MOST_IN_ONE_DOCUMENT)).all()
    for row in rows:
        row.told_in = told_in
        work.session.add(row)
        work.narrows(row)
    return tuple(
        SettledDispute.model_validate({"serial": row.serial, "reason": row.reason, "outcome": row.outcome})
        for row in rows
    )


def _last(session: Session, recipient_id: str) -> tuple[int, str]:
    query = select(StatementRow).where(StatementRow.recipient_id == recipient_id)
    row = session.exec(query.order_by(col(StatementRow.number).desc()).limit(1)).first()
    return (row.number, row.sha256) if row else (0, NO_STATEMENT)


def _keep(work: UnitOfWork, said: BillingStatement, document: str) -> str:
    """Keep a document for ever, and send a notice of it: like any other. All of it comes back after a restore."""
    statement_id, sha256 = random_id(), hashlib.sha256(document.encode()).hexdigest()
    subject = SubjectRow(
        subject_id=statement_id,
        recipient_id=said.recipient_id,
        kind=store.STATEMENT,
        reference_index=f"statement {said.number}",
        reference=b"",
        service=said.month,
        needed=[],
        received_on=said.issued_on,
    )
    row = StatementRow(
        statement_id=statement_id,
        recipient_id=said.recipient_id,
        number=said.number,
        month=said.month,
        document=document,
        sha256=sha256,
    )
    work.session.add_all([subject, row])
    work.session.flush()
    release = release_store.add_release(work, subject, kind=release_store.STATEMENT)
    for kept in (subject, row, release):
        work.narrows(kept)
    return sha256
