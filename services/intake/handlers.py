"""What intake does: opens a case once, keeps names and contact, records that notices were given, ends a case.

Each handler loads, decides, saves and announces inside one unit of work. It never commits and never publishes.
"""

import json
import secrets
from collections.abc import Callable
from datetime import date, datetime
from functools import partial

from services.intake import acute, domain, shielding, store, watch
from services.intake.domain import CaseHasEnded, NoticesNotGiven, Progress
from services.intake.store import AnsweredRequest, Case, Commission, Notice
from shared.contracts.assessment import AssessmentFinished, AssessmentStepPlanned
from shared.contracts.care import StepPlanned
from shared.contracts.consent import CommissionCancelled, CommissionChanged, CommissionReceived
from shared.contracts.intake import (
    CaseEnded,
    CaseOpened,
    Contact,
    ContactRecorded,
    Identity,
    IdentityRecorded,
    NoticesGiven,
    Origin,
)
from shared.inbox import TooEarly
from shared.repeat import Repeatable
from shared.unit_of_work import UnitOfWork

Answer = dict[str, str | int]
"""What a request is answered with: ids, versions and codes, nothing personal."""


def once(work: UnitOfWork, request: Repeatable | None, act: Callable[[], Answer]) -> Answer:
    """Act, unless the same request was answered before: then repeat that answer. Without a key, act.

    The answer names the person under whose key the hash of the body is sealed.
    """
    if request is None:
        return act()
    place = f"answered_request.body_sha256.{request.request_key}"
    known = work.session.get(AnsweredRequest, request.request_key)
    if known is not None:
        answer: Answer = json.loads(known.answer)
        request.check_same(
            work.unseal(str(answer["person_id"]), place, known.body_sha256) if known.body_sha256 else None
        )
        return answer
    answer = act()
    row = AnsweredRequest(
        request_key=request.request_key,
        answer=json.dumps(answer),
        body_sha256=work.seal(str(answer["person_id"]), place, request.body_sha256),
        answered_at=work.now,
    )
    work.session.add(row)
    return answer


def receive_commission(work: UnitOfWork, event: CommissionReceived, *, team_id: str) -> None:
    """Open the case of a commission, once."""
    if work.session.get(Commission, event.commission_id) is not None:
        return
    case = _new_case(work, Origin.COMMISSIONED, event.contact, team_id=team_id, commission=event)
    commission = Commission(
        commission_id=event.commission_id,
        case_id=case.case_id,
        recipient_id=event.recipient_id,
        service=event.service.value,
        deadline=event.deadline,
        budget_line=event.budget_line,
        received_at=event.received_at,
    )
    work.session.add(commission)
    if event.shielded:
        shielding.shield(work, case)


def cancel_commission(work: UnitOfWork, event: CommissionCancelled) -> None:
    """Forget the budget. The case goes on: help does not depend on who pays."""
    commission = work.session.get(Commission, event.commission_id)
    if commission is None:
        raise TooEarly
    if commission.cancelled_at is None:
        commission.budget_line = None
        commission.cancelled_at = event.cancelled_at


def change_commission(work: UnitOfWork, event: CommissionChanged) -> None:
    """Take over what the Jobcenter changed; until the notices were given, the first contact keeps to the new day."""
    commission = work.session.get(Commission, event.commission_id)
    if commission is None:
        raise TooEarly
    is_old = commission.changed_at is not None and commission.changed_at >= event.changed_at
    if is_old or commission.cancelled_at is not None:
        return
    commission.deadline, commission.budget_line = event.deadline, event.budget_line
    commission.changed_at = event.changed_at
    case = store.load_case(work.session, commission.case_id)
    if case.ended_at is None and case.notices_given_at is None:
        opened_on = work.town.today(case.opened_at)
        case.first_contact_by = domain.first_contact_by(
            Origin(case.origin), opened_on=opened_on, deadline=event.deadline, town=work.town
        )
        _plan(work, case)


