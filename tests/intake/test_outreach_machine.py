"""Contacts come in any order, twice or late, keys are damaged, people decide: threads and a plain model agree.

The model is what a clerk would note down, and shares no code with the service. After every step the lists, what an
outreach worker reads, and what was announced are what they have to be; after every look everybody was told.
"""

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from httpx2 import Response
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.intake.builders import NOON, SECOND_ID, Intake, running_intake
from tests.intake.street import WORKER, a_contact, is_destroyed, join, kept, shown, want_case
from tests.intake.test_unreadable import damage_key

FEW = 10
EXAMPLES = int(os.environ.get("GESEHEN_TEST_HISTORIES", FEW))
"""How many histories are drawn; a night can take thousands, each time others."""

FORGET_AFTER, WARN_BEFORE, WARNED_FOR = timedelta(days=180), timedelta(days=14), timedelta(days=7)
WHICH = st.integers(0, 9)
ME = "outreach_worker-1"


@dataclass
class Noted:
    """A thread as a clerk would note it down."""

    thread_id: str
    contacts: list[dict[str, Any]] = field(default_factory=list)
    state: str = "open"
    responsible: str = ME
    last_contact: datetime = NOON
    last_met: datetime = NOON
    look_again: date = date.max
    warned_at: datetime | None = None
    damaged: bool = False
    goes_on_as: "Noted | None" = None
    person_id: str | None = None
    ended_at: datetime | None = None

    def now_as(self) -> "Noted":
        """Return the thread that this one is now."""
        return self.goes_on_as.now_as() if self.goes_on_as else self


