"""What a recipient may know of a subject at this moment: composed from the facts and answers of now, and from the words
that the person gave on single messages. `decision.py` decides, `release.py` builds; here both are put together.

Pure, as both are: what is read for it, and from where, stands in `position_store.py`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.consent.decision import RULES_VERSION, View, may_know
from services.consent.domain import APPROVED, Answer, AnswerState, Asked, Inquiry, KnownFact, RecipientRole
from services.consent.release import (
    hash_of,
    items_of,
    jobcenter_situation,
    provider_referral,
    released_fields,
    says_anything,
)

_GROUNDS = frozenset({AnswerState.GRANTED, AnswerState.ASKED, AnswerState.PAUSED})
"""What is pending, disputed or over is no ground of anything."""


@dataclass(frozen=True, slots=True)
class About:
    """What a message is about, and to whom: all of it that composing needs."""

    asked: Asked
    role: RecipientRole
    reference: str
    """By which the recipient knows it."""
    service: str


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
    _kept: frozenset[tuple[str, bytes]] | None = None
    """What a recipient that was told it may keep; None if that is what may be told."""

    def may_stay(self, told: dict[str, Any]) -> bool:  # Any: JSON values
        """Whether everything that was once told may still be known; otherwise it is retracted."""
        return items_of(told) <= (items_of(self.tell.fields) if self._kept is None else self._kept)


def compose(
    about: About, facts: Iterable[KnownFact], answers: Collection[Answer], *, at: datetime, view: View = View.TELL
) -> Composed:
    """Build what the recipient may know of the subject at that moment."""
    known = may_know(about.asked, facts, answers, at=at, view=view)
    if about.role is RecipientRole.JOBCENTER:
        fields = released_fields(jobcenter_situation(about.reference, known))
    else:
        fields = released_fields(provider_referral(about.reference, about.service, known))
    told = {fact.category for fact in known}
    because = [
        answer
        for answer in _answers_for(about.asked, answers)
        if answer.category in told and answer.state(at=at) in _GROUNDS
    ]
    return Composed(
        fields,
        grant_ids=tuple(sorted({answer.grant_id for answer in because})),
        answer_ids=frozenset(answer.answer_id for answer in because),
        facts=known,
    )


def position(
    about: About,
    facts: Iterable[KnownFact],
    answers: Iterable[Answer],
    inquiries: Iterable[Inquiry] = (),
    *,
    at: datetime,
) -> Position:
    """Return what may be told now, which message waits for the person's word, and what may stay where it is.

    `inquiries` are those about this subject; none of them counts where no ask and no hold stands.
    """
    facts, answers = tuple(facts), _answers_for(about.asked, answers)
    by_yes = compose(about, facts, answers, at=at)
    states = {answer.state(at=at) for answer in answers}
    if not states & {AnswerState.ASKED, AnswerState.PAUSED}:
        return Position(by_yes)
    kept = items_of(compose(about, facts, answers, at=at, view=View.KEEP).fields)
    approved = _approved(inquiries, answers, at=at)
    if approved:
        by_any_word = items_of(compose(about, facts, answers, at=at, view=View.KEEP_ASKED).fields)
        kept |= {item for inquiry in approved for item in items_of(inquiry.fields) & by_any_word}
    by_word = compose(about, facts, answers, at=at, view=View.ASK)
    if AnswerState.PAUSED in states:  # a hold asks nothing either
        return Position(by_yes, is_held=True, _kept=frozenset(kept))
    if items_of(by_word.fields) == items_of(by_yes.fields):
        return Position(by_yes, _kept=frozenset(kept))
    sha256 = hash_of(by_word.fields)
    word = next((inquiry for inquiry in approved if inquiry.sha256 == sha256), None)
    if word is None:
        return Position(by_yes, question=by_word, _kept=frozenset(kept))
    return Position(replace(by_word, inquiry_id=word.inquiry_id), _kept=frozenset(kept))


def _approved(inquiries: Iterable[Inquiry], answers: Iterable[Answer], *, at: datetime) -> list[Inquiry]:
    """Return the words that still count: a word lasts as long as every answer that it rests on."""
    standing = {answer.answer_id for answer in answers if answer.stands(at=at) and not answer.is_disputed}
    return [inquiry for inquiry in inquiries if inquiry.state == APPROVED and inquiry.answer_ids <= standing]


def _answers_for(asked: Asked, answers: Iterable[Answer]) -> tuple[Answer, ...]:
    return tuple(
        answer for answer in answers if (answer.recipient_id, answer.purpose) == (asked.recipient_id, asked.purpose)
    )
