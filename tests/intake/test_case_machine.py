"""The whole life of cases in intake against a plain model: whoever comes, whatever is asked, by whichever role.

The model keeps what a clerk would note on a card, and shares no code with intake. After every step the cases that are
open are those of the cards, each in somebody's hands and with a next step; what was refused has changed nothing.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.contracts.assessment import AssessmentFinished
from shared.contracts.consent import CommissionChanged, CommissionReceived, PersonErased
from tests.intake.builders import SHA, Intake, a_cancellation, a_commission, a_step, running_intake

FEW = 4
EXAMPLES = int(os.environ.get("GESEHEN_TEST_HISTORIES", FEW))
"""How many histories are drawn; a night can take thousands, each time others."""

WORKER, WORKER_OR_LEAD = {"intake_worker"}, {"intake_worker", "lead"}
CARE = {"intake_worker", "lead", "assessor"}
ROLES = ("intake_worker", "intake_worker", "intake_worker", "lead", "lead", "assessor", "person_desk", "operator")
ROLE = st.sampled_from(ROLES)
MOST = 4
"""How many people there are at most: so that much happens to each."""
WHICH = st.integers(0, MOST - 1)
KINDS = ("hunger", "violence")
NOTICES = {"language": "de", "text_version": "2026-10", "text_sha256": SHA}
QUARTER, HELP = timedelta(minutes=15), timedelta(hours=4)


@dataclass
class Need:
    """A card for an acute need."""

    need_id: str
    case_id: str
    due_at: datetime
    seen_by: str | None = None
    settled: bool = False


@dataclass
class Card:
    """A card for a case."""

    case_id: str
    person_id: str
    has_commission: bool
    opened_at: datetime
    informed: bool = False
    shielded: bool = False
    ended: bool = False
    needs: dict[str, Need] = field(default_factory=dict)
    commission: CommissionReceived | None = None
    plans: int = 0
    goes_on: bool = False
    """Whether the assessment owes a step."""
    finished_at: datetime | None = None
    asked_to_close: bool = False

    def is_watched(self) -> bool:
        """Say whether anything is owed in it, by intake or by the assessment."""
        return not self.ended or self.goes_on

    def in_need(self) -> list[Need]:
        """Return the needs that nobody has settled."""
        return [need for need in self.needs.values() if not need.settled]


class CaseMachine(RuleBasedStateMachine):
    """Does to a running intake what can be done to it."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self.intake: Intake = self._stack.enter_context(running_intake(folder, watch_seconds=60))
        self.cards: list[Card] = []
        self.needs: list[Need] = []
        self.met: Counter[str] = Counter()
        """How often what was asked for was done, refused, and not for that role."""

    def teardown(self) -> None:
        """Stop the service."""
        self._stack.close()

    @precondition(lambda self: len(self.cards) < MOST)
    @rule(origin=st.sampled_from(["self", "street"]), shielded=st.booleans())
    def comes(self, origin: str, shielded: bool) -> None:
        """Somebody comes by themselves, or is met."""
        ids = self.intake.open_case(origin=origin, shielded=shielded)
        self.cards.append(
            Card(
                ids["case_id"],
                ids["person_id"],
                has_commission=False,
                opened_at=self.intake.clock.now,
                shielded=shielded,
            )
        )

    @precondition(lambda self: len(self.cards) < MOST)
    @rule(times=st.integers(1, 2), cancelled=st.booleans())
    def is_sent(self, times: int, cancelled: bool) -> None:
        """The Jobcenter commissions somebody, heard once or twice; and may think again."""
        commission = a_commission()
        for _ in range(times):
            self.intake.hear(commission)
        if cancelled:
            self.intake.hear(a_cancellation(commission))
        known = {card.case_id for card in self.cards}
        [line] = [line for line in self._care() if line["case_id"] not in known]
        person_id = self._ask("GET", f"/cases/{line['case_id']}").json()["person_id"]
        card = Card(line["case_id"], person_id, has_commission=True, opened_at=self.intake.clock.now)
        card.commission = commission
        self.cards.append(card)

    @rule(which=WHICH, days=st.integers(0, 60))
    def is_sent_otherwise(self, which: int, days: int) -> None:
        """The Jobcenter changes deadline and budget line, also of a case that has ended or moved."""
        card = self._card(which)
        if card.commission is not None:
            now = self.intake.clock.now
            deadline = (now + timedelta(days=days)).date()
            commission_id = card.commission.commission_id
            changed = CommissionChanged(
                commission_id=commission_id, deadline=deadline, budget_line="other", changed_at=now
            )
            self.intake.hear(changed)

    @rule(which=WHICH, over=st.booleans(), days=st.integers(-3, 9))
    def assessment_plans(self, which: int, over: bool, days: int) -> None:
        """The assessment says what it owes next, or that it owes nothing; also after the end of the case."""
        card = self._card(which)
        card.plans += 1
        now = self.intake.clock.now
        ids = {"case_id": card.case_id, "person_id": card.person_id}
        what = {"step": None, "due_at": None} if over else {"step": "talk", "due_at": now + timedelta(days=days)}
        self.intake.hear(a_step(ids, number=card.plans, planned_at=now, **what))
        card.goes_on = not over
        if not over and card.finished_at is not None and now > card.finished_at and not card.ended:
            card.asked_to_close, card.finished_at = False, None

    @rule(which=WHICH)
    def assessment_finishes(self, which: int) -> None:
        """The assessment is through: somebody has to look whether the case can be closed."""
        card, now = self._card(which), self.intake.clock.now
        event = AssessmentFinished(case_id=card.case_id, person_id=card.person_id, finished_at=now)
        self.intake.hear(event)
        if not card.ended and card.finished_at != now:
            card.asked_to_close, card.finished_at = True, now

    @rule(which=WHICH, role=ROLE)
    def give_notices(self, which: int, role: str) -> None:
        """Somebody tells the person who does what with their data."""
        card = self._card(which)
        if self._do(f"/cases/{card.case_id}/notices", NOTICES, role=role, by=WORKER, possible=not card.ended):
            card.informed = True

    @rule(which=WHICH, role=ROLE)
    def review(self, which: int, role: str) -> None:
        """Somebody makes sure that the case is in good hands."""
        card = self._card(which)
        possible = card.informed and not card.ended
        if self._do(f"/cases/{card.case_id}/reviews", None, role=role, by=WORKER_OR_LEAD, possible=possible):
            card.asked_to_close = False

    @rule(which=WHICH, role=ROLE)
    def shield(self, which: int, role: str) -> None:
        """Somebody turns out to belong to the Jobcenter's staff."""
        card = self._card(which)
        if self._do(f"/cases/{card.case_id}/shield", None, role=role, by=WORKER_OR_LEAD, possible=True):
            card.shielded = True

    @rule(which=WHICH, role=ROLE)
    def end(self, which: int, role: str) -> None:
        """Somebody ends a case: never while help is needed now."""
        card = self._card(which)
        possible = card.ended or not card.in_need()
        if self._do(f"/cases/{card.case_id}/end", None, role=role, by=WORKER_OR_LEAD, possible=possible):
            card.ended = True

    @rule(one=WHICH, other=WHICH, role=ROLE)
    def join(self, one: int, other: int, role: str) -> None:
        """Somebody who was sent turns out to have had a case before."""
        earlier, former = self._card(one), self._card(other)
        body = {"former_case_id": former.case_id}
        possible = (
            earlier is not former
            and not (earlier.ended or former.ended or earlier.has_commission or former.in_need())
            and (earlier.informed and former.has_commission)
            and earlier.shielded is former.shielded
            and earlier.opened_at <= former.opened_at
        )
        path = f"/cases/{earlier.case_id}/joined-commission"
        if self._do(path, body, role=role, by=WORKER, possible=possible):
            earlier.has_commission, former.has_commission, former.ended = True, False, True

    @rule(which=WHICH, kind=st.sampled_from(KINDS), role=ROLE)
    def report_need(self, which: int, kind: str, role: str) -> None:
        """Somebody needs help now; the same kind, while it is open, is the same need."""
        card = self._card(which)
        body = {"case_id": card.case_id, "kind": kind}
        answer = self._do("/acute-needs", body, role=role, by=CARE, possible=not card.ended)
        if answer is not None:
            known = card.needs.get(kind)
            if known is not None and not known.settled:
                assert answer["need_id"] == known.need_id
                return
            card.needs[kind] = Need(answer["need_id"], card.case_id, self.intake.clock.now + QUARTER)
            self.needs.append(card.needs[kind])

    @rule(which=WHICH, role=ROLE)
    def acknowledge(self, which: int, role: str) -> None:
        """A named human says that they see to it: the first one counts."""
        for need in self._need(which):
            answer = self._do(f"/acute-needs/{need.need_id}/acknowledgement", None, role=role, by=CARE, possible=True)
            if answer is not None and need.seen_by is None:
                need.seen_by, need.due_at = f"{role}-1", self.intake.clock.now + HELP
            assert answer is None or answer["acknowledged_by"] == need.seen_by

    @rule(which=WHICH, role=ROLE)
    def settle(self, which: int, role: str) -> None:
        """Somebody says what came of it: only once somebody had seen to it."""
        for need in self._need(which):
            body, possible = {"outcome": "helped"}, need.seen_by is not None
            if self._do(f"/acute-needs/{need.need_id}/settling", body, role=role, by=CARE, possible=possible):
                need.settled = True

    @rule(which=WHICH)
    def forget(self, which: int) -> None:
        """A person is erased at the gate."""
        card = self._card(which)
        gone = [one for one in self.cards if one.person_id == card.person_id]
        event = PersonErased(
            erasure_id=f"erasure-{card.case_id}", person_id=card.person_id, erased_at=self.intake.clock.now
        )
        self.intake.hear(event)
        self.cards = [one for one in self.cards if one not in gone]
        self.needs = [need for need in self.needs if need.case_id not in {one.case_id for one in gone}]
        assert self._ask("GET", f"/cases/{card.case_id}").status_code in (404, 410)

    @rule(minutes=st.integers(1, 300))
    def time_passes(self, minutes: int) -> None:
        """Nobody looks for a while; then the watch does, and nothing acute is silent."""
        self.intake.clock.now += timedelta(minutes=minutes)
        self.intake.look()
        alarms = self.intake.alarms()
        told = {(alarm["strand_key"], alarm["rung"]) for alarm in alarms}
        assert {one for one in told if one[0].startswith("acute.")} == set(self._to_be_told())
        assert {alarm["case_id"] for alarm in alarms} <= {card.case_id for card in self.cards if card.is_watched()}

    def _to_be_told(self) -> Iterator[tuple[str, str]]:
        now = self.intake.clock.now
        for need in self.needs:
            since = (("responsible", -QUARTER), ("lead", timedelta()), ("on_call", QUARTER))
            if not need.settled:
                yield from ((f"acute.{need.need_id}", rung) for rung, after in since if need.due_at + after <= now)

    @invariant()
    def every_open_case_is_in_somebodys_hands_and_has_a_next_step(self) -> None:
        """Whatever was done, and whatever was refused."""
        lines = {line["case_id"]: line["next"] for line in self._care()}
        assert set(lines) == {card.case_id for card in self.cards if card.is_watched()}
        listed = {line["case_id"]: line["next_step"] for line in self._ask("GET", "/cases").json()}
        to_close = {card.case_id for card in self.cards if card.informed and card.asked_to_close and not card.ended}
        assert {case_id for case_id, step in listed.items() if step == "close"} == to_close
        assert all(step["responsible_id"] and step["step"] and step["due_at"] for step in lines.values())

    @invariant()
    def who_needs_help_now_is_on_the_list(self) -> None:
        """Until somebody wrote down what came of it."""
        listed = {need["need_id"] for need in self._ask("GET", "/acute-needs").json()}
        assert listed == {need.need_id for need in self.needs if not need.settled}

    def _card(self, which: int) -> Card:
        if not self.cards:
            self.comes("self", shielded=False)
        return self.cards[which % len(self.cards)]

    def _need(self, which: int) -> list[Need]:
        return [self.needs[which % len(self.needs)]] if self.needs else []

    def _care(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self._ask("GET", "/care").json()
        return listed

    def _ask(self, method: str, path: str, body: Any = None, role: str = "intake_worker") -> Any:  # Any: JSON, response
        return self.intake.ask(method, path, body, role=role)

    def _do(self, path: str, body: Any, *, role: str, by: set[str], possible: bool) -> dict[str, Any] | None:
        """Ask for a deed; return the answer if it was done, and see that it was done or refused as it should be."""
        answer = self._ask("POST", path, body, role)
        deed = path.rsplit("/", 1)[1]
        if role not in by:
            assert answer.status_code == 403
            self.met[f"{deed} by somebody who may not"] += 1
            return None
        self.met[f"{deed} {'done' if possible else 'refused'}"] += 1
        assert answer.is_success is possible, (path, answer.status_code, answer.text)
        assert possible or answer.status_code in (409, 422)
        done: dict[str, Any] = answer.json()
        return done if possible else None


CaseMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    derandomize=EXAMPLES == FEW,
    suppress_health_check=list(HealthCheck),
)
TestCaseMachine = CaseMachine.TestCase


