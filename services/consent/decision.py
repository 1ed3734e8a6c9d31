"""What may anyone know? This module alone decides. Pure: no clock, no database, no broker, no exception, no override.

Nobody may know anything, unless the person said so:
1. Only categories that are asked of the person for this recipient and purpose count.
2. A category is closed as soon as one standing answer to it is not a yes: a no beats a yes, an ask waits.
3. A fact may be known if, for every kind of consent that it needs, a standing yes reaches it. It needs the kinds of
   the recipient's role, and always a release from secrecy if it comes from a professional (§ 203 StGB, § 76 SGB X).
4. A yes reaches what came after it; what was known before only if the person said that it reaches back.
5. What belongs to one purpose, as the appointment of one referral does, is for that purpose only.

The order and number of answers and facts do not matter, and a further no, ask or withdrawal never opens anything.
"""

from collections.abc import Iterable
from datetime import datetime

from services.consent.domain import Answer, Asked, Kind, KnownFact, Word


def may_know(
    asked: Asked, facts: Iterable[KnownFact], answers: Iterable[Answer], *, at: datetime
) -> tuple[KnownFact, ...]:
    """Return the facts that this recipient may know for this purpose at this moment."""
    standing = [answer for answer in answers if _is_for(asked, answer) and answer.stands(at=at)]
    closed = {answer.category for answer in standing if answer.word is not Word.YES}
    return tuple(
        fact
        for fact in facts
        if fact.category in asked.categories - closed
        and fact.only_for in {None, asked.purpose}
        and all(_is_reached(fact, kind, standing) for kind in _kinds_needed(asked, fact))
    )


def _kinds_needed(asked: Asked, fact: KnownFact) -> frozenset[Kind]:
    kinds = asked.kinds | {Kind.SECRECY_RELEASE} if fact.professional else asked.kinds
    return kinds or frozenset(Kind)  # a role that names no kind needs all of them, not none


def _is_reached(fact: KnownFact, kind: Kind, standing: Iterable[Answer]) -> bool:
    return any(
        answer.category is fact.category
        and answer.kind is kind
        and (answer.reaches_back or fact.is_newer_than(answer.given_at))
        for answer in standing
    )


def _is_for(asked: Asked, answer: Answer) -> bool:
    return (answer.person_id, answer.recipient_id, answer.purpose) == (
        asked.person_id,
        asked.recipient_id,
        asked.purpose,
    )
