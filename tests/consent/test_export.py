"""A person who asks what the gate keeps about them is told all of it, and nothing of anybody else."""

import json
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import LargeBinary
from sqlmodel import select

from services.consent import export, holds, representation
from services.consent.declaration import Evidence
from services.consent.domain import BENEFIT, Word, referral_purpose
from services.consent.representation import RepresentationKind, Scope
from services.consent.tables import FactRow, LedgerRow, SubjectRow, metadata
from shared.access import undecided
from shared.contracts.categories import LIFE_DOMAINS, Category
from shared.contracts.envelope import Disclosable
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import (
    CLINIC,
    CLINICS_SIX,
    JOBCENTER,
    NOON,
    a_case,
    a_commission,
    a_conclusion,
    a_contact,
    a_finding,
    a_funding,
    a_recommendation,
    a_removal,
    a_statement,
    an_appointment,
    an_attendance,
    an_identity,
    work_for,
)
from tests.consent.emergencies import TODAY, act, tell
from tests.consent.gate import Gate
from tests.consent.test_refused_grants import a_form


@dataclass
class Person:
    """Somebody with a marked value in every field that the gate can keep, and what they are to be told."""

    gate: Gate
    chance: random.Random
    truth: list[str] = field(default_factory=list)
    """What turns up nowhere else."""
    words: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # Any: JSON values
    """What others may have as well: a kind of record, and what its content holds at the least."""
    person_id: str = ""
    referral_id: str = ""

    def __post_init__(self) -> None:
        self.person_id = f"person-{self.chance.getrandbits(40):010x}"

    def mark(self, shape: str = "{}") -> str:
        """Draw a text that turns up nowhere else."""
        text = shape.format(f"{self.chance.getrandbits(40):010x}")
        self.truth.append(text)
        return text

    def live(self) -> None:
        """Leave something in every field, and have some of it told and retracted."""
        self.be_commissioned()
        self.gate.command(a_funding(line="ESF-12"))
        self.gate.hear(work_for(self.person_id))
        self.referral_id = self.gate.a_referral_of(self.person_id)
        self.be_known()
        self.decide()
        for recipient_id in (JOBCENTER, CLINIC):
            self.gate.reading(recipient_id).news()
        self.truth.append(self.referral_id)
        self.gate.write(self.be_represented)
        self.gate.write(lambda work: holds.hold(work, person_id=self.person_id, recipient_id=CLINIC))
        self.be_in_danger()
        self.gate.withdraw(self.person_id, *Category, recipient_id=JOBCENTER)
        self.gate.reading(JOBCENTER).news()
        self.gate.write(self.let_wait)
        self.gate.write(self.park)

    def be_in_danger(self) -> None:
        """Have the rescue service told, and the person told of it."""
        told = tell(self.gate, self.person_id, reason_text=self.mark("Grund {}"))
        act(self.gate, told["emergency_id"], "person-told", TODAY, role="assessor")

    def be_commissioned(self) -> None:
        """Have the Jobcenter commission help."""
        contact = {"channel": "email", "address": self.mark("{}@beispiel.example")}
        known = {row.subject_id for row in self.gate.rows(SubjectRow)}
        self.gate.command(a_commission(self.mark("AZ-{}"), contact=contact, budget_line="ESF-12"))
        [commission] = [row for row in self.gate.rows(SubjectRow) if row.subject_id not in known]
        self.truth.append(commission.subject_id)
        self.gate.hear(a_case(self.person_id, commission.subject_id))

    def be_known(self) -> None:
        """Have every kind of fact come to the gate."""
        domain, code = self.chance.choice(sorted(LIFE_DOMAINS - {Category.WORK})), self.mark("c_{}")
        gone = a_finding(self.person_id, Category.HOUSING, "to_be_removed")
        day = date(1990, 1, 1) + timedelta(days=self.chance.randrange(10_000))
        events: list[Disclosable] = [
            a_finding(self.person_id, domain, code, severity=2, since_on=day, amount_cents=self.amount()),
            a_finding(self.person_id, Category.MENTAL_HEALTH, self.mark("c_{}")),
            a_finding(self.person_id, Category.WORK, self.mark("c_{}")),
            a_statement(self.person_id, self.mark("Satz {} „ihrer“ Mutter")),
            a_conclusion(self.person_id, self.mark("c_{}")),
            a_recommendation(self.person_id, self.mark("c_{}")),
            an_attendance(self.person_id, day),
            a_contact(self.person_id, self.mark("Weg {}")),
            an_identity(self.person_id, self.mark("Name {}")),
            an_appointment(self.person_id, NOON + timedelta(days=9), referral_id=self.referral_id),
            gone,
        ]
        self.gate.hear(*events, a_removal(self.person_id, gone.fact_id))
        others = a_finding(self.person_id, Category.FAMILY, self.mark("c_{}"), about_id=self.mark("about_{}"))
        self.gate.hear(others)
        self.gate.contest(
            self.person_id,
            next(fact["fact_id"] for fact in self.gate.facts(self.person_id) if fact["can_be_contested"]),
        )
        self.words += [
            ("known_fact", {"category": event.category().value, "content.content": event.content()})
            for event in events[:-1]
        ]

    def amount(self) -> int:
        """Draw an amount of money."""
        amount = self.chance.randrange(10**9, 10**11)
        self.truth.append(str(amount))
        return amount

    def decide(self) -> None:
        """Say something to both recipients, with evidence of its own each time."""
        for recipient_id, purpose, category, word in (
            (JOBCENTER, BENEFIT, self.chance.choice([Category.CONCLUSION, Category.STATEMENT]), Word.YES),
            (CLINIC, referral_purpose(self.referral_id), self.chance.choice(CLINICS_SIX[:2]), Word.YES),
            (CLINIC, referral_purpose(self.referral_id), Category.DEBTS, self.chance.choice([Word.NO, Word.ASK])),
            (JOBCENTER, BENEFIT, Category.WORK, Word.ASK),
        ):
            said = {"recipient_id": recipient_id, "purpose": purpose}
            grant_id, *_ = self.gate.grant(self.person_id, category, word=word, evidence=self.evidence(), **said)
            self.gate.ask("GET", f"/grants/{grant_id}/receipt").raise_for_status()
            self.words.append(("answer", {"said": {"category": category.value, "word": word.value}, **said}))
        sent_once = a_form(self.person_id, words={"contact": "no"})
        self.gate.ask("POST", "/grants", sent_once, key=self.person_id).raise_for_status()

    def evidence(self) -> Evidence:
        """Draw how a declaration can be proved."""
        text, paper = (self.mark("{}") + "0" * 54 for _ in range(2))
        channel = self.chance.choice(["paper", "in_person", "phone", "portal"])
        return Evidence(channel, "tlh", self.mark("fassung-{}"), text, paper, self.mark("desk-{}"))

    def be_represented(self, work: UnitOfWork) -> None:
        """Have somebody who may answer, within a scope."""
        representation.record(
            work,
            person_id=self.person_id,
            kind=self.chance.choice(list(RepresentationKind)),
            name=self.mark("Vertretung {}"),
            scope=Scope(frozenset({CLINIC}), frozenset({Category.DEBTS})),
            works_for=JOBCENTER,
            valid_until=date(2026, 12, 31),
            document_sha256=self.mark("{}") + "0" * 54,
            recorded_by=self.mark("desk-{}"),
        )

    def let_wait(self, work: UnitOfWork) -> None:
        """Have a message wait for another."""
        message_id, table = self.mark("waiting-{}"), metadata.tables["inbox"]
        sealed = work.seal(self.person_id, f"inbox.waiting_body.{message_id}", {"waits": self.mark("body-{}")})
        row = {"message_id": message_id, "type": "of.a.test.v1", "received_at": NOON, "waiting_body": sealed}
        work.session.execute(table.insert(), {**row, "waiting_key": self.person_id})

    def park(self, work: UnitOfWork) -> None:
        """Have a message lie parked."""
        parked_id = self.mark("parked-{}")
        sealed = work.seal(self.person_id, f"parked.body.{parked_id}", {"parked": self.mark("body-{}")})
        row = {"parked_id": parked_id, "reason": "delivery_limit", "parked_at": NOON, "body": sealed}
        work.session.execute(metadata.tables["parked"].insert(), {**row, "key_id": self.person_id})