def _earlier_and_former(machine: CaseMachine, random: Random) -> tuple[int, int]:
    """Choose two cases, and mostly two that somebody might want to join."""
    numbers = list(range(len(machine.cards))) or [0]
    without = [number for number, card in enumerate(machine.cards) if not card.has_commission and not card.ended]
    with_one = [number for number, card in enumerate(machine.cards) if card.has_commission and not card.ended]
    is_wild = random.random() < 0.2
    return random.choice(numbers if is_wild else without or numbers), random.choice(with_one or numbers)


def act_at_random(machine: CaseMachine, random: Random) -> None:
    """Do one thing, each about as often."""
    which, role = random.randrange(MOST), random.choice(ROLES)
    acts: dict[Callable[[], object], int] = {
        lambda: len(machine.cards) < MOST and machine.comes("self", shielded=random.random() < 0.3): 2,
        lambda: (
            len(machine.cards) < MOST and machine.is_sent(random.choice([1, 2]), cancelled=random.random() < 0.2)
        ): 3,
        lambda: machine.is_sent_otherwise(which, random.randrange(60)): 1,
        lambda: machine.assessment_plans(which, random.random() < 0.4, random.randint(-3, 9)): 3,
        lambda: machine.assessment_finishes(which): 2,
        lambda: machine.give_notices(which, role): 3,
        lambda: machine.review(which, role): 2,
        lambda: machine.shield(which, role): 1,
        lambda: machine.end(which, role): 2,
        lambda: machine.join(*_earlier_and_former(machine, random), role): 6,
        lambda: machine.report_need(which, random.choice(KINDS), role): 4,
        lambda: machine.acknowledge(random.randrange(9), role): 3,
        lambda: machine.settle(random.randrange(9), role): 4,
        lambda: machine.forget(which): 1,
        lambda: machine.time_passes(random.choice([1, 10, 30, 300, 60 * 80])): 3,
    }
    random.choices(list(acts), list(acts.values()))[0]()


def test_lives_drawn_evenly_agree_too_and_meet_what_can_be_done_and_refused() -> None:
    met: Counter[str] = Counter()

    for seed in range(FEW if EXAMPLES == FEW else EXAMPLES):
        machine, random = CaseMachine(), Random(seed)  # noqa: S311  # a seed, not a secret
        try:
            for _ in range(130):
                act_at_random(machine, random)
                machine.every_open_case_is_in_somebodys_hands_and_has_a_next_step()
                machine.who_needs_help_now_is_on_the_list()
        finally:
            machine.teardown()
        met += machine.met

    deeds = ("reviews", "end", "joined-commission", "acute-needs", "settling", "notices")
    assert all(met[f"{deed} {how}"] for deed in deeds for how in ("done", "refused")), met
