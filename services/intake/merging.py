"""Somebody who came by themselves is commissioned later: if they want it, the commission moves to the case they have.

The case that the commission had opened ends. The Jobcenter cannot tell. Nothing else moves: not the contact that the
Jobcenter gave, no answer, no fact; the case that goes on has its own.
"""

from services.intake import acute, store, watch
from services.intake.domain import CannotBeJoined, CaseHasEnded, CaseNotFound, Joining, NotAcceptable, NoticesNotGiven
from services.intake.store import Case, Commission
from shared.contracts.intake import CaseEnded, CommissionJoined
from shared.unit_of_work import UnitOfWork

Answer = dict[str, str | int]


def join_commission(work: UnitOfWork, *, case_id: str, former_case_id: str) -> Answer:
    """Move the former case's commission to the earlier case and end the former one; sent again, it changes nothing."""
    case = store.load_case(work.session, case_id)
    try:
        former = store.load_case(work.session, former_case_id)
    except CaseNotFound:
        raise NotAcceptable("former_case_id", "names no case") from None
    held = store.commission_of(work.session, case_id)
    if held is not None and former.joined_case_id == case_id:
        return {"case_id": case_id, "commission_id": held.commission_id}
    commission = _checked(work, case, former, held)
    acute.check_none_open(work, former_case_id)
    if watch.has_open(work.session, former_case_id, of=watch.REFERRAL):
        raise CannotBeJoined("help is under way in the former case: close those referrals first, and ask anew here")
    commission.case_id = case_id
    former.joined_case_id = case_id
    watch.close_own(work, former)
    former.ended_at = work.now
    work.announce(
        CommissionJoined(
            commission_id=commission.commission_id,
            case_id=case_id,
            person_id=case.person_id,
            former_case_id=former_case_id,
            former_person_id=former.person_id,
            joined_at=work.now,
        )
    )
    work.announce(CaseEnded(case_id=former_case_id, person_id=former.person_id, ended_at=work.now))
    return {"case_id": case_id, "commission_id": commission.commission_id}


def _checked(work: UnitOfWork, case: Case, former: Case, held: Commission | None) -> Commission:
    if case.ended_at is not None or former.ended_at is not None:
        raise CaseHasEnded
    if case.notices_given_at is None:
        raise NoticesNotGiven
    moving = store.commission_of(work.session, former.case_id)
    Joining(
        is_same_case=case.case_id == former.case_id,
        earlier_has_commission=held is not None,
        former_has_commission=moving is not None,
        earlier_is_shielded=case.shielded_at is not None,
        former_is_shielded=former.shielded_at is not None,
        earlier_was_opened_first=case.opened_at <= former.opened_at,
    ).check()
    if moving is None:  # the check above refuses it
        raise CaseHasEnded
    return moving
