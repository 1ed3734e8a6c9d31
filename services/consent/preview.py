"""Before a person decides: exactly what every recipient would see of what is known now. Nothing is recorded."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from services.consent import answer_store, fact_store, inquiry_store, store
from services.consent.composition import Composed, Position
from services.consent.domain import REQUIRED_KINDS, Answer, Kind, Place, RecipientRole, Word
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.position_store import position_of, purpose_of
from services.consent.release import hash_of
from shared.contracts.categories import Category
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

Seen = dict[str, Any]  # Any: JSON values


def would_see(
    work: UnitOfWork,
    *,
    person_id: str,
    recipient_id: str,
    purpose: str,
    words: Mapping[Category, Word],
    kinds: frozenset[Kind] | None = None,
    reaches_back: bool = False,
    place: Place = Place.ELSEWHERE,
) -> Seen:
    """Return the message, its hash, and what would wait for the person's word, if these words were recorded now.

    What is said under pressure waits: `waits_for_confirmation`, and what is shown is what is then seen.

    What the person has said before still counts where these words do not supersede it. `others` is what every other
    recipient may know now: this grant changes nothing there.
    """
    store.load_person(work.session, person_id)
    recipient = store.recipient(work.session, recipient_id, at=work.now)
    if recipient is None:
        raise RecipientNotFound
    asked_kinds = kinds or REQUIRED_KINDS[RecipientRole(recipient.role)]
    said = answer_store.answers_of(work, person_id)
    # Where somebody may look over the person's shoulder the preview must not show that something is held.
    is_held = place is Place.ELSEWHERE and bool(answer_store.held_recipients(work, person_id) & {None, recipient_id})
    if place is not Place.ELSEWHERE:
        said = [replace(answer, is_held=False) for answer in said]
    supposed = [
        *(answer for answer in said if not _is_superseded(answer, recipient_id, purpose, words, asked_kinds)),
        *(
            Answer(
                answer_id="",
                grant_id="",
                person_id=person_id,
                recipient_id=recipient_id,
                purpose=purpose,
                category=category,
                kind=kind,
                word=word,
                reaches_back=reaches_back,
                given_at=work.now,
                expires_at=None if word is Word.NO else work.now + timedelta(days=1),
                is_held=is_held,
            )
            for category, word in words.items()
            for kind in asked_kinds
        ),
    ]
    seen, others = None, []
    facts, asked = fact_store.facts_of(work, person_id), inquiry_store.inquiries_of(work, person_id)
    is_shielded = bool(store.shielded(work.session, [person_id]))
    subjects = [one for one in store.subjects_of(work.session, person_id) if one.closed_at is None]
    told = store.recipients(work.session, {subject.recipient_id for subject in subjects}, at=work.now)
    for subject in subjects:
        its = told.get(subject.recipient_id)
        if its is None:
            continue
        inquiries = asked.get(subject.subject_id, [])
        try:
            stand = position_of(work, subject, its, facts, supposed, inquiries=inquiries, is_shielded=is_shielded)
        except UnreadableValue:  # nothing is told about it, whatever is said
            log.error("subject_unreadable", subject_id=subject.subject_id)
            stand = Position(Composed({}))
        its_purpose = purpose_of(subject)
        is_it = (subject.recipient_id, its_purpose) == (recipient_id, purpose)
        shown = {"recipient_id": subject.recipient_id, "purpose": its_purpose, **_shown(stand)}
        if is_it:
            seen = shown
        else:
            others.append(shown)
    if seen is None:
        raise NotAcceptable(("purpose", "does not concern this recipient"))
    waits = place is not Place.ELSEWHERE and set(words.values()) != {Word.NO}
    return {**seen, "waits_for_confirmation": waits, "others": others}


def _shown(stand: Position) -> Seen:
    question = _message(stand.question) if stand.question else {"would_see": None, "sha256": None}
    return {**_message(stand.tell), "would_ask": question["would_see"], "would_ask_sha256": question["sha256"]}


def _message(composed: Composed) -> Seen:
    return {"would_see": composed.fields if composed.says_anything else None, "sha256": hash_of(composed.fields)}


def _is_superseded(
    answer: Answer, recipient_id: str, purpose: str, words: Mapping[Category, Word], kinds: frozenset[Kind]
) -> bool:
    asked = (answer.recipient_id, answer.purpose) == (recipient_id, purpose)
    return asked and answer.category in words and answer.kind in kinds
