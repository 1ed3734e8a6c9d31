"""Whatever is recorded, corrected, removed or sent twice: versions count up one by one, and what is gone stays gone."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, invariant, multiple, rule

from shared.contracts.assessment import FactRecorded, FactRemoved
from tests.assessment.builders import a_fact, running_assessment

SEVERITIES = st.integers(0, 4)
KEYS = st.none() | st.sampled_from(["a" * 20, "b" * 20])


class Findings(RuleBasedStateMachine):
    """A team at work in one case, beside a model of what should stand there."""

    facts = Bundle("facts")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(TemporaryDirectory())
        self.assessment = self.stack.enter_context(running_assessment(Path(folder)))
        self.case_id = self.assessment.open_case().case_id
        self.history: dict[str, list[int]] = {}
        self.removed: set[str] = set()
        self.keyed: dict[str, tuple[str, int]] = {}

    def teardown(self) -> None:
        """Stop the service."""
        self.stack.close()

    @rule(target=facts, severity=SEVERITIES, key=KEYS)
    def record(self, severity: int, key: str | None) -> MultipleResults[str]:
        """Record a finding; the same key again is the same finding, and with another finding it is refused."""
        path = f"/cases/{self.case_id}/facts"
        answer = self.assessment.ask("POST", path, a_fact(severity=severity), key=key)
        known_id, known_severity = self.keyed.get(key or "", (None, severity))
        assert answer.status_code == (201 if known_severity == severity else 409)
        if answer.status_code != 201:
            return multiple()
        fact_id = str(answer.json()["fact_id"])
        assert known_id in {None, fact_id}
        self.keyed |= {key: (fact_id, severity)} if key else {}
        self.history.setdefault(fact_id, [severity])
        return multiple(fact_id)

    @rule(fact_id=facts, severity=SEVERITIES)
    def correct(self, fact_id: str, severity: int) -> None:
        """Correct a finding, which may be gone."""
        path = f"/cases/{self.case_id}/facts/{fact_id}"
        answer = self.assessment.ask("PUT", path, a_fact(severity=severity))
        history = self.history[fact_id]
        news = [severity] if fact_id not in self.removed and history[-1] != severity else []
        history.extend(news)
        assert answer.status_code == (404 if fact_id in self.removed else 200)

    @rule(fact_id=facts)
    def remove(self, fact_id: str) -> None:
        """Remove a finding, perhaps for the second time."""
        answer = self.assessment.ask("DELETE", f"/cases/{self.case_id}/facts/{fact_id}").json()
        self.removed.add(fact_id)
        assert answer["version"] == len(self.history[fact_id]) + 1

    @invariant()
    def the_team_sees_what_stands(self) -> None:
        """Compare what is shown with the model."""
        shown = {
            fact["fact_id"]: [*(earlier["severity"] for earlier in fact["earlier"]), fact["severity"]]
            for fact in self.assessment.case(self.case_id)["facts"]
        }
        assert shown == {fact_id: said for fact_id, said in self.history.items() if fact_id not in self.removed}

    @invariant()
    def the_care_circle_was_told_each_version_once(self) -> None:
        """Compare what was announced with the model."""
        told = Counter((event.fact_id, event.version) for event in self.assessment.announced(FactRecorded))
        gone = Counter((event.fact_id, event.version) for event in self.assessment.announced(FactRemoved))
        said = {(fact_id, number) for fact_id, all_ in self.history.items() for number in range(1, len(all_) + 1)}
        assert told == Counter(said)
        assert gone == Counter({(fact_id, len(self.history[fact_id]) + 1) for fact_id in self.removed})


TestFindings = Findings.TestCase
TestFindings.settings = settings(max_examples=6, stateful_step_count=12, deadline=None)
