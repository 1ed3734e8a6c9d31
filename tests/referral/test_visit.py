"""A home visit takes the person's own word for this very plan, once; they take it back at any time; it ends as any."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from httpx2 import Response
from sqlmodel import col, select

from services.referral.tables import VisitAuditRow, VisitRow
from services.referral.visit import GRACE, LAST_NUMBER, LEAVE_WITHIN, OVERRUN
from services.referral.visit_store import key_id
from shared.contracts.packet import EARLY
from tests.referral.builders import CASE, NOON, SECOND_WORKER, Desk, the_end
from tests.referral.visits import (
    A_PLAN,
    END,
    PLACE,
    START,
    WORKER,
    agreed,
    do,
    look,
    permit,
    propose,
    proposed,
    steps,
    under_way,
)

LATER = {
    **A_PLAN,
    "from_at": (START + timedelta(days=1)).isoformat(),
    "until_at": (END + timedelta(days=1)).isoformat(),
}
TWO = {"workers": ["outreach_worker-1", "outreach_worker-2"]}


def audits(desk: Desk) -> list[tuple[str | None, str, str, bool]]:
    """Return what was written down of who was refused or searched."""
    with desk.service.database.read() as session:
        rows = session.exec(select(VisitAuditRow).order_by(col(VisitAuditRow.at))).all()
        return [(row.visit_id, row.by_id, row.deed, row.was_refused) for row in rows]


def code(answer: Response) -> tuple[int, str]:
    """Return how something was refused."""
    return answer.status_code, answer.json()["code"]


def test_a_visit_is_the_persons_turn_until_its_time(desk: Desk) -> None:
    visit = proposed(desk)

    [step] = steps(desk, visit)
    assert (step.turn, step.step, step.due_at, step.is_guarded) == ("person", "person_decides_on_visit", START, None)
    assert step.responsible_id == "outreach_worker-1"


def test_the_same_plan_again_is_the_same_visit(desk: Desk) -> None:
    visit = proposed(desk)

    assert propose(desk) == visit
    assert len(steps(desk, visit)) == 1


def test_no_visit_is_planned_before_the_notices_were_given(desk: Desk) -> None:
    desk.open_case(informed=False)

    assert code(desk.ask("POST", "/visits", {"case_id": CASE, **A_PLAN})) == (409, "notices_not_given")


def test_no_visit_is_planned_in_a_case_that_is_over(desk: Desk) -> None:
    desk.open_case()
    desk.hear(the_end())

    assert code(desk.ask("POST", "/visits", {"case_id": CASE, **A_PLAN})) == (409, "case_over")


def test_no_visit_is_planned_in_a_case_that_nobody_knows(desk: Desk) -> None:
    assert code(desk.ask("POST", "/visits", {"case_id": CASE, **A_PLAN})) == (404, "case_not_found")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purpose": "inspect"}, "purpose"),
        ({"workers": []}, "workers"),
        ({"workers": ["outreach_worker-1"] * 2}, "workers"),
        ({"workers": ["outreach_worker-1", "outreach_worker-2", "assessor-1"]}, "workers"),
        ({"workers": ["lead-1"]}, "workers"),
        ({"workers": ["nobody-1"]}, "workers"),
        ({"from_at": NOON.isoformat()}, "from_at"),
        ({"from_at": "2026-03-02T14:00:00"}, "from_at"),
        ({"from_at": (NOON + timedelta(days=32)).isoformat()}, "from_at"),
        ({"until_at": START.isoformat()}, "until_at"),
        ({"until_at": (START + timedelta(hours=4, seconds=1)).isoformat()}, "until_at"),
        ({"where": " "}, "where"),
        ({"where": None}, "where"),
        ({"ask_for": ""}, "ask_for"),
        ({"language": "Turkish"}, "language"),
        ({"income": "marked"}, "income"),
    ],
)
def test_what_cannot_be_planned_is_named_by_field_without_its_value(
    shared_desk: Desk, changes: dict[str, object], field: str
) -> None:
    shared_desk.open_case()

    answer = shared_desk.ask("POST", "/visits", {"case_id": CASE, **A_PLAN, **changes})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"].split(".")[0] == field
    assert PLACE not in answer.text


def test_a_permission_makes_it_the_teams_turn_and_silence_about_it_is_told_by_the_end_of_its_window(desk: Desk) -> None:
    visit = agreed(desk)

    step = steps(desk, visit)[-1]
    assert (step.turn, step.step, step.due_at, step.is_guarded) == ("team", "visit", END, True)
    permission = look(desk, visit)["permission"]
    assert (permission["given_how"], permission["language"], permission["recorded_by"]) == (
        "spoken",
        "tr",
        "person_desk-1",
    )


def test_the_same_permission_again_changes_nothing(desk: Desk) -> None:
    visit = agreed(desk)
    desk.clock.pass_time(minutes=1)

    again = permit(desk, visit, role="assessor", given_how="paper")

    assert (again.status_code, again.json()["permission"]["given_how"]) == (200, "spoken")
    assert len(steps(desk, visit)) == 2


def test_a_permission_for_another_plan_is_none(desk: Desk) -> None:
    visit = proposed(desk)

    assert code(permit(desk, visit, plan_sha256="0" * 64)) == (409, "plan_changed")
    assert look(desk, visit)["state"] == "proposed"


def test_a_changed_plan_needs_a_new_permission(desk: Desk) -> None:
    visit = agreed(desk)
    former = look(desk, visit)["plan_sha256"]

    changed = desk.ask("PUT", f"/visits/{visit}/plan", LATER, role=WORKER)

    assert (changed.json()["state"], changed.json()["permission"]) == ("proposed", None)
    assert code(permit(desk, visit, plan_sha256=former)) == (409, "plan_changed")
    desk.clock.now = START + timedelta(days=1)
    assert code(do(desk, visit, "setting-out")) == (409, "visit_not_permitted")


def test_a_plan_changed_into_itself_keeps_its_permission(desk: Desk) -> None:
    visit = agreed(desk)

    assert desk.ask("PUT", f"/visits/{visit}/plan", A_PLAN).json()["state"] == "agreed"


def test_another_plan_with_the_same_words_cannot_be_guessed_by_its_hash(desk: Desk) -> None:
    visit, other = proposed(desk), propose(desk, where="elsewhere")
    desk.ask("PUT", f"/visits/{other}/plan", A_PLAN)

    assert look(desk, visit)["plan_sha256"] != look(desk, other)["plan_sha256"]


def test_nobody_permits_a_visit_whose_time_is_over(desk: Desk) -> None:
    visit = proposed(desk)
    desk.clock.now = END

    assert code(permit(desk, visit)) == (409, "window_over")


def test_nobody_sets_out_without_a_permission(desk: Desk) -> None:
    visit = proposed(desk)
    desk.clock.now = START

    assert code(do(desk, visit, "setting-out")) == (409, "visit_not_permitted")


@pytest.mark.parametrize(
    ("at", "refused"),
    [
        (START - EARLY - timedelta(seconds=1), (409, "too_early_to_set_out")),
        (END, (409, "window_over")),
        (END + timedelta(days=1), (409, "window_over")),
    ],
)
def test_nobody_sets_out_outside_the_time_that_was_permitted(
    desk: Desk, at: datetime, refused: tuple[int, str]
) -> None:
    visit = agreed(desk)
    desk.clock.now = at

    assert code(do(desk, visit, "setting-out")) == refused


@pytest.mark.parametrize("at", [START - EARLY, START, END - timedelta(seconds=1)])
def test_whoever_sets_out_is_guarded_until_they_check_out(desk: Desk, at: datetime) -> None:
    visit = agreed(desk)
    desk.clock.now = at

    do(desk, visit, "setting-out")

    step = steps(desk, visit)[-1]
    assert (step.turn, step.step, step.due_at, step.is_guarded) == ("team", "check_out", END + GRACE, True)


@pytest.mark.parametrize(("minutes", "due"), [(25, START + timedelta(minutes=25)), (360, END + OVERRUN)])
def test_whoever_sets_out_may_say_by_when_they_check_out(desk: Desk, minutes: int, due: datetime) -> None:
    visit = agreed(desk)
    desk.clock.now = START

    do(desk, visit, "setting-out", {"minutes": minutes})

    assert steps(desk, visit)[-1].due_at == due


def test_a_second_setting_out_changes_nothing(desk: Desk) -> None:
    visit = agreed(desk, **TWO)
    desk.clock.now = START
    first = do(desk, visit, "setting-out").json()

    second = do(desk, visit, "setting-out", {"minutes": 300}, role=SECOND_WORKER).json()

    assert second == first
    assert len(steps(desk, visit)) == 3


def test_only_the_visits_own_workers_set_out_and_another_ones_try_is_written_down(desk: Desk) -> None:
    visit = agreed(desk)
    desk.clock.now = START

    answers = [do(desk, visit, "setting-out", role=role).status_code for role in (SECOND_WORKER, "assessor")]

    assert answers == [403, 403]
    assert look(desk, visit)["state"] == "agreed"
    assert audits(desk) == [
        (visit, "outreach_worker-2", "set_out", True),
        (visit, "assessor-1", "set_out", True),
    ]


def test_a_plan_is_not_changed_while_somebody_is_out_on_it(desk: Desk) -> None:
    visit = under_way(desk)

    assert code(desk.ask("PUT", f"/visits/{visit}/plan", LATER)) == (409, "visit_under_way")


def test_a_permission_is_good_for_one_visit(desk: Desk) -> None:
    visit = under_way(desk)
    do(desk, visit, "check-out")

    assert code(do(desk, visit, "setting-out")) == (409, "visit_over")
    assert code(do(desk, visit, "permission", {"plan_sha256": "0" * 64, "given_how": "paper", "language": "de"})) == (
        409,
        "visit_over",
    )


def test_nobody_checks_out_of_what_nobody_set_out_on(desk: Desk) -> None:
    visit = agreed(desk)

    assert code(do(desk, visit, "check-out")) == (409, "nobody_set_out")


@pytest.mark.parametrize("role", ["assessor", "lead", SECOND_WORKER])
def test_anybody_of_the_team_checks_out_for_a_colleague_who_called(desk: Desk, role: str) -> None:
    visit = under_way(desk)

    assert do(desk, visit, "check-out", role=role).json()["state"] == "over"


@pytest.mark.parametrize("role", ["person_desk", "assessor", "lead", WORKER])
@pytest.mark.parametrize("word", ["no", "revocation"])
@pytest.mark.parametrize("reach", [proposed, agreed])
def test_the_person_says_no_in_one_step_before_anybody_sets_out(
    desk: Desk, reach: Callable[[Desk], str], word: str, role: str
) -> None:
    visit = reach(desk)

    assert do(desk, visit, word, role=role).json()["state"] == "over"
    assert do(desk, visit, word, role=role).status_code == 200


@pytest.mark.parametrize("word", ["no", "revocation"])
def test_a_no_to_whoever_stands_there_ends_it_at_once(desk: Desk, word: str) -> None:
    visit = under_way(desk)

    assert do(desk, visit, word).json()["state"] == "over"


@pytest.mark.parametrize("what", ["no", "revocation", "calling-off"])
def test_what_is_said_elsewhere_calls_the_workers_back_and_guards_them_until_they_have_left(
    desk: Desk, what: str
) -> None:
    visit = under_way(desk)
    role = "lead" if what == "calling-off" else "person_desk"

    called = do(desk, visit, what, role=role).json()

    step = steps(desk, visit)[-1]
    assert (called["state"], called["permission"], look(desk, visit)["where"]) == ("leaving", None, None)
    assert (step.step, step.due_at, step.is_guarded) == ("leave", START + LEAVE_WITHIN, True)
    assert do(desk, visit, what, role=role).json() == called
    assert do(desk, visit, "check-out").json()["state"] == "over"


def test_calling_back_gives_nobody_more_time(desk: Desk) -> None:
    visit = agreed(desk)
    desk.clock.now = START
    do(desk, visit, "setting-out", {"minutes": 5})

    do(desk, visit, "revocation", role="person_desk")

    assert steps(desk, visit)[-1].due_at == START + timedelta(minutes=5)


@pytest.mark.parametrize("reach", [proposed, agreed])
def test_the_end_of_a_case_ends_its_visits(desk: Desk, reach: Callable[[Desk], str]) -> None:
    visit = reach(desk)

    desk.hear(the_end())

    assert look(desk, visit)["state"] == "over"


def test_the_end_of_a_case_lets_nobody_be_forgotten_who_is_out(desk: Desk) -> None:
    visit = under_way(desk)

    desk.hear(the_end())

    assert look(desk, visit)["state"] == "leaving"
    assert do(desk, visit, "check-out").json()["state"] == "over"


@pytest.mark.parametrize("reach", [proposed, agreed])
def test_a_visit_that_nobody_set_out_on_is_loud_for_three_days_and_then_goes(
    desk: Desk, reach: Callable[[Desk], str]
) -> None:
    visit = reach(desk)
    look_again(desk, END + timedelta(days=3, seconds=-1))
    state = look(desk, visit)["state"]

    look_again(desk, END + timedelta(days=3))

    assert (state, look(desk, visit)["state"]) == (("agreed" if reach is agreed else "proposed"), "over")
    assert steps(desk, visit)[-1].step is None


def test_a_visit_that_somebody_is_out_on_never_lapses(desk: Desk) -> None:
    visit = under_way(desk)

    look_again(desk, END + timedelta(days=30))

    assert look(desk, visit)["state"] == "under_way"


def look_again(desk: Desk, at: datetime) -> None:
    """Have the timer look at a time."""
    desk.clock.now = at
    portal = desk.http.portal
    assert portal is not None
    portal.call(desk.app.state.service.visit_timer.look)


def test_of_a_visit_that_is_over_only_ids_are_left_and_the_key_is_gone(desk: Desk) -> None:
    visit = under_way(desk)

    do(desk, visit, "no")

    with desk.service.database.read() as session:
        row = session.get_one(VisitRow, visit).model_dump()
    assert row == {
        "visit_id": visit,
        "case_id": CASE,
        "person_id": "person-0001",
        "proposed_by": "assessor-1",
        "is_over": True,
        "kept": None,
    }
    assert desk.service.keys.is_destroyed(key_id(visit))
    shown = look(desk, visit)
    assert {name for name, value in shown.items() if value is not None} == {
        "visit_id",
        "case_id",
        "proposed_by",
        "state",
    }
    assert desk.ask("GET", f"/visits?case_id={CASE}").json() == []
    last = steps(desk, visit)[-1]
    assert (last.step, last.due_at, last.number) == (None, None, LAST_NUMBER)


def test_where_it_is_only_its_own_workers_see(desk: Desk) -> None:
    visit = agreed(desk, **TWO, ask_for="ring twice", language="tr")

    seen = {
        role: look(desk, visit, role=role)["where"]
        for role in (WORKER, SECOND_WORKER, "assessor", "lead", "person_desk")
    }

    assert seen == {WORKER: PLACE, SECOND_WORKER: PLACE, "assessor": None, "lead": None, "person_desk": None}
    assert "ring twice" not in desk.ask("GET", f"/visits?case_id={CASE}", role="lead").text


def test_a_list_holds_ones_own_visits_or_those_of_a_case(desk: Desk) -> None:
    mine = proposed(desk)
    other = propose(desk, workers=["outreach_worker-2"])

    of_mine = desk.ask("GET", "/visits", role=WORKER).json()
    of_case = desk.ask("GET", f"/visits?case_id={CASE}", role=WORKER).json()

    assert [one["visit_id"] for one in of_mine] == [mine]
    assert {one["visit_id"]: one["where"] for one in of_case} == {mine: PLACE, other: None}


def test_a_lead_learns_where_a_worker_is_only_once_the_check_out_is_overdue(desk: Desk) -> None:
    visit = under_way(desk)
    desk.clock.now = END + GRACE - timedelta(seconds=1)
    early = do(desk, visit, "search-for-worker", role="lead")
    desk.clock.now = END + GRACE

    found = do(desk, visit, "search-for-worker", role="lead")

    assert code(early) == (409, "nobody_missing")
    assert (found.json()["where"], found.json()["workers"]) == (PLACE, ["outreach_worker-1"])
    assert audits(desk) == [(visit, "lead-1", "search", False)]


def test_a_lead_finds_whoever_was_called_back_too(desk: Desk) -> None:
    visit = under_way(desk)
    do(desk, visit, "revocation", role="person_desk")
    desk.clock.now = START + LEAVE_WITHIN

    assert do(desk, visit, "search-for-worker", role="lead").json()["where"] == PLACE


def test_a_lead_finds_whoever_may_have_gone_without_checking_in(desk: Desk) -> None:
    visit = agreed(desk)
    desk.clock.now = END

    assert do(desk, visit, "search-for-worker", role="lead").json()["where"] == PLACE


@pytest.mark.parametrize("end", [END, END + timedelta(days=2)])
def test_nobody_is_missing_where_nobody_may_come(desk: Desk, end: datetime) -> None:
    visit = proposed(desk)
    desk.clock.now = end

    assert code(do(desk, visit, "search-for-worker", role="lead")) == (409, "nobody_missing")


@pytest.mark.parametrize("role", [WORKER, SECOND_WORKER, "assessor", "person_desk", "intake_worker", "operator"])
def test_nobody_else_searches_and_the_try_is_written_down(desk: Desk, role: str) -> None:
    visit = under_way(desk)
    desk.clock.now = END + GRACE

    refused = do(desk, visit, "search-for-worker", role=role)

    assert refused.status_code == 403
    assert PLACE not in refused.text
    assert [(one[0], one[2], one[3]) for one in audits(desk)] == [(visit, "search", True)]
