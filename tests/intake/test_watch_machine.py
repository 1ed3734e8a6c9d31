"""Plans come in any order, twice or late, time passes, people act or do not: the watch and a plain model agree.

The model keeps the newest plan of each strand and nothing else; it shares no code with the watch. After every step each
open case has a next step, and after every look each rung that an overdue step has reached was told, exactly once.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlmodel import select

from services.intake.care_store import Alarm
from shared.contracts.care import StepPlanned
from tests.intake.builders import SHA, Intake, a_referral_step, a_step, running_intake

FEW = 8
EXAMPLES = int(os.environ.get("GESEHEN_TEST_HISTORIES", FEW))
"""How many histories are drawn; a night can take thousands, each time others."""

LEAD_AFTER = timedelta(days=2)
STRANDS: dict[str, Callable[..., StepPlanned]] = {"assessment": a_step, "referral": a_referral_step}
HOURS = st.integers(-200, 400).map(lambda hours: timedelta(hours=hours))


@dataclass
class Noted:
    """A case as a clerk would note it down: of each strand the newest plan."""

    ids: dict[str, str]
    plans: dict[str, tuple[int, datetime | None]] = field(default_factory=dict)
    ended: bool = False


class WatchMachine(RuleBasedStateMachine):
    """Does to a running intake what can be done to it."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self.intake: Intake = self._stack.enter_context(running_intake(folder, watch_seconds=60))
        self.cases: list[Noted] = []

    def teardown(self) -> None:
        """Stop the service."""
        self._stack.close()

    def _chosen(self, which: int) -> Noted:
        if not self.cases:
            self.open_case()
        return self.cases[which % len(self.cases)]

    @rule()
    def open_case(self) -> None:
        """Somebody comes."""
        self.cases.append(Noted(self.intake.open_case(origin="street")))

    @rule(
        which=st.integers(0, 9),
        source=st.sampled_from(sorted(STRANDS)),
        number=st.integers(1, 6),
        due=HOURS,
        over=st.booleans(),
    )
    def hear_plan(self, which: int, source: str, number: int, due: timedelta, over: bool) -> None:
        """A service says what it plans, in whichever order."""
        case = self._chosen(which)
        due_at = None if over else self.intake.clock.now + due
        changes: dict[str, Any] = {"number": number, "due_at": due_at, "step": None if over else "talk"}
        changes |= {"strand_id": _strand(source, case.ids)}
        self.intake.hear(STRANDS[source](case.ids, **changes))
        known = case.plans.get(source, (0, None))[0]
        if number > known:
            case.plans[source] = (number, due_at)

    @rule(which=st.integers(0, 9))
    def give_notices(self, which: int) -> None:
        """Somebody in intake acts."""
        case_id = self._chosen(which).ids["case_id"]
        notices = {"language": "de", "text_version": "2026-1", "text_sha256": SHA}
        self.intake.ask("POST", f"/cases/{case_id}/notices", notices)

    @rule(which=st.integers(0, 9))
    def end(self, which: int) -> None:
        """A case ends."""
        case = self._chosen(which)
        self.intake.ask("POST", f"/cases/{case.ids['case_id']}/end")
        case.ended = True

    @rule(hours=st.integers(1, 24 * 9))
    def time_passes(self, hours: int) -> None:
        """Nobody looks for a while."""
        self.intake.clock.now += timedelta(hours=hours)

    @rule(times=st.integers(1, 2))
    def look(self, times: int) -> None:
        """The watch looks; then everybody who has to be told of what is overdue was told once."""
        for _ in range(times):
            self.intake.look()
        alarms = self.intake.write(lambda work: [row.model_dump() for row in work.session.exec(select(Alarm))])
        standing = [row for row in alarms if row["settled_at"] is None]
        told = {(row["strand_key"], row["rung"]) for row in standing if not row["strand_key"].startswith("intake.")}
        assert told == set(self._to_be_told())
        assert len({(row["strand_key"], row["number"], row["level"]) for row in alarms}) == len(alarms)

    def _to_be_told(self) -> list[tuple[str, str]]:
        now = self.intake.clock.now
        due = [
            (_key(source, case.ids), now - due_at)
            for case in self.cases
            for source, (_, due_at) in case.plans.items()
            if due_at is not None
        ]
        responsible = [(key, "responsible") for key, late in due if late >= timedelta(0)]
        return responsible + [(key, "lead") for key, late in due if late >= LEAD_AFTER]

    @invariant()
    def every_open_case_has_a_next_step(self) -> None:
        """Whatever was said, and of whom nothing was said; and so has one that has ended while somebody owes a step."""
        lines = {line["case_id"]: line["next"] for line in self.intake.ask("GET", "/care").json()}
        owing = {
            case.ids["case_id"]
            for case in self.cases
            if not case.ended or any(due_at is not None for _, due_at in case.plans.values())
        }
        assert set(lines) == owing
        assert all(line and line["responsible_id"] and line["step"] and line["due_at"] for line in lines.values())


def _strand(source: str, ids: dict[str, str]) -> str:
    return ids["case_id"] if source == "assessment" else f"referral-{ids['case_id']}"


def _key(source: str, ids: dict[str, str]) -> str:
    return f"{source}.{_strand(source, ids)}"


WatchMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    derandomize=EXAMPLES == FEW,
    suppress_health_check=list(HealthCheck),
)
TestWatchMachine = WatchMachine.TestCase
