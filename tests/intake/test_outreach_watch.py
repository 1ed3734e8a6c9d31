"""No thread is overdue in silence, and nobody is kept for ever whom nobody meets any more."""

from datetime import timedelta

from sqlmodel import select

from services.intake import outreach_watch
from services.intake.outreach_store import ThreadContact
from shared.unit_of_work import UnitOfWork
from tests.intake.builders import Intake
from tests.intake.street import (
    WORKER,
    a_thread,
    forget,
    is_destroyed,
    join,
    kept,
    meet,
    shown,
    thread_alarms,
    want_case,
)
from tests.intake.test_unreadable import damage_key

LOOK_AGAIN = ("responsible", "look_again")
TOLD_TO_LEAD = ("lead", "look_again")
FORGOTTEN_SOON = ("lead", "forgotten_soon")


def pass_and_look(intake: Intake, *days: int) -> None:
    """Let days pass, and have the watch look after each time."""
    for some in days:
        intake.clock.pass_days(some)
        intake.look()


def test_what_is_overdue_is_told_to_whoever_is_responsible_then_to_a_lead_and_again(intake: Intake) -> None:
    a_thread(intake)

    told = []
    for days in (7, 1, 2, 5):
        pass_and_look(intake, days)
        told.append(thread_alarms(intake))

    assert told == [
        [],
        [LOOK_AGAIN],
        [LOOK_AGAIN, TOLD_TO_LEAD],
        [LOOK_AGAIN, TOLD_TO_LEAD, TOLD_TO_LEAD],
    ]
    assert intake.look() == 0


def test_two_instances_that_look_at_once_tell_it_once(intake: Intake) -> None:
    a_thread(intake)
    intake.clock.pass_days(8)
    due = intake.app.state.service.threads.overdue(now=intake.clock.now)

    raised = [len(intake.write(lambda work: outreach_watch.raise_alarms(work, due))) for _ in range(2)]

    assert raised == [1, 0]


def test_what_was_overdue_is_told_to_nobody_when_somebody_acted_meanwhile(intake: Intake) -> None:
    acted, forgotten = a_thread(intake), a_thread(intake)
    intake.clock.pass_days(8)
    due = intake.app.state.service.threads.overdue(now=intake.clock.now)
    meet(intake, acted)
    forget(intake, forgotten)

    assert intake.write(lambda work: outreach_watch.raise_alarms(work, due)) == []


def test_an_alarm_says_which_thread_who_and_since_when_and_nothing_else(intake: Intake) -> None:
    thread_id = a_thread(intake)
    pass_and_look(intake, 8)

    [line] = intake.ask("GET", "/alarms", role="lead").json()

    assert (line["thread_id"], line["case_id"], line["strand_key"]) == (thread_id, None, f"outreach.{thread_id}")
    assert (line["responsible_id"], line["due_at"]) == ("outreach_worker-1", "2026-03-10T00:00:00Z")


def test_alarms_of_threads_are_seen_by_outreach_workers_and_leads_and_those_of_cases_not_by_outreach_workers(
    intake: Intake,
) -> None:
    a_thread(intake)
    intake.open_case()
    pass_and_look(intake, 8)

    def seen(role: str) -> set[bool]:
        return {line["thread_id"] is not None for line in intake.ask("GET", "/alarms", role=role).json()}

    assert [seen(role) for role in (WORKER, "lead", "intake_worker", "assessor")] == [
        {True},
        {True, False},
        {False},
        {False},
    ]


def test_that_somebody_has_seen_an_alarm_is_written_down_by_whoever_can_see_it(intake: Intake) -> None:
    a_thread(intake)
    intake.open_case()
    pass_and_look(intake, 8)
    of_thread, of_case = (
        next(line["alarm_id"] for line in intake.ask("GET", "/alarms", role="lead").json() if bool(line[name]))
        for name in ("thread_id", "case_id")
    )

    statuses = [
        intake.ask("POST", f"/alarms/{of_thread}/seen", role=role).status_code for role in ("assessor", WORKER, "lead")
    ]
    statuses.append(intake.ask("POST", f"/alarms/{of_case}/seen", role=WORKER).status_code)

    assert statuses == [404, 204, 204, 404]
    assert [line["seen_by"] for line in intake.ask("GET", "/alarms", role=WORKER).json()] == ["outreach_worker-1"]


def test_a_contact_or_a_look_in_vain_settles_what_is_overdue(intake: Intake) -> None:
    one, other = a_thread(intake), a_thread(intake)
    pass_and_look(intake, 12)

    meet(intake, one)
    meet(intake, other, done=["not_met"])

    assert thread_alarms(intake) == []


