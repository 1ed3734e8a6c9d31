"""Words, signals, shields and joinings under several ids of one human, in any order: what the Jobcenter is told is
what the human let it know, whatever id they said it under.

The model keeps a list of what was said, by whom and when, and shares no code with the gate: a yes opens something only
for the id that it was said under, and only if nothing that narrows was said after it under any id that goes on as that
one, nor anything at all under one of them between it and their joining.
"""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.consent.domain import Word
from services.consent.tables import SubjectRow
from shared.contracts.categories import Category
from tests.consent.builders import a_case, a_conclusion
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import SqliteStores
from tests.consent.test_joining import joined
from tests.consent.test_shield import register_shield, shielded

CONCLUSION = Category.CONCLUSION
IDS = ("anna", "berta", "cora")
CODES = {"anna": "able_part_time", "berta": "able_full_time", "cora": "not_able"}
FEW = 12
EXAMPLES = int(os.environ.get("GESEHEN_TEST_HISTORIES", FEW))


@dataclass
class Said:
    """A word to the one question, under an id; `over` once it was taken back."""

    who: str
    word: Word
    at: int
    over: bool = False


@dataclass
class Human:
    """What a clerk would note down who knows that all ids are one human's."""

    said: list[Said] = field(default_factory=list)
    narrowed: list[tuple[str, int]] = field(default_factory=list)
    """Under which id something was taken back, and when."""
    joins: list[tuple[str, str, int]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    shielded: set[str] = field(default_factory=set)

    def goes_on_as(self, who: str) -> set[str]:
        """Return an id and all that it goes on as."""
        found = {who}
        for former, into, _ in self.joins:  # in order of time: a chain is followed
            if former in found:
                found.add(into)
        return found

    def everyone(self, who: str) -> set[str]:
        """Return all ids that are known to be the same human's."""
        found = {who}
        for _ in self.joins:
            found |= {one for former, into, _ in self.joins if {former, into} & found for one in (former, into)}
        return found

    def has_a_chain(self) -> bool:
        """Say whether an id went on as one that went on as a third."""
        return any(len(self.goes_on_as(one)) == len(IDS) for one in IDS)

    def same_as(self, who: str) -> set[str]:
        """Return an id and all that go on as it."""
        return {one for one in IDS if who in self.goes_on_as(one)}

    def may_know(self, who: str) -> bool:
        """Say whether a yes under this id tells something now."""
        return who not in self.shielded and any(self._opens(one) for one in self.said if one.who == who)

    def _opens(self, yes: Said) -> bool:
        if yes.word is not Word.YES or yes.over:
            return False
        mine = self.same_as(yes.who)
        narrow = [one.at for one in self.said if one.who in mine and one.word is not Word.YES]
        taken_back = [at for who, at in self.narrowed if who in mine]
        crossed = [
            one.at
            for former, into, joined_at in self.joins
            if into in mine and yes.at < joined_at
            for one in self.said
            if one.who in self.same_as(former) and one.at < joined_at
        ]
        return all(at < yes.at for at in [*narrow, *taken_back, *crossed])


class JoiningMachine(RuleBasedStateMachine):
    """Three ids of one human, two of them commissioned by the Jobcenter."""

    stores: SqliteStores

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        store = self.stack.enter_context(self.stores.fresh(folder))
        self.gate: Gate = self.stack.enter_context(a_gate_with_recipients(folder, store))
        register_shield(self.gate)
        self.ids = {"anna": "person-anna", "berta": self.gate.a_person(), "cora": self.gate.a_person()}
        self.gate.hear(a_case(self.ids["anna"]))
        self.gate.hear(*(a_conclusion(self.ids[who], CODES[who]) for who in IDS))
        self.belongs_to = {self._commission_of(who): who for who in ("berta", "cora")}
        self.references = {self.gate.reference_of(self.ids[who]): self._commission_of(who) for who in ("berta", "cora")}
        self.reading = self.gate.reading()
        self.human = Human()
        self.steps = 0
        self.holds_outside: dict[str, str] = {}
        self.fresh: list[str] = []

    def _commission_of(self, who: str) -> str:
        return self.gate.rows(SubjectRow, SubjectRow.person_id == self.ids[who])[0].subject_id

    def teardown(self) -> None:
        self.stack.close()

    def _step(self) -> int:
        self.steps += 1
        self.gate.clock.pass_()
        return self.steps

    @rule(who=st.sampled_from(IDS), word=st.sampled_from([Word.YES, Word.YES, Word.NO, Word.ASK]))
    def say(self, who: str, word: Word) -> None:
        """Say a word under one of the ids."""
        self.gate.grant(self.ids[who], CONCLUSION, word=word)
        at = self._step()
        narrowed = {who} if word is Word.YES else self.human.everyone(who)  # under the same id the last word counts
        for one in self.human.said:
            one.over = one.over or one.who in narrowed
        self.human.said.append(Said(who, word, at))

    @rule(who=st.sampled_from(IDS))
    def withdraw(self, who: str) -> None:
        """Take everything back under one of the ids, also where nothing stands."""
        self.gate.withdraw(self.ids[who])
        self.human.narrowed.append((who, self._step()))
        for one in self.human.said:
            one.over = one.over or (one.who in self.human.everyone(who) and one.word is not Word.NO)

    @rule(who=st.sampled_from(IDS))
    def hold(self, who: str) -> None:
        """Give the quiet signal under one of the ids."""
        assert self.gate.ask("POST", f"/persons/{self.ids[who]}/hold", {}).is_success
        self._step()
        self.human.held |= self.human.everyone(who)

    @rule(who=st.sampled_from(IDS))
    def lift(self, who: str) -> None:
        """Lift it under one of the ids."""
        assert self.gate.ask("POST", f"/persons/{self.ids[who]}/hold-lifting", {"place": "elsewhere"}).is_success
        self._step()
        self.human.held.discard(who)

    @rule(who=st.sampled_from(IDS))
    def shield(self, who: str) -> None:
        """Have intake shield what goes on under one of the ids."""
        self.gate.hear(shielded(self.ids[who]))
        self._step()
        self.human.shielded |= self.human.everyone(who)

    @precondition(lambda self: self.steps > 2)
    @rule(of=st.sampled_from(["berta", "cora"]), into=st.sampled_from(IDS))
    def join(self, of: str, into: str) -> None:
        """Let a commission move to an earlier id, also on from there."""
        commission = next(one for one, reference in self._references().items() if reference == of)
        former = self.belongs_to[commission]
        if former == into or into in self.human.same_as(former) or into in self.human.goes_on_as(former):
            return
        self.gate.hear(joined(commission, earlier=self.ids[into], former=self.ids[former]))
        at = self._step()
        self.belongs_to[commission] = into
        self.human.joins.append((former, into, at))
        for marked in (self.human.held, self.human.shielded):  # both go along
            if former in marked:
                marked.add(into)

    def _references(self) -> dict[str, str]:
        return dict(zip(self.belongs_to, ("berta", "cora"), strict=True))

    @invariant()
    def the_jobcenter_is_told_what_the_human_let_it_know(self) -> None:
        """Open all that has come; compare with the model."""
        for news in self.reading.news():
            self._take(news)
        for commission, told in self._told().items():
            who = self.belongs_to[commission]
            assert told in (None, CODES[who]), (who, told)
            assert told is None or self.human.may_know(who), who
            if told is None:
                assert not self.human.may_know(who) or who in self.human.held, who

    def _take(self, news: dict[str, object]) -> None:
        if news["result"] == "retracted":
            self.holds_outside.pop(str(news["release_id"]), None)
        if news["result"] == "released":
            released = news["released"]
            assert isinstance(released, dict)
            who = self.belongs_to[self.references[released["reference"]]]
            assert who not in self.human.held, who
            self.holds_outside[str(news["release_id"])] = str(news["released"])

    def _told(self) -> dict[str, str | None]:
        told: dict[str, str | None] = dict.fromkeys(self.belongs_to)
        for text in self.holds_outside.values():
            for reference, commission in self.references.items():
                if reference in text:
                    told[commission] = next((code for code in CODES.values() if code in text), None)
        return told


def test_whatever_is_said_under_several_ids_the_jobcenter_is_told_what_the_human_let_it_know(
    sqlite_stores: SqliteStores,
) -> None:
    JoiningMachine.stores = sqlite_stores
    JoiningMachine.TestCase.settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=20,
        derandomize=EXAMPLES == FEW,
        suppress_health_check=list(HealthCheck),
    )
    JoiningMachine.TestCase("runTest").runTest()


