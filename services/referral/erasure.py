"""How referral forgets a person: the case goes with its referrals and what became of them, and the key."""

from services.referral.tables import metadata
from services.referral.visit_store import Visits
from shared.contracts.referral import ReferralErasureConfirmed
from shared.erasure import Erased, Erasing, delete_rows
from shared.unit_of_work import UnitOfWork


def _keys_of(work: UnitOfWork, person_id: str) -> set[str]:
    """Return the keys of the person's visits; all else that this service seals is sealed under the person's own."""
    return Visits(work.session, work.keys).keys_of(person_id)


def _wipe(work: UnitOfWork, person_id: str) -> None:
    delete_rows(work, metadata, person_id)


def _confirm(erased: Erased, work: UnitOfWork) -> ReferralErasureConfirmed:
    return ReferralErasureConfirmed(erasure_id=erased.erasure_id, confirmed_at=work.now)


ERASING = Erasing(metadata, keys_of=_keys_of, wipe=_wipe, announce=_confirm)
