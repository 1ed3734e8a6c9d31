"""The use cases: load, decide, save and announce in one open transaction. Each may run twice with the same message."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from services.referral import place, plan, visiting
from services.referral.directory import Directory
from services.referral.domain import Happening, Referral
from services.referral.errors import (
    CaseOver,
    FieldRefused,
    NoAppointmentOffered,
    NoticesNotGiven,
    ReferralOver,
    ReferralStillOpen,
)
from services.referral.state import ANSWERS, News, Reopening, State, days_in
from services.referral.store import Referrals
from services.referral.tables import Case
from shared.contracts.consent import Outcome, ProviderAnswer
from shared.contracts.referral import AppointmentArranged, ReferralClosed, ReferralRequested
from shared.contracts.requests import GOES_WITH
from shared.inbox import TooEarly
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

FARTHEST_APPOINTMENT = timedelta(days=731)


def take_case(work: UnitOfWork, *, case_id: str, person_id: str, opened_at: datetime) -> None:
    """Remember whose case it is, so that help can be asked for in it."""
    if work.session.get(Case, case_id) is None:
        work.session.add(Case(case_id=case_id, person_id=person_id, opened_at=opened_at))


def know_informed(work: UnitOfWork, *, case_id: str, given_at: datetime) -> None:
    """From now on help may be asked for in the person's name."""
    case = work.session.get(Case, case_id)
    if case is None:
        raise TooEarly
    case.notices_given_at = case.notices_given_at or given_at
    work.session.add(case)


def end_case(work: UnitOfWork, *, case_id: str, ended_at: datetime) -> None:
    """Close every referral and end every visit of a case that has ended: nobody would follow them any more."""
    case = work.session.get(Case, case_id)
    if case is None:
        raise TooEarly
    if case.ended_at is not None:
        return
    case.ended_at = ended_at
    work.session.add(case)
    for referral in _referrals(work).of_case(case_id):
        _close(work, referral)
    for row in _referrals(work).unreadable_of_case(case_id):
        row.is_open = False
        work.session.add(row)
        work.announce(ReferralClosed(referral_id=row.referral_id, person_id=row.person_id, closed_at=work.now))
    visiting.end_of_case(work, case_id=case_id)


def take_over_case(work: UnitOfWork, *, case_id: str, responsible_id: str, taken_at: datetime) -> None:
    """Let the open referrals of a case follow whoever is responsible for it now. An older word changes nothing."""
    case = work.session.get(Case, case_id)
    if case is None:
        raise TooEarly
    if case.taken_at is not None and taken_at <= case.taken_at:
        return
    is_another = case.responsible_id != responsible_id
    case.responsible_id, case.taken_at = responsible_id, taken_at
    work.session.add(case)
    for referral in _referrals(work).of_case(case_id):
        if is_another and not referral.is_over():
            plan.keep(work, replace(referral, responsible_id=responsible_id))
    for row in _referrals(work).unreadable_of_case(case_id):
        row.responsible_id = responsible_id
        work.session.add(row)


def hand_over(work: UnitOfWork, *, referral_id: str, responsible_id: str, team: Collection[str]) -> Referral:
    """Make somebody of the team responsible for a referral. The next step and its date stay as they are."""
    referral = _referrals(work).get(referral_id)
    if referral.is_over():
        raise ReferralOver
    if responsible_id not in {*team, _referrals(work).case(referral.case_id).responsible_id}:
        raise FieldRefused("responsible_id", "is nobody who works with referrals here")
    log.info("referral_handed_over", referral_id=referral_id)
    return plan.keep(work, replace(referral, responsible_id=responsible_id))


def request_referral(
    work: UnitOfWork,
    *,
    directory: Directory,
    case_id: str,
    recipient_id: str,
    service: str,
    responsible_id: str,
    hold_id: str | None = None,
    reopens: str | None = None,
    because: Reopening | None = None,
) -> Referral:
    """Ask for help at a provider. Nothing leaves by this: the person's grant decides, at the gate.

    Responsible is whoever has the case, so that it goes with it; before anybody has taken that, whoever asks.
    Asking again while the same referral is open returns that one. A hold becomes the referral's place.
    """
    referrals = _referrals(work)
    case = referrals.case(case_id)
    if case.ended_at is not None:
        raise CaseOver
    if case.notices_given_at is None:
        raise NoticesNotGiven
    offer = directory.offer(recipient_id, service)
    for other in referrals.of_case(case_id):
        if (other.recipient_id, other.service) == (recipient_id, service) and not other.is_over():
            return _with_place(work, other, hold_id)
    if hold_id is not None:
        place.claim(work, hold_id=hold_id, recipient_id=recipient_id, service=service)
    referral = Referral(
        referral_id=random_id(),
        case_id=case_id,
        person_id=case.person_id,
        responsible_id=case.responsible_id or responsible_id,
        requested_at=work.now,
        recipient_id=recipient_id,
        service=service,
        needed=tuple(category.value for category in offer.needed),
        has_place=hold_id is not None,
        reopens=reopens,
        reopened_because=because,
        days=days_in(work.town),
    )
    referral = plan.keep(work, referral, is_new=True)
    work.announce(
        ReferralRequested(
            referral_id=referral.referral_id,
            case_id=case_id,
            person_id=case.person_id,
            recipient_id=recipient_id,
            service=service,
            needed=offer.needed,
            requested_at=work.now,
        )
    )
    log.info("referral_requested", referral_id=referral.referral_id)
    return referral


