"""What a question to a person stands at, in one order for all: of several states the first in `PRECEDENCE` counts.

Pure. The states are told apart for the person and the care circle; what a recipient may know follows from
`decision.py` alone, where each of them but `granted` opens nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

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


class Act(StrEnum):
    """What can happen to an answer that was given."""

    NEWER_ANSWER = "a newer answer to the same question"
    WITHDRAWAL = "withdrawal"
    TIME = "its time is over"
    CONFIRMATION = "confirmed elsewhere"
    DISPUTE = "disputed"
    SETTLEMENT = "recognised after all"
    INVALIDITY = "found invalid"
    HOLD = "quiet signal"
    LIFTING = "hold lifted"


_S = AnswerState
_STANDING = (_S.GRANTED, _S.ASKED, _S.PAUSED)
_ANY_BUT_A_NO = (*_STANDING, _S.PENDING_CONFIRMATION, _S.DISPUTED)

TRANSITIONS: dict[Act, frozenset[tuple[AnswerState, AnswerState]]] = {
    Act.NEWER_ANSWER: frozenset((state, _S.SUPERSEDED) for state in (*_ANY_BUT_A_NO, _S.REFUSED)),
    Act.WITHDRAWAL: frozenset((state, _S.WITHDRAWN) for state in _ANY_BUT_A_NO),
    Act.TIME: frozenset((state, _S.EXPIRED) for state in _ANY_BUT_A_NO),
    Act.CONFIRMATION: frozenset((_S.PENDING_CONFIRMATION, state) for state in (_S.GRANTED, _S.ASKED, _S.PAUSED)),
    Act.DISPUTE: frozenset(
        {*((state, _S.DISPUTED) for state in _STANDING), (_S.PENDING_CONFIRMATION, _S.INVALID)},
    ),
    Act.SETTLEMENT: frozenset((_S.DISPUTED, state) for state in _STANDING),
    Act.INVALIDITY: frozenset((state, _S.INVALID) for state in _ANY_BUT_A_NO),
    Act.HOLD: frozenset({(_S.GRANTED, _S.PAUSED), (_S.ASKED, _S.PAUSED)}),
    Act.LIFTING: frozenset({(_S.PAUSED, _S.GRANTED), (_S.PAUSED, _S.ASKED)}),
}
"""Every change that an answer can go through. A no ends by a newer answer alone; what has ended never changes again."""


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
