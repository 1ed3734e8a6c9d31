"""A referral: the person's agreement clears it, the provider opens what it needs and was released, and answers."""

import pytest

from services.consent.domain import RecipientRole, Word
from services.consent.errors import NotAcceptable
from services.consent.opening import EMPTY
from services.consent.release import names_told
from services.consent.tables import SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import (
    ProviderAnswer,
    ReferralAnswered,
    ReferralCleared,
    ReferralNotCleared,
    ReferralOpened,
)
from tests.consent.builders import (
    CLINIC,
    DAY,
    DEBT_HELP,
    JOBCENTER,
    NOON,
    a_closing,
    a_contact,
    a_finding,
    a_referral,
    an_answer_to,
    an_appointment,
    an_identity,
)
from tests.consent.gate import Gate

IDENTITY, CONTACT, DEBTS = Category.IDENTITY, Category.CONTACT, Category.DEBTS
MENTAL_HEALTH, APPOINTMENT = Category.MENTAL_HEALTH, Category.APPOINTMENT


def a_known_person(gate: Gate) -> str:
    """Return a person of whom the gate knows a name, a way to reach them, and two findings."""
    person = gate.a_person()
    gate.hear(
        an_identity(person), a_contact(person), a_finding(person, DEBTS), a_finding(person, MENTAL_HEALTH, "depression")
    )
    return person


def test_a_provider_opens_what_it_needs_and_was_released_to_it(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person, IDENTITY, MENTAL_HEALTH)

    gate.agree(person, referral, IDENTITY, MENTAL_HEALTH, DEBTS)

    [answer] = gate.reading(CLINIC).news()
    released = answer["released"]
    assert names_told(released) == ["identity", "mental_health"]
    assert released["type"] == "provider.referral.v1"
    assert released["service"] == "day_clinic"
    assert [fact["code"] for fact in released["mental_health"]] == ["depression"]


def test_the_jobcenter_hears_nothing_of_a_referral(gate: Gate) -> None:
    person = a_known_person(gate)
    before = gate.notices(JOBCENTER)

    referral = gate.a_referral_of(person)
    gate.agree(person, referral, IDENTITY)
    [answer] = gate.reading(CLINIC).news()
    gate.command(an_answer_to(answer["released"]["reference"]), CLINIC)
    gate.hear(a_closing(person, referral))

    assert gate.notices(JOBCENTER) == before


def test_a_provider_hears_nothing_of_a_referral_that_the_person_was_not_asked_about(gate: Gate) -> None:
    person = a_known_person(gate)

    gate.a_referral_of(person)

    assert gate.notices(CLINIC) == []
    assert gate.announced(ReferralCleared) == []
    assert gate.announced(ReferralNotCleared) == []


def test_the_team_hears_that_a_referral_is_cleared_and_opened_each_once(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person)

    gate.agree(person, referral, IDENTITY)
    gate.agree(person, referral, IDENTITY, CONTACT)
    notice = gate.notices(CLINIC)[-1]
    gate.open(notice, CLINIC)
    gate.open(notice, CLINIC)

    assert [event.referral_id for event in gate.announced(ReferralCleared)] == [referral]
    assert [event.referral_id for event in gate.announced(ReferralOpened)] == [referral]


def test_an_agreement_to_what_is_not_needed_clears_nothing(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person, IDENTITY)

    gate.agree(person, referral, DEBTS)

    assert gate.notices(CLINIC) == []
    assert gate.announced(ReferralCleared) == []
    assert [event.referral_id for event in gate.announced(ReferralNotCleared)] == [referral]


def test_a_withdrawal_takes_the_clearance_back_and_a_new_yes_gives_it_again(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person)

    gate.agree(person, referral, IDENTITY)
    gate.withdraw(person, recipient_id=CLINIC)
    gate.agree(person, referral, IDENTITY)

    assert len(gate.announced(ReferralCleared)) == 2
    assert len(gate.announced(ReferralNotCleared)) == 1


def test_an_agreement_to_one_referral_opens_no_other(gate: Gate) -> None:
    person = a_known_person(gate)
    one, _other = gate.a_referral_of(person), gate.a_referral_of(person)

    gate.agree(person, one, IDENTITY)

    assert len(gate.reading(CLINIC).news()) == 1


