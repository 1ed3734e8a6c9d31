"""From rows to what `composition.py` composes from: about whom, to whom, for what. It decides nothing."""

from services.consent import store
from services.consent.composition import About, Position, position
from services.consent.domain import (
    BENEFIT,
    REQUIRED_KINDS,
    Answer,
    Asked,
    Inquiry,
    KnownFact,
    RecipientRole,
    referral_purpose,
)
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import SubjectRow
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork


def purpose_of(subject: SubjectRow) -> str:
    """Return what the recipient would be told about this subject for."""
    return BENEFIT if subject.kind == store.COMMISSION else referral_purpose(subject.subject_id)


def asked_of(subject: SubjectRow, recipient: RecipientRow, *, is_shielded: bool) -> Asked:
    """Return what this recipient could be told about this subject at the most."""
    role = RecipientRole(recipient.role)
    offered = {Category(name) for name in recipient.offered}
    needed = {Category(name) for name in subject.needed}
    return Asked(
        person_id=subject.person_id or "",
        recipient_id=recipient.recipient_id,
        purpose=purpose_of(subject),
        categories=frozenset(offered if subject.kind == store.COMMISSION else offered & needed),
        kinds=REQUIRED_KINDS[role],
        is_shield=recipient.shields is not None if role is RecipientRole.JOBCENTER else None,
        is_shielded=is_shielded,
    )


def position_of(
    work: UnitOfWork,
    subject: SubjectRow,
    recipient: RecipientRow,
    facts: list[KnownFact],
    answers: list[Answer],
    *,
    inquiries: list[Inquiry],
    is_shielded: bool,
) -> Position:
    """Return where a recipient stands about a subject now; raise UnreadableValue if its reference cannot be read."""
    asked, role = asked_of(subject, recipient, is_shielded=is_shielded), RecipientRole(recipient.role)
    about = About(asked, role, store.reference_of(work, subject), subject.service)
    return position(about, facts, answers, inquiries, at=work.now)
