"""How intake forgets a person: the case with name, contact, notices and commission goes, and the keys."""

from sqlalchemy import delete
from sqlmodel import col, select

from services.intake.outreach_store import metadata
from services.intake.store import Case, Commission, names_person
from shared.contracts.intake import IntakeErasureConfirmed
from shared.erasure import Erased, Erasing, delete_rows
from shared.unit_of_work import UnitOfWork


def _keys_of(work: UnitOfWork, person_id: str) -> set[str]:
    """Return the keys of the person's commissions: messages of the gate about them lay sealed under these."""
    theirs = select(Commission.commission_id).join(Case).where(col(Case.person_id) == person_id)
    return set(work.session.exec(theirs))


def _wipe(work: UnitOfWork, person_id: str) -> None:
    answered = metadata.tables["answered_request"]
    work.session.execute(delete(answered).where(names_person(answered, person_id)))
    delete_rows(work, metadata, person_id)


def _confirm(erased: Erased, work: UnitOfWork) -> IntakeErasureConfirmed:
    return IntakeErasureConfirmed(erasure_id=erased.erasure_id, confirmed_at=work.now)


ERASING = Erasing(metadata, keys_of=_keys_of, wipe=_wipe, announce=_confirm)
