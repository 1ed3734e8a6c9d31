"""The use cases of home visits: load, decide, save and announce in one open transaction. Each may run twice.

Announced is whose turn it is, until when, and that somebody set out: that is work, whatever comes of it. Neither plan
nor place nor purpose nor how it ended leaves this service.
"""

from datetime import UTC, datetime, time
from secrets import token_hex
from typing import Final

import structlog

from services.referral.errors import (
    CaseOver,
    NobodyMissing,
    NobodySetOut,
    NoticesNotGiven,
    NotPermitted,
    PlanChanged,
    VisitOver,
    VisitUnderWay,
)
from services.referral.store import Referrals
from services.referral.tables import VisitAuditRow, VisitRow
from services.referral.visit import (
    LAST_NUMBER,
    Agreed,
    GivenHow,
    Leaving,
    Open,
    Over,
    Permission,
    Plan,
    Proposed,
    UnderWay,
    Visit,
    check_out_by,
    due_at,
    has_lapsed,
    is_missing,
    step_of,
)
from services.referral.visit_state import VISIT_TRANSITIONS, VisitDeed, VisitState
from services.referral.visit_store import Visits, key_id
from shared.contracts.care import Turn
from shared.contracts.referral import ReferralStepPlanned, ReferralWorkDone
from shared.keys import KeyDestroyed, UnreadableValue
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

SALT_BYTES: Final = 16
UNITS_OF_A_VISIT: Final = 1
"""As much as a talk: what was done must not be told by how much it costs."""


def new_salt() -> str:
    """Return what makes the hash of a plan unguessable."""
    return token_hex(SALT_BYTES)


def propose(work: UnitOfWork, *, case_id: str, plan: Plan, team: frozenset[str], by: str) -> Open:
    """Plan a visit. Nobody comes by this: the person decides. The same plan again, while it is open, is that visit."""
    case = Referrals(work.session, work.keys).case(case_id)
    if case.ended_at is not None:
        raise CaseOver
    if case.notices_given_at is None:
        raise NoticesNotGiven
    visits = _visits(work)
    for known in visits.readable(visits.open_rows(case_id)):
        if not isinstance(known, Over) and known.plan.says_the_same(plan):
            return known
    plan.check(now=work.now, team=team)
    visit = Proposed(
        visit_id=random_id(), case_id=case_id, person_id=case.person_id, proposed_by=by, plan=plan, number=1
    )
    visits.add(visit)
    _announce(work, visit)
    log.info("visit_proposed", visit_id=visit.visit_id)
    return visit


def change_plan(work: UnitOfWork, *, visit_id: str, plan: Plan, team: frozenset[str]) -> Open:
    """Plan a visit anew: what the person had permitted is void, and they are asked again."""
    visit = _open(work, visit_id)
    if isinstance(visit, UnderWay | Leaving):
        raise VisitUnderWay
    if visit.plan.says_the_same(plan):
        return visit
    plan.check(now=work.now, team=team)
    changed = visit.changed(plan)
    work.narrows(_visits(work).save(changed))  # no restored backup brings the former permission back
    _announce(work, changed)
    return changed


def permit(
    work: UnitOfWork, *, visit_id: str, plan_sha256: str, given_how: GivenHow, language: str, by: str
) -> Agreed | UnderWay:
    """Record that the person says yes to a plan, once. The same yes again changes nothing."""
    visit = _open(work, visit_id)
    if isinstance(visit, Leaving):
        raise VisitUnderWay
    permission = Permission(
        plan_sha256=plan_sha256,
        until_at=visit.plan.until_at,
        given_how=given_how,
        language=language,
        recorded_by=by,
        given_at=work.now,
    )
    if isinstance(visit, Agreed | UnderWay):
        if plan_sha256 != visit.plan.sha256:
            raise PlanChanged
        return visit
    agreed = visit.agree(permission)
    _keep(work, agreed)
    return agreed


def set_out(work: UnitOfWork, *, visit_id: str, by: str, role: str, minutes: int | None) -> UnderWay | None:
    """Spend the permission and begin to be guarded; None, and audited, if it is not the visit of whoever asks."""
    visit = _open(work, visit_id)
    if by not in visit.plan.workers:
        audit(work, visit_id=visit_id, by=by, role=role, deed=VisitDeed.SET_OUT, was_refused=True)
        return None
    if isinstance(visit, UnderWay):
        return visit
    if not isinstance(visit, Agreed):
        raise NotPermitted
    return _begin(work, visit, at=work.now, minutes=minutes)


def start(work: UnitOfWork, *, visit_id: str, at: datetime) -> None:
    """Spend the permission for one of its workers who set out without network, at a time that lies back."""
    visit = _open(work, visit_id)
    if isinstance(visit, Agreed):
        _begin(work, visit, at=at, minutes=None)


def check_out(work: UnitOfWork, *, visit_id: str) -> Visit:
    """Whoever visited is safe, and the visit over; nothing tells whether it took place."""
    return _end(work, visit_id, VisitDeed.CHECK_OUT)


def say_no(work: UnitOfWork, *, visit_id: str, by: str) -> Visit:
    """The person does not want the visit, or not any more: at once and without a reason.

    Whoever is out there ends it by their own word. Said to anybody else it calls them back, and they are guarded until
    somebody has spoken to them: else a call at the desk would let a missing colleague be forgotten.
    """
    return _end(work, visit_id, VisitDeed.REVOKE, there=by)


