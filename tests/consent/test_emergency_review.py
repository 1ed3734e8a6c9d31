"""After an emergency: a second person or a review within a day, the person is told, and what is overdue is loud."""

from typing import Any

import pytest

from tests.consent.builders import DAY, SECOND
from tests.consent.emergencies import HOUR, JUSTIFIED, TODAY, act, an_emergency, listed
from tests.consent.gate import Gate


def test_a_second_person_confirms_in_their_own_name(gate: Gate) -> None:
    emergency = an_emergency(gate)

    status, answer = act(gate, emergency, "second-person", role="assessor-2")

    assert (status, answer["state"], answer["second_person_id"]) == (200, "confirmed", "assessor-2")
    gate.clock.pass_(9 * DAY)
    assert [(row["state"], row["review_overdue"]) for row in listed(gate)] == [("confirmed", False)]


def test_who_told_cannot_confirm_it_themselves(gate: Gate) -> None:
    emergency = an_emergency(gate)

    status, answer = act(gate, emergency, "second-person", role="assessor")

    assert (status, answer["code"]) == (409, "not_the_second_person")
    assert listed(gate)[0]["state"] == "awaits_second_person"


def test_where_a_second_person_was_named_nobody_else_can_confirm(gate: Gate) -> None:
    emergency = an_emergency(gate, second_person_id="lead-1")

    refused = act(gate, emergency, "second-person", role="assessor-2")
    confirmed = act(gate, emergency, "second-person", role="lead")

    assert (refused[0], refused[1]["code"]) == (409, "not_the_second_person")
    assert confirmed[1]["state"] == "confirmed"


def test_naming_a_second_person_confirms_nothing(gate: Gate) -> None:
    an_emergency(gate, second_person_id="lead-1")

    gate.clock.pass_(DAY)

    assert listed(gate)[0]["state"] == "review_overdue"


def test_a_confirmation_that_is_repeated_changes_nothing(gate: Gate) -> None:
    emergency = an_emergency(gate)

    first, again = (act(gate, emergency, "second-person", role="lead") for _ in range(2))
    third = act(gate, emergency, "second-person", role="assessor-2")

    assert first == again
    assert (third[0], third[1]["code"]) == (409, "already_recorded")


@pytest.mark.parametrize(("late", "status"), [(DAY - 2 * SECOND, 200), (DAY - SECOND, 409), (DAY, 409)])
def test_after_a_day_a_second_person_comes_too_late(gate: Gate, late: Any, status: int) -> None:
    emergency = an_emergency(gate)
    gate.clock.pass_(late)  # a second has passed already

    answered, answer = act(gate, emergency, "second-person", role="lead")

    assert (answered, answer.get("code")) == (status, None if status == 200 else "second_person_too_late")


def test_a_lead_who_had_no_part_in_it_reviews_it(gate: Gate) -> None:
    emergency = an_emergency(gate)
    gate.clock.pass_(2 * DAY)

    status, answer = act(gate, emergency, "review", {"outcome": "not_justified"}, role="lead")

    assert (status, answer["state"], answer["outcome"]) == (200, "reviewed", "not_justified")
    assert (answer["reviewed_by"], answer["review_overdue"]) == ("lead-1", False)


@pytest.mark.parametrize(
    "part", [{"role": "lead", "assessor_id": "lead-1"}, {"second_person_id": "lead-1"}], ids=["told", "named"]
)
def test_who_had_a_part_in_it_cannot_review_it(gate: Gate, part: dict[str, str]) -> None:
    emergency = an_emergency(gate, **part)

    refused = act(gate, emergency, "review", JUSTIFIED, role="lead")
    accepted = act(gate, emergency, "review", JUSTIFIED, role="lead-2")

    assert (refused[0], refused[1]["code"]) == (409, "reviewer_was_involved")
    assert accepted[1]["state"] == "reviewed"


def test_who_confirmed_it_cannot_review_it(gate: Gate) -> None:
    emergency = an_emergency(gate)
    act(gate, emergency, "second-person", role="lead")

    assert act(gate, emergency, "review", JUSTIFIED, role="lead")[1]["code"] == "reviewer_was_involved"


def test_a_review_never_changes(gate: Gate) -> None:
    emergency = an_emergency(gate)

    first, again = (act(gate, emergency, "review", JUSTIFIED, role="lead") for _ in range(2))
    other = act(gate, emergency, "review", {"outcome": "not_justified"}, role="lead")
    others = act(gate, emergency, "review", JUSTIFIED, role="lead-2")

    assert first == again
    assert {other[1]["code"], others[1]["code"]} == {"already_recorded"}


