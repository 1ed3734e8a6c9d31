"""Every end of a visit looks the same, nothing of it lies open, and what is damaged in one stops nobody else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from services.referral.tables import VisitAuditRow, VisitRow
from services.referral.visit_store import key_id
from shared.contracts.consent import PersonErased
from shared.web import Role
from tests.referral.builders import CASE, NOON, PERSON, Desk, running_desk, the_end
from tests.referral.visits import (
    A_PLAN,
    END,
    START,
    WORKER,
    agreed,
    backup_of,
    do,
    look,
    permit,
    propose,
    proposed,
    restored,
    steps,
    under_way,
)

MARKS = ("marked street 7", "ring for marked", "bring_papers", "outreach_worker-1", "spoken", "de-marked")
ROUTES = {
    ("POST", "/visits"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD},
    ("GET", "/visits"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD, Role.PERSON_DESK},
    ("GET", "/visits/no-such-visit"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD, Role.PERSON_DESK},
    ("PUT", "/visits/no-such-visit/plan"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD},
    ("POST", "/visits/no-such-visit/permission"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.PERSON_DESK},
    ("POST", "/visits/no-such-visit/setting-out"): {Role.ASSESSOR, Role.OUTREACH_WORKER},
    ("POST", "/visits/no-such-visit/check-out"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD},
    ("POST", "/visits/no-such-visit/no"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD, Role.PERSON_DESK},
    ("POST", "/visits/no-such-visit/revocation"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD, Role.PERSON_DESK},
    ("POST", "/visits/no-such-visit/calling-off"): {Role.ASSESSOR, Role.OUTREACH_WORKER, Role.LEAD},
    ("POST", "/visits/no-such-visit/search-for-worker"): {Role.LEAD},
}
BODIES: dict[str, Any] = {  # Any: JSON values
    "/visits": {"case_id": "no-such-case", **A_PLAN},
    "/visits/no-such-visit/plan": A_PLAN,
    "/visits/no-such-visit/permission": {"plan_sha256": "0" * 64, "given_how": "paper", "language": "de"},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path"), list(ROUTES))
def test_each_role_is_let_in_where_the_table_says_and_nowhere_else(
    shared_desk: Desk, method: str, path: str, role: Role
) -> None:
    answer = shared_desk.ask(method, path, BODIES.get(path) if method != "GET" else None, role=role)

    assert (answer.status_code != 403) == (role in ROUTES[method, path])
    assert answer.status_code in {200, 403, 404}


def test_a_refusal_about_a_visit_that_nobody_knows_is_written_down_too(desk: Desk) -> None:
    desk.ask("POST", "/visits/no-such-visit/permission", role="lead")

    with desk.service.database.read() as session:
        [row] = session.exec(select(VisitAuditRow)).all()
        assert (row.visit_id, row.by_id, row.role, row.deed, row.was_refused) == (
            None,
            "lead-1",
            "lead",
            "permit",
            True,
        )


def told_at_the_door(desk: Desk, visit: str) -> None:
    """The person says no to whoever stands there."""
    do(desk, visit, "no")


def took_place(desk: Desk, visit: str) -> None:
    """The visit took place, or nobody opened."""
    desk.clock.pass_time(minutes=55)
    do(desk, visit, "check-out")


def revoked_at_the_desk(desk: Desk, visit: str) -> None:
    """The person calls the desk, and the worker leaves."""
    do(desk, visit, "revocation", role="person_desk")
    desk.clock.pass_time(minutes=4)
    do(desk, visit, "check-out", role="lead")


def sent_away_inside(desk: Desk, visit: str) -> None:
    """The person wants no more of it while the worker is inside."""
    desk.clock.pass_time(minutes=30)
    do(desk, visit, "revocation")


def called_off_on_the_way(desk: Desk, visit: str) -> None:
    """The team calls the worker back."""
    do(desk, visit, "calling-off", role="lead")
    do(desk, visit, "check-out")


def end_of_the_case(desk: Desk, visit: str) -> None:
    """The case ends meanwhile."""
    desk.hear(the_end())
    do(desk, visit, "check-out")


ENDS = (told_at_the_door, took_place, revoked_at_the_desk, sent_away_inside, called_off_on_the_way, end_of_the_case)


def left_behind(folder: Path, end: Callable[[Desk, str], None]) -> list[Any]:  # Any: JSON values
    """Return all that tables, keys, answers and the last announcement say of a visit that ended so."""
    folder.mkdir()
    with running_desk(folder) as desk:
        visit = under_way(desk)
        end(desk, visit)
        with desk.service.database.read() as session:
            row = session.get_one(VisitRow, visit).model_dump()
            audits = [one.model_dump() for one in session.exec(select(VisitAuditRow))]
        [*_, last] = steps(desk, visit)
        desk.clock.now = END
        seen = [
            look(desk, visit, role=role)
            | {"again": [do(desk, visit, word).json() for word in ("no", "revocation", "check-out", "calling-off")]}
            for role in ("assessor", "lead", WORKER)
        ]
        refused = [do(desk, visit, "setting-out").text, do(desk, visit, "search-for-worker", role="lead").text]
        listed = desk.ask("GET", f"/visits?case_id={CASE}").text
        keys = desk.service.keys.is_destroyed(key_id(visit))
        said = json.dumps([row, audits, last.model_dump(mode="json"), seen, refused, listed, keys])
        return [said.replace(visit, "the visit")]


def test_after_any_end_everything_is_the_same_byte_by_byte(tmp_path: Path) -> None:
    left = {end.__name__: left_behind(tmp_path / end.__name__, end) for end in ENDS}

    assert len(left) == len(ENDS)
    assert {json.dumps(one) for one in left.values()} == {json.dumps(left["took_place"])}


def test_the_last_announcement_does_not_tell_how_far_a_visit_came(tmp_path: Path) -> None:
    last = []
    for reach in (proposed, agreed, under_way):
        (tmp_path / reach.__name__).mkdir()
        with running_desk(tmp_path / reach.__name__) as desk:
            visit = reach(desk)
            do(desk, visit, "no")
            last.append(steps(desk, visit)[-1].model_dump(mode="json") | {"strand_id": ""})

    assert last == [last[0]] * 3


def marked(desk: Desk) -> str:
    """Let marks pass through every field of a visit."""
    visit = proposed(desk, where=MARKS[0], ask_for=MARKS[1], language="de-marked")
    permit(desk, visit, language="de-marked")
    desk.clock.now = START
    do(desk, visit, "setting-out", role="lead")
    do(desk, visit, "setting-out")
    desk.ask("POST", "/visits", {**A_PLAN, "where": MARKS[0], "secret": MARKS[1]})
    return visit


def test_no_value_of_a_visit_lies_in_the_files_before_or_after_its_end(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        visit = marked(desk)
        before = _stored(tmp_path)
        do(desk, visit, "revocation", role="person_desk")
        do(desk, visit, "no")
        after = _stored(tmp_path)

    for stored in (before, after):
        assert [mark for mark in MARKS if mark.encode() in stored] == []


def test_no_value_of_a_visit_and_no_word_of_how_it_ended_stands_in_the_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_desk(tmp_path) as desk:
        visit = marked(desk)
        capsys.readouterr()
        do(desk, visit, "no")

    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["event"] for line in lines if line.get("visit_id") == visit] == ["visit_over"]
    assert [mark for mark in (*MARKS, "say_no", "door", "revo") if mark in said.out + said.err] == []


def _stored(folder: Path) -> bytes:
    return b"".join(
        path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and "token" not in path.name
    )


def test_a_restored_backup_brings_back_no_visit_that_is_over(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        visit = under_way(desk)
        backup = backup_of(tmp_path)
        do(desk, visit, "no")

    with restored(tmp_path, desk, backup) as http:
        again = Desk(desk.app, http, desk.clock)
        assert look(again, visit)["state"] == "over"
        assert do(again, visit, "setting-out").status_code == 409


def test_a_restored_backup_brings_back_no_permission_for_a_former_plan(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        visit = agreed(desk)
        backup = backup_of(tmp_path)
        desk.ask("PUT", f"/visits/{visit}/plan", {**A_PLAN, "where": "elsewhere"})

    with restored(tmp_path, desk, backup) as http:
        again = Desk(desk.app, http, desk.clock)
        assert (look(again, visit)["state"], look(again, visit)["where"]) == ("proposed", "elsewhere")


def test_a_restored_backup_sends_nobody_back_who_was_called_back(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        visit = under_way(desk)
        backup = backup_of(tmp_path)
        do(desk, visit, "revocation", role="person_desk")

    with restored(tmp_path, desk, backup) as http:
        shown = look(Desk(desk.app, http, desk.clock), visit)
        assert (shown["state"], shown["permission"]) == ("leaving", None)


def test_the_end_of_a_visit_is_kept_although_the_backup_does_not_know_its_case(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        backup = backup_of(tmp_path)
        visit = under_way(desk)
        do(desk, visit, "no")

    with restored(tmp_path, desk, backup) as http:
        assert look(Desk(desk.app, http, desk.clock), visit)["state"] == "over"


def test_an_erased_person_leaves_no_visit_and_no_key_of_one(desk: Desk) -> None:
    visits = [agreed(desk), propose(desk, where="elsewhere")]
    do(desk, visits[1], "no")
    do(desk, visits[0], "setting-out", role="lead")

    desk.hear(PersonErased(erasure_id="erasure-0001", person_id=PERSON, erased_at=NOON))

    with desk.service.database.read() as session:
        assert (session.exec(select(VisitRow)).all(), session.exec(select(VisitAuditRow)).all()) == ([], [])
    assert [desk.service.keys.is_destroyed(key_id(visit)) for visit in visits] == [True, True]
    assert [desk.ask("GET", f"/visits/{visit}").status_code for visit in visits] == [404, 404]


def test_the_person_is_told_plan_and_permission_of_a_visit_that_is_not_over(desk: Desk) -> None:
    visit = agreed(desk, ask_for="ring twice")
    over = propose(desk, where="elsewhere")
    do(desk, over, "no")

    records = desk.ask("GET", f"/persons/{PERSON}/export", role="person_desk").json()["records"]

    told = {one["id"]: one["content"] for one in records if one["kind"] == "visit"}
    assert told[visit]["kept"]["plan"]["where"] == A_PLAN["where"]
    assert told[visit]["kept"]["permission"]["given_how"] == "spoken"
    assert told[over] == {"case_id": CASE, "is_over": True, "kept": None}


def damage_key(desk: Desk, visit: str) -> None:
    """Have the disk change the key of one visit."""
    keys = desk.service.keys
    with keys._engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE person_key SET wrapped = x'00ff' WHERE key_id = '{key_id(visit)}'")  # noqa: S608  # an id of ours
    keys._cache.clear()


def damage_value(desk: Desk, visit: str) -> None:
    """Have the disk change what is kept of one visit."""
    desk.write(lambda work: setattr(work.session.get_one(VisitRow, visit), "kept", b"x" * 40))


def lose_key(desk: Desk, visit: str) -> None:
    """Have the store of keys lose the key of one visit."""
    keys = desk.service.keys
    with keys._engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM person_key WHERE key_id = '{key_id(visit)}'")  # noqa: S608  # an id of ours
    keys._cache.clear()


DAMAGES = (damage_key, damage_value, lose_key)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_visit_stops_no_other_one(desk: Desk, damage: Callable[[Desk, str], None]) -> None:
    other = proposed(desk, where="elsewhere")
    damage(desk, other)

    visit = propose(desk)
    permit(desk, visit)
    desk.clock.now = START

    assert do(desk, visit, "setting-out").json()["state"] == "under_way"
    assert [one["visit_id"] for one in desk.ask("GET", f"/visits?case_id={CASE}").json()] == [visit]
    assert desk.ask("GET", f"/visits/{other}").status_code == 503


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("word", ["no", "revocation", "check-out", "calling-off"])
def test_a_damaged_visit_can_be_ended(desk: Desk, damage: Callable[[Desk, str], None], word: str) -> None:
    visit = under_way(desk)
    damage(desk, visit)

    assert do(desk, visit, word).json()["state"] == "over"
    assert steps(desk, visit)[-1].step is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_visit_stops_neither_the_end_of_its_case_nor_its_lapse_nor_an_erasure(
    desk: Desk, damage: Callable[[Desk, str], None]
) -> None:
    other, visit = proposed(desk, where="elsewhere"), propose(desk)
    damage(desk, other)
    desk.clock.pass_time(days=9)
    portal = desk.http.portal
    assert portal is not None
    portal.call(desk.app.state.service.visit_timer.look)
    lapsed = look(desk, visit)["state"]

    ended = desk.hear(the_end())
    both = [look(desk, one)["state"] for one in (other, visit)]
    erased = desk.hear(PersonErased(erasure_id="erasure-0001", person_id=PERSON, erased_at=NOON))

    assert (lapsed, both, ended, erased) == ("over", ["over", "over"], ["ack"], ["ack"])