def shield_case(work: UnitOfWork, *, case_id: str) -> Answer:
    """Shield a case, also before any notice; a case that has ended too, as what was told of it may still lie there.

    One whose commission moved is shielded where it is now as well.
    """
    case = store.load_case(work.session, case_id)
    shielding.shield(work, case)
    if case.joined_case_id is not None:
        shielding.shield(work, store.load_case(work.session, case.joined_case_id))
    return {"case_id": case_id, "shielded": 1}


def open_case(
    work: UnitOfWork,
    *,
    origin: Origin,
    contact: Contact,
    identity: Identity | None,
    team_id: str,
    shielded: bool = False,
) -> Answer:
    """Open a case that no Jobcenter knows of."""
    domain.check_contact(contact, path="contact.")
    if identity is not None:
        domain.check_identity(identity, today=work.town.today(work.now), path="identity.")
    case = _new_case(work, origin, contact, team_id=team_id)
    if shielded:
        shielding.shield(work, case)
    if identity is not None:
        _save_identity(work, case, identity)
    return {"case_id": case.case_id, "person_id": case.person_id}


def record_identity(work: UnitOfWork, *, case_id: str, identity: Identity) -> Answer:
    """Keep who the person is; announce it as a new version if it says something new."""
    case = _open(work, case_id)
    domain.check_identity(identity, today=work.town.today(work.now))
    if store.readable(lambda: store.identity_of(work.keys, case)) != identity:
        _save_identity(work, case, identity)
    return {"fact_id": case.identity_fact_id, "version": case.identity_version}


def record_contact(work: UnitOfWork, *, case_id: str, contact: Contact) -> Answer:
    """Keep how the person may be reached from now on; announce it as a new version if it says something new."""
    case = _open(work, case_id)
    domain.check_contact(contact)
    if store.readable(lambda: store.contact_of(work.keys, case)) != contact:
        case.contact = _sealed_contact(work, case.person_id, case.case_id, contact)
        case.contact_version += 1
        _announce_contact(work, case, contact)
    return {"fact_id": case.contact_fact_id, "version": case.contact_version}


def give_notices(work: UnitOfWork, *, case_id: str, proof: dict[str, str], given_by: str) -> Answer:
    """Record that the person was given the three notices in their language; the same text twice is once."""
    case = _open(work, case_id)
    for given in store.notices_of(work.session, case_id):
        if store.readable(partial(store.proof_of, work.keys, case, given)) == proof:
            return {"notice_id": given.notice_id, "next_step": case.next_step}
    notice_id = _new_id()
    sealed = work.seal(case.person_id, store.proof_place(notice_id), proof)
    work.session.add(Notice(notice_id=notice_id, case_id=case_id, given_at=work.now, given_by=given_by, proof=sealed))
    case.notices_given_at = case.notices_given_at or work.now
    work.announce(NoticesGiven(case_id=case_id, person_id=case.person_id, given_at=case.notices_given_at))
    _plan(work, case)
    return {"notice_id": notice_id, "next_step": case.next_step}


def review_case(work: UnitOfWork, *, case_id: str) -> Answer:
    """Record that somebody made sure that the case is in good hands."""
    case = _open(work, case_id)
    if case.notices_given_at is None:
        raise NoticesNotGiven
    case.reviewed_at, case.closing_asked = work.now, False
    _plan(work, case)
    return {"case_id": case_id, "next_step": case.next_step, "due_on": case.due_on.isoformat()}


def end_case(work: UnitOfWork, *, case_id: str) -> Answer:
    """End a case and tell the care circle that, and not why. A second time changes nothing."""
    case = store.load_case(work.session, case_id)
    if case.ended_at is None:
        acute.check_none_open(work, case_id)
        watch.close_own(work, case)
        case.ended_at = work.now
        work.announce(CaseEnded(case_id=case_id, person_id=case.person_id, ended_at=work.now))
    return {"case_id": case_id, "ended_at": case.ended_at.isoformat()}


