"""How intake forgets a person: the case with name, contact, notices and commission goes, and the keys."""

from sqlmodel import col, delete, select

from services.intake.care_store import metadata
from services.intake.store import AnsweredRequest, Case, Commission
from shared.contracts.intake import IntakeErasureConfirmed
from shared.erasure import Erased, Erasing, delete_rows
from shared.unit_of_work import UnitOfWork


def _keys_of(work: UnitOfWork, person_id: str) -> set[str]:
    """Return the keys of the person's commissions: messages of the gate about them lay sealed under these."""
    theirs = select(Commission.commission_id).join(Case).where(col(Case.person_id) == person_id)
    return set(work.session.exec(theirs))


def _wipe(work: UnitOfWork, person_id: str) -> None:
    named = col(AnsweredRequest.answer).contains(f'"{person_id}"', autoescape=True)
    work.session.execute(delete(AnsweredRequest).where(named))
    delete_rows(work, metadata, person_id)


def _confirm(erased: Erased, work: UnitOfWork) -> IntakeErasureConfirmed:
    return IntakeErasureConfirmed(erasure_id=erased.erasure_id, confirmed_at=work.now)


ERASING = Erasing(metadata, keys_of=_keys_of, wipe=_wipe, announce=_confirm)
