"""What an observer sees depends on what was released to it, and on nothing else (N1, N2, N3)."""

import os
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.consent.domain import Place, Word
from services.consent.emergency_domain import EmergencyRecipient
from shared.contracts.categories import Category
from tests.consent import steps as past
from tests.consent.builders import CLINIC, DAY, JOBCENTER, NOON, SECOND, a_cancellation, a_commission
from tests.consent.emergencies import told_in_an_emergency
from tests.consent.gate import Gate
from tests.consent.histories import Seen, Step, play
from tests.consent.pairs import Timed, draw_released, draw_rest

PAIRS = int(os.environ.get("GESEHEN_TEST_PAIRS", "12"))
"""How many pairs are drawn for each observer; a night can take thousands."""


def results(seen: Seen) -> Counter[str]:
    """Count what the observer was answered."""
    return Counter(item[1]["result"] for item in seen if item[0] == "answer")


def is_emergency(timed: Timed) -> bool:
    """Whether a step of a history is an emergency."""
    return "told_in_an_emergency" in timed[1].__qualname__


@pytest.mark.parametrize("observer", [JOBCENTER, CLINIC])
def test_two_histories_that_differ_only_in_what_is_not_released_look_the_same(sqlite_gate: Gate, observer: str) -> None:
    random, met = Random(78), Counter[str]()  # noqa: S311  a seed, not a secret

    for number in range(PAIRS):
        common = draw_released(random, observer)
        rests = [draw_rest(random, common) for _ in range(2)]
        one, other = (play(sqlite_gate, observer, [*common.steps, *rest]) for rest in rests)
        assert one == other, f"pair {number} of {observer}"
        met += results(one)
        met["notices"] += sum(item[0] == "notice" for item in one)
        met["nothing released"] += not common.categories
        met["emergencies"] += len({sum(map(is_emergency, rest)) > 0 for rest in rests}) - 1
        met["contested"] += str(one).count("'contested': True")

    # A generator that never makes the case proves nothing.
    assert met["released"] > PAIRS / 4, met
    assert met["retracted"] > PAIRS / 10, met
    assert met["empty"] > PAIRS / 5, met
    assert met["nothing released"] > PAIRS / 10, met
    assert met["emergencies"] > PAIRS / 10, met  # one of the two holds some, the other none
    assert met["contested"] > 0, met


