"""A thread: contacts with somebody who has no name here. What they do not want is not done, and not kept."""

from datetime import timedelta
from typing import Any

import pytest

from tests.intake.builders import NOON, SECOND_ID, SECOND_WORKER, Intake
from tests.intake.street import (
    WORKER,
    a_contact,
    a_thread,
    forget,
    is_destroyed,
    join,
    kept,
    meet,
    shown,
    thread_alarms,
)

MARKER = "Geheimniskrämer"


def test_a_thread_needs_no_name_and_has_somebody_responsible_and_a_day_from_the_first_moment(intake: Intake) -> None:
    thread_id = a_thread(intake)

    [line] = intake.ask("GET", "/threads", role=WORKER).json()

    assert line == {
        "thread_id": thread_id,
        "state": "open",
        "responsible_id": "outreach_worker-1",
        "opened_on": "2026-03-02",
        "look_again_on": "2026-03-09",
        "overdue": False,
    }


def test_what_was_noted_is_shown_in_the_order_in_which_it_happened(intake: Intake) -> None:
    thread_id = a_thread(intake, called="Kalle (synthetic)", note="Sleeps under the bridge.", done=["met", "gave_food"])
    intake.clock.now += timedelta(hours=1)

    meet(intake, thread_id, at=NOON - timedelta(days=3), note="Written down without network.", point="elsewhere")

    view = shown(intake, thread_id)
    assert view["called"] == "Kalle (synthetic)"
    assert [(line["point"], line["note"]) for line in view["contacts"]] == [
        ("elsewhere", "Written down without network."),
        ("bus_station", "Sleeps under the bridge."),
    ]


def test_somebody_looks_again_a_week_after_the_latest_contact_unless_it_names_a_day(intake: Intake) -> None:
    thread_id = a_thread(intake)
    intake.clock.pass_days(3)

    days = [
        meet(intake, thread_id).json()["look_again_on"],
        meet(intake, thread_id, look_again_on="2026-03-20").json()["look_again_on"],
        meet(intake, thread_id, at=NOON + timedelta(days=1)).json()["look_again_on"],
    ]

    assert days == ["2026-03-12", "2026-03-20", "2026-03-20"]


