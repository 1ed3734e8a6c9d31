"""A case begins once, has somebody responsible and a next step with a day, and ends without a reason."""

from datetime import date

from sqlmodel import select

from services.intake.store import Commission
from shared.contracts.intake import CaseEnded, CaseOpened, ContactRecorded, IdentityRecorded, Origin
from tests.intake.builders import IN_PERSON, SHA, TEAM, Intake, a_cancellation, a_commission

NOTICES = {"language": "ar", "text_version": "2026-1", "text_sha256": SHA}
KEY = "k" * 20


def test_a_commission_opens_a_case_and_announces_how_the_person_may_be_reached(intake: Intake) -> None:
    commission = a_commission()

    intake.hear(commission)

    opened, contact = intake.announced(CaseOpened)[0], intake.announced(ContactRecorded)[0]
    assert (opened.commission_id, opened.origin) == (commission.commission_id, Origin.COMMISSIONED)
    assert (contact.person_id, contact.contact, contact.version) == (opened.person_id, commission.contact, 1)


def test_a_commission_that_is_heard_twice_opens_one_case(intake: Intake) -> None:
    commission = a_commission()

    intake.hear(commission)
    intake.hear(commission)

    assert len(intake.lines()) == len(intake.announced(CaseOpened)) == 1


def test_the_deadline_of_a_commission_can_shorten_the_first_contact(intake: Intake) -> None:
    intake.hear(a_commission(deadline=date(2026, 3, 3)))

    assert intake.announced(CaseOpened)[0].first_contact_by == date(2026, 3, 3)


def test_a_cancelled_commission_forgets_the_budget_and_the_case_goes_on(intake: Intake) -> None:
    commission = a_commission()
    intake.hear(commission)

    intake.hear(a_cancellation(commission))
    intake.hear(a_cancellation(commission))

    row = intake.write(lambda work: work.session.exec(select(Commission)).one())
    assert row.budget_line is None
    assert row.cancelled_at is not None
    assert len(intake.lines()) == 1
    assert intake.announced(CaseEnded) == []


def test_somebody_who_comes_by_themselves_has_no_commission(intake: Intake) -> None:
    ids = intake.open_case(origin="self", identity={"name": "Erika Beispiel"})

    opened = intake.announced(CaseOpened)[0]
    assert (opened.case_id, opened.person_id, opened.commission_id) == (ids["case_id"], ids["person_id"], None)
    assert intake.announced(IdentityRecorded)[0].identity.name == "Erika Beispiel"


def test_no_name_no_phone_no_address_and_no_papers_are_ordinary(intake: Intake) -> None:
    answer = intake.ask("POST", "/cases", {"origin": "street", "contact": IN_PERSON})

    assert answer.status_code == 201
    assert intake.announced(IdentityRecorded) == []
    assert intake.announced(ContactRecorded)[0].content() == {"channel": "in_person"}


def test_a_meeting_place_is_a_way_to_reach_somebody(intake: Intake) -> None:
    intake.open_case(contact={"channel": "in_person", "address": "Bahnhofsmission, abends"})

    assert intake.announced(ContactRecorded)[0].contact.address == "Bahnhofsmission, abends"


def test_a_case_has_somebody_responsible_and_a_first_step_with_a_day(intake: Intake) -> None:
    intake.open_case(origin="street")

    line = intake.lines()[0]
    assert (line["responsible_id"], line["next_step"], line["due_on"]) == (TEAM, "give_notices", "2026-03-03")


def test_after_the_notices_comes_the_assessment(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]

    answer = intake.ask("POST", f"/cases/{case_id}/notices", NOTICES)

    assert (answer.status_code, answer.json()["next_step"]) == (201, "assessment")
    assert intake.lines()[0]["due_on"] == "2026-03-05"


def test_the_same_notices_given_twice_are_given_once(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]

    first = intake.ask("POST", f"/cases/{case_id}/notices", NOTICES).json()
    again = intake.ask("POST", f"/cases/{case_id}/notices", NOTICES).json()
    other = intake.ask("POST", f"/cases/{case_id}/notices", {**NOTICES, "language": "de"}).json()

    assert first["notice_id"] == again["notice_id"] != other["notice_id"]
    shown = intake.ask("GET", f"/cases/{case_id}").json()["notices"]
    assert [notice["language"] for notice in shown] == ["ar", "de"]


def test_what_is_overdue_is_listed_until_the_next_step_is_done(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]
    before = intake.lines("/overdue")
    intake.clock.pass_days(4)

    overdue = intake.lines("/overdue")
    intake.ask("POST", f"/cases/{case_id}/notices", NOTICES)
    still = intake.lines("/overdue")
    intake.ask("POST", f"/cases/{case_id}/reviews")

    assert (before, [line["case_id"] for line in overdue], len(still)) == ([], [case_id], 1)
    assert intake.lines("/overdue") == []
    assert intake.lines()[0]["next_step"] == "review"


def test_an_ended_case_is_announced_once_without_a_reason(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]

    first = intake.ask("POST", f"/cases/{case_id}/end").json()
    intake.clock.pass_days(1)
    again = intake.ask("POST", f"/cases/{case_id}/end").json()

    assert first == again
    assert [event.case_id for event in intake.announced(CaseEnded)] == [case_id]
    assert intake.lines() == []


def test_an_ended_case_cannot_be_changed(intake: Intake) -> None:
    case_id = intake.open_case()["case_id"]
    intake.ask("POST", f"/cases/{case_id}/end")

    answer = intake.ask("PUT", f"/cases/{case_id}/contact", IN_PERSON)

    assert (answer.status_code, answer.json()["code"]) == (409, "case_has_ended")


def test_a_case_that_was_never_opened_is_not_found(intake: Intake) -> None:
    answer = intake.ask("GET", "/cases/never-opened-case")

    assert (answer.status_code, answer.json()["code"]) == (404, "case_not_found")
    assert "never-opened" not in answer.text


def test_a_request_that_is_sent_again_with_its_key_is_answered_again_and_done_once(intake: Intake) -> None:
    body = {"origin": "self", "contact": IN_PERSON}

    first = intake.ask("POST", "/cases", body, key=KEY)
    again = intake.ask("POST", "/cases", body, key=KEY)
    other = intake.ask("POST", "/cases", body, key="o" * 20)

    assert first.json() == again.json() != other.json()
    assert len(intake.lines()) == 2


def test_the_key_of_one_caller_says_nothing_to_another(intake: Intake) -> None:
    body = {"origin": "self", "contact": IN_PERSON}

    worker = intake.ask("POST", "/cases", body, key=KEY)
    lead = intake.ask("POST", "/cases", body, key=KEY, role="lead")

    assert worker.json() != lead.json()


def test_a_key_that_comes_again_with_another_person_is_refused_and_opens_nothing(intake: Intake) -> None:
    body = {"origin": "self", "contact": IN_PERSON}
    intake.ask("POST", "/cases", body | {"identity": {"name": "Erika Beispiel"}}, key=KEY)

    answer = intake.ask("POST", "/cases", body | {"identity": {"name": "Anna Beispiel"}}, key=KEY)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert len(intake.lines()) == 1
    assert "Beispiel" not in answer.text