def test_a_contact_from_before_settles_nothing_if_there_was_a_later_one(intake: Intake) -> None:
    thread_id = a_thread(intake)
    pass_and_look(intake, 8)

    meet(intake, thread_id, at=intake.clock.now - timedelta(days=9))

    assert thread_alarms(intake) == [LOOK_AGAIN]


def test_an_alarm_of_a_thread_is_over_when_it_was_joined_or_became_a_case(intake: Intake) -> None:
    one, other = a_thread(intake), a_thread(intake)
    pass_and_look(intake, 8)

    join(intake, one, other)
    left = len(thread_alarms(intake))
    want_case(intake, one)

    assert (left, thread_alarms(intake)) == (1, [])


def test_a_thread_without_a_meeting_for_half_a_year_is_forgotten_and_a_lead_was_told_two_weeks_before(
    intake: Intake,
) -> None:
    thread_id = a_thread(intake)
    pass_and_look(intake, 165)
    before = thread_alarms(intake)

    pass_and_look(intake, 1)
    told = thread_alarms(intake)
    pass_and_look(intake, 13)
    still = shown(intake, thread_id)["state"]
    pass_and_look(intake, 1)

    assert (FORGOTTEN_SOON in before, FORGOTTEN_SOON in told, still) == (False, True, "open")
    assert (shown(intake, thread_id)["state"], is_destroyed(intake, thread_id)) == ("ended", True)
    assert thread_alarms(intake) == []


def test_nobody_is_forgotten_before_a_lead_has_known_it_for_a_week_whatever_stood_still(intake: Intake) -> None:
    thread_id = a_thread(intake)

    pass_and_look(intake, 300)
    states = [shown(intake, thread_id)["state"]]
    pass_and_look(intake, 6)
    states.append(shown(intake, thread_id)["state"])
    pass_and_look(intake, 1)
    states.append(shown(intake, thread_id)["state"])

    assert states == ["open", "open", "ended"]


def test_looking_in_vain_keeps_nobody_in_the_files_and_a_meeting_does(intake: Intake) -> None:
    sought, met = a_thread(intake), a_thread(intake)
    pass_and_look(intake, 170)
    for thread_id, done in ((sought, "not_met"), (met, "met")):
        meet(intake, thread_id, done=[done])

    pass_and_look(intake, 3, 10)

    assert (shown(intake, sought)["state"], shown(intake, met)["state"]) == ("ended", "open")


def test_nothing_at_all_is_left_of_an_ended_thread_once_no_contact_can_come_late(intake: Intake) -> None:
    one, other = a_thread(intake), a_thread(intake)
    join(intake, one, other)
    forget(intake, one)

    pass_and_look(intake, 30)
    before = len(kept(intake)["Thread"])
    pass_and_look(intake, 1)

    assert before == 2
    assert kept(intake) == {"Thread": [], "ThreadContact": [], "ThreadAlarm": []}


def test_a_thread_whose_key_is_damaged_is_called_for_and_forgotten_and_stops_no_other(intake: Intake) -> None:
    damaged, whole = a_thread(intake, note="Lost."), a_thread(intake, note="There.")
    damage_key(intake, damaged)

    pass_and_look(intake, 8)

    assert thread_alarms(intake) == [LOOK_AGAIN, LOOK_AGAIN]
    assert shown(intake, damaged)["unreadable"] == 1
    assert (meet(intake, damaged).status_code, meet(intake, whole).status_code) == (503, 201)
    assert meet(intake, damaged, done=["wants_to_be_left_alone"]).status_code == 201
    assert is_destroyed(intake, damaged)


def test_threads_are_not_joined_if_the_words_of_one_cannot_be_read_and_both_go_on(intake: Intake) -> None:
    one, other = a_thread(intake), a_thread(intake)
    damage_key(intake, other)

    answer = join(intake, one, other)

    assert (answer.status_code, answer.json()["code"]) == (503, "unreadable_value")
    assert {row["state"] for row in kept(intake)["Thread"]} == {"open"}


def test_words_that_a_restored_backup_brings_back_go_again(intake: Intake) -> None:
    thread_id = a_thread(intake, note="Forgotten.")
    with intake.app.state.service.database.read() as session:
        words = session.exec(select(ThreadContact)).one().content
    forget(intake, thread_id)

    def restore(work: UnitOfWork) -> None:
        work.session.exec(select(ThreadContact)).one().content = words

    intake.write(restore)
    intake.look()

    assert [row["content"] for row in kept(intake)["ThreadContact"]] == [None]
