"""A thread becomes a case when the person says so, in no other way, and once."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.consent import PersonErased
from shared.contracts.intake import AcuteNeedReported, CaseOpened, Channel, ContactRecorded, Origin
from tests.intake.builders import NOON, Intake
from tests.intake.street import WORKER, a_contact, a_thread, forget, is_destroyed, join, kept, meet, shown, want_case
from tests.intake.test_unreadable import damage_key


def export_of(intake: Intake, person_id: str) -> str:
    """Return everything that is kept about a person."""
    return intake.ask("GET", f"/persons/{person_id}/export", role="person_desk").text


def test_a_case_is_opened_without_a_name_or_an_address_and_announced_like_any_other_from_the_street(
    intake: Intake,
) -> None:
    thread_id = a_thread(intake)

    answer = want_case(intake, thread_id).json()

    [opened], [contact] = intake.announced(CaseOpened), intake.announced(ContactRecorded)
    assert (opened.case_id, opened.person_id, opened.origin) == (answer["case_id"], answer["person_id"], Origin.STREET)
    assert contact.contact.channel is Channel.IN_PERSON
    assert intake.care(answer["case_id"])["next"]["step"] == "give_notices"
    assert len(intake.outgoing()) == 2


def test_what_is_announced_says_nothing_of_the_thread(intake: Intake) -> None:
    thread_id = a_thread(intake, called="Kalle (synthetic)", note="Sleeps under the bridge.")

    want_case(intake, thread_id)

    bodies = b"".join(item.body for item in intake.outgoing())
    assert [word for word in (thread_id, "Kalle", "bridge", "bus_station") if word.encode() in bodies] == []


def test_it_becomes_a_case_once(intake: Intake) -> None:
    thread_id = a_thread(intake)

    answers = [want_case(intake, thread_id).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(intake.lines()) == 1


def test_whoever_tells_a_name_and_is_related_to_staff_is_taken_at_their_word(intake: Intake) -> None:
    thread_id = a_thread(intake)
    body = {
        "identity": {"name": "Karl Beispiel (synthetic)"},
        "contact": {"channel": "phone", "address": "0201 555 0100"},
        "shielded": True,
    }

    case_id = want_case(intake, thread_id, **body).json()["case_id"]

    view = intake.ask("GET", f"/cases/{case_id}").json()
    assert (view["identity"]["name"], view["contact"]["channel"]) == ("Karl Beispiel (synthetic)", "phone")
    assert view["shielded_at"] is not None


def test_what_was_noted_is_the_persons_then_and_the_key_of_the_thread_is_gone(intake: Intake) -> None:
    thread_id = a_thread(intake, called="Kalle (synthetic)", note="Sleeps under the bridge.")

    person_id = want_case(intake, thread_id).json()["person_id"]

    told = export_of(intake, person_id)
    assert all(word in told for word in ("Kalle (synthetic)", "Sleeps under the bridge.", "bus_station", "spoken"))
    assert is_destroyed(intake, thread_id)
    view = shown(intake, thread_id)
    assert (view["state"], view["called"], view["contacts"]) == ("case", None, [])


def test_with_the_person_everything_of_the_thread_is_erased(intake: Intake) -> None:
    one, other = a_thread(intake), a_thread(intake)
    join(intake, one, other)
    intake.clock.pass_days(9)
    intake.look()
    person_id = want_case(intake, one).json()["person_id"]

    intake.hear(PersonErased(erasure_id="erasure-0001", person_id=person_id, erased_at=NOON))

    assert kept(intake) == {"Thread": [], "ThreadContact": [], "ThreadAlarm": []}


def test_somebody_who_is_hungry_tonight_and_tells_no_name_is_on_the_acute_lane_at_once(intake: Intake) -> None:
    case_id = want_case(intake, a_thread(intake)).json()["case_id"]

    need = intake.ask("POST", "/acute-needs", {"case_id": case_id, "kind": "hunger"}, role=WORKER)
    intake.look()

    assert need.status_code == 201
    assert [(line["rung"], line["step"]) for line in intake.alarms()] == [("responsible", "acknowledge_acute_need")]
    intake.clock.now += timedelta(minutes=15)
    intake.look()
    assert {line["rung"] for line in intake.alarms()} == {"responsible", "lead"}
    assert len(intake.announced(AcuteNeedReported)) == 1


def test_whoever_met_them_can_see_to_it(intake: Intake) -> None:
    case_id = want_case(intake, a_thread(intake)).json()["case_id"]
    need_id = intake.report_need(case_id)["need_id"]

    taken = intake.ask("POST", f"/acute-needs/{need_id}/acknowledgement", role=WORKER)
    settled = intake.ask("POST", f"/acute-needs/{need_id}/settling", {"outcome": "helped"}, role=WORKER)

    assert (taken.json()["acknowledged_by"], settled.status_code) == ("outreach_worker-1", 200)


def test_a_thread_of_somebody_who_has_a_case_goes_there_and_nobody_hears_of_it(intake: Intake) -> None:
    case = intake.open_case()
    before = len(intake.outgoing())
    thread_id = a_thread(intake, note="Sleeps under the bridge.")

    answers = [want_case(intake, thread_id, case_id=case["case_id"]) for _ in range(2)]

    assert [answer.json()["person_id"] for answer in answers] == [case["person_id"]] * 2
    assert "Sleeps under the bridge." in export_of(intake, case["person_id"])
    assert len(intake.outgoing()) == before


def test_two_threads_may_go_to_one_case_one_after_the_other(intake: Intake) -> None:
    one, other = a_thread(intake, note="First."), a_thread(intake, note="Second.")
    first = want_case(intake, one).json()

    second = want_case(intake, other, case_id=first["case_id"]).json()

    told = export_of(intake, second["person_id"])
    assert ("First." in told, "Second." in told) == (True, True)


def test_a_thread_that_is_a_case_goes_to_no_other(intake: Intake) -> None:
    thread_id, other = a_thread(intake), intake.open_case()["case_id"]
    want_case(intake, thread_id)

    answer = want_case(intake, thread_id, case_id=other)

    assert (answer.status_code, answer.json()["code"]) == (409, "thread_has_case")


def test_a_thread_goes_to_no_case_that_has_ended(intake: Intake) -> None:
    thread_id, case_id = a_thread(intake), intake.open_case()["case_id"]
    intake.ask("POST", f"/cases/{case_id}/end")

    answer = want_case(intake, thread_id, case_id=case_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "case_has_ended")
    assert shown(intake, thread_id)["state"] == "open"


def test_a_thread_that_has_ended_becomes_no_case(intake: Intake) -> None:
    thread_id = a_thread(intake)
    forget(intake, thread_id)

    answer = want_case(intake, thread_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "thread_has_ended")
    assert intake.lines() == []


def test_what_happened_before_and_comes_late_is_the_persons_too_and_what_happens_later_belongs_to_the_case(
    intake: Intake,
) -> None:
    thread_id = a_thread(intake)
    intake.clock.pass_days(2)
    person_id = want_case(intake, thread_id).json()["person_id"]
    intake.clock.pass_days(1)

    late = meet(intake, thread_id, at=NOON + timedelta(days=1), note="Late.")
    later = meet(intake, thread_id, note="Later.")

    assert (late.status_code, later.status_code, later.json()["code"]) == (201, 409, "thread_has_case")
    assert "Late." in export_of(intake, person_id)


@pytest.mark.parametrize(
    ("method", "what", "body"),
    [
        ("DELETE", "", None),
        ("POST", "/joining", {"other_thread_id": "{other}"}),
        ("POST", "/contacts", {"done": ["wants_to_be_left_alone"]}),
    ],
)
def test_of_a_case_nothing_else_becomes_here(
    intake: Intake, method: str, what: str, body: dict[str, Any] | None
) -> None:
    thread_id, other = a_thread(intake), a_thread(intake)
    want_case(intake, thread_id)
    sent = {name: other if value == "{other}" else value for name, value in (body or {}).items()}
    sent = a_contact(intake) | sent if what == "/contacts" else sent

    answer = intake.ask(method, f"/threads/{thread_id}{what}", sent or None, role=WORKER)

    assert (answer.status_code, answer.json()["code"]) == (409, "thread_has_case")
    assert shown(intake, other)["state"] == "open"


def test_nobody_waits_for_a_case_because_of_words_that_cannot_be_read(intake: Intake) -> None:
    thread_id = a_thread(intake, called="Kalle (synthetic)", note="Lost.")
    damage_key(intake, thread_id)

    answer = want_case(intake, thread_id)

    assert answer.status_code == 201
    assert intake.ask("GET", f"/persons/{answer.json()['person_id']}/export", role="person_desk").status_code == 200
    assert [row["content"] for row in kept(intake)["ThreadContact"]] == [None]
