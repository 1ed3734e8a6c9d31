"""Who is, or is related to, Jobcenter staff is shielded: at the Jobcenter only a shield may know anything (§ 35 SGB I).

What that means for a release stands in the decision alone. Here it is kept who is shielded; no machine undoes it.
"""

from services.consent import store
from services.consent.notices import reconsider
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import PersonRow, SubjectRow
from shared.contracts.intake import CaseShielded
from shared.unit_of_work import UnitOfWork


def know_shield(work: UnitOfWork, event: CaseShielded) -> None:
    """Tell no ordinary Jobcenter anything of the person any more, and retract what it was told."""
    store.remember_persons(work.session, [event.person_id])
    if shield(work, event.person_id):
        reconsider(work, event.person_id)


def shield(work: UnitOfWork, person_id: str) -> bool:
    """Keep that a person is shielded; say whether that is new. A restored backup does not undo it."""
    person = work.session.get_one(PersonRow, person_id)
    if person.shielded_at is not None:
        return False
    person.shielded_at = work.now
    work.session.add(person)
    work.session.flush()
    work.narrows_values("person", {"person_id": person_id, "shielded_at": work.now})
    return True


def comes_by_a_shield(work: UnitOfWork, commission: SubjectRow) -> bool:
    """Whether a shield commissioned it: then its person is shielded from the start."""
    recipient = work.session.get(RecipientRow, commission.recipient_id)
    return recipient is not None and recipient.shields is not None