def reopen(
    work: UnitOfWork, *, directory: Directory, referral_id: str, because: Reopening, responsible_id: str
) -> Referral:
    """Ask for the same help once more after the end.

    It is a referral of its own: what was ended stays ended, and whether the provider may know anything is decided
    anew, by what the person says now.
    """
    over = _referrals(work).get(referral_id)
    if not over.is_over():
        raise ReferralStillOpen
    return request_referral(
        work,
        directory=directory,
        case_id=over.case_id,
        recipient_id=over.recipient_id,
        service=over.service,
        responsible_id=responsible_id,
        reopens=referral_id,
        because=because,
    )


def take_news(
    work: UnitOfWork,
    *,
    referral_id: str,
    news: News,
    at: datetime,
    appointment_at: datetime | None = None,
    outcome: Outcome | None = None,
) -> None:
    """Add what the gate or the provider says; when the provider ends, the loop closes by itself."""
    referrals = _referrals(work)
    if referrals.person_of(referral_id) is None:
        raise TooEarly
    referral = _without_lost_place(work, referrals.get(referral_id))
    if referral.is_over():
        return
    if referral.is_too_early(news):
        raise TooEarly
    told = referral.told(Happening(news, at, appointment_at=appointment_at, outcome=outcome))
    plan.keep(work, told)
    if told.is_over():
        _announce_closing(work, told)
    log.info("referral_news_taken", referral_id=referral_id, by_provider=news in ANSWERS)


def note_answer(
    work: UnitOfWork,
    *,
    referral_id: str,
    answer: ProviderAnswer,
    appointment_at: datetime | None,
    outcome: Outcome | None,
    by: str,
) -> Referral:
    """Write down what a provider said otherwise than through the gate: one that is not connected, or was called."""
    _check_answer(answer, appointment_at, outcome, now=work.now)
    referral = _without_lost_place(work, _referrals(work).get(referral_id))
    if referral.is_over():
        raise ReferralOver
    news, at = News(answer.value), referral.next_at(work.now)
    said = Happening(news, at, appointment_at=appointment_at, outcome=outcome, noted_by=by)
    known = referral.standing.answer
    if known is not None and replace(said, at=known.at, noted_by=known.noted_by) == known:
        return referral  # sent again, or known from the provider, or from a colleague
    told = plan.keep(work, referral.told(said))
    if told.is_over():
        _announce_closing(work, told)
    log.info("referral_news_taken", referral_id=referral_id, by_provider=False)
    return told


def _check_answer(
    answer: ProviderAnswer, appointment_at: datetime | None, outcome: Outcome | None, *, now: datetime
) -> None:
    given = {"appointment_at": appointment_at, "outcome": outcome}
    for field, wanted in GOES_WITH.items():
        value = given[field]
        if answer is wanted and value is None:
            raise FieldRefused(field, f"is missing: it goes with {wanted.value}")
        if answer is not wanted and value is not None:
            raise FieldRefused(field, f"goes with {wanted.value} only")
    if appointment_at is not None and not now < appointment_at <= now + FARTHEST_APPOINTMENT:
        raise FieldRefused("appointment_at", "must lie in the future, within two years")


def take_appointment(work: UnitOfWork, *, referral_id: str) -> Referral:
    """Record that the person takes the appointment on offer, and announce it. Taking it again changes nothing."""
    referrals = _referrals(work)
    referral = referrals.get(referral_id)
    standing = referral.standing
    if standing.state is State.APPOINTMENT_TAKEN:
        return referral
    if referral.is_over():
        raise ReferralOver
    if standing.state is not State.APPOINTMENT_OFFERED or standing.appointment_at is None:
        raise NoAppointmentOffered
    at = referral.next_at(work.now)
    taken = referral.told(Happening(News.APPOINTMENT_TAKEN, at, appointment_at=standing.appointment_at))
    plan.keep(work, taken)
    work.announce(
        AppointmentArranged(
            fact_id=referral_id,
            version=taken.appointments_taken(),
            referral_id=referral_id,
            person_id=taken.person_id,
            recorded_at=work.now,
            appointment_at=standing.appointment_at,
        )
    )
    log.info("appointment_taken", referral_id=referral_id)
    return taken


def close_referral(work: UnitOfWork, *, referral_id: str) -> Referral:
    """Close the loop by the team's decision. Closing it again changes nothing."""
    return _close(work, _referrals(work).get(referral_id))


def _without_lost_place(work: UnitOfWork, referral: Referral) -> Referral:
    """Return the referral as it is now: a place that was lost to time comes back by no later news."""
    is_lost = referral.at(work.now).has_place is not referral.has_place
    return plan.keep(work, referral) if is_lost else referral


def _with_place(work: UnitOfWork, referral: Referral, hold_id: str | None) -> Referral:
    if hold_id is None or referral.at(work.now).has_place:
        return referral
    place.claim(work, hold_id=hold_id, recipient_id=referral.recipient_id, service=referral.service)
    return plan.keep(work, replace(referral, has_place=True))


def _close(work: UnitOfWork, referral: Referral) -> Referral:
    if referral.is_over():
        return referral
    closed = referral.told(Happening(News.CLOSED, referral.next_at(work.now)))
    plan.keep(work, closed)
    _announce_closing(work, closed)
    return closed


def _announce_closing(work: UnitOfWork, referral: Referral) -> None:
    work.announce(ReferralClosed(referral_id=referral.referral_id, person_id=referral.person_id, closed_at=work.now))
    log.info("referral_closed", referral_id=referral.referral_id)


def _referrals(work: UnitOfWork) -> Referrals:
    return Referrals(work.session, work.keys, town=work.town)
