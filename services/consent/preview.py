"""Before a person decides: exactly what a recipient would see of what is known now. Nothing is recorded."""

from datetime import timedelta
from typing import Any

from services.consent import fact_store, store
from services.consent.domain import REQUIRED_KINDS, Answer, RecipientRole, Word
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.notices import asked_of, compose
from services.consent.release import hash_of
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork


def would_see(
    work: UnitOfWork, *, person_id: str, recipient_id: str, purpose: str, categories: frozenset[Category]
) -> dict[str, Any]:  # Any: JSON values
    """Return the message and its hash, as if the person said yes to these categories, reaching back."""
    store.load_person(work.session, person_id)
    recipient = store.recipient(work.session, recipient_id)
    if recipient is None:
        raise RecipientNotFound(recipient_id)
    subjects = [
        subject
        for subject in store.subjects_of(work.session, person_id)
        if subject.recipient_id == recipient_id and asked_of(subject, recipient).purpose == purpose
    ]
    if not subjects:
        raise NotAcceptable(("purpose", "does not concern this recipient"))
    supposed = [
        Answer(
            answer_id="",
            grant_id="",
            person_id=person_id,
            recipient_id=recipient_id,
            purpose=purpose,
            category=category,
            kind=kind,
            word=Word.YES,
            reaches_back=True,
            given_at=work.now,
            expires_at=work.now + timedelta(days=1),
        )
        for category in categories
        for kind in REQUIRED_KINDS[RecipientRole(recipient.role)]
    ]
    composed = compose(work, subjects[-1], recipient, fact_store.facts_of(work, person_id), supposed)
    return {"would_see": composed.fields if composed.says_anything else None, "sha256": hash_of(composed.fields)}