def export_of(gate: Gate, person_id: str) -> dict[str, Any]:  # Any: JSON values
    """Ask for everything that is kept about a person."""
    answer = gate.ask("GET", f"/persons/{person_id}/export")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def of_kind(told: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the contents of the records of one kind."""
    return [record["content"] for record in told["records"] if record["kind"] == kind]


def found_in(value: Any, texts: list[str]) -> list[str]:  # Any: JSON values
    """Return those of the texts that occur in something."""
    whole = json.dumps(value, ensure_ascii=False)
    return [text for text in texts if json.dumps(text, ensure_ascii=False)[1:-1] in whole]


def told_of(told: dict[str, Any], words: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Return those of the words that some record of their kind holds."""
    return [word for word in words if any(says(one, word[1]) for one in of_kind(told, word[0]))]


def says(content: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Say whether a content holds values at dotted places."""
    return all(at(content, place) == value for place, value in wanted.items())


def at(content: Any, place: str) -> Any:  # Any: JSON values
    """Return what lies at a dotted place, or None."""
    for part in place.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content


def two_people(gate: Gate, seed: int) -> tuple[Person, Person]:
    """Return two people with marks everywhere."""
    chance = random.Random(seed)  # noqa: S311  chance, not a secret
    ada, bela = Person(gate, chance), Person(gate, chance)
    ada.live()
    bela.live()
    return ada, bela


@pytest.mark.parametrize("seed", range(2))
def test_every_marked_value_of_a_person_is_told_and_none_of_another(gate: Gate, seed: int) -> None:
    ada, bela = two_people(gate, seed)

    hers, his = export_of(gate, ada.person_id), export_of(gate, bela.person_id)

    assert found_in(hers, ada.truth) == ada.truth
    assert found_in(his, bela.truth) == bela.truth
    assert told_of(hers, ada.words) == ada.words
    assert told_of(his, bela.words) == bela.words
    assert found_in(hers, [bela.person_id, *bela.truth]) == []
    assert found_in(his, [ada.person_id, *ada.truth]) == []


def test_every_table_and_column_is_told_or_left_out_with_a_reason() -> None:
    assert undecided(metadata, export.TOLD, export.LEFT_OUT) == []
    assert all(export.LEFT_OUT.values())
    assert all(reason for one in export.TOLD for reason in one.left_out.values())


def test_the_marked_people_leave_no_told_table_and_no_sealed_column_empty(sqlite_gate: Gate) -> None:
    ada, _ = two_people(sqlite_gate, 0)

    records = export_of(sqlite_gate, ada.person_id)["records"]

    filled = {(record["kind"], name) for record in records for name, value in record["content"].items() if value}
    sealed = {
        (one.kind, column.name)
        for one in export.TOLD
        for column in metadata.tables[one.table].c
        if isinstance(column.type, LargeBinary) and column.name not in one.left_out
    }
    assert sealed - filled == set()
    assert {one.kind for one in export.TOLD} - {record["kind"] for record in records} == set()
    assert [record for record in records if record["unreadable"]] == []


def test_what_was_disclosed_is_told_with_name_and_time_and_just_as_it_left(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.hear(a_statement(person, "Ich suche eine Wohnung."))
    sqlite_gate.grant(person, Category.STATEMENT)
    answers = sqlite_gate.reading().news()
    entries = sqlite_gate.rows(LedgerRow)

    disclosed = [one for one in export_of(sqlite_gate, person)["records"] if one["kind"] == "disclosure"]

    assert [one["content"]["recipient"] for one in disclosed] == [JOBCENTER.title()] * 2
    assert [one["content"]["entry_hash"] for one in disclosed] == [entry.entry_hash for entry in entries]
    released = next(answer["released"] for answer in answers if answer["result"] == "released")
    assert released in [one["content"]["content"].get("released") for one in disclosed]


def test_each_answer_is_told_with_whom_it_was_given_to_and_how_it_ended(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.grant(person, Category.CONCLUSION)
    sqlite_gate.grant(person, Category.CONCLUSION, word=Word.NO)

    answers = of_kind(export_of(sqlite_gate, person), "answer")

    assert [(one["said"]["word"], one["ended_by"], one["recipient"]) for one in answers] == [
        ("yes", "superseded", JOBCENTER.title()),
        ("yes", "superseded", JOBCENTER.title()),
        ("no", None, JOBCENTER.title()),
        ("no", None, JOBCENTER.title()),
    ]


def test_what_waits_for_the_persons_word_is_told_with_its_text_and_a_hold_with_its_time(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.hear(a_conclusion(person, "able_part_time"))
    sqlite_gate.grant(person, Category.CONCLUSION, word=Word.ASK)
    [inquiry] = of_kind(export_of(sqlite_gate, person), "inquiry")
    sqlite_gate.write(lambda work: holds.hold(work, person_id=person))
    [hold] = of_kind(export_of(sqlite_gate, person), "hold")

    assert inquiry["asked"]["fields"]["conclusion"]["code"] == "able_part_time"
    assert inquiry["state"] == "waiting"
    assert (hold["recipient_id"], hold["ended_at"]) == (None, None)


def test_who_answers_for_the_person_is_told_and_marked_as_about_somebody_else(sqlite_gate: Gate) -> None:
    ada, _ = two_people(sqlite_gate, 0)

    told = export_of(sqlite_gate, ada.person_id)["records"]

    marks = [one["concerns_others"] for one in told if one["kind"] == "representation"]
    assert marks == ["yes"]


def test_each_notice_about_the_person_is_told_among_the_messages(sqlite_gate: Gate) -> None:
    person, other = sqlite_gate.a_person(), sqlite_gate.a_person()
    sqlite_gate.hear(a_conclusion(person), a_conclusion(other))
    sqlite_gate.grant(person, Category.CONCLUSION)
    sqlite_gate.grant(other, Category.CONCLUSION)

    told = [export_of(sqlite_gate, each) for each in (person, other)]

    releases = [{one["kind"] for one in of_kind(each, "release")} for each in told]
    notices = [[one["id"] for one in each["records"] if one["content"].get("type") == "notice"] for each in told]
    assert releases == [{"status", "content"}, {"status", "content"}]
    assert [len(each) for each in notices] == [2, 2]  # the status of the commission, and the content
    assert set(notices[0]) & set(notices[1]) == set()
    assert set(notices[0] + notices[1]) <= set(sqlite_gate.notices())


def test_what_is_not_what_the_chain_committed_to_is_named_and_not_told(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.hear(a_conclusion(person))
    sqlite_gate.grant(person, Category.CONCLUSION)
    sqlite_gate.reading().news()

    def spoil(work: UnitOfWork) -> None:
        for row in work.session.exec(select(LedgerRow)):
            row.commitment = "0" * 64

    sqlite_gate.write(spoil)

    disclosed = [one for one in export_of(sqlite_gate, person)["records"] if one["kind"] == "disclosure"]
    assert [one["unreadable"] for one in disclosed] == [["content"], ["content"]]
    assert [one["content"]["recipient_id"] for one in disclosed] == [JOBCENTER, JOBCENTER]


def test_a_fact_that_cannot_be_read_hides_no_other(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.hear(a_conclusion(person, "first_thing"), a_recommendation(person, "second_thing"))

    def spoil(work: UnitOfWork) -> None:
        row = work.session.exec(select(FactRow)).first()
        assert row is not None
        row.content = b"spoilt" * 9

    sqlite_gate.write(spoil)

    facts = [one for one in export_of(sqlite_gate, person)["records"] if one["kind"] == "known_fact"]
    assert sorted(one["unreadable"] for one in facts) == [[], ["content"]]


def test_of_an_erased_person_only_that_is_said(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    sqlite_gate.hear(a_conclusion(person))
    sqlite_gate.service.keys.destroy(person)

    answer = sqlite_gate.ask("GET", f"/persons/{person}/export")

    assert (answer.status_code, answer.json()["code"]) == (410, "key_destroyed")


def test_asking_changes_nothing_and_leaves_no_value_in_the_log(
    capsys: pytest.CaptureFixture[str], sqlite_gate: Gate
) -> None:
    ada, _ = two_people(sqlite_gate, 0)
    before = export_of(sqlite_gate, ada.person_id)

    again = export_of(sqlite_gate, ada.person_id)

    logged = "".join(capsys.readouterr())
    own = [mark for mark in ada.truth if "-" not in mark and mark != ada.referral_id]
    assert again["records"] == before["records"]
    assert '"event": "access_given"' in logged
    assert found_in(logged, own) == []