@pytest.mark.parametrize("outcome", ["", "maybe", None, ["justified"]])
def test_a_review_has_one_of_two_outcomes(sqlite_gate: Gate, outcome: Any) -> None:
    emergency = an_emergency(sqlite_gate)

    status, answer = act(sqlite_gate, emergency, "review", {"outcome": outcome}, role="lead")

    assert (status, answer["errors"][0]["field"]) == (422, "outcome")


@pytest.mark.parametrize(
    ("what", "body"), [("second-person", None), ("review", JUSTIFIED), ("person-told", TODAY)], ids=str
)
def test_an_emergency_that_nobody_recorded_cannot_be_acted_on(unmoved_gate: Gate, what: str, body: Any) -> None:
    status, answer = act(unmoved_gate, "emergency-nobody", what, body, role="lead")

    assert (status, answer["code"]) == (404, "emergency_not_found")


def test_the_person_is_told_and_it_is_recorded_when_and_in_which_language(gate: Gate) -> None:
    emergency = an_emergency(gate)

    status, answer = act(gate, emergency, "person-told", TODAY, role="assessor")

    assert status == 200
    assert answer["person_told_at"] is not None
    shown = gate.ask("GET", f"/emergencies/{emergency}", role="lead").json()
    assert shown["person_told"] == TODAY
    gate.clock.pass_(9 * DAY)
    assert listed(gate)[0]["person_told_overdue"] is False


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-03"])
def test_nobody_was_told_before_it_happened_or_after_today(sqlite_gate: Gate, day: str) -> None:
    emergency = an_emergency(sqlite_gate)

    status, answer = act(sqlite_gate, emergency, "person-told", {**TODAY, "told_on": day}, role="assessor")

    assert (status, answer["errors"][0]["field"]) == (422, "told_on")


def test_without_a_day_the_person_was_told_today(gate: Gate) -> None:
    emergency = an_emergency(gate)
    gate.clock.pass_(DAY)

    act(gate, emergency, "person-told", {"language": "ar"}, role="lead")

    shown = gate.ask("GET", f"/emergencies/{emergency}", role="lead").json()
    assert shown["person_told"] == {"told_on": "2026-03-03", "language": "ar"}


def test_that_the_person_was_told_never_changes(gate: Gate) -> None:
    emergency = an_emergency(gate)

    first, again = (act(gate, emergency, "person-told", TODAY, role="assessor") for _ in range(2))
    other = act(gate, emergency, "person-told", {**TODAY, "language": "ar"}, role="assessor")

    assert first == again
    assert (other[0], other[1]["code"]) == (409, "already_recorded")


@pytest.mark.parametrize(("hours", "overdue"), [(71, False), (72, True)])
def test_after_three_days_telling_the_person_is_overdue(gate: Gate, hours: int, overdue: bool) -> None:
    an_emergency(gate)
    gate.clock.pass_(hours * HOUR - SECOND)

    assert listed(gate)[0]["person_told_overdue"] is overdue


def test_the_list_holds_ids_times_and_states_and_nothing_of_what_was_told(gate: Gate) -> None:
    an_emergency(gate)

    found = {role: listed(gate, role) for role in ("lead", "operator")}

    assert found["lead"] == found["operator"]
    assert set(found["lead"][0]) == {
        "emergency_id",
        "person_id",
        "assessor_id",
        "second_person_id",
        "state",
        "told_at",
        "confirmed_at",
        "review_due_at",
        "review_overdue",
        "reviewed_by",
        "reviewed_at",
        "outcome",
        "tell_person_by",
        "person_told_at",
        "person_told_overdue",
    }


def test_who_confirms_or_reviews_sees_what_was_told_and_why(gate: Gate) -> None:
    emergency = an_emergency(gate)

    shown = gate.ask("GET", f"/emergencies/{emergency}", role="assessor-2").json()

    assert shown["recipient"] == "rescue_service"
    assert shown["message"]["identity"]["name"] == "Testperson"
    assert shown["why"] == {
        "reason": "danger_to_life",
        "reason_text": "Found on the floor, hardly answers.",
        "categories": ["contact", "identity", "safety"],
        "family": None,
    }
