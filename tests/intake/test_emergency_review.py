"""What was told in an emergency is reviewed by a lead, or confirmed by a second person: until then it is owed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.intake.care_store import Strand
from shared.contracts.consent import EmergencyDisclosed, EmergencyReviewOverdue, EmergencySettled
from shared.contracts.envelope import CareEvent
from shared.inbox import TooEarly
from tests.intake.builders import NOON, Intake

EMERGENCY = "emergency-0001"
STRAND = f"consent.{EMERGENCY}"
TOMORROW = NOON + timedelta(days=1)
REVIEW = ("review_emergency", "lead", "2026-03-03T12:00:00Z")


def disclosed(person_id: str) -> EmergencyDisclosed:
    """Return that something was told of a person without a grant."""
    return EmergencyDisclosed(
        emergency_id=EMERGENCY,
        person_id=person_id,
        at=NOON,
        tell_person_by=NOON + timedelta(days=3),
        review_by=TOMORROW,
    )


def settled(person_id: str) -> EmergencySettled:
    """Return that somebody else has looked at it."""
    return EmergencySettled(emergency_id=EMERGENCY, person_id=person_id, at=NOON + timedelta(hours=2))


def overdue(person_id: str) -> EmergencyReviewOverdue:
    """Return that nobody has looked at it in time."""
    return EmergencyReviewOverdue(emergency_id=EMERGENCY, person_id=person_id, due_at=TOMORROW)


def owed(intake: Intake, case_id: str) -> list[tuple[str, str, str]]:
    """Return what the emergency still needs: the step, who is responsible, and by when."""
    return [
        (strand["step"], strand["responsible_id"], strand["due_at"])
        for strand in intake.care(case_id)["strands"]
        if strand["strand_key"] == STRAND
    ]


def test_a_lead_has_to_review_it_by_its_day(intake: Intake) -> None:
    ids = intake.open_case()

    intake.hear(disclosed(ids["person_id"]))

    assert owed(intake, ids["case_id"]) == [REVIEW]


def test_a_review_that_is_overdue_is_an_alarm_until_somebody_has_looked_at_it(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(disclosed(ids["person_id"]))
    intake.clock.pass_days(1)

    intake.look()

    [alarm] = intake.alarms()
    assert (alarm["strand_key"], alarm["case_id"], alarm["responsible_id"]) == (STRAND, ids["case_id"], "lead")
    intake.hear(settled(ids["person_id"]))
    assert (intake.alarms(), owed(intake, ids["case_id"])) == ([], [])


def test_it_is_over_in_whichever_order_that_is_heard(intake: Intake) -> None:
    ids = intake.open_case()

    for event in (settled, disclosed, overdue):
        intake.hear(event(ids["person_id"]))

    assert owed(intake, ids["case_id"]) == []
    assert intake.write(lambda work: work.session.get_one(Strand, STRAND).is_open) is False


def test_that_it_is_overdue_says_enough_if_the_emergency_was_never_heard_of(intake: Intake) -> None:
    ids = intake.open_case()

    intake.hear(overdue(ids["person_id"]))

    assert owed(intake, ids["case_id"]) == [REVIEW]


def test_that_it_is_overdue_changes_nothing_of_what_was_told_already(intake: Intake) -> None:
    ids = intake.open_case()
    intake.hear(disclosed(ids["person_id"]))
    intake.clock.pass_days(1)
    intake.look()

    intake.hear(overdue(ids["person_id"]))

    assert (owed(intake, ids["case_id"]), intake.look(), len(intake.alarms())) == ([REVIEW], 0, 1)


def test_an_emergency_that_names_no_day_of_review_owes_none(intake: Intake) -> None:
    ids = intake.open_case()

    intake.hear(disclosed(ids["person_id"]).model_copy(update={"review_by": None}))

    assert owed(intake, ids["case_id"]) == []


@pytest.mark.parametrize("event", [disclosed, overdue, settled])
def test_what_is_said_of_a_person_who_is_not_known_yet_waits(intake: Intake, event: Callable[[str], CareEvent]) -> None:
    with pytest.raises(TooEarly):
        intake.hear(event("person-0001"))
