"""What is about somebody else never leaves on this person's grant, whatever a version says (§ 67d (2) SGB X)."""

import pytest

from services.consent.emergency_domain import EmergencyRecipient, Reason
from services.consent.emergency_release import emergency_message
from services.consent.tables import FactRow
from shared.contracts.assessment import FactRecorded
from shared.contracts.categories import Category
from tests.consent.builders import a_finding, a_known_fact, a_removal, a_statement
from tests.consent.gate import Gate

WORK, STATEMENT = Category.WORK, Category.STATEMENT
CHILD = "child-0001"


def about(person: str, version: int, about_id: str | None) -> FactRecorded:
    """Return a version of one finding about work."""
    return a_finding(person, WORK, fact_id="fact-0001", version=version, about_id=about_id)


def test_what_is_about_somebody_else_never_leaves_on_this_persons_grant(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK, STATEMENT)
    before = gate.notices()

    gate.hear(about(person, 1, CHILD), a_statement(person, about_id=CHILD))

    assert gate.notices() == before
    assert [fact["about"] for fact in gate.facts(person)] == ["somebody_else"] * 2


def test_no_later_version_makes_it_the_persons(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK)
    before = gate.notices()

    gate.hear(about(person, 1, CHILD), about(person, 2, None), about(person, 3, "partner-0001"), about(person, 4, None))

    assert gate.notices() == before


def test_a_late_older_version_that_says_so_takes_back_what_was_told(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, WORK)
    gate.hear(about(person, 2, None))
    jobcenter.news()

    gate.hear(about(person, 1, CHILD))

    assert [answer["result"] for answer in jobcenter.news()] == ["retracted"]


def test_a_correction_that_makes_it_somebody_elses_takes_it_back(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, WORK)
    gate.hear(about(person, 1, None))
    jobcenter.news()

    gate.hear(about(person, 2, CHILD))

    assert [answer["result"] for answer in jobcenter.news()] == ["retracted"]


def test_whom_it_is_about_outlasts_a_removal(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK)
    before = gate.notices()

    gate.hear(about(person, 1, CHILD), a_removal(person, "fact-0001"), about(person, 3, None))

    assert gate.notices() == before


def test_a_fact_of_which_nobody_can_read_whom_it_is_about_is_for_nobody(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, WORK)
    gate.hear(about(person, 1, None))
    notice = gate.notices()[-1]

    gate.write(lambda work: setattr(work.session.get_one(FactRow, "fact-0001"), "about", b"damaged by somebody"))

    assert gate.open(notice) == {"result": "empty"}


def test_what_is_about_somebody_else_is_in_no_preview(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(about(person, 1, CHILD))

    asked = {"person_id": person, "recipient_id": "jobcenter-essen", "purpose": "benefit", "words": {"work": "yes"}}
    assert gate.ask("POST", "/previews", {**asked, "reaches_back": True}).json()["would_see"] is None


@pytest.mark.parametrize("recipient", EmergencyRecipient)
def test_even_in_an_emergency_it_is_not_told_as_if_it_were_the_persons(recipient: EmergencyRecipient) -> None:
    found = {"code": "found", "severity": 1, "recorded_on": "2026-03-02"}
    about_a_child = a_known_fact(Category.SAFETY, content=found, about_id=CHILD)
    every = frozenset(Category)

    assert emergency_message(recipient, Reason.DANGER_TO_LIFE, every, [about_a_child]) == emergency_message(
        recipient, Reason.DANGER_TO_LIFE, every, []
    )
