"""Home visits of two people against a plain model of them, through HTTP: whoever asks, in whatever order.

After every step the service says what the model says; nobody is ever under way without a permission for the very plan;
what is over is over; each try of somebody who may not left a row; to be paid is what somebody set out on, each once.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlmodel import select

from services.referral.tables import VisitAuditRow
from services.referral.visit_store import key_id
from shared.contracts.consent import PersonErased
from shared.contracts.intake import CaseEnded
from shared.contracts.referral import ReferralStepPlanned, ReferralWorkDone
from tests.referral.builders import SECOND_WORKER, Desk, running_desk

FEW = 6
EXAMPLES = int(os.environ.get("GESEHEN_TEST_HISTORIES", FEW))
"""How many histories are drawn; a night can take thousands, each time others."""

WORKER_OF = {"outreach_worker": "outreach_worker-1", SECOND_WORKER: "outreach_worker-2", "assessor": "assessor-1"}
TEAM = {"assessor", "outreach_worker", SECOND_WORKER, "lead"}
MAY: dict[str, set[str]] = {
    "propose": TEAM,
    "plan": TEAM,
    "permission": (TEAM - {"lead"}) | {"person_desk"},
    "setting-out": TEAM - {"lead"},
    "check-out": TEAM,
    "no": TEAM | {"person_desk"},
    "revocation": TEAM | {"person_desk"},
    "calling-off": TEAM,
    "search-for-worker": {"lead"},
}
ROLES = (*sorted(TEAM), *sorted(TEAM), "person_desk", "person_desk", "operator", "intake_worker")
WORKERS = (("outreach_worker-1",), ("outreach_worker-2", "outreach_worker-1"), ("assessor-1",))
CASES = {"case-0001": "person-0001", "case-0002": "person-0002"}
STEPS = {
    "proposed": "person_decides_on_visit",
    "agreed": "visit",
    "under_way": "check_out",
    "leaving": "leave",
    "over": None,
}
ROLE, WHICH, WHO = st.sampled_from(ROLES), st.integers(0, 5), st.sampled_from(WORKERS)


@dataclass
class Noted:
    """A visit as a colleague would note it on paper."""

    visit_id: str
    case_id: str
    workers: tuple[str, ...]
    start: datetime
    state: str = "proposed"
    plan: str = field(default="", repr=False)
    permitted: str | None = field(default=None, repr=False)
    due: datetime | None = None
    moves: int = 1
    was_set_out_on: bool = False

    @property
    def end(self) -> datetime:
        """Return when its window is over."""
        return self.start + timedelta(hours=2)


class VisitMachine(RuleBasedStateMachine):
    """Does to visits what can be done to them."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.desk: Desk = self._stack.enter_context(running_desk(Path(self._stack.enter_context(TemporaryDirectory()))))
        for case_id, person_id in CASES.items():
            self.desk.open_case(case_id, person_id)
        self.visits: list[Noted] = []
        self.gone: list[str] = []
        self.ended: set[str] = set()
        self.refused = self.plans = self.searched = self.set_out_on = 0

    def teardown(self) -> None:
        """Stop the service."""
        self._stack.close()

    @rule(case=st.sampled_from(sorted(CASES)), workers=WHO, hours=st.integers(1, 30), role=ROLE)
    def propose(self, case: str, workers: tuple[str, ...], hours: int, role: str) -> None:
        """Somebody plans a visit."""
        body, start = self._plan(workers, hours)
        answer = self.desk.ask("POST", "/visits", {"case_id": case, **body}, role=role)
        if self._is_refused("propose", role, answer.status_code):
            return
        if CASES[case] in self.gone:
            assert answer.json()["code"] == "case_not_found"
        elif case in self.ended:
            assert answer.json()["code"] == "case_over"
        else:
            assert answer.status_code == 201
            shown = answer.json()
            self.visits.append(Noted(shown["visit_id"], case, workers, start, plan=shown["plan_sha256"]))

    @rule(which=WHICH, workers=WHO, hours=st.integers(1, 30), role=ROLE)
    def change_plan(self, which: int, workers: tuple[str, ...], hours: int, role: str) -> None:
        """Somebody plans a visit anew: then a permission is gone."""
        if (visit := self._chosen(which)) is None:
            return
        body, start = self._plan(workers, hours)
        answer = self.desk.ask("PUT", f"/visits/{visit.visit_id}/plan", body, role=role)
        if self._is_refused("plan", role, answer.status_code):
            return
        if visit.state in {"proposed", "agreed"}:
            visit.workers, visit.start, visit.plan = workers, start, answer.json()["plan_sha256"]
            self._goes_to(visit, "proposed")
            visit.permitted = None
        else:
            assert answer.json()["code"] == ("visit_over" if visit.state == "over" else "visit_under_way")

    @rule(which=WHICH, is_former=st.booleans(), role=ROLE)
    def permit(self, which: int, is_former: bool, role: str) -> None:
        """The person says yes: to the plan of now, or to one that was changed meanwhile."""
        if (visit := self._chosen(which)) is None:
            return
        said = {"plan_sha256": "0" * 64 if is_former else visit.plan, "given_how": "spoken", "language": "de"}
        answer = self._post(visit, "permission", role, said)
        if answer is None:
            return
        if visit.state == "over":
            assert answer.json()["code"] == "visit_over"
        elif visit.state == "leaving":
            assert answer.json()["code"] == "visit_under_way"
        elif is_former:
            assert answer.json()["code"] == "plan_changed"
        elif visit.state == "proposed" and self.desk.clock.now >= visit.end:
            assert answer.json()["code"] == "window_over"
        else:
            assert answer.status_code == 200
            if visit.state == "proposed":
                self._goes_to(visit, "agreed")
                visit.permitted = visit.plan

    @rule(which=WHICH, role=ROLE, minutes=st.sampled_from([None, 1, 30, 200]))
    def set_out(self, which: int, role: str, minutes: int | None) -> None:
        """Somebody checks in: only with a permission, in its time, and only if it is their visit."""
        if (visit := self._chosen(which)) is None:
            return
        now = self.desk.clock.now
        answer = self._post(visit, "setting-out", role, {"minutes": minutes} if minutes else None)
        if answer is None:
            return
        if visit.state == "over":
            assert answer.json()["code"] == "visit_over"
        elif WORKER_OF[role] not in visit.workers:
            assert answer.status_code == 403
            self.refused += 1
        elif visit.state in {"proposed", "leaving"}:
            assert answer.json()["code"] == "visit_not_permitted"
        elif visit.state == "agreed" and now < visit.start - timedelta(minutes=30):
            assert answer.json()["code"] == "too_early_to_set_out"
        elif visit.state == "agreed" and now >= visit.end:
            assert answer.json()["code"] == "window_over"
        else:
            assert answer.status_code == 200
            if visit.state == "agreed":
                by = now + timedelta(minutes=minutes) if minutes else visit.end + timedelta(minutes=15)
                visit.due = min(by, visit.end + timedelta(minutes=60))
                self._goes_to(visit, "under_way")
                self.set_out_on += 1
                visit.was_set_out_on = True

    @rule(which=WHICH, minutes=st.sampled_from([None, 1, 30]))
    def go_well(self, which: int, minutes: int | None) -> None:
        """All goes as planned so far: the person says yes, the time comes, whoever visits sets out."""
        if (visit := self._chosen(which)) is None:
            return
        self.permit(which, is_former=False, role="person_desk")
        if visit.start > self.desk.clock.now:
            self.time_passes(minutes=int((visit.start - self.desk.clock.now) / timedelta(minutes=1)))
        role = next(role for role, worker in WORKER_OF.items() if worker == visit.workers[0])
        self.set_out(which, role, minutes)

    @rule(which=WHICH, role=ROLE)
    def check_out(self, which: int, role: str) -> None:
        """Whoever was out is safe."""
        if (visit := self._chosen(which)) is None or (answer := self._post(visit, "check-out", role)) is None:
            return
        if visit.state in {"proposed", "agreed"}:
            assert answer.json()["code"] == "nobody_set_out"
        else:
            assert answer.status_code == 200
            self._goes_to(visit, "over")

    @rule(which=WHICH, role=ROLE, word=st.sampled_from(["no", "revocation"]))
    def say_no(self, which: int, role: str, word: str) -> None:
        """The person wants it no more: told at the door, or elsewhere."""
        if (visit := self._chosen(which)) is None or (answer := self._post(visit, word, role)) is None:
            return
        assert answer.status_code == 200
        is_there = WORKER_OF.get(role) in visit.workers
        self._goes_to(visit, "over") if is_there else self._called_back(visit)

    @rule(which=WHICH, role=ROLE)
    def call_off(self, which: int, role: str) -> None:
        """The team does not come."""
        if (visit := self._chosen(which)) is None or (answer := self._post(visit, "calling-off", role)) is None:
            return
        assert answer.status_code == 200
        self._called_back(visit)

    @rule(which=WHICH, role=ROLE)
    def search(self, which: int, role: str) -> None:
        """Somebody wants to know where a missing colleague is."""
        if (visit := self._chosen(which)) is None or (answer := self._post(visit, "search-for-worker", role)) is None:
            return
        if visit.state == "over":
            assert answer.json()["code"] == "visit_over"
        elif visit.state != "proposed" and (self._due(visit) or self.desk.clock.now) <= self.desk.clock.now:
            assert answer.json()["workers"] == list(visit.workers)
            self.searched += 1
        else:
            assert answer.json()["code"] == "nobody_missing"

    @rule(which=WHICH, role=ROLE)
    def miss(self, which: int, role: str) -> None:
        """Somebody who is out does not check out in time, and is looked for."""
        visit = self._chosen(which)
        if visit is None or visit.due is None or visit.state not in {"under_way", "leaving"}:
            return
        self.desk.clock.now = max(visit.due, self.desk.clock.now)
        self.time_passes(minutes=5)
        self.search(which, role)

    @rule(minutes=st.sampled_from([5, 30, 60, 60, 240, 60 * 24 * 4]))
    def time_passes(self, minutes: int) -> None:
        """The clock goes on, and the timer looks."""
        self.desk.clock.pass_time(minutes=minutes)
        portal = self.desk.http.portal
        assert portal is not None
        portal.call(self.desk.app.state.service.visit_timer.look)
        for visit in self.visits:
            if visit.state in {"proposed", "agreed"} and visit.end + timedelta(days=3) <= self.desk.clock.now:
                self._goes_to(visit, "over")

    @rule(case=st.sampled_from(sorted(CASES)), really=st.integers(0, 9))
    def end_case(self, case: str, really: int) -> None:
        """A case ends, now and then."""
        if really:
            return
        self.desk.hear(CaseEnded(case_id=case, person_id=CASES[case], ended_at=self.desk.clock.now))
        if case not in self.ended:
            for visit in self.visits:
                if visit.case_id == case:
                    self._called_back(visit)
        self.ended.add(case)

    @rule(case=st.sampled_from(sorted(CASES)), really=st.integers(0, 14))
    def erase(self, case: str, really: int) -> None:
        """A person is erased, now and then: whatever is going on."""
        person = CASES[case]
        if really or person in self.gone:
            return
        self.desk.hear(PersonErased(erasure_id=f"erasure-{person}", person_id=person, erased_at=self.desk.clock.now))
        self.gone.append(person)
        theirs = [visit for visit in self.visits if visit.case_id == case]
        assert all(self.desk.service.keys.is_destroyed(key_id(one.visit_id)) for one in theirs)
        self.visits = [visit for visit in self.visits if visit.case_id != case]

    @invariant()
    def the_service_says_what_the_model_says(self) -> None:
        """State, plan, and whose permission; where it is, to its own workers alone."""
        for visit in self.visits:
            shown = self.desk.ask("GET", f"/visits/{visit.visit_id}", role="outreach_worker").json()
            assert (shown["state"], shown["next_step"]) == (visit.state, STEPS[visit.state])
            if visit.state == "over":
                assert shown["plan_sha256"] is None
                assert self.desk.service.keys.is_destroyed(key_id(visit.visit_id))
                continue
            assert shown["plan_sha256"] == visit.plan
            goes_there = "outreach_worker-1" in visit.workers and visit.state != "leaving"
            assert (shown["where"] is not None) is goes_there
            if visit.state in {"agreed", "under_way"}:
                assert visit.permitted == visit.plan
                assert shown["permission"] is not None

    @invariant()
    def each_try_of_somebody_who_may_not_left_a_row(self) -> None:
        """And so did each search. Of an erased person no row is left, so only without erasures can they be counted."""
        if self.gone:
            return
        with self.desk.service.database.read() as session:
            rows = session.exec(select(VisitAuditRow)).all()
        assert sum(row.was_refused for row in rows) == self.refused
        assert sum(not row.was_refused for row in rows) == self.searched

    @invariant()
    def the_care_watch_is_told_of_every_move_and_of_no_plan(self) -> None:
        """The newest that was announced of a visit is what comes next in it."""
        newest: dict[str, ReferralStepPlanned] = {}
        count: dict[str, int] = {}
        for step in self.desk.announced(ReferralStepPlanned):
            count[step.strand_id] = count.get(step.strand_id, 0) + 1
            if step.strand_id not in newest or newest[step.strand_id].number < step.number:
                newest[step.strand_id] = step
        for visit in self.visits:
            step = newest[visit.visit_id]
            assert (step.step, count[visit.visit_id]) == (STEPS[visit.state], visit.moves)
            assert bool(step.is_guarded) is (visit.state in {"agreed", "under_way", "leaving"})
            assert step.due_at == self._due(visit)

    @invariant()
    def what_somebody_set_out_on_is_work_once_whatever_came_of_it(self) -> None:
        """Of an erased person what was announced is unreadable, so of them nothing is compared."""
        told = [one for one in self.desk.announced(ReferralWorkDone) if one.person_id not in self.gone]
        assert sorted(one.work_id for one in told) == sorted(v.visit_id for v in self.visits if v.was_set_out_on)

    def _due(self, visit: Noted) -> datetime | None:
        return {"proposed": visit.start, "agreed": visit.end, "over": None}.get(visit.state, visit.due)

    def _plan(self, workers: tuple[str, ...], hours: int) -> tuple[dict[str, Any], datetime]:  # Any: JSON values
        self.plans += 1
        start = self.desk.clock.now + timedelta(hours=hours)
        end = start + timedelta(hours=2)
        body = {"purpose": "get_to_know", "workers": list(workers), "where": f"synthetic place {self.plans}"}
        return {**body, "from_at": start.isoformat(), "until_at": end.isoformat()}, start

    def _chosen(self, which: int) -> Noted | None:
        return self.visits[-1 - which % len(self.visits)] if self.visits else None

    def _post(self, visit: Noted, what: str, role: str, body: Any = None) -> Any:  # Any: JSON, a response
        answer = self.desk.ask("POST", f"/visits/{visit.visit_id}/{what}", body, role=role)
        return None if self._is_refused(what, role, answer.status_code) else answer

    def _is_refused(self, what: str, role: str, status: int) -> bool:
        if role in MAY[what]:
            return False
        assert status == 403
        self.refused += 1
        return True

    def _called_back(self, visit: Noted) -> None:
        if visit.state in {"proposed", "agreed"}:
            self._goes_to(visit, "over")
        elif visit.state == "under_way":
            assert visit.due is not None
            visit.due = min(visit.due, self.desk.clock.now + timedelta(minutes=15))
            self._goes_to(visit, "leaving")

    def _goes_to(self, visit: Noted, state: str) -> None:
        if visit.state != "over":
            visit.state = state
            visit.moves += 1


VisitMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    derandomize=EXAMPLES == FEW,
    suppress_health_check=list(HealthCheck),
)
TestVisitMachine = VisitMachine.TestCase


def act_at_random(machine: VisitMachine, random: Random) -> None:
    """Do one thing; what brings a visit forward more often, and mostly the newest."""
    which, role = random.choice([0, 0, 0, 1, 2]), random.choice(ROLES)
    workers, hours, case = random.choice(WORKERS), random.choice([1, 1, 2, 20]), random.choice(sorted(CASES))
    acts: dict[Callable[[], object], int] = {
        lambda: machine.propose(case, workers, hours, role): 3,
        lambda: machine.change_plan(which, workers, hours, role): 1,
        lambda: machine.permit(which, random.random() < 0.2, role): 6,
        lambda: machine.set_out(which, role, random.choice([None, 1, 30, 200])): 6,
        lambda: machine.go_well(which, random.choice([None, 1, 30])): 4,
        lambda: machine.check_out(which, role): 2,
        lambda: machine.say_no(which, role, random.choice(["no", "revocation"])): 2,
        lambda: machine.call_off(which, role): 1,
        lambda: machine.search(which, role): 2,
        lambda: machine.miss(which, random.choice([role, "lead"])): 4,
        lambda: machine.time_passes(random.choice([5, 30, 60, 60, 240, 5760])): 3,
        lambda: machine.end_case(case, random.randrange(40)): 1,
        lambda: machine.erase(case, random.randrange(60)): 1,
    }
    random.choices(list(acts), list(acts.values()))[0]()


def test_days_drawn_evenly_agree_too() -> None:
    set_out_on = searched = 0
    for seed in range(FEW if EXAMPLES == FEW else EXAMPLES):
        machine, random = VisitMachine(), Random(seed)  # noqa: S311  # a seed, not a secret
        try:
            for _ in range(80):
                act_at_random(machine, random)
                machine.the_service_says_what_the_model_says()
                machine.each_try_of_somebody_who_may_not_left_a_row()
                machine.the_care_watch_is_told_of_every_move_and_of_no_plan()
                machine.what_somebody_set_out_on_is_work_once_whatever_came_of_it()
        finally:
            machine.teardown()
        set_out_on, searched = set_out_on + machine.set_out_on, searched + machine.searched

    assert set_out_on > FEW, "days on which hardly anybody ever set out prove little"
    assert searched, "days on which nobody was ever missing prove little"
