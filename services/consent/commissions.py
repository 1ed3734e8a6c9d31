"""What recipients say: a Jobcenter commissions, changes, cancels, a provider answers. It opens nothing."""

import hashlib
from datetime import date, datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from sqlmodel import Session, col, select

from services.consent import capacity_query, funding, release_store, shielding, store, voucher_store
from services.consent.domain import CommissionStatus, commission_status
from services.consent.settings import ConsentSettings
from services.consent.tables import CommandRow, SubjectRow
from shared.contracts.consent import (
    CommissionCancelled,
    CommissionChanged,
    CommissionReceived,
    PlacesOffered,
    ReferralAnswered,
)
from shared.contracts.envelope import canonical
from shared.contracts.intake import Contact
from shared.contracts.requests import (
    AnswerReferral,
    CancelCommission,
    ChangeCommission,
    Command,
    Commission,
    DisputeVoucher,
    Fund,
    OfferPlaces,
)
from shared.unit_of_work import UnitOfWork

LONGEST_COMMISSION = timedelta(days=731)
FARTHEST_APPOINTMENT = timedelta(days=731)
LONGEST_OFFER = timedelta(days=90)

_OVER = {
    CommissionStatus.ENDED: "names a commission that was cancelled",
    CommissionStatus.FINISHED: "names a commission that is finished",
}

Faults = list[dict[str, str]]


def locks_for(session: Session, *, recipient_id: str, command: Command, settings: ConsentSettings) -> set[str]:
    """Return the rows to lock before anything is read."""
    if isinstance(command, Fund | DisputeVoucher):
        return {f"recipient:{recipient_id}", voucher_store.lock_of(recipient_id)}
    if isinstance(command, OfferPlaces):  # about nobody
        return {f"recipient:{recipient_id}"}
    index = store.reference_index(settings.index_key(), recipient_id, command.reference)
    subject = store.subject_by_reference(session, recipient_id, index)
    person = {f"person:{subject.person_id}"} if subject is not None and subject.person_id else set()
    return {*person, f"recipient:{recipient_id}"}


def take_command(work: UnitOfWork, *, recipient_id: str, command: Command, settings: ConsentSettings) -> Faults:
    """Take a command in once; return what is wrong with it, or nothing. A repeated command is answered the same."""
    body_sha256 = hashlib.sha256(settings.index_key() + canonical(command.model_dump(mode="json"))).hexdigest()
    known = work.session.get(CommandRow, (recipient_id, command.command_id))
    if known is not None:
        same = known.body_sha256 == body_sha256
        return list(known.errors) if same else [_fault("command_id", "was used for another command")]
    faults = _carry_out(work, recipient_id, command, settings)
    work.session.add(
        CommandRow(
            recipient_id=recipient_id,
            command_id=command.command_id,
            body_sha256=body_sha256,
            errors=faults,
            received_at=work.now,
        )
    )
    return faults


def status_of(commission: SubjectRow, *, now: datetime, settings: ConsentSettings) -> CommissionStatus:
    """Return the neutral word for a commission today, in the town's own time zone."""
    return commission_status(
        received_on=commission.received_on,
        deadline=commission.deadline or commission.received_on,
        cancelled=commission.cancelled_at is not None,
        today=settings.town.today(now),
        holidays=frozenset(settings.town.holidays),
    )


def notice_new_statuses(work: UnitOfWork, *, settings: ConsentSettings) -> int:
    """Notify Jobcenters of commissions whose status the calendar has changed; return how many.

    One that was ended, or whose commitment has lapsed, hears of it when it returns: what was told last stands in the
    table.
    """
    settled = (CommissionStatus.FINISHED.value, CommissionStatus.ENDED.value)
    served = [row.recipient_id for row in store.active_recipients(work.session, at=work.now)]
    query = select(SubjectRow).where(
        SubjectRow.kind == store.COMMISSION,
        col(SubjectRow.status_noticed).not_in(settled),
        col(SubjectRow.recipient_id).in_(served),
    )
    changed = 0
    for commission in work.session.exec(query.order_by(SubjectRow.subject_id)):  # a heap's order tells what was written
        status = status_of(commission, now=work.now, settings=settings)
        if status.value != commission.status_noticed:
            _notice_status(work, commission, status)
            changed += 1
    return changed