def hear_step(work: UnitOfWork, event: StepPlanned) -> None:
    """Keep what another service says of its strand; an assessment that goes on is finished no longer."""
    watch.hear_step(work, event)
    case = store.load_case(work.session, event.case_id)
    if not isinstance(event, AssessmentStepPlanned):
        return
    acute.follow(work, case)
    if case.ended_at is not None or case.finished_at is None:
        return
    if watch.goes_on(work.session, case, since=case.finished_at):
        case.finished_at, case.closing_asked = None, False
        _plan(work, case)


def hear_finished(work: UnitOfWork, event: AssessmentFinished) -> None:
    """Somebody has to look whether the case can be closed."""
    case = work.session.get(Case, event.case_id)
    if case is None:
        raise TooEarly
    is_old = case.finished_at is not None and case.finished_at >= event.finished_at
    if case.ended_at is None and not is_old and not watch.goes_on(work.session, case, since=event.finished_at):
        case.finished_at, case.closing_asked = event.finished_at, True
        _plan(work, case)


def _new_case(
    work: UnitOfWork, origin: Origin, contact: Contact, *, team_id: str, commission: CommissionReceived | None = None
) -> Case:
    case_id, person_id = _new_id(), _new_id()
    by = domain.first_contact_by(
        origin,
        opened_on=work.town.today(work.now),
        deadline=commission.deadline if commission else None,
        town=work.town,
    )
    first = domain.next_step(Progress(first_contact_by=by), work.town)
    case = Case(
        case_id=case_id,
        person_id=person_id,
        origin=origin.value,
        opened_at=work.now,
        first_contact_by=by,
        responsible_id=team_id,
        next_step=first.code.value,
        due_on=first.due_on,
        contact_fact_id=_new_id(),
        contact_version=1,
        contact=_sealed_contact(work, person_id, case_id, contact),
        identity_fact_id=_new_id(),
    )
    work.session.add(case)
    work.session.flush()  # rows that refer to it come next
    watch.plan_own(work, case)
    opened = CaseOpened(
        case_id=case_id,
        person_id=person_id,
        commission_id=commission.commission_id if commission else None,
        origin=origin,
        opened_at=work.now,
        first_contact_by=by,
    )
    work.announce(opened)
    _announce_contact(work, case, contact)
    return case


def _open(work: UnitOfWork, case_id: str) -> Case:
    case = store.load_case(work.session, case_id)
    if case.ended_at is not None:
        raise CaseHasEnded
    return case


def _plan(work: UnitOfWork, case: Case) -> None:
    step = domain.next_step(
        Progress(
            first_contact_by=case.first_contact_by,
            notices_given=case.notices_given_at is not None,
            reviewed_on=_day(work, case.reviewed_at),
            finished_on=_day(work, case.finished_at) if case.closing_asked else None,
        ),
        work.town,
    )
    case.next_step, case.due_on = step.code.value, step.due_on
    watch.plan_own(work, case)


def _day(work: UnitOfWork, at: datetime | None) -> date | None:
    return work.town.today(at) if at else None


def _sealed_contact(work: UnitOfWork, person_id: str, case_id: str, contact: Contact) -> bytes:
    return work.seal(person_id, store.contact_place(case_id), contact.model_dump(mode="json", exclude_none=True))


def _announce_contact(work: UnitOfWork, case: Case, contact: Contact) -> None:
    event = ContactRecorded(
        fact_id=case.contact_fact_id,
        version=case.contact_version,
        person_id=case.person_id,
        recorded_at=work.now,
        contact=contact,
    )
    work.announce(event)


def _save_identity(work: UnitOfWork, case: Case, identity: Identity) -> None:
    value = identity.model_dump(mode="json", exclude_none=True)
    case.identity = work.seal(case.person_id, store.identity_place(case.case_id), value)
    case.identity_version += 1
    event = IdentityRecorded(
        fact_id=case.identity_fact_id,
        version=case.identity_version,
        person_id=case.person_id,
        recorded_at=work.now,
        identity=identity,
    )
    work.announce(event)


def _new_id() -> str:
    return secrets.token_urlsafe(16)
