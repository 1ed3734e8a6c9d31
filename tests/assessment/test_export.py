"""A person who asks what the assessment keeps about them is told all of it, notes included, and nothing of others."""

import json
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from services.assessment import export
from services.assessment.app import VOCABULARY
from services.assessment.store import metadata
from shared.access import undecided
from shared.contracts.consent import Awaited, FactContested, PersonAwaited
from shared.contracts.intake import CaseOpened
from shared.unit_of_work import UnitOfWork
from tests.assessment.builders import NOON, Assessment, a_fact, notices_given

WORDS = json.loads(Path(VOCABULARY).read_text(encoding="utf-8"))
KINDS = ["fact", "note", "statement", "recommendation", "conclusion", "attendance", "contact_attempt"]


@dataclass
class Person:
    """Somebody with a marked value in every field that the assessment can keep, and what they are to be told."""

    chance: random.Random
    case: CaseOpened
    truth: list[str] = field(default_factory=list)
    """What turns up nowhere else."""
    words: list[tuple[str, Any]] = field(default_factory=list)  # Any: JSON values
    """What others may have as well: a kind of record, and what its content holds at the least."""

    @property
    def path(self) -> str:
        """Return where the case is."""
        return f"/cases/{self.case.case_id}"

    def mark(self, shape: str = "{}") -> str:
        """Draw a text that turns up nowhere else."""
        text = shape.format(f"{self.chance.getrandbits(40):010x}")
        self.truth.append(text)
        return text

    def key(self) -> str:
        """Draw a key by which a request is remembered."""
        return self.chance.randbytes(12).hex()

    def finding(self) -> dict[str, Any]:
        """Draw a finding."""
        domain = self.chance.choice(sorted(WORDS["facts"]))
        since = date(1990, 1, 1) + timedelta(days=self.chance.randrange(10_000))
        drawn = {
            "life_domain": domain,
            "code": self.chance.choice(WORDS["facts"][domain]),
            "severity": self.chance.randrange(5),
            "since_on": since.isoformat(),
            "amount_cents": self.chance.randrange(10**11),
            "contested": self.chance.random() < 0.5,
        }
        self.words.append(("fact", drawn))
        return drawn

    def live(self, assessment: Assessment) -> None:
        """Leave something of every kind, in several versions."""
        assessment.hear(self.case)
        assessment.hear(notices_given(self.case))
        self.be_taken(assessment)
        self.be_understood(assessment)
        self.speak(assessment)
        assessment.write(self.let_wait)
        assessment.write(self.park)

    def be_taken(self, assessment: Assessment) -> None:
        """Have a team take the case, try to make contact, and talk."""
        taking = {"team_id": self.mark("team-{}"), "responsible_id": self.mark("worker-{}")}
        assessment.ask("POST", f"{self.path}/taking", taking)
        attempt = {"channel": "letter", "outcome": self.chance.choice(["reached", "not_reached", "moved", "refused"])}
        assessment.ask("POST", f"{self.path}/contact-attempts", attempt, key=self.key())
        came = {"kind": "first_talk", "attended_on": f"2026-02-{self.chance.randrange(10, 28)}"}
        assessment.ask("POST", f"{self.path}/attendance", came)
        self.words += [("contact_attempt", attempt), ("attendance", came)]

    def be_understood(self, assessment: Assessment) -> None:
        """Have findings, one corrected, a recommendation, a conclusion that changes, and notes."""
        first = self.finding()
        fact_id = assessment.ask("POST", f"{self.path}/facts", first).json()["fact_id"]
        domain = first["life_domain"]
        second = {**self.finding(), "life_domain": domain, "code": self.chance.choice(WORDS["facts"][domain])}
        self.words[-1] = ("fact", second)
        assert assessment.ask("PUT", f"{self.path}/facts/{fact_id}", second).json()["version"] == 2
        ids = {"fact_id": fact_id, "person_id": self.case.person_id, "number": 1}
        assessment.hear(FactContested(**ids, contested_at=NOON))
        item_id, person_id = self.mark("item-{}"), self.case.person_id
        assessment.hear(PersonAwaited(item_id=item_id, person_id=person_id, awaited=Awaited.WORD, due_at=NOON, at=NOON))
        assessment.ask("POST", f"{self.path}/notes", {"text": self.mark("Notiz {}\nüber ihre „Mutter“ <b>")})
        for route, word in (("recommendations", "recommendation"), ("conclusion", "conclusion")):
            for code in self.chance.sample(WORDS[f"{word}s"], 2):
                assessment.ask("POST", f"{self.path}/{route}", {"code": code})
                self.words.append((word, {"code": code}))

    def speak(self, assessment: Assessment) -> None:
        """Have a statement drafted twice and approved."""
        self.mark("draft-{}")
        draft = {"text": self.truth[-1]}
        statement = assessment.ask("POST", f"{self.path}/statements", draft, key=self.key()).json()["statement_id"]
        newer = {"text": self.mark("Satz {}")}
        drafted = assessment.ask("PUT", f"{self.path}/statements/{statement}", newer).json()
        approval = {"text_sha256": drafted["text_sha256"]}
        assessment.ask("POST", f"{self.path}/statements/{statement}/approval", approval)

    def let_wait(self, work: UnitOfWork) -> None:
        """Have a message wait for another."""
        message_id, table = self.mark("waiting-{}"), metadata.tables["inbox"]
        sealed = work.seal(self.case.person_id, f"inbox.waiting_body.{message_id}", {"waits": self.mark("body-{}")})
        row = {"message_id": message_id, "type": "of.a.test.v1", "received_at": NOON, "waiting_body": sealed}
        work.session.execute(table.insert(), {**row, "waiting_key": self.case.person_id})

    def park(self, work: UnitOfWork) -> None:
        """Have a message lie parked."""
        parked_id = self.mark("parked-{}")
        sealed = work.seal(self.case.person_id, f"parked.body.{parked_id}", {"parked": self.mark("body-{}")})
        row = {"parked_id": parked_id, "reason": "delivery_limit", "parked_at": NOON, "body": sealed}
        work.session.execute(metadata.tables["parked"].insert(), {**row, "key_id": self.case.person_id})


