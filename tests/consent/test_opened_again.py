"""What was taken back and is released anew is opened anew: the care circle hears of each time."""

from shared.contracts.categories import Category
from shared.contracts.consent import ReferralCleared, ReferralOpened
from tests.consent.builders import CLINIC, a_finding
from tests.consent.gate import Gate

DEBTS = Category.DEBTS


def test_that_a_provider_opens_a_referral_after_a_second_yes_is_heard(sqlite_gate: Gate) -> None:
    person, clinic = sqlite_gate.a_person(), sqlite_gate.reading(CLINIC)
    sqlite_gate.hear(a_finding(person, DEBTS))
    referral = sqlite_gate.a_referral_of(person)
    sqlite_gate.agree(person, referral, DEBTS)
    first = [news["result"] for news in clinic.news()]
    sqlite_gate.withdraw(person)
    clinic.news()

    sqlite_gate.agree(person, referral, DEBTS)

    assert first == [news["result"] for news in clinic.news()] == ["released"]
    assert [event.referral_id for event in sqlite_gate.announced(ReferralCleared)] == [referral] * 2
    assert [event.referral_id for event in sqlite_gate.announced(ReferralOpened)] == [referral] * 2