def call_off(work: UnitOfWork, *, visit_id: str) -> Visit:
    """The team does not come. Whoever is on their way is called back, and guarded until they check out."""
    return _end(work, visit_id, VisitDeed.CALL_OFF)


def search(work: UnitOfWork, *, visit_id: str, by: str, role: str) -> Plan:
    """Tell a lead where somebody is, or was to be, of whom there is no word in time; write down that they asked."""
    visit = _open(work, visit_id)
    if not is_missing(visit, now=work.now):
        raise NobodyMissing
    audit(work, visit_id=visit_id, by=by, role=role, deed=VisitDeed.SEARCH, was_refused=False)
    log.warning("visit_searched", visit_id=visit_id, by=by)
    return visit.plan


def end_of_case(work: UnitOfWork, *, case_id: str) -> None:
    """End the visits of a case, those that cannot be read too; whoever is out there is called back."""
    for row in _visits(work).open_rows(case_id):
        _end(work, row.visit_id, VisitDeed.END_OF_CASE)


def lapse(work: UnitOfWork, *, visit_id: str) -> None:
    """End a visit that nobody set out on in its time."""
    row = _visits(work).row(visit_id)
    if not row.is_over and has_lapsed(_visits(work).read(row), now=work.now):
        _finish(work, row)


def audit(work: UnitOfWork, *, visit_id: str | None, by: str, role: str, deed: VisitDeed, was_refused: bool) -> None:
    """Write down that somebody was refused, or searched."""
    is_known = visit_id is not None and work.session.get(VisitRow, visit_id) is not None
    work.session.add(
        VisitAuditRow(
            entry_id=random_id(),
            visit_id=visit_id if is_known else None,
            by_id=by,
            role=role,
            deed=deed,
            was_refused=was_refused,
            at=work.now,
        )
    )


def _begin(work: UnitOfWork, visit: Agreed, *, at: datetime, minutes: int | None) -> UnderWay:
    """Spend the permission, and tell the gate of the work, once: a restored backup would name the same.

    Told now, not at the end: if a no at the door were paid otherwise, it could be counted, and would cost money.
    """
    under_way = visit.set_out(at, check_out_by=check_out_by(visit.permitted, minutes, now=at))
    _keep(work, under_way)
    work.announce(
        ReferralWorkDone(
            work_id=visit.visit_id, case_id=visit.case_id, person_id=visit.person_id, units=UNITS_OF_A_VISIT
        )
    )
    return under_way


def _end(work: UnitOfWork, visit_id: str, deed: VisitDeed, *, there: str | None = None) -> Visit:
    """Do what ends a visit, or calls its workers back. Of one that is over, or called back already, it changes nothing.

    One that cannot be read ends whatever it was: nothing of it could be used any more.
    """
    row = _visits(work).row(visit_id)
    visit = _readable(work, row)
    if visit is None:
        return _finish(work, row)
    if isinstance(visit, Over):
        return visit
    if deed is VisitDeed.REVOKE and there in visit.plan.workers:
        deed = VisitDeed.SAY_NO
    leads_to = VISIT_TRANSITIONS[visit.state].get(deed)
    if leads_to is VisitState.OVER:
        return _finish(work, row)
    if leads_to is VisitState.LEAVING and isinstance(visit, UnderWay):
        leaving = visit.called_back(work.now)
        work.narrows(_visits(work).save(leaving))
        _announce(work, leaving)
        return leaving
    if deed is VisitDeed.CHECK_OUT:
        raise NobodySetOut
    return visit


def _finish(work: UnitOfWork, row: VisitRow) -> Over:
    """End a visit as every visit ends: plan, permission and key are gone, and nothing tells how or why."""
    _visits(work).wipe(row)
    work.narrows(row)
    work.destroys(key_id(row.visit_id))
    work.announce(
        ReferralStepPlanned(
            strand_id=row.visit_id,
            case_id=row.case_id,
            person_id=row.person_id,
            number=LAST_NUMBER,
            planned_at=datetime.combine(work.now.astimezone(UTC).date(), time(), UTC),  # the minute would tell why
            responsible_id=row.proposed_by,
            turn=Turn.TEAM,
        )
    )
    log.info("visit_over", visit_id=row.visit_id)
    return Over(visit_id=row.visit_id, case_id=row.case_id, person_id=row.person_id, proposed_by=row.proposed_by)


def _keep(work: UnitOfWork, visit: Open) -> None:
    _visits(work).save(visit)
    _announce(work, visit)


def _announce(work: UnitOfWork, visit: Open) -> None:
    step = step_of(visit)
    work.announce(
        ReferralStepPlanned(
            strand_id=visit.visit_id,
            case_id=visit.case_id,
            person_id=visit.person_id,
            number=visit.number,
            planned_at=work.now,
            responsible_id=visit.plan.workers[0],
            turn=step.owner,
            step=step.next_step,
            due_at=due_at(visit),
            is_guarded=step.is_guarded or None,
        )
    )


def _open(work: UnitOfWork, visit_id: str) -> Open:
    visit = _visits(work).get(visit_id)
    if isinstance(visit, Over):
        raise VisitOver
    return visit


def _readable(work: UnitOfWork, row: VisitRow) -> Visit | None:
    try:
        return _visits(work).read(row)
    except (UnreadableValue, KeyDestroyed):
        log.error("visit_unreadable", visit_id=row.visit_id)
        return None


def _visits(work: UnitOfWork) -> Visits:
    return Visits(work.session, work.keys)
