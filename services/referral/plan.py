"""Saves a referral and tells the care circle where it stands, whenever that has changed."""

from dataclasses import replace

from services.referral.domain import Referral
from services.referral.store import Referrals
from shared.contracts.referral import ReferralStepPlanned
from shared.unit_of_work import UnitOfWork


def keep(work: UnitOfWork, referral: Referral, *, is_new: bool = False) -> Referral:
    """Save a referral, announce its next step if something in it changed, and return it as saved."""
    plan = referral.plan_to_tell()
    kept = replace(referral.at(work.now), planned=plan or referral.planned)
    referrals = Referrals(work.session, work.keys)
    if is_new:
        referrals.add(kept)
    else:
        referrals.save(kept)
    if plan is not None:
        work.announce(
            ReferralStepPlanned(
                strand_id=kept.referral_id,
                case_id=kept.case_id,
                person_id=kept.person_id,
                number=plan.number,
                planned_at=work.now,
                responsible_id=plan.responsible_id,
                turn=plan.turn,
                step=plan.step,
                due_at=plan.due_at,
            )
        )
    return kept