def act_at_random(machine: JoiningMachine, random: Random) -> str:
    """Do one thing that a rule allows; return its name."""
    who = random.choice(IDS)
    acts: dict[str, Callable[[], object]] = {
        "yes": lambda: machine.say(who, Word.YES),
        "no": lambda: machine.say(who, random.choice([Word.NO, Word.ASK])),
        "withdraw": lambda: machine.withdraw(who),
        "hold": lambda: machine.hold(who),
        "lift": lambda: machine.lift(who),
        "shield": lambda: machine.shield(who),
        "join": lambda: machine.join(random.choice(["berta", "cora"]), who),
    }
    name = random.choices(list(acts), [12, 3, 3, 4, 4, 0.5, 5])[0]
    acts[name]()
    return name


def test_histories_drawn_at_random_agree_too_and_meet_what_matters(sqlite_stores: SqliteStores) -> None:
    JoiningMachine.stores = sqlite_stores
    met: Counter[str] = Counter()

    for seed in range(EXAMPLES):
        machine, random = JoiningMachine(), Random(seed)  # noqa: S311  a seed, not a secret
        try:
            for _ in range(25):
                before = dict(machine.holds_outside)
                act_at_random(machine, random)
                machine.the_jobcenter_is_told_what_the_human_let_it_know()
                met["told"] += len(machine.holds_outside.keys() - before.keys())
                met["retracted"] += len(before.keys() - machine.holds_outside.keys())
            met["joined"] += len(machine.human.joins)
            met["chained"] += machine.human.has_a_chain()
        finally:
            machine.teardown()

    assert met["told"] > 2 * EXAMPLES
    assert met["retracted"] > EXAMPLES
    assert met["joined"] > EXAMPLES
    assert met["chained"] > EXAMPLES / 10
