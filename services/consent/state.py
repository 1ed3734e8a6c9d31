"""What a question to a person stands at, in one order for all: of several states the first in `PRECEDENCE` counts.

Pure. The states are told apart for the person and the care circle; what a recipient may know follows from
`decision.py` alone, where each of them but `granted` opens nothing.
"""

from collections.abc import Iterable
from datetime import datetime

from services.consent.domain import Answer, AnswerState, Asked, Kind
from shared.contracts.categories import Category

PRECEDENCE: tuple[AnswerState, ...] = (
    AnswerState.REFUSED,
    AnswerState.DISPUTED,
    AnswerState.PAUSED,
    AnswerState.ASKED,
    AnswerState.WITHDRAWN,
    AnswerState.INVALID,
    AnswerState.EXPIRED,
    AnswerState.NOT_ASKED,
    AnswerState.PENDING_CONFIRMATION,
    AnswerState.GRANTED,
    AnswerState.SUPERSEDED,
)
"""From what closes most to what opens. An answer that was superseded never decides: its successor does."""


def question_state(answers: Iterable[Answer], *, at: datetime) -> AnswerState:
    """Return the state of one question (recipient, purpose, category, kind) from all the answers to it ever given.

    A pending yes opens nothing, and until it is confirmed what was said before it still counts.
    """
    said = [answer.state(at=at) for answer in sorted(answers, key=lambda answer: answer.given_at)]
    decided = [state for state in said if state not in (AnswerState.SUPERSEDED, AnswerState.PENDING_CONFIRMATION)]
    if decided:
        return decided[-1]
    return AnswerState.PENDING_CONFIRMATION if AnswerState.PENDING_CONFIRMATION in said else AnswerState.NOT_ASKED


def category_state(asked: Asked, category: Category, answers: Iterable[Answer], *, at: datetime) -> AnswerState:
    """Return what a category stands at for a recipient and purpose: the first of its questions' states in the order."""
    ours = [
        answer
        for answer in answers
        if (answer.person_id, answer.recipient_id, answer.purpose)
        == (asked.person_id, asked.recipient_id, asked.purpose)
        and answer.category is category
    ]
    kinds = asked.kinds or frozenset(Kind)
    states = {question_state([item for item in ours if item.kind is kind], at=at) for kind in kinds}
    return min(states, key=PRECEDENCE.index)
