"""The whole life of cases in assessment against a plain model: whatever is done, heard, ended or taken up again.

The model keeps what somebody of the team would note on a card, and shares no code with the service. After every step
each case is in the hands of somebody who is there, with a next step and a day, unless the team is through with it; and
what is owed besides (a concern for a child, a word to the person, a second person's look) keeps it from being through.
"""

import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.contracts.assessment import AssessmentStepPlanned
from shared.contracts.consent import Awaited, EmergencyDisclosed, PersonAwaited
from shared.contracts.intake import CaseEnded
from tests.assessment.builders import TEAM, Assessment, notices_given, running_assessment

FEW = 4
EXAMPLES = int(os.environ.get("GESEHEN_TEST_HISTORIES", FEW))
"""How many histories are drawn; a night can take thousands, each time others."""

MOST = 3
WHICH = st.integers(0, MOST - 1)
MEMBERS = ("assessor-a", "assessor-b", "assessor-c")
MEMBER = st.sampled_from(MEMBERS)
OUTCOMES = ("reached", "not_reached", "moved", "refused")
NEXT_MOVE = {"noted": "take_advice", "advised": "tell_family", "family_told": "close"}


@dataclass
class Card:
    """A card for a case."""

    case_id: str
    person_id: str
    informed: bool
    responsible: str = TEAM
    taken: bool = False
    finished: bool = False
    ended: bool = False
    concerns: dict[str, str] = field(default_factory=dict)
    to_tell: dict[str, str] = field(default_factory=dict)
    unconfirmed: dict[str, int] = field(default_factory=dict)

    def outlives_the_case(self) -> bool:
        """Say whether something is owed whatever becomes of the case."""
        return "emergency" in self.to_tell.values() or any(stage in NEXT_MOVE for stage in self.concerns.values())

    def is_owed_besides(self) -> bool:
        """Say whether something is owed however far the case is."""
        return self.outlives_the_case() or bool(self.to_tell) or bool(self.unconfirmed)