def export_of(assessment: Assessment, person_id: str) -> dict[str, Any]:  # Any: JSON values
    """Ask for everything that is kept about a person."""
    answer = assessment.ask("GET", f"/persons/{person_id}/export", role="person_desk")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found_in(value: Any, texts: list[str]) -> list[str]:  # Any: JSON values
    """Return those of the texts that occur in something."""
    whole = json.dumps(value, ensure_ascii=False)
    return [text for text in texts if json.dumps(text, ensure_ascii=False)[1:-1] in whole]


def told_of(told: dict[str, Any], words: list[tuple[str, Any]]) -> list[tuple[str, Any]]:  # Any: JSON values
    """Return those of the words that some record of their kind holds."""
    said = [(record["kind"], record["content"].get("content") or {}) for record in told["records"]]
    return [word for word in words if any(kind == word[0] and word[1].items() <= one.items() for kind, one in said)]


def two_people(assessment: Assessment, seed: int) -> tuple[Person, Person]:
    """Return two people with marks everywhere."""
    chance = random.Random(seed)  # noqa: S311  chance, not a secret
    ada, bela = (
        Person(chance, CaseOpened(**{**a_case_of(chance), "person_id": f"person-{chance.getrandbits(40):010x}"}))
        for _ in range(2)
    )
    ada.live(assessment)
    bela.live(assessment)
    return ada, bela


def a_case_of(chance: random.Random) -> dict[str, Any]:  # Any: values of the event
    """Draw a case."""
    first = date(2026, 3, 3) + timedelta(days=chance.randrange(5))
    case_id = f"case-{chance.getrandbits(40):010x}"
    return {"case_id": case_id, "origin": "self", "opened_at": NOON, "first_contact_by": first}


@pytest.mark.parametrize("seed", range(4))
def test_every_marked_value_of_a_person_is_told_and_none_of_another(assessment: Assessment, seed: int) -> None:
    ada, bela = two_people(assessment, seed)

    hers, his = export_of(assessment, ada.case.person_id), export_of(assessment, bela.case.person_id)

    assert found_in(hers, ada.truth) == ada.truth
    assert found_in(his, bela.truth) == bela.truth
    assert told_of(hers, ada.words) == ada.words
    assert told_of(his, bela.words) == bela.words
    assert found_in(hers, [bela.case.person_id, bela.case.case_id, *bela.truth]) == []
    assert found_in(his, [ada.case.person_id, ada.case.case_id, *ada.truth]) == []


