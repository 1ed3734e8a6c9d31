"""Who somebody is and how they are reached: each change is a new version of one fact, and the same again is none."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import NextStep, Progress, Step, first_contact_by, next_step
from shared.contracts.intake import ContactRecorded, IdentityRecorded, Origin
from shared.contracts.town import Deadlines, IntakeDeadlines, Town
from tests.intake.builders import IN_PERSON, Intake

DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1))
PHONE = {"channel": "phone", "address": "0201 555 0101"}


def test_a_new_contact_is_a_new_version_of_the_same_fact(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]

    answer = intake.ask("PUT", f"/cases/{case_id}/contact", PHONE).json()

    first, second = intake.announced(ContactRecorded)
    assert (first.fact_id, first.version) == (answer["fact_id"], 1)
    assert (second.fact_id, second.version) == (answer["fact_id"], answer["version"]) == (first.fact_id, 2)
    assert second.content() == PHONE


def test_the_same_contact_again_is_no_new_version(intake: Intake) -> None:
    case_id = intake.open_case(contact=PHONE)["case_id"]

    answer = intake.ask("PUT", f"/cases/{case_id}/contact", {**PHONE, "address": "  0201 555 0101 "}).json()

    assert answer["version"] == len(intake.announced(ContactRecorded)) == 1


def test_a_name_that_is_told_later_is_the_first_version(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]

    told = intake.ask("PUT", f"/cases/{case_id}/identity", {"name": "Erika Beispiel"}).json()
    again = intake.ask("PUT", f"/cases/{case_id}/identity", {"name": "Erika Beispiel"}).json()
    more = intake.ask("PUT", f"/cases/{case_id}/identity", {"name": "Erika Beispiel", "born_on": "1970-01-02"}).json()

    assert (told["version"], again["version"], more["version"]) == (1, 1, 2)
    assert [event.fact_id for event in intake.announced(IdentityRecorded)] == [told["fact_id"], told["fact_id"]]
    assert intake.announced(IdentityRecorded)[-1].content() == {"name": "Erika Beispiel", "born_on": "1970-01-02"}


def test_a_list_of_cases_names_nobody(intake: Intake) -> None:
    intake.open_case(identity={"name": "Erika Beispiel"}, contact=PHONE)

    answer = intake.ask("GET", "/cases")

    assert "Erika" not in answer.text
    assert "555" not in answer.text


def test_an_intake_worker_sees_who_it_is_and_how_to_reach_them(intake: Intake) -> None:
    case_id = intake.open_case(identity={"name": "Erika Beispiel"}, contact=PHONE)["case_id"]

    shown = intake.ask("GET", f"/cases/{case_id}").json()

    assert shown["identity"] == {"name": "Erika Beispiel", "born_on": None}
    assert shown["contact"] == PHONE


def test_an_assessor_sees_how_to_reach_the_person_and_no_name(intake: Intake) -> None:
    case_id = intake.open_case(identity={"name": "Erika Beispiel"}, contact=IN_PERSON)["case_id"]

    answer = intake.ask("GET", f"/cases/{case_id}/contact", role="assessor")

    assert answer.json() == {"channel": "in_person"}


@given(st.sampled_from(Origin), DAYS, st.none() | DAYS)
def test_the_first_contact_is_never_before_the_case_nor_needlessly_late(
    origin: Origin, opened_on: date, deadline: date | None
) -> None:
    by = first_contact_by(origin, opened_on=opened_on, deadline=deadline)

    assert opened_on <= by <= opened_on + timedelta(days=5)
    assert by <= max(opened_on, deadline or date.max)


@given(DAYS, st.booleans(), st.none() | DAYS)
def test_every_open_case_has_a_next_step(by: date, given_: bool, reviewed_on: date | None) -> None:
    step = next_step(Progress(first_contact_by=by, notices_given=given_, reviewed_on=reviewed_on))

    assert (step.code == "give_notices") is not given_
    assert step.due_on in (by, reviewed_on and reviewed_on + timedelta(days=30))


def test_a_town_has_its_own_deadlines_and_holidays() -> None:
    tuesday = date(2026, 3, 3)
    deadlines = Deadlines(intake=IntakeDeadlines(first_contact_working_days=2, review_days=60))
    town = Town(deadlines=deadlines, holidays=(tuesday + timedelta(days=1),))
    reviewed = Progress(first_contact_by=tuesday, notices_given=True, reviewed_on=tuesday)

    by = first_contact_by(Origin.SELF, opened_on=tuesday, town=town)

    assert by == tuesday + timedelta(days=3)
    assert next_step(reviewed, town) == Step(NextStep.REVIEW, tuesday + timedelta(days=60))
