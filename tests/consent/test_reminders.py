"""That a yes or an ask is about to end is said in time, so that somebody asks the person anew."""

import asyncio

from services.consent.domain import REMIND_BEFORE
from services.consent.tables import AnswerRow
from shared.contracts.categories import Category
from shared.contracts.consent import Awaited, PersonAwaited
from tests.consent.builders import DAY
from tests.consent.gate import Gate


def renewals(gate: Gate) -> list[PersonAwaited]:
    """Return what was announced of words that are about to end."""
    return [event for event in gate.announced(PersonAwaited) if event.awaited is Awaited.RENEWAL]


def test_each_word_of_a_declaration_that_is_about_to_end_is_said_in_time_and_once(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    referral = sqlite_gate.a_referral_of(person)
    grants = sqlite_gate.agree(person, referral, Category.MENTAL_HEALTH, Category.DEBTS)
    ends = sorted({row.expires_at for row in sqlite_gate.rows(AnswerRow) if row.expires_at})
    assert len(ends) == 2  # one of them may stand for a shorter time

    for end in ends:
        sqlite_gate.clock.now = end - REMIND_BEFORE + DAY
        for _ in range(2):
            asyncio.run(sqlite_gate.service.timers.run_calendar())
            sqlite_gate.clock.pass_()

    said = sorted((event.item_id, event.due_at) for event in renewals(sqlite_gate))
    assert said == sorted((grant, end) for grant in grants for end in ends)