class ThreadMachine(RuleBasedStateMachine):
    """Does to a running intake what can be done to it."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self.intake: Intake = self._stack.enter_context(running_intake(folder, watch_seconds=60))
        self.threads: list[Noted] = []
        self.cases_opened = 0
        self.marks = 0

    def teardown(self) -> None:
        """Stop the service."""
        self._stack.close()

    def _drawn(self, which: int) -> Noted:
        return self.threads[which % len(self.threads)]

    def _mark(self) -> str:
        self.marks += 1
        return f"note number {self.marks}."

    def _open(self) -> list[Noted]:
        return [one for one in self.threads if one.state == "open"]

    @rule(hours=st.integers(0, 24 * 29))
    def open_thread(self, hours: int) -> None:
        """Somebody is met, or was."""
        at = self.intake.clock.now - timedelta(hours=hours)
        contact = a_contact(self.intake, at=at, note=self._mark())
        answers = [self.intake.ask("POST", "/threads", {"contact": contact}, role=WORKER).json() for _ in range(2)]
        assert answers[0] == answers[1]
        noted = Noted(answers[0]["thread_id"], [contact], last_contact=at, last_met=at)
        noted.look_again = _week_later(at)
        self.threads.append(noted)

    @precondition(lambda self: self.threads)
    @rule(which=WHICH, hours=st.integers(-1, 24 * 32), done=st.sampled_from(["met", "met", "not_met", "gave_food"]))
    def record(self, which: int, hours: int, done: str) -> None:
        """Somebody writes down a contact, perhaps late, and sends it twice."""
        drawn = self._drawn(which)
        thread, at = drawn.now_as(), self.intake.clock.now - timedelta(hours=hours)
        contact = a_contact(self.intake, at=at, note=self._mark(), done=[done])
        answers = [self._send(drawn, contact) for _ in range(2)]
        wanted = self._wanted(thread, at)
        assert [answer.status_code for answer in answers] == [wanted, wanted], (thread.state, answers[0].text)
        if wanted != 201:
            return
        thread.contacts.append(contact)
        if thread.state != "open":
            return
        if done != "not_met" and at > thread.last_met:
            thread.last_met, thread.warned_at = at, None
        if at >= thread.last_contact:
            thread.last_contact, thread.look_again = at, _week_later(at)

    @precondition(lambda self: self.threads)
    @rule(which=WHICH)
    def send_again(self, which: int) -> None:
        """A list is sent once more, and once with something else in it."""
        drawn = self._drawn(which)
        thread = drawn.now_as()
        known = thread.contacts[which % len(thread.contacts)]
        wanted = 503 if thread.damaged and thread.state == "open" else 201
        again = self._send(drawn, known)
        assert again.status_code == wanted, (thread.state, again.text)
        if thread.state == "open" and not thread.damaged:
            assert self._send(drawn, {**known, "note": self._mark()}).status_code == 409

    @precondition(lambda self: self.threads)
    @rule(which=WHICH)
    def leave_alone(self, which: int) -> None:
        """Somebody wants to be left alone: that counts, also of a thread that nobody can read."""
        drawn = self._drawn(which)
        thread = drawn.now_as()
        answer = self._send(drawn, a_contact(self.intake, done=["met", "wants_to_be_left_alone"], note=self._mark()))
        assert answer.status_code == (201 if thread.state == "open" else 409)
        if thread.state == "open":
            thread.state, thread.ended_at = "ended", self.intake.clock.now

    @precondition(lambda self: self.threads)
    @rule(which=WHICH)
    def forget(self, which: int) -> None:
        """Somebody wants to be forgotten."""
        drawn = self._drawn(which)
        thread = drawn.now_as()
        answer = self.intake.ask("DELETE", f"/threads/{drawn.thread_id}", role=WORKER)
        assert answer.status_code == (409 if thread.state == "case" else 204)
        if thread.state == "open":
            thread.state, thread.ended_at = "ended", self.intake.clock.now

    @precondition(lambda self: self.threads)
    @rule(which=WHICH, to=st.sampled_from([ME, SECOND_ID]))
    def hand_over(self, which: int, to: str) -> None:
        """Somebody else is responsible."""
        drawn = self._drawn(which)
        thread = drawn.now_as()
        answer = self.intake.ask("POST", f"/threads/{drawn.thread_id}/hand-over", {"to": to}, role="lead")
        assert answer.status_code == (200 if thread.state == "open" else 409)
        if thread.state == "open":
            thread.responsible = to

    @precondition(lambda self: len(self.threads) > 1)
    @rule(which=WHICH, other=WHICH)
    def join(self, which: int, other: int) -> None:
        """Two threads turn out to be of one person."""
        one, two = self._drawn(which), self._drawn(other)
        thread, gone = one.now_as(), two.now_as()
        answer = join(self.intake, one.thread_id, two.thread_id)
        if one is two:
            assert answer.status_code == 422
        elif thread is gone:
            assert answer.status_code == 200
        elif thread.state != "open" or gone.state != "open":
            assert answer.status_code == 409
        elif thread.damaged or gone.damaged:
            assert answer.status_code == 503
        else:
            assert answer.status_code == 200
            _join(thread, gone)

    @precondition(lambda self: self.threads)
    @rule(which=WHICH)
    def want_case(self, which: int) -> None:
        """Somebody wants a case, and says so twice."""
        drawn = self._drawn(which)
        thread = drawn.now_as()
        answers = [want_case(self.intake, drawn.thread_id) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert answers[0].status_code == (409 if thread.state == "ended" else 201)
        if thread.state == "open":
            self.cases_opened += 1
            self._became(thread, answers[0])

    @precondition(lambda self: any(one.state == "case" for one in self.threads))
    @rule(which=WHICH, other=WHICH)
    def want_the_same_case(self, which: int, other: int) -> None:
        """Somebody is met who has a case already."""
        cases = [one for one in self.threads if one.state == "case"]
        case = want_case(self.intake, cases[other % len(cases)].thread_id).json()
        drawn = self._drawn(which)
        thread = drawn.now_as()
        answer = want_case(self.intake, drawn.thread_id, case_id=case["case_id"])
        is_other = thread.state == "case" and thread.person_id != case["person_id"]
        assert answer.status_code == (409 if thread.state == "ended" or is_other else 201)
        if thread.state == "open":
            self._became(thread, answer)

    @precondition(lambda self: self._open())
    @rule(which=WHICH)
    def damage(self, which: int) -> None:
        """The disk damages the key of a thread."""
        threads = self._open()
        thread = threads[which % len(threads)]
        damage_key(self.intake, thread.thread_id)
        thread.damaged = True

    @rule(hours=st.one_of(st.integers(1, 24 * 12), st.integers(24 * 160, 24 * 200)))
    def time_passes(self, hours: int) -> None:
        """Nobody looks for a while."""
        self.intake.clock.now += timedelta(hours=hours)

    @rule(times=st.integers(1, 2))
    def look(self, times: int) -> None:
        """The watch looks: whoever has to be told is told once, and whose time is over is forgotten."""
        now = self.intake.clock.now
        for _ in range(times):
            self.intake.look()
        for thread in self._open():
            if thread.warned_at is None and now >= thread.last_met + FORGET_AFTER - WARN_BEFORE:
                thread.warned_at = now
            elif thread.warned_at and now >= thread.warned_at + WARNED_FOR and now >= thread.last_met + FORGET_AFTER:
                thread.state, thread.ended_at = "ended", now
        self.threads = [one for one in self.threads if not _is_removed(one.now_as(), now)]
        told = [(line["thread_id"], line["rung"], line["step"]) for line in self._alarms()]
        assert set(told) == {one for thread in self._open() for one in _to_be_told(thread, now)}

    def _alarms(self) -> list[dict[str, Any]]:
        listed = [line for line in self.intake.alarms() if line["thread_id"]]
        levels = [(line["thread_id"], line["level"]) for line in listed]
        assert len(levels) == len(set(levels))
        return listed

    @invariant()
    def a_lead_sees_every_open_thread_with_somebody_and_a_day(self) -> None:
        """And no other."""
        listed = self.intake.ask("GET", "/threads", role="lead").json()
        lines = {line["thread_id"]: (line["responsible_id"], line["look_again_on"]) for line in listed}
        assert lines == {one.thread_id: (one.responsible, one.look_again.isoformat()) for one in self._open()}

    @invariant()
    def what_was_noted_is_read_in_order(self) -> None:
        """By an outreach worker, of every thread that can be read."""
        for thread in self._open():
            view = shown(self.intake, thread.thread_id)
            notes = [line["note"] for line in view["contacts"]]
            known = sorted(thread.contacts, key=lambda one: (one["met_at"], one["contact_id"]))
            assert notes == ([] if thread.damaged else [one["note"] for one in known])

    @invariant()
    def a_thread_that_is_over_has_no_key_and_no_word_that_is_not_the_persons(self) -> None:
        """Whichever way it ended."""
        over = [one.thread_id for one in self.threads if one.state != "open"]
        assert all(is_destroyed(self.intake, thread_id) for thread_id in over)
        cases = {one.thread_id for one in self.threads if one.state in ("case", "open")}
        with_words = {row["thread_id"] for row in kept(self.intake)["ThreadContact"] if row["content"]}
        assert with_words <= cases

    @invariant()
    def nobody_hears_of_more_than_that_there_is_a_case(self) -> None:
        """Two messages for each: that it was opened, and how the person is reached."""
        types = sorted(item.type for item in self.intake.outgoing())
        opened, reached = "intake.case_opened.v1", "intake.contact_recorded.v1"
        assert types == [opened] * self.cases_opened + [reached] * self.cases_opened

    @invariant()
    def whoever_has_a_case_is_told_all_that_was_noted(self) -> None:
        """What came late, and what was noted in other threads of theirs, included."""
        for thread in self.threads:
            if thread.state == "case":
                path = f"/persons/{thread.person_id}/export"
                told = self.intake.ask("GET", path, role="person_desk").text
                assert [one["note"] for one in thread.contacts if one["note"] not in told] == []

    def _send(self, thread: Noted, contact: dict[str, Any]) -> Response:
        return self.intake.ask("POST", f"/threads/{thread.thread_id}/contacts", contact, role=WORKER)

    def _wanted(self, thread: Noted, at: datetime) -> int:
        now = self.intake.clock.now
        if thread.state == "ended":
            return 409
        if at > now or at < now - timedelta(days=30):
            return 422
        if thread.state == "case":
            return 409 if at > thread.last_contact else 201
        return 503 if thread.damaged else 201

    def _became(self, thread: Noted, answer: Response) -> None:
        thread.state, thread.person_id = "case", answer.json()["person_id"]
        thread.last_contact = self.intake.clock.now  # later ones belong to the case
        if thread.damaged:
            thread.contacts, thread.damaged = thread.contacts[:1], False
            thread.contacts[0]["note"] = "outreach_contact"  # nothing can be read: the export has the row alone


def _is_removed(thread: Noted, now: datetime) -> bool:
    return thread.ended_at is not None and thread.ended_at < now - timedelta(days=30)


def _join(thread: Noted, gone: Noted) -> None:
    gone.state, gone.goes_on_as = "joined", thread
    thread.contacts += gone.contacts
    thread.last_contact = max(thread.last_contact, gone.last_contact)
    thread.last_met = max(thread.last_met, gone.last_met)
    thread.look_again = min(thread.look_again, gone.look_again)


def _to_be_told(thread: Noted, now: datetime) -> list[tuple[str, str, str]]:
    due_at = datetime.combine(thread.look_again + timedelta(days=1), datetime.min.time(), now.tzinfo)
    told = [(thread.thread_id, "responsible", "look_again")] if now >= due_at else []
    if now >= due_at + timedelta(days=2):
        told.append((thread.thread_id, "lead", "look_again"))
    if thread.warned_at is not None:
        told.append((thread.thread_id, "lead", "forgotten_soon"))
    return told


def _week_later(at: datetime) -> date:
    return at.astimezone(ZoneInfo("Europe/Berlin")).date() + timedelta(days=7)


ThreadMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    derandomize=EXAMPLES == FEW,
    suppress_health_check=list(HealthCheck),
)
TestThreadMachine = ThreadMachine.TestCase