@pytest.mark.parametrize("observer", [JOBCENTER, CLINIC])
def test_a_history_without_any_trace_of_the_rest_looks_the_same_too(sqlite_gate: Gate, observer: str) -> None:
    random = Random(203)  # noqa: S311  a seed, not a secret

    for number in range(PAIRS // 4):
        common = draw_released(random, observer)
        with_the_rest = play(sqlite_gate, observer, [*common.steps, *draw_rest(random, common)])
        assert with_the_rest == play(sqlite_gate, observer, common.steps), f"pair {number} of {observer}"


def test_histories_that_differ_in_what_is_released_do_not_look_the_same(sqlite_gate: Gate) -> None:
    random, told_apart = Random(67), 0  # noqa: S311  a seed, not a secret

    for _ in range(8):
        one, other = (play(sqlite_gate, JOBCENTER, draw_released(random, JOBCENTER).steps) for _ in range(2))
        told_apart += one != other

    assert told_apart > 5


def known_and_opened() -> list[Timed]:
    """Return how the Jobcenter came to hold a finding about Anna's work."""
    code = past.known("anna", Category.WORK, "found", fact="fact-1", version=1, at=NOON)
    return [
        (NOON, past.commissioned("anna")),
        (NOON + 1 * SECOND, past.said("anna", JOBCENTER, {Category.WORK: Word.YES}, days=1)),
        (NOON + 2 * SECOND, code),
        (NOON + 3 * SECOND, past.opens(0.9)),
        (NOON + DAY + 60 * SECOND, past.calendar()),
        *((NOON + DAY + (90 + number) * SECOND, past.opens(number / 5)) for number in range(5)),
    ]


@pytest.mark.parametrize("recipient", EmergencyRecipient)
@pytest.mark.parametrize("moment", [SECOND / 2, 5 * SECOND / 2, DAY, DAY + 95 * SECOND])
def test_an_emergency_changes_nothing_for_who_holds_a_release(
    sqlite_gate: Gate, recipient: EmergencyRecipient, moment: timedelta
) -> None:
    told = told_in_an_emergency("anna", recipient, Category)

    seen = play(sqlite_gate, JOBCENTER, [*known_and_opened(), (NOON + moment, told)])

    assert results(seen)["released"] >= 1
    assert seen == play(sqlite_gate, JOBCENTER, known_and_opened())


REASONS: dict[str, Step] = {
    "withdrawn": past.withdrawn("anna", JOBCENTER),
    "withdrawn for the category": past.withdrawn("anna", JOBCENTER, Category.WORK),
    "a later no": past.said("anna", JOBCENTER, {Category.WORK: Word.NO}),
    "a later ask": past.said("anna", JOBCENTER, {Category.WORK: Word.ASK}),
    "a no under one kind": past.said("anna", JOBCENTER, {Category.WORK: Word.NO}, kinds=past.ONE_KIND),
    "removed": past.removed("anna", fact="fact-1"),
    "expired": past.expired("anna"),
    "disputed": past.disputed("anna", JOBCENTER, Category.WORK),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_retraction_looks_the_same_whatever_the_reason(sqlite_gate: Gate, reason: str) -> None:
    at = NOON + DAY + 30 * SECOND

    seen = play(sqlite_gate, JOBCENTER, [*known_and_opened(), (at, REASONS[reason])])

    assert results(seen)["retracted"] >= 1
    assert seen == play(sqlite_gate, JOBCENTER, [*known_and_opened(), (at, REASONS["withdrawn"])])


def afterwards(at: datetime) -> list[Timed]:
    """Return everything that an observer can do and hear for half a year after a person has taken everything back."""
    return [
        *((at + (1 + number) * SECOND, past.opens(number / 9)) for number in range(9)),
        (at + 20 * SECOND, past.speaks(a_commission("BG anna"))),
        (at + 21 * SECOND, past.answers_what_it_holds(0)),
        (at + DAY, past.calendar()),
        (at + 2 * DAY, past.opens(0.99)),
        (at + 130 * DAY, past.calendar()),
        *((at + 131 * DAY + number * SECOND, past.opens(number / 9)) for number in range(9)),
        (at + 132 * DAY, past.speaks(a_cancellation("BG anna"))),
        (at + 133 * DAY, past.opens(0.99)),
    ]


@pytest.mark.parametrize("observer", [JOBCENTER, CLINIC])
def test_an_erased_person_looks_like_one_who_took_everything_back(sqlite_gate: Gate, observer: str) -> None:
    random, met, at = Random(17), Counter[str](), NOON + 6 * DAY  # noqa: S311  a seed, not a secret

    for number in range(PAIRS):
        common = [*draw_released(random, observer).steps, *afterwards(at)]
        one = play(sqlite_gate, observer, [*common, (at, past.withdrawn("anna", observer))])
        other = play(
            sqlite_gate, observer, [*common, (at, past.erased("anna"))], mark=f"{number:04}{observer[:12]:x<12}"
        )
        assert one == other, f"pair {number} of {observer}"
        met += results(other)

    assert met["retracted"] > PAIRS / 3, met
    assert observer == CLINIC or met["status"] > PAIRS, met


def opened_and_then(step: Step) -> list[Timed]:
    """Return how the Jobcenter held a finding about Anna's work when something happened, and then opened it all."""
    return [
        (NOON, past.commissioned("anna")),
        (NOON + 1 * SECOND, past.said("anna", JOBCENTER, {Category.WORK: Word.YES})),
        (NOON + 2 * SECOND, past.known("anna", Category.WORK, "aha", fact="fact-1", version=1, at=NOON)),
        (NOON + 3 * SECOND, past.opens(0.9)),
        (NOON + 60 * SECOND, step),
        *((NOON + (90 + number) * SECOND, past.opens(number / 6)) for number in range(6)),
    ]


CONTESTED_BY = {
    "the person": past.contested("anna", "fact-1"),
    "the team": past.known("anna", Category.WORK, "aha", fact="fact-1", version=2, at=NOON, contested=True),
}


def test_a_contested_finding_looks_the_same_whether_the_person_or_the_team_says_so(sqlite_gate: Gate) -> None:
    one, other = (play(sqlite_gate, JOBCENTER, opened_and_then(step)) for step in CONTESTED_BY.values())

    assert one == other
    assert results(one)["retracted"] >= 1
    assert "'contested': True" in str(one)


@pytest.mark.parametrize("by", CONTESTED_BY)
def test_a_contested_finding_is_retracted_like_any_other(sqlite_gate: Gate, by: str) -> None:
    contested = play(sqlite_gate, JOBCENTER, opened_and_then(CONTESTED_BY[by]))
    withdrawn = play(sqlite_gate, JOBCENTER, opened_and_then(past.withdrawn("anna", JOBCENTER)))

    assert first_retraction(contested) == first_retraction(withdrawn)


def first_retraction(seen: Seen) -> Any:  # Any: JSON values
    """Return the first retraction that the observer opened."""
    return next(item for item in seen if item[0] == "answer" and item[1]["result"] == "retracted")


NOTHING_RELEASED: dict[str, list[Step]] = {
    "not asked": [],
    "refused": [past.said("anna", JOBCENTER, {Category.WORK: Word.NO})],
    "asked each time": [past.said("anna", JOBCENTER, {Category.WORK: Word.ASK})],
    "under one kind only": [past.said("anna", JOBCENTER, {Category.WORK: Word.YES}, kinds=past.ONE_KIND)],
    "another category": [past.said("anna", JOBCENTER, {Category.CONTACT: Word.YES})],
    "from now on": [past.said("anna", JOBCENTER, {Category.WORK: Word.YES}, reaches_back=False)],
    "said at the Jobcenter": [past.said("anna", JOBCENTER, {Category.WORK: Word.YES}, place=Place.JOBCENTER_DEVICE)],
    "a yes that is held": [
        past.held("anna", JOBCENTER),
        past.said("anna", JOBCENTER, {Category.WORK: Word.YES}),
    ],
    "asked, and no to the message": [
        past.said("anna", JOBCENTER, {Category.WORK: Word.ASK}),
        past.answered("anna", JOBCENTER, Word.NO),
    ],
    "told in an emergency": [told_in_an_emergency("anna", one, Category) for one in EmergencyRecipient],
    "withdrawn before": [
        past.said("anna", JOBCENTER, {Category.WORK: Word.ASK}),
        past.withdrawn("anna", JOBCENTER),
    ],
}


@pytest.mark.parametrize("state", NOTHING_RELEASED)
def test_refused_not_asked_and_pending_look_the_same(sqlite_gate: Gate, state: str) -> None:
    def history(steps: list[Step]) -> list[Timed]:
        return [
            (NOON, past.commissioned("anna")),
            (NOON + SECOND, past.known("anna", Category.WORK, "found", fact="fact-1", version=1, at=NOON)),
            *((NOON + (2 + number) * SECOND, step) for number, step in enumerate(steps)),
            (NOON + DAY, past.calendar()),
            *((NOON + DAY + (9 + number) * SECOND, past.opens(number / 4)) for number in range(4)),
        ]

    seen = play(sqlite_gate, JOBCENTER, history(NOTHING_RELEASED[state]))

    assert seen == play(sqlite_gate, JOBCENTER, history([]))
    assert "released" not in results(seen)


def test_a_hold_looks_like_nothing_new(sqlite_gate: Gate) -> None:
    held_at, new_at = NOON + 40 * SECOND, NOON + 50 * SECOND
    more = past.known("anna", Category.WORK, "more", fact="fact-2", version=1, at=new_at)
    hold = [(held_at, past.held("anna", JOBCENTER)), (new_at, more)]

    assert play(sqlite_gate, JOBCENTER, [*known_and_opened(), *hold]) == play(
        sqlite_gate, JOBCENTER, known_and_opened()
    )
