"""What the gate does with news from the care circle: it keeps what could ever be released, and reconsiders."""

from collections.abc import Sequence
from secrets import token_hex

import structlog

from services.consent import fact_store, shielding, store
from services.consent.domain import referral_purpose
from services.consent.notices import NOT_CLEARED, PENDING, reconsider, reconsider_all
from services.consent.settings import ConsentSettings
from services.consent.tables import PersonRow, SubjectRow
from shared.contracts.assessment import (
    AttendanceRecorded,
    ConclusionDrawn,
    FactRecorded,
    FactRemoved,
    RecommendationMade,
    StatementApproved,
)
from shared.contracts.consent import ReferralNotCleared
from shared.contracts.intake import CaseEnded, CaseOpened, ContactRecorded, IdentityRecorded
from shared.contracts.referral import AppointmentArranged, ReferralClosed, ReferralRequested
from shared.inbox import TooEarly
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

Knowledge = (
    FactRecorded
    | StatementApproved
    | RecommendationMade
    | ConclusionDrawn
    | AttendanceRecorded
    | IdentityRecorded
    | ContactRecorded
    | AppointmentArranged
)
"""Every event that brings something which a person may release."""


def know_case(work: UnitOfWork, event: CaseOpened, *, settings: ConsentSettings) -> None:
    """Learn that there is a person, and which commission, if any, they came by."""
    store.remember_persons(work.session, [event.person_id])
    person = work.session.get_one(PersonRow, event.person_id)
    person.has_case = True
    work.session.add(person)
    if event.commission_id is None:
        return
    commission = work.session.get(SubjectRow, event.commission_id)
    if commission is not None and commission.person_id is None:
        commission.person_id = event.person_id
        work.session.add(commission)
        if store.is_shield(work.session, commission.recipient_id):
            shielding.shield(work, event.person_id)
        shielding.open_ways(work, event.person_id, settings=settings)
        reconsider(work, event.person_id)


def know_case_end(work: UnitOfWork, event: CaseEnded) -> None:
    """Keep facts only while a yes or an ask still stands or waits; reconsidering forgets them otherwise."""
    store.remember_persons(work.session, [event.person_id])
    person = work.session.get(PersonRow, event.person_id)
    if person is None or person.case_ended_at is not None:
        return
    person.case_ended_at = event.ended_at
    work.session.add(person)
    reconsider(work, event.person_id)


def know_facts(heard: Sequence[tuple[UnitOfWork, Knowledge]]) -> None:
    """Keep a piece of knowledge about each of several persons, sealed; tell nobody unless a grant reaches it."""
    session, events = heard[0][0].session, [event for _, event in heard]
    store.remember_persons(session, [event.person_id for event in events])
    rows = fact_store.rows_of(session, [event.person_id for event in events], [event.fact_id for event in events])
    for work, event in heard:
        fact_store.save_fact(
            work,
            event,
            fact_id=event.fact_id,
            version=event.version,
            recorded_at=event.recorded_at,
            only_for=referral_purpose(event.referral_id) if isinstance(event, AppointmentArranged) else None,
            rows=rows,
        )
    reconsider_all({event.person_id: work for work, event in heard})


def forget_fact(work: UnitOfWork, event: FactRemoved) -> None:
    """Drop a finding that was wrong, and retract it where it was told."""
    fact_store.remove_fact(work, person_id=event.person_id, fact_id=event.fact_id, version=event.version)
    reconsider(work, event.person_id)


def know_referral(work: UnitOfWork, event: ReferralRequested, *, settings: ConsentSettings) -> None:
    """Learn that a provider is asked for help. The provider hears of it only when the person agrees.

    To one that is not registered nothing can be cleared; the team hears that, and it changes with the registration.
    """
    store.remember_persons(work.session, [event.person_id])
    if work.session.get(SubjectRow, event.referral_id) is not None:
        return
    reference = token_hex(16)  # the provider names it when it answers: no sign that a reference may not begin with
    key_id = event.referral_id
    is_nobodys = store.registered(work.session, event.recipient_id) is None
    work.session.add(
        SubjectRow(
            subject_id=event.referral_id,
            recipient_id=event.recipient_id,
            kind=store.REFERRAL,
            person_id=event.person_id,
            reference_index=store.reference_index(settings.index_key(), event.recipient_id, reference),
            reference=work.seal(key_id, f"subject.reference.{event.referral_id}", reference),
            service=event.service,
            needed=[category.value for category in event.needed],
            received_on=work.now.date(),
            clearance=NOT_CLEARED if is_nobodys else PENDING,
        )
    )
    if is_nobodys:
        log.warning("referral_to_an_unregistered_recipient", referral_id=event.referral_id)
        work.announce(ReferralNotCleared(referral_id=event.referral_id, person_id=event.person_id, at=work.now))
    reconsider(work, event.person_id)


def close_referral(work: UnitOfWork, event: ReferralClosed) -> None:
    """Say nothing more to that provider in this referral; what it holds can still be taken back."""
    referral = work.session.get(SubjectRow, event.referral_id)
    if referral is None:
        raise TooEarly(event.referral_id)
    if referral.closed_at is None:
        referral.closed_at = event.closed_at
        work.session.add(referral)
        reconsider(work, event.person_id)
