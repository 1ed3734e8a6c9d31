"""What may anyone know? This module alone decides. Pure: no clock, no database, no broker, no exception, no override.

Nobody may know anything, unless the person said so:
1. Only categories that are asked of the person for this recipient and purpose count.
2. A category is closed as soon as one standing answer to it is not a yes: a no beats a yes, an ask waits, a dispute or
   a quiet hold stops. What was said under pressure and is not confirmed does not count at all.
3. A fact may be known if, for every kind of consent that it needs, a standing yes reaches it. It needs the kinds of
   the recipient's role, and always a release from secrecy if it comes from a professional (§ 203 StGB, § 76 SGB X).
4. A yes reaches what came after it; what was known before only if the person said that it reaches back.
5. What belongs to one purpose, as the appointment of one referral does, is for that purpose only.
6. A fact about somebody else, a child or a partner, is for nobody: it is not the person's to give (§ 67d (2) SGB X).
7. Of a shielded person (Jobcenter staff, or related to them: § 35 SGB I) no Jobcenter knows anything but a shield, and
   a shield knows nothing of anybody else. Nothing that the person says changes this: no answer opens it.

The order and number of answers and facts do not matter, and a further no, ask, hold or withdrawal never opens anything.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from services.consent.domain import Answer, AnswerState, Asked, Kind, KnownFact, Word

RULES_VERSION = "5"
"""Goes up whenever a rule here changes; every ledger entry names the version that it was decided by."""

_COUNTS = frozenset(
    {AnswerState.GRANTED, AnswerState.REFUSED, AnswerState.ASKED, AnswerState.PAUSED, AnswerState.DISPUTED}
)


class View(Enum):
    """What the decision is asked for. Only `TELL` lets anything leave without a further word of the person."""

    TELL = "what may be told now"
    ASK = "what could be told if the person said yes to this very message"
    KEEP = "what a recipient that was told it may keep, by a yes, even while a hold lets nothing more leave"
    KEEP_ASKED = "the same, by the person's word on one message"


def may_know(
    asked: Asked, facts: Iterable[KnownFact], answers: Iterable[Answer], *, at: datetime, view: View = View.TELL
) -> tuple[KnownFact, ...]:
    """Return the facts that this recipient may know for this purpose at this moment."""
    if _is_shielded_from(asked):
        return ()
    standing = [
        (answer, state) for answer in answers if _is_for(asked, answer) and (state := answer.state(at=at)) in _COUNTS
    ]
    opening = [answer for answer, state in standing if _opens(answer.word, state, view)]
    closed = {answer.category for answer, state in standing if not _opens(answer.word, state, view)}
    return tuple(
        fact
        for fact in facts
        if fact.category in asked.categories - closed
        and fact.only_for in {None, asked.purpose}
        and fact.about_id is None
        and all(_is_reached(fact, kind, opening) for kind in _kinds_needed(asked, fact))
    )


def _is_shielded_from(asked: Asked) -> bool:
    return asked.is_shield is not None and asked.is_shield is not asked.is_shielded


def _opens(word: Word, state: AnswerState, view: View) -> bool:
    if state is AnswerState.GRANTED:
        return True
    if state is AnswerState.ASKED:
        return view in (View.ASK, View.KEEP_ASKED)
    if state is AnswerState.PAUSED:
        return view is View.KEEP_ASKED or (view is View.KEEP and word is Word.YES)
    return False


def _kinds_needed(asked: Asked, fact: KnownFact) -> frozenset[Kind]:
    kinds = asked.kinds or frozenset(Kind)  # a role that names no kind needs all of them, not none
    return kinds | {Kind.SECRECY_RELEASE} if fact.professional else kinds


def _is_reached(fact: KnownFact, kind: Kind, opening: Iterable[Answer]) -> bool:
    return any(
        answer.category is fact.category
        and answer.kind is kind
        and (answer.reaches_back or fact.is_newer_than(answer.given_at))
        for answer in opening
    )


def _is_for(asked: Asked, answer: Answer) -> bool:
    return (answer.person_id, answer.recipient_id, answer.purpose) == (
        asked.person_id,
        asked.recipient_id,
        asked.purpose,
    )