def _carry_out(work: UnitOfWork, recipient_id: str, command: Command, settings: ConsentSettings) -> Faults:
    recipient = store.recipient(work.session, recipient_id, at=work.now)
    if recipient is None or recipient.role != command.role:
        return [_fault("command", "is not for this recipient")]
    if isinstance(command, OfferPlaces | Fund | DisputeVoucher):
        return _about_nobody(work, recipient_id, command, settings=settings)
    index = store.reference_index(settings.index_key(), recipient_id, command.reference)
    subject = store.subject_by_reference(work.session, recipient_id, index)
    if isinstance(command, Commission):
        return _commission(work, recipient_id, command, subject, index=index, settings=settings)
    if subject is None or subject.mirrors is not None:  # it did not commission that itself
        return [_fault("reference", "is not known")]
    return _about_known(work, subject, command, settings=settings)


def _about_nobody(
    work: UnitOfWork, recipient_id: str, command: OfferPlaces | Fund | DisputeVoucher, *, settings: ConsentSettings
) -> Faults:
    if isinstance(command, Fund):
        return funding.fund(work, recipient_id, command, settings=settings)
    if isinstance(command, DisputeVoucher):
        return funding.dispute(work, recipient_id, command)
    return _offer_places(work, recipient_id, command)


def _about_known(
    work: UnitOfWork,
    subject: SubjectRow,
    command: ChangeCommission | CancelCommission | AnswerReferral,
    *,
    settings: ConsentSettings,
) -> Faults:
    if isinstance(command, ChangeCommission):
        return _change(work, subject, command, settings=settings)
    if isinstance(command, CancelCommission):
        return _cancel(work, subject)
    return _answer_referral(work, subject, command)


def _faults_of_answer(command: AnswerReferral, *, now: datetime) -> Faults:
    at = command.appointment_at
    if at is not None and not now < at <= now + FARTHEST_APPOINTMENT:
        return [_fault("appointment_at", "must lie in the future, within two years")]
    return []


def _is_erased(work: UnitOfWork, subject: SubjectRow) -> bool:
    """Whether its person was erased: the care circle hears nothing more, and the recipient cannot tell (N3)."""
    return any(work.keys.is_destroyed(key_id) for key_id in (subject.subject_id, subject.person_id) if key_id)


def _commission(
    work: UnitOfWork,
    recipient_id: str,
    command: Commission,
    known: SubjectRow | None,
    *,
    index: str,
    settings: ConsentSettings,
) -> Faults:
    today = work.town.today(work.now)
    contact = {"channel": command.contact.channel.value, "address": command.contact.address}
    contact_index = store.contact_index(settings.index_key(), recipient_id, contact)
    if known is not None and known.mirrors is not None:  # who is shielded must not be learned by commissioning
        shielding.give_way(work, known)
        known = None
    if known is not None:
        status = status_of(known, now=work.now, settings=settings)
        return _faults_of_repeated(known, command, contact_index, status=status)
    faults = _faults_of_deadline(command.deadline, today=today)
    if faults:
        return faults
    commission_id = token_urlsafe(16)
    commission = SubjectRow(
        subject_id=commission_id,
        recipient_id=recipient_id,
        kind=store.COMMISSION,
        reference_index=index,
        contact_index=contact_index,
        reference=work.seal(commission_id, f"subject.reference.{commission_id}", command.reference),
        service=command.service.value,
        needed=[],
        received_on=today,
        deadline=command.deadline,
        budget_line=command.budget_line,
    )
    _notice_status(work, commission, CommissionStatus.COMMISSIONED)
    work.announce(
        CommissionReceived(
            commission_id=commission_id,
            recipient_id=recipient_id,
            service=command.service,
            deadline=command.deadline,
            budget_line=command.budget_line,
            received_at=work.now,
            contact=Contact(channel=command.contact.channel, address=command.contact.address),
            shielded=store.is_shield(work.session, recipient_id) or None,
        )
    )
    return []