def test_each_referral_has_a_reference_of_its_own(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.agree(person, gate.a_referral_of(person), IDENTITY)
    gate.agree(person, gate.a_referral_of(person), IDENTITY)

    references = {answer["released"]["reference"] for answer in gate.reading(CLINIC).news()}

    assert len(references) == 2
    assert references.isdisjoint({person, gate.reference_of(person)})


def test_a_provider_can_name_every_reference_that_it_was_given(gate: Gate) -> None:
    person = a_known_person(gate)
    for _ in range(5):
        gate.agree(person, gate.a_referral_of(person), IDENTITY)

    references = [answer["released"]["reference"] for answer in gate.reading(CLINIC).news()]

    assert all(reference.isalnum() for reference in references)  # not "-x": a reference may not begin with a sign
    assert [gate.command(an_answer_to(reference), CLINIC) for reference in references] == [[]] * 5


def test_a_closed_referral_says_nothing_more_to_the_provider(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person)
    gate.agree(person, referral, IDENTITY, CONTACT, DEBTS)
    notice = gate.notices(CLINIC)[-1]
    gate.open(notice, CLINIC)

    gate.hear(a_closing(person, referral), a_finding(person, DEBTS, "after_the_end"))

    assert gate.notices(CLINIC) == [notice]
    assert gate.open(notice, CLINIC) == EMPTY


def test_a_yes_to_a_closed_referral_is_refused_and_previewed_as_none(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person)
    gate.hear(a_closing(person, referral))
    asked = {"person_id": person, "recipient_id": CLINIC, "purpose": f"referral:{referral}"}

    preview = gate.ask("POST", "/previews", {**asked, "words": {"identity": "yes"}})

    assert preview.status_code == 422
    with pytest.raises(NotAcceptable):
        gate.agree(person, referral, IDENTITY)
    assert gate.agree(person, referral, IDENTITY, word=Word.NO)


def test_an_unopened_notice_of_a_closed_referral_is_empty(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person)
    gate.agree(person, referral, IDENTITY)

    gate.hear(a_closing(person, referral))

    assert gate.open(gate.notices(CLINIC)[-1], CLINIC) == EMPTY


def test_what_a_provider_holds_of_a_closed_referral_can_still_be_taken_back(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person)
    clinic = gate.reading(CLINIC)
    gate.agree(person, referral, IDENTITY)
    clinic.news()
    gate.hear(a_closing(person, referral))

    gate.withdraw(person)

    assert [answer["result"] for answer in clinic.news()] == ["retracted"]


def test_a_repeated_request_or_closing_changes_nothing(gate: Gate) -> None:
    person = a_known_person(gate)
    asked_for = a_referral(person)
    gate.hear(asked_for, asked_for)
    gate.agree(person, asked_for.referral_id, IDENTITY)

    gate.hear(asked_for)
    gate.hear(a_closing(person, asked_for.referral_id), a_closing(person, asked_for.referral_id))

    assert len(gate.notices(CLINIC)) == 1


def test_the_appointment_of_one_referral_is_told_in_no_other(gate: Gate) -> None:
    person = a_known_person(gate)
    gate.register(DEBT_HELP, RecipientRole.PROVIDER, IDENTITY, APPOINTMENT)
    clinics = gate.a_referral_of(person, IDENTITY, APPOINTMENT)
    other = gate.a_referral_of(person, IDENTITY, APPOINTMENT, recipient_id=DEBT_HELP)
    gate.agree(person, clinics, IDENTITY, APPOINTMENT)
    gate.agree(person, other, IDENTITY, APPOINTMENT, recipient_id=DEBT_HELP)

    gate.hear(an_appointment(person, NOON + DAY, referral_id=clinics))

    [at_the_clinic] = gate.reading(CLINIC).news()
    [at_the_other] = gate.reading(DEBT_HELP).news()
    assert at_the_clinic["released"]["appointment"] == {"appointment_at": "2026-03-03T12:00:00Z"}
    assert "appointment" not in at_the_other["released"]


def test_a_providers_answer_reaches_the_team(gate: Gate) -> None:
    person = a_known_person(gate)
    referral = gate.a_referral_of(person)
    gate.agree(person, referral, IDENTITY)
    [answer] = gate.reading(CLINIC).news()

    faults = gate.command(an_answer_to(answer["released"]["reference"], "waiting_list"), CLINIC)

    assert faults == []
    [announced] = gate.announced(ReferralAnswered)
    assert (announced.referral_id, announced.person_id) == (referral, person)
    assert announced.answer is ProviderAnswer.WAITING_LIST


def test_a_referral_to_a_provider_that_nobody_registered_clears_nothing_and_keeps_nothing_waiting(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_finding(person, Category.DEBTS))

    referral = gate.a_referral_of(person, Category.DEBTS, recipient_id="not-connected")

    assert [event.referral_id for event in gate.announced(ReferralNotCleared)] == [referral]
    gate.hear(a_closing(person, referral))
    assert gate.http.get("/ready").json()["counts"]["parked"] == 0
    assert {row.closed_at is None for row in gate.rows(SubjectRow, SubjectRow.subject_id == referral)} == {False}


def test_once_that_provider_is_registered_the_persons_word_clears_it(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_finding(person, Category.DEBTS))
    referral = gate.a_referral_of(person, Category.DEBTS, recipient_id="not-connected")

    gate.register("not-connected", RecipientRole.PROVIDER, Category.DEBTS)
    gate.agree(person, referral, Category.DEBTS, recipient_id="not-connected")

    assert [event.referral_id for event in gate.announced(ReferralCleared)] == [referral]
    assert gate.notices("not-connected")