def test_a_contact_that_is_sent_twice_is_there_once(intake: Intake) -> None:
    thread_id, contact = a_thread(intake), a_contact(intake, note="Once.")

    answers = [intake.ask("POST", f"/threads/{thread_id}/contacts", contact, role=WORKER) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(shown(intake, thread_id)["contacts"]) == 2


@pytest.mark.parametrize("change", [{"note": "Two."}, {"done": ["met"]}, {"look_again_on": "2026-03-10"}])
def test_a_contact_that_comes_again_and_says_something_else_is_refused(intake: Intake, change: dict[str, Any]) -> None:
    thread_id, contact = a_thread(intake), a_contact(intake, note="One.")
    intake.ask("POST", f"/threads/{thread_id}/contacts", contact, role=WORKER)

    answer = intake.ask("POST", f"/threads/{thread_id}/contacts", contact | change, role=WORKER)

    assert (answer.status_code, answer.json()["code"]) == (409, "contact_differs")
    assert [line["note"] for line in shown(intake, thread_id)["contacts"] if line["note"]] == ["One."]


def test_a_contact_of_one_thread_is_none_of_another(intake: Intake) -> None:
    one, other, contact = a_thread(intake), a_thread(intake), a_contact(intake)
    intake.ask("POST", f"/threads/{one}/contacts", contact, role=WORKER)

    answer = intake.ask("POST", f"/threads/{other}/contacts", contact, role=WORKER)

    assert answer.json()["code"] == "contact_differs"


def test_the_same_first_contact_begins_no_other_thread(intake: Intake) -> None:
    body = {"contact": a_contact(intake)}

    answers = [intake.ask("POST", "/threads", body, role=WORKER).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(kept(intake)["Thread"]) == 1


def test_whoever_wants_to_be_left_alone_is_and_no_word_is_kept(intake: Intake) -> None:
    thread_id = a_thread(intake, called="Kalle (synthetic)", note="Sleeps under the bridge.")

    answer = meet(intake, thread_id, done=["met", "wants_to_be_left_alone"], note="Shouted.")

    assert answer.json() == {"thread_id": thread_id, "state": "ended"}
    assert is_destroyed(intake, thread_id)
    rows = kept(intake)
    assert [row["content"] for row in rows["ThreadContact"]] == [None, None]
    assert [(row["called"], row["look_again_on"], row["last_met_at"]) for row in rows["Thread"]] == [(None, None, None)]
    assert intake.ask("GET", "/threads", role="lead").json() == []


def test_nobody_looks_again_for_whoever_wants_to_be_left_alone(intake: Intake) -> None:
    thread_id = a_thread(intake)
    intake.clock.pass_days(9)
    intake.look()
    meet(intake, thread_id, done=["wants_to_be_left_alone"])

    intake.clock.pass_days(20)
    intake.look()

    assert thread_alarms(intake) == []


def test_the_wish_to_be_left_alone_counts_also_if_it_comes_late_and_twice(intake: Intake) -> None:
    thread_id, wish = a_thread(intake), a_contact(intake, done=["wants_to_be_left_alone"])
    intake.clock.pass_days(4)
    meet(intake, thread_id)

    answers = [intake.ask("POST", f"/threads/{thread_id}/contacts", wish, role=WORKER) for _ in range(2)]

    assert [answer.json()["state"] for answer in answers] == ["ended", "ended"]


def test_a_person_is_forgotten_in_one_step_without_a_reason(intake: Intake) -> None:
    thread_id = a_thread(intake, called="Kalle (synthetic)", note="Sleeps under the bridge.")

    assert (forget(intake, thread_id), forget(intake, thread_id)) == (204, 204)

    assert is_destroyed(intake, thread_id)
    assert [row["content"] for row in kept(intake)["ThreadContact"]] == [None]


def test_what_is_sent_late_begins_no_thread_anew_that_was_forgotten(intake: Intake) -> None:
    first = a_contact(intake)
    thread_id = intake.ask("POST", "/threads", {"contact": first}, role=WORKER).json()["thread_id"]
    forget(intake, thread_id)

    again = intake.ask("POST", "/threads", {"contact": first}, role=WORKER)
    later = meet(intake, thread_id)

    assert again.json() == {"thread_id": thread_id, "state": "ended"}
    assert (later.status_code, later.json()["code"]) == (409, "thread_has_ended")
    assert [row["content"] for row in kept(intake)["ThreadContact"]] == [None]


def test_a_worker_lists_their_own_threads_and_a_lead_all_of_them(intake: Intake) -> None:
    mine, theirs = a_thread(intake), a_thread(intake, role=SECOND_WORKER)

    def listed(role: str) -> set[str]:
        return {line["thread_id"] for line in intake.ask("GET", "/threads", role=role).json()}

    assert (listed(WORKER), listed(SECOND_WORKER), listed("lead")) == ({mine}, {theirs}, {mine, theirs})


def test_a_lead_sees_nothing_of_what_was_noted(intake: Intake) -> None:
    a_thread(intake, called=MARKER, note=MARKER)
    intake.clock.pass_days(30)
    intake.look()

    seen = [intake.ask("GET", path, role="lead").text for path in ("/threads", "/alarms", "/care")]

    assert MARKER not in "".join(seen)
    assert "bus_station" not in "".join(seen)


def test_a_thread_is_handed_over_to_an_outreach_worker_only(intake: Intake) -> None:
    thread_id = a_thread(intake)

    refused = intake.ask("POST", f"/threads/{thread_id}/hand-over", {"to": "assessor-1"}, role="lead")
    done = intake.ask("POST", f"/threads/{thread_id}/hand-over", {"to": SECOND_ID}, role="lead")

    assert refused.json()["errors"] == [{"field": "to", "reason": "must hold a token as outreach_worker"}]
    assert done.status_code == 200
    assert [line["thread_id"] for line in intake.ask("GET", "/threads", role=SECOND_WORKER).json()] == [thread_id]


def test_whoever_takes_over_an_overdue_thread_is_told_too(intake: Intake) -> None:
    thread_id = a_thread(intake)
    intake.clock.pass_days(8)
    intake.look()

    intake.ask("POST", f"/threads/{thread_id}/hand-over", {"to": SECOND_ID}, role="lead")

    assert intake.look() == 1
    assert [line["responsible_id"] for line in intake.ask("GET", "/alarms", role=WORKER).json()] == [SECOND_ID]


def test_two_threads_of_one_person_become_one_with_the_contacts_of_both_in_order(intake: Intake) -> None:
    one = a_thread(intake, note="First.")
    intake.clock.pass_days(1)
    other = a_thread(intake, note="Second.", called="Kalle (synthetic)", look_again_on="2026-03-04")
    intake.clock.pass_days(1)
    meet(intake, one, note="Third.")

    joined = [join(intake, one, other).json() for _ in range(2)]

    view = shown(intake, one)
    assert [line["note"] for line in view["contacts"]] == ["First.", "Second.", "Third."]
    assert (view["called"], view["look_again_on"]) == ("Kalle (synthetic)", "2026-03-04")
    assert joined[0] == joined[1]
    assert is_destroyed(intake, other)


def test_what_comes_late_for_a_joined_thread_is_kept_in_the_one_that_goes_on(intake: Intake) -> None:
    first, second, third = (a_thread(intake) for _ in range(3))
    join(intake, second, third)
    join(intake, first, second)

    answer = meet(intake, third, note="Late.")

    assert answer.json()["thread_id"] == first
    assert "Late." in [line["note"] for line in shown(intake, first)["contacts"]]


def test_with_a_thread_those_are_forgotten_that_were_joined_to_it(intake: Intake) -> None:
    one, other = a_thread(intake), a_thread(intake)
    join(intake, one, other)

    forget(intake, other)

    assert {row["state"] for row in kept(intake)["Thread"]} == {"ended"}
    assert meet(intake, one).json()["code"] == "thread_has_ended"


@pytest.mark.parametrize("other", ["itself", "no-such-thread"])
def test_a_thread_is_joined_with_another_one_that_there_is(intake: Intake, other: str) -> None:
    thread_id = a_thread(intake)

    answer = join(intake, thread_id, thread_id if other == "itself" else other)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "other_thread_id")


def test_nobody_outside_intake_hears_of_a_thread(intake: Intake) -> None:
    one, other, third = a_thread(intake, called="Kalle (synthetic)"), a_thread(intake), a_thread(intake)
    intake.clock.pass_days(9)
    intake.look()
    join(intake, one, other)
    intake.ask("POST", f"/threads/{one}/hand-over", {"to": SECOND_ID}, role="lead")
    meet(intake, one)
    meet(intake, third, done=["wants_to_be_left_alone"])
    forget(intake, one)
    a_thread(intake)
    intake.clock.pass_days(400)
    intake.look()
    intake.clock.pass_days(8)
    intake.look()

    assert intake.outgoing() == []
    assert {row["state"] for row in kept(intake)["Thread"]} == {"ended"}


def test_no_word_lies_in_the_clear_and_none_is_logged(intake: Intake, capsys: pytest.CaptureFixture[str]) -> None:
    thread_id = a_thread(intake, called=MARKER, note=MARKER, point="canal_bridge")
    meet(intake, thread_id, note=MARKER, point="canal_bridge", done=["gave_sleeping_bag"])
    intake.clock.pass_days(9)
    intake.look()

    files = b"".join(path.read_bytes() for path in intake.folder.rglob("*") if path.is_file())

    said = "".join(capsys.readouterr())
    words = (MARKER, "Geheimniskr\\u00e4mer", "canal_bridge", "gave_sleeping_bag")
    assert [word for word in words if word.encode() in files or word in said] == []


def test_the_meeting_points_are_listed(intake: Intake) -> None:
    listed = intake.ask("GET", "/meeting-points", role=WORKER).json()

    assert {"code", "name", "part_of_town", "hours"} == set(listed[0])
    assert "bus_station" in {point["code"] for point in listed}