def test_every_table_and_column_is_told_or_left_out_with_a_reason() -> None:
    assert undecided(metadata, export.TOLD, export.LEFT_OUT) == []
    assert all(export.LEFT_OUT.values())
    assert all(reason for one in export.TOLD for reason in one.left_out.values())


def test_the_marked_people_leave_no_told_table_and_no_sealed_column_empty(assessment: Assessment) -> None:
    told = [export_of(assessment, person.case.person_id) for person in two_people(assessment, 0)]

    records = [record for one in told for record in one["records"]]
    filled = {name for record in records for name, value in record["content"].items() if value}
    sealed = {
        column.name
        for one in export.TOLD
        for column in metadata.tables[one.table].c
        if isinstance(column.type, LargeBinary) and column.name not in one.left_out
    }
    assert sealed - filled == set()
    kinds = {"case", "message", "answered_request", "contest", "to_be_told", *KINDS}
    assert {record["kind"] for record in records} == kinds
    assert [record for record in records if record["unreadable"]] == []


def test_each_version_is_told_with_its_author_and_each_approval_with_its_time(assessment: Assessment) -> None:
    opened = assessment.open_case()
    path = f"/cases/{opened.case_id}/statements"
    drafted = assessment.ask("POST", path, {"text": "Erster Entwurf."}, role="lead").json()
    newer = assessment.ask("PUT", f"{path}/{drafted['statement_id']}", {"text": "Zweiter."}).json()
    approval = {"text_sha256": newer["text_sha256"]}
    assessment.ask("POST", f"{path}/{drafted['statement_id']}/approval", approval)

    told = [one for one in export_of(assessment, opened.person_id)["records"] if one["kind"] == "statement"]

    assert [(one["content"]["version"], one["source"]) for one in told] == [(1, "lead-1"), (2, "assessor-1")]
    assert [one["content"]["content"]["text"] for one in told] == ["Erster Entwurf.", "Zweiter."]
    assert [one["content"]["approved_by"] for one in told] == [None, "assessor-1"]


def test_what_may_concern_somebody_else_is_marked_and_not_held_back(assessment: Assessment) -> None:
    opened = assessment.open_case()
    assessment.ask("POST", f"/cases/{opened.case_id}/notes", {"text": "Die Mutter ist krank."})
    assessment.fact(opened.case_id)
    assessment.ask(
        "POST", f"/cases/{opened.case_id}/facts", a_fact(life_domain="family", code=WORDS["facts"]["family"][0])
    )

    told = export_of(assessment, opened.person_id)["records"]

    marks = {(one["kind"], one["content"]["content"].get("life_domain")): one["concerns_others"] for one in told[1:4]}
    assert marks == {("note", None): "perhaps", ("fact", "debts"): "no", ("fact", "family"): "perhaps"}


def test_what_was_removed_is_told_as_removed_and_without_what_it_said(assessment: Assessment) -> None:
    opened = assessment.open_case()
    recorded = assessment.fact(opened.case_id)
    assessment.ask("DELETE", f"/cases/{opened.case_id}/facts/{recorded['fact_id']}")

    told = [one for one in export_of(assessment, opened.person_id)["records"] if one["kind"] == "fact"]

    assert [(one["content"]["version"], one["content"]["content"]) for one in told] == [(2, None)]


def test_of_a_person_whom_nobody_knows_nothing_is_said(lasting: Assessment) -> None:
    answer = lasting.ask("GET", "/persons/person-nobody/export", role="person_desk")

    assert (answer.status_code, answer.json()["code"]) == (404, "person_not_found")


def test_of_an_erased_person_only_that_is_said(assessment: Assessment) -> None:
    opened = assessment.open_case()
    assessment.fact(opened.case_id)
    assessment.app.state.service.keys.destroy(opened.person_id)

    answer = assessment.ask("GET", f"/persons/{opened.person_id}/export", role="person_desk")

    assert (answer.status_code, answer.json()["code"]) == (410, "key_destroyed")


def test_asking_leaves_no_value_in_the_log(capsys: pytest.CaptureFixture[str], assessment: Assessment) -> None:
    ada, _ = two_people(assessment, 0)
    export_of(assessment, ada.case.person_id)

    logged = "".join(capsys.readouterr())

    assert '"event": "access_given"' in logged
    assert found_in(logged, ada.truth) == []