def _faults_of_repeated(
    known: SubjectRow, command: Commission, contact_index: str, *, status: CommissionStatus
) -> Faults:
    """Say what is wrong with a commission under a known reference: nothing if it is the same one and not over."""
    before = known.service, known.deadline, known.budget_line, known.contact_index or contact_index
    if before != (command.service.value, command.deadline, command.budget_line, contact_index):
        return [_fault("reference", "was used for another commission")]
    return [_fault("reference", _OVER[status])] if status in _OVER else []


def _faults_of_deadline(deadline: date, *, today: date) -> Faults:
    if not today < deadline <= today + LONGEST_COMMISSION:
        return [_fault("deadline", "must lie in the future, within two years")]
    return []


def _change(
    work: UnitOfWork, commission: SubjectRow, command: ChangeCommission, *, settings: ConsentSettings
) -> Faults:
    """Take over a new deadline or budget line; whether anybody was found, or helped, makes no difference."""
    status = status_of(commission, now=work.now, settings=settings)
    if status in _OVER:
        return [_fault("reference", _OVER[status])]
    today = work.town.today(work.now)
    faults = _faults_of_deadline(command.deadline, today=today) if command.deadline is not None else []
    if faults:
        return faults
    before = commission.deadline or commission.received_on, commission.budget_line or ""
    now = command.deadline or before[0], command.budget_line or before[1]
    if now == before:
        return []
    commission.deadline, commission.budget_line = now
    commission.changed_at = work.now
    work.session.add(commission)
    status = status_of(commission, now=work.now, settings=settings)
    if status.value != commission.status_noticed:
        _notice_status(work, commission, status)
    if not _is_erased(work, commission):
        work.announce(
            CommissionChanged(
                commission_id=commission.subject_id, deadline=now[0], budget_line=now[1], changed_at=work.now
            )
        )
    return []


def _cancel(work: UnitOfWork, commission: SubjectRow) -> Faults:
    if commission.cancelled_at is None:
        commission.cancelled_at = work.now
        _notice_status(work, commission, CommissionStatus.ENDED)
        if _is_erased(work, commission):
            return []
        work.announce(CommissionCancelled(commission_id=commission.subject_id, cancelled_at=work.now))
    return []


def _answer_referral(work: UnitOfWork, referral: SubjectRow, command: AnswerReferral) -> Faults:
    faults = _faults_of_answer(command, now=work.now)
    if faults or _is_erased(work, referral):
        return faults
    work.announce(
        ReferralAnswered(
            referral_id=referral.subject_id,
            person_id=str(referral.person_id),
            answered_at=work.now,
            answer=command.answer,
            appointment_at=command.appointment_at,
            outcome=command.outcome,
        )
    )
    return []


def _offer_places(work: UnitOfWork, recipient_id: str, command: OfferPlaces) -> Faults:
    if not work.now < command.valid_until <= work.now + LONGEST_OFFER:
        return [_fault("valid_until", "must lie in the future, within 90 days")]
    capacity_query.note_answer(work, recipient_id=recipient_id)
    work.announce(
        PlacesOffered(
            offer_id=token_urlsafe(16),
            recipient_id=recipient_id,
            service=command.service,
            places=command.places,
            valid_until=command.valid_until,
            offered_at=work.now,
        )
    )
    return []


def _notice_status(work: UnitOfWork, commission: SubjectRow, status: CommissionStatus) -> None:
    commission.status_noticed = status.value
    work.session.add(commission)
    release_store.add_release(work, commission, kind=release_store.STATUS)


def _fault(field: str, reason: str) -> dict[str, Any]:
    return {"field": field, "reason": reason}
