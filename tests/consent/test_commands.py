"""What recipients say: taken in once, answered the same again, refused with field and reason and never a value."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.consent.tables import CommandRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import CommissionCancelled, CommissionReceived, Outcome, PlacesOffered, ReferralAnswered
from tests.consent.builders import (
    CLINIC,
    a_cancellation,
    a_commission,
    an_answer_to,
    an_identity,
    new_id,
)
from tests.consent.gate import Gate
from tests.consent.wire import Wire


@pytest.fixture
def wire(gate: Gate) -> Wire:
    """Return a recipient's end of the wire."""
    return Wire(gate)


def a_reference_of_the_clinic(gate: Gate) -> tuple[str, str]:
    """Return a referral that the clinic has opened, and the reference that it has for it."""
    person = gate.a_person()
    gate.hear(an_identity(person))
    referral = gate.a_referral_of(person)
    gate.agree(person, referral, Category.IDENTITY)
    [answer] = gate.reading(CLINIC).news()
    return referral, answer["released"]["reference"]


def refusal(answer: dict[str, Any]) -> tuple[str, str]:
    """Return field and reason of the only fault."""
    assert answer["result"] == "refused"
    [error] = answer["errors"]
    return error["field"], error["reason"]


def test_a_commission_is_received_and_announced_without_the_jobcenters_reference(gate: Gate, wire: Wire) -> None:
    command = a_commission("BG-2026/0815")

    assert wire.send(command) == {"result": "received", "command_id": command["command_id"]}

    [announced] = gate.announced(CommissionReceived)
    assert announced.recipient_id == "jobcenter-essen"
    assert (announced.service, announced.deadline) == ("clarification", date(2026, 6, 30))
    assert announced.contact.address == "0201 555 0100"
    assert b"BG-2026" not in announced.body()


def test_a_repeated_command_is_answered_the_same_and_has_its_effect_once(gate: Gate, wire: Wire) -> None:
    command = a_commission()

    first, second = wire.send(command), wire.send(command)

    assert first == second
    assert len(gate.announced(CommissionReceived)) == 1
    assert len(gate.notices()) == 1


def test_a_repeated_refusal_is_the_same_refusal(wire: Wire) -> None:
    command = a_commission(deadline="2026-03-02")

    assert wire.send(command) == wire.send(command)


def test_a_command_id_is_for_one_command(gate: Gate, wire: Wire) -> None:
    command = a_commission("BG-1")
    wire.send(command)

    answer = wire.send({**command, "reference": "BG-2"})

    assert refusal(answer) == ("command_id", "was used for another command")
    assert len(gate.rows(SubjectRow)) == 1


def test_command_ids_of_two_recipients_have_nothing_to_do_with_each_other(gate: Gate, wire: Wire) -> None:
    _, reference = a_reference_of_the_clinic(gate)
    command_id = new_id()
    wire.send(a_commission(command_id=command_id))

    answer = wire.send(an_answer_to(reference, command_id=command_id), CLINIC)

    assert answer["result"] == "received"


def test_the_same_commission_under_another_command_id_is_received_and_not_doubled(gate: Gate, wire: Wire) -> None:
    answers = [wire.send(a_commission("BG-1")), wire.send(a_commission("BG-1"))]

    assert [answer["result"] for answer in answers] == ["received", "received"]
    assert len(gate.announced(CommissionReceived)) == 1


@pytest.mark.parametrize(
    "other", [{"service": "outreach"}, {"deadline": "2026-07-01"}, {"budget_line": "16B-2026"}], ids=str
)
def test_a_reference_is_for_one_commission(wire: Wire, other: dict[str, str]) -> None:
    wire.send(a_commission("BG-1"))

    assert refusal(wire.send(a_commission("BG-1", **other))) == ("reference", "was used for another commission")


@pytest.mark.parametrize(
    ("deadline", "result"),
    [
        ("2026-03-01", "refused"),
        ("2026-03-02", "refused"),
        ("2026-03-03", "received"),
        ("2028-03-02", "received"),
        ("2028-03-03", "refused"),
    ],
)
def test_a_deadline_lies_in_the_future_within_two_years(wire: Wire, deadline: str, result: str) -> None:
    answer = wire.send(a_commission(deadline=deadline))

    assert answer["result"] == result
    assert all(error["field"] == "deadline" for error in answer.get("errors", []))


def test_a_commission_can_be_cancelled_once(gate: Gate, wire: Wire) -> None:
    wire.send(a_commission("BG-1"))

    answers = [wire.send(a_cancellation("BG-1")) for _ in range(2)]

    assert [answer["result"] for answer in answers] == ["received", "received"]
    assert len(gate.announced(CommissionCancelled)) == 1


def test_what_is_not_known_cannot_be_cancelled_nor_answered(wire: Wire) -> None:
    assert refusal(wire.send(a_cancellation("BG-9"))) == ("reference", "is not known")
    assert refusal(wire.send(an_answer_to("BG-9"), CLINIC)) == ("reference", "is not known")


def test_a_reference_of_another_recipient_is_not_known(gate: Gate, wire: Wire) -> None:
    gate.register("jobcenter-bochum")
    wire.send(a_commission("BG-1"))

    answer = wire.send(a_cancellation("BG-1"), "jobcenter-bochum")

    assert refusal(answer) == ("reference", "is not known")
    assert gate.announced(CommissionCancelled) == []


