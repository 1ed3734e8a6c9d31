"""What a recipient may know of a subject at this moment: composed from the facts and answers of now, and from the words
that the person gave on single messages. `decision.py` decides, `release.py` builds; here both are put together.
"""

from dataclasses import dataclass, field
from typing import Any

from services.consent import inquiry_store, store
from services.consent.decision import RULES_VERSION, View, may_know
from services.consent.domain import (
    BENEFIT,
    REQUIRED_KINDS,
    Answer,
    AnswerState,
    Asked,
    KnownFact,
    RecipientRole,
    referral_purpose,
)
from services.consent.recipient_tables import RecipientRow
from services.consent.release import (
    hash_of,
    items_of,
    jobcenter_situation,
    provider_referral,
    released_fields,
    says_anything,
)
from services.consent.tables import SubjectRow
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork

_GROUNDS = frozenset({AnswerState.GRANTED, AnswerState.ASKED, AnswerState.PAUSED})
"""What is pending, disputed or over is no ground of anything."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A message as it would be told, and what says so: the grants, the facts, perhaps the person's word on it."""

    fields: dict[str, Any]  # Any: JSON values
    grant_ids: tuple[str, ...] = ()
    answer_ids: frozenset[str] = frozenset()
    facts: tuple[KnownFact, ...] = ()
    inquiry_id: str | None = None

    @property
    def says_anything(self) -> bool:
        """Whether there is anything to be told."""
        return says_anything(self.fields)

    def grounds(self) -> dict[str, Any]:  # Any: JSON values
        """Return why this may be told: it stands in the ledger beside what was told."""
        facts = [
            {
                "fact_id": fact.fact_id,
                "version": fact.version,
                "recorded_at": fact.recorded_at.isoformat() if fact.recorded_at else None,
                "received_at": fact.received_at.isoformat() if fact.received_at else None,
            }
            for fact in sorted(self.facts, key=lambda fact: fact.fact_id)
        ]
        inquiry = {"inquiry": self.inquiry_id} if self.inquiry_id else {}
        return {"grants": list(self.grant_ids), "facts": facts, "rules": RULES_VERSION, **inquiry}


@dataclass(frozen=True, slots=True)
class Position:
    """Where a recipient stands about a subject now."""

    tell: Composed
    question: Composed | None = None
    is_held: bool = False
    _kept: set[tuple[str, bytes]] = field(default_factory=set)

    def may_stay(self, told: dict[str, Any]) -> bool:  # Any: JSON values
        """Whether everything that was once told may still be known; otherwise it is retracted."""
        return items_of(told) <= self._kept


def asked_of(subject: SubjectRow, recipient: RecipientRow) -> Asked:
    """Return what this recipient could be told about this subject at the most."""
    offered = {Category(name) for name in recipient.offered}
    needed = {Category(name) for name in subject.needed}
    return Asked(
        person_id=subject.person_id or "",
        recipient_id=recipient.recipient_id,
        purpose=BENEFIT if subject.kind == store.COMMISSION else referral_purpose(subject.subject_id),
        categories=frozenset(offered if subject.kind == store.COMMISSION else offered & needed),
        kinds=REQUIRED_KINDS[RecipientRole(recipient.role)],
    )


def compose(
    work: UnitOfWork,
    subject: SubjectRow,
    recipient: RecipientRow,
    facts: list[KnownFact],
    answers: list[Answer],
    *,
    view: View = View.TELL,
) -> Composed:
    """Build what the recipient may know of the subject at this moment."""
    asked = asked_of(subject, recipient)
    known = may_know(asked, facts, answers, at=work.now, view=view)
    reference = store.reference_of(work, subject)
    if recipient.role == RecipientRole.JOBCENTER:
        fields = released_fields(jobcenter_situation(reference, known))
    else:
        fields = released_fields(provider_referral(reference, subject.service, known))
    told = {fact.category for fact in known}
    because = [
        answer
        for answer in _answers_for(asked, answers)
        if answer.category in told and answer.state(at=work.now) in _GROUNDS
    ]
    return Composed(
        fields,
        grant_ids=tuple(sorted({answer.grant_id for answer in because})),
        answer_ids=frozenset(answer.answer_id for answer in because),
        facts=known,
    )


def position(
    work: UnitOfWork, subject: SubjectRow, recipient: RecipientRow, facts: list[KnownFact], answers: list[Answer]
) -> Position:
    """Return what may be told now, which message waits for the person's word, and what may stay where it is."""
    asked = asked_of(subject, recipient)
    by_yes = compose(work, subject, recipient, facts, answers)
    states = {answer.state(at=work.now) for answer in _answers_for(asked, answers)}
    if not states & {AnswerState.ASKED, AnswerState.PAUSED}:
        return Position(by_yes, _kept=items_of(by_yes.fields))
    views = {view: compose(work, subject, recipient, facts, answers, view=view) for view in View}
    approved = _approved(work, subject, answers)
    kept = items_of(views[View.KEEP].fields)
    for inquiry in approved:
        kept |= items_of(inquiry.fields) & items_of(views[View.KEEP_ASKED].fields)
    by_word = views[View.ASK]
    if AnswerState.PAUSED in states:  # a hold asks nothing either
        return Position(by_yes, is_held=True, _kept=kept)
    if items_of(by_word.fields) == items_of(by_yes.fields):
        return Position(by_yes, _kept=kept)
    sha256 = hash_of(by_word.fields)
    word = next((inquiry for inquiry in approved if inquiry.sha256 == sha256), None)
    if word is None:
        return Position(by_yes, question=by_word, _kept=kept)
    told = Composed(by_word.fields, by_word.grant_ids, by_word.answer_ids, by_word.facts, word.inquiry_id)
    return Position(told, _kept=kept)


def _approved(work: UnitOfWork, subject: SubjectRow, answers: list[Answer]) -> list[inquiry_store.Inquiry]:
    """Return the words that still count: a word lasts as long as every answer that it rests on."""
    standing = {answer.answer_id for answer in answers if answer.stands(at=work.now) and not answer.is_disputed}
    return [
        inquiry
        for inquiry in inquiry_store.inquiries_about(work, subject)
        if inquiry.state == inquiry_store.APPROVED and inquiry.answer_ids <= standing
    ]


def _answers_for(asked: Asked, answers: list[Answer]) -> list[Answer]:
    return [
        answer for answer in answers if (answer.recipient_id, answer.purpose) == (asked.recipient_id, asked.purpose)
    ]