class CaseMachine(RuleBasedStateMachine):
    """Does to a running assessment service what can be done to it."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self.service: Assessment = self._stack.enter_context(running_assessment(folder))
        self.cards: list[Card] = []
        self.absences: dict[tuple[str, int], int] = {}
        """Of whom, from which day: until which day."""
        self.days = 0
        self.met: Counter[str] = Counter()
        """How often what was asked for was done, and refused."""
        self._number = 0

    def teardown(self) -> None:
        """Stop the service."""
        self._stack.close()

    @rule(informed=st.booleans())
    def open_case(self, informed: bool) -> None:
        """Intake opens a case."""
        if len(self.cards) < MOST:
            opened = self.service.open_case(informed=informed, opened_at=self.service.clock.now)
            self.cards.append(Card(opened.case_id, opened.person_id, informed))

    @rule(which=WHICH)
    def give_notices(self, which: int) -> None:
        """Intake gives the notices."""
        card = self._card(which)
        opened = self.service.announced(AssessmentStepPlanned)[0]
        event = {"case_id": card.case_id, "person_id": card.person_id, "opened_at": opened.planned_at}
        self.service.hear(notices_given(_Opened(**event)))  # type: ignore[arg-type]  # it reads these three
        card.informed = True

    @rule(which=WHICH, member=MEMBER)
    def take(self, which: int, member: str) -> None:
        """Somebody takes a case, or it is handed over."""
        card = self._card(which)
        possible = member not in self.away() and (not card.ended or card.outlives_the_case())
        if self._do(card, "taking", {"team_id": TEAM, "responsible_id": member}, possible=possible):
            card.taken, card.responsible = True, member

    @rule(which=WHICH, outcome=st.sampled_from(OUTCOMES))
    def try_contact(self, which: int, outcome: str) -> None:
        """Somebody tries to reach the person."""
        card = self._card(which)
        if self._do(card, "contact-attempts", {"channel": "phone", "outcome": outcome}, possible=not card.ended):
            card.finished = False

    @rule(which=WHICH)
    def talk(self, which: int) -> None:
        """The person comes to a talk."""
        card = self._card(which)
        today = self.service.clock.now.date().isoformat()
        body = {"kind": "talk", "attended_on": today}
        if self._do(card, "attendance", body, possible=card.informed and not card.ended):
            card.finished = False

    @rule(which=WHICH)
    def find_danger(self, which: int) -> None:
        """Somebody finds what a second person has to confirm."""
        card = self._card(which)
        body = {"life_domain": "safety", "code": "violence_by_partner", "severity": 3}
        answer = self._do(card, "facts", body, possible=card.informed and not card.ended)
        if answer is not None:
            card.unconfirmed[answer["fact_id"]], card.finished = answer["version"], False

    @rule(which=WHICH)
    def confirm(self, which: int) -> None:
        """A lead confirms what was found."""
        card = self._card(which)
        for fact_id, version in list(card.unconfirmed.items())[:1]:
            path = f"facts/{fact_id}/confirmation"
            if self._do(card, path, {"version": version}, possible=not card.ended, role="lead"):
                del card.unconfirmed[fact_id]

    @rule(which=WHICH)
    def note_concern(self, which: int) -> None:
        """Somebody is concerned for a child."""
        card = self._card(which)
        answer = self._do(card, "concerns", None, possible=not card.ended)
        if answer is not None:
            card.concerns[answer["concern_id"]], card.finished = "noted", False

    @rule(which=WHICH)
    def follow_concern(self, which: int) -> None:
        """The next move is made, also after the end of the case."""
        card = self._card(which)
        for concern_id, stage in card.concerns.items():
            if stage in NEXT_MOVE:
                body = {"move": NEXT_MOVE[stage]} | ({"reason": "no_danger"} if stage == "family_told" else {})
                answer = self._do(card, f"concerns/{concern_id}/moves", body, possible=True)
                assert answer is not None
                card.concerns[concern_id] = answer["stage"]
                return

    @rule(which=WHICH, emergency=st.booleans())
    def owe_a_word(self, which: int, emergency: bool) -> None:
        """The gate says that the person has to be told something."""
        card, now = self._card(which), self.service.clock.now
        self._number += 1
        item, by = f"item-{self._number:08}", now + timedelta(days=2)
        if emergency:
            self.service.hear(
                EmergencyDisclosed(emergency_id=item, person_id=card.person_id, at=now, tell_person_by=by)
            )
        else:
            self.service.hear(
                PersonAwaited(item_id=item, person_id=card.person_id, awaited=Awaited.WORD, due_at=by, at=now)
            )
        if emergency or not card.ended:
            card.to_tell[item] = "emergency" if emergency else "word"
            card.finished = False

    @rule(which=WHICH)
    def tell(self, which: int) -> None:
        """Somebody tells the person."""
        card = self._card(which)
        for item in list(card.to_tell)[:1]:
            self._do(card, f"tellings/{item}", None, possible=True)
            del card.to_tell[item]

    @rule(which=WHICH)
    def finish(self, which: int) -> None:
        """The team says that it is through."""
        card = self._card(which)
        possible = card.taken and not card.ended and not card.is_owed_besides()
        if self._do(card, "finishing", None, possible=possible):
            card.finished = True

    @rule(which=WHICH)
    def end(self, which: int) -> None:
        """Intake ends the case."""
        card = self._card(which)
        now = self.service.clock.now
        self.service.hear(CaseEnded(case_id=card.case_id, person_id=card.person_id, ended_at=now))
        if not card.ended:
            card.ended, card.unconfirmed = True, {}
            card.to_tell = {item: about for item, about in card.to_tell.items() if about == "emergency"}

    @rule(member=MEMBER, days=st.integers(0, 9))
    def go_away(self, member: str, days: int) -> None:
        """Somebody is away from today on; what they had goes to the team."""
        today = self.service.clock.now.date()
        body = {"from_on": today.isoformat(), "until_on": (today + timedelta(days=days)).isoformat()}
        assert self.service.ask("PUT", f"/members/{member}/absence", body, role="lead").status_code == 200
        self.absences[member, self.days] = self.days + days
        for card in self.cards:
            if card.responsible == member and (not card.ended or card.outlives_the_case()):
                card.responsible = TEAM

    @rule(days=st.integers(1, 12))
    def time_passes(self, days: int) -> None:
        """Days go by."""
        self.service.clock.pass_days(days)
        self.days += days

    def away(self) -> set[str]:
        """Return who is away today."""
        return {member for (member, _), until in self.absences.items() if until >= self.days}

    @invariant()
    def every_case_is_in_somebodys_hands_with_a_step_unless_the_team_is_through(self) -> None:
        """Whatever was done, and whatever was refused; and what is shown is what was announced last."""
        listed = {line["case_id"] for line in self.service.lines()}
        for card in self.cards:
            shown = self.service.case(card.case_id)
            is_through = not card.outlives_the_case() if card.ended else card.finished
            assert (shown["next_step"] == "none") is is_through, (card, shown["next_step"])
            assert (card.case_id in listed) is (not card.ended or card.outlives_the_case())
            said = self.service.planned(card.case_id)
            assert said.step == (None if is_through else shown["next_step"])
            if not is_through:
                assert shown["responsible_id"] == said.responsible_id == card.responsible
                assert said.responsible_id not in self.away()
                assert said.due_at is not None
            if card.ended and not is_through:
                assert said.step == "talk"

    def _card(self, which: int) -> Card:
        if not self.cards:
            self.open_case(informed=True)
        return self.cards[which % len(self.cards)]

    def _do(
        self, card: Card, path: str, body: dict[str, Any] | None, *, possible: bool, role: str = "assessor"
    ) -> dict[str, Any] | None:
        """Ask for a deed; return the answer if it was done, and see that it was done or refused as it should be."""
        answer = self.service.ask("POST", f"/cases/{card.case_id}/{path}", body, role=role)
        self.met[f"{path.split('/', 1)[0]} {'done' if possible else 'refused'}"] += 1
        assert answer.is_success is possible, (path, card, answer.status_code, answer.text)
        assert possible or answer.status_code in (409, 422)
        done: dict[str, Any] = answer.json()
        return done if possible else None


@dataclass
class _Opened:
    case_id: str
    person_id: str
    opened_at: Any


CaseMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    derandomize=EXAMPLES == FEW,
    suppress_health_check=list(HealthCheck),
)
TestCaseMachine = CaseMachine.TestCase


def act_at_random(machine: CaseMachine, random: Random) -> None:
    """Do one thing; what brings a case on comes more often than what ends it."""
    which, member = random.randrange(MOST), random.choice(MEMBERS)
    acts = {
        lambda: machine.open_case(informed=random.random() < 0.7): 3,
        lambda: machine.give_notices(which): 2,
        lambda: machine.take(which, member): 6,
        lambda: machine.try_contact(which, random.choice(OUTCOMES)): 3,
        lambda: machine.talk(which): 2,
        lambda: machine.find_danger(which): 2,
        lambda: machine.confirm(which): 3,
        lambda: machine.note_concern(which): 2,
        lambda: machine.follow_concern(which): 5,
        lambda: machine.owe_a_word(which, emergency=random.random() < 0.5): 2,
        lambda: machine.tell(which): 4,
        lambda: machine.finish(which): 6,
        lambda: machine.end(which): 1,
        lambda: machine.go_away(member, random.randrange(9)): 2,
        lambda: machine.time_passes(random.randint(1, 12)): 2,
    }
    random.choices(list(acts), list(acts.values()))[0]()


def test_lives_drawn_evenly_agree_too_and_meet_what_can_be_done_and_refused() -> None:
    met: Counter[str] = Counter()

    for seed in range(FEW if EXAMPLES == FEW else EXAMPLES):
        machine, random = CaseMachine(), Random(seed)  # noqa: S311  # a seed, not a secret
        try:
            for _ in range(80):
                act_at_random(machine, random)
                machine.every_case_is_in_somebodys_hands_with_a_step_unless_the_team_is_through()
        finally:
            machine.teardown()
        met += machine.met

    deeds = ("taking", "contact-attempts", "attendance", "facts", "finishing")
    assert all(met[f"{deed} {how}"] for deed in deeds for how in ("done", "refused")), met
    assert met["concerns done"], met
    assert met["tellings done"], met