def test_a_role_gives_its_own_commands_only(gate: Gate, wire: Wire) -> None:
    _, reference = a_reference_of_the_clinic(gate)

    answers = [
        wire.send(a_commission("BG-1"), CLINIC),
        wire.send(a_cancellation(reference), CLINIC),
        wire.send(an_answer_to(reference)),
        wire.send(a_commission(), "schuldnerhilfe"),
    ]

    assert [refusal(answer) for answer in answers] == [("command", "is not for this recipient")] * 4


def test_an_ended_recipient_gives_no_commands(gate: Gate, wire: Wire) -> None:
    gate.ask("POST", "/recipients/jobcenter-essen/ending", role="operator")

    assert refusal(wire.send(a_commission())) == ("command", "is not for this recipient")


def test_a_providers_answer_is_announced_with_its_codes(gate: Gate, wire: Wire) -> None:
    referral, reference = a_reference_of_the_clinic(gate)

    wire.send(an_answer_to(reference, "appointment_offered", appointment_at="2026-03-09T09:00:00+01:00"), CLINIC)
    wire.send(an_answer_to(reference, "ended", outcome="helped"), CLINIC)

    offered, ended = gate.announced(ReferralAnswered)
    assert {offered.referral_id, ended.referral_id} == {referral}
    assert offered.appointment_at == datetime(2026, 3, 9, 8, tzinfo=UTC)
    assert ended.outcome is Outcome.HELPED


@pytest.mark.parametrize("when", ["2026-03-02T11:59:59Z", "2028-04-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_appointment_that_nobody_can_keep_is_refused(gate: Gate, wire: Wire, when: str) -> None:
    _, reference = a_reference_of_the_clinic(gate)

    answer = wire.send(an_answer_to(reference, "appointment_offered", appointment_at=when), CLINIC)

    assert refusal(answer) == ("appointment_at", "must lie in the future, within two years")
    assert gate.announced(ReferralAnswered) == []


def test_an_answer_about_an_erased_person_looks_like_one_about_any_other_and_reaches_nobody(
    gate: Gate, wire: Wire
) -> None:
    _, reference = a_reference_of_the_clinic(gate)
    [subject] = gate.rows(SubjectRow, SubjectRow.kind == "referral")

    gate.service.keys.destroy(str(subject.person_id))

    assert wire.send(an_answer_to(reference), CLINIC)["result"] == "received"
    assert gate.announced(ReferralAnswered) == []


def test_nothing_that_a_recipient_says_changes_what_anybody_may_know(gate: Gate, wire: Wire) -> None:
    _, reference = a_reference_of_the_clinic(gate)
    before = gate.notices(), gate.notices(CLINIC)

    wire.send(an_answer_to(reference, "attended"), CLINIC)
    wire.send(an_answer_to(reference, "ended", outcome="not_helped"), CLINIC)
    wire.send(a_commission("BG-1", budget_line="lower case"))

    assert (gate.notices(), gate.notices(CLINIC)) == before


def test_what_a_recipient_was_told_about_a_command_holds_no_value(gate: Gate, wire: Wire) -> None:
    wire.send(a_commission("BG-1"))
    wire.send(a_commission("BG-1", service="outreach"))

    stored = str([row.model_dump() for row in gate.rows(CommandRow)])

    assert "BG-1" not in stored
    assert "0201" not in stored


def an_offer(**changes: Any) -> dict[str, Any]:
    """Return that a provider keeps places."""
    command = {"command_id": new_id(), "command": "offer_places", "service": "clinic_place", "places": 3}
    return {**command, "valid_until": "2026-03-20T12:00:00+01:00", **changes}


def test_places_that_a_provider_keeps_are_announced_once_and_name_nobody(gate: Gate) -> None:
    offer = an_offer()

    faults = [gate.command(offer, CLINIC), gate.command(offer, CLINIC)]

    [announced] = gate.announced(PlacesOffered)
    assert faults == [[], []]
    assert (announced.recipient_id, announced.service, announced.places) == (CLINIC, "clinic_place", 3)


@pytest.mark.parametrize("until", ["2020-01-01T00:00:00+01:00", "2031-01-01T00:00:00+01:00"])
def test_places_are_offered_for_the_next_ninety_days(gate: Gate, until: str) -> None:
    [fault] = gate.command(an_offer(valid_until=until), CLINIC)

    assert (fault["field"], fault["reason"]) == ("valid_until", "must lie in the future, within 90 days")
    assert gate.announced(PlacesOffered) == []


@pytest.mark.parametrize("places", [-1, 501, "3", 2.5, None])
def test_a_number_of_places_that_cannot_be_is_refused_without_repeating_it(wire: Wire, places: Any) -> None:
    field, reason = refusal(wire.send(an_offer(places=places)))

    assert field == "places"
    assert reason in {"is too small", "is too large", "must be a whole number"}


def test_a_jobcenter_offers_no_places(wire: Wire) -> None:
    assert refusal(wire.send(an_offer())) == ("command", "is not for this recipient")
