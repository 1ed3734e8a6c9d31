"""A person who asks what intake keeps about them is told all of it, and nothing of anybody else."""

import json
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import LargeBinary
from sqlmodel import select

from services.intake import export
from services.intake.store import Case, metadata
from shared.access import undecided
from shared.contracts.intake import Channel, Contact
from shared.unit_of_work import UnitOfWork
from tests.intake.builders import NOON, Intake, a_cancellation, a_commission, a_referral_step
from tests.intake.street import a_contact


@dataclass
class Person:
    """Somebody with a marked value in every field that intake can keep, and what they are to be told."""

    chance: random.Random
    person_id: str = ""
    case_id: str = ""
    commission_id: str = ""
    truth: list[str] = field(default_factory=list)

    def mark(self, shape: str = "{}") -> str:
        """Draw a text that turns up nowhere else."""
        text = shape.format(f"{self.chance.getrandbits(40):010x}")
        self.truth.append(text)
        return text

    def day(self, earliest: date) -> str:
        """Draw a day."""
        day = (earliest + timedelta(days=self.chance.randrange(1, 400))).isoformat()
        self.truth.append(day)
        return day

    def come_by_a_commission(self, intake: Intake) -> None:
        """Have a Jobcenter commission help, and take it back."""
        commission = a_commission(
            commission_id=self.mark("commission-{}"),
            recipient_id=self.mark("jobcenter-{}"),
            budget_line=self.chance.choice(["16A-2026", "ESF-12"]),
            deadline=date.fromisoformat(self.day(date(2026, 4, 1))),
            contact=Contact(channel=Channel.EMAIL, address=self.mark("erste-{}@beispiel.example")),
        )
        self.commission_id = commission.commission_id
        before = {line["case_id"] for line in intake.lines()}
        intake.hear(commission)
        [line] = [line for line in intake.lines() if line["case_id"] not in before]
        self.case_id, self.person_id = line["case_id"], line["person_id"]
        intake.hear(a_cancellation(commission))

    def come_alone(self, intake: Intake) -> None:
        """Come without a commission, by a request that is remembered."""
        body = {"origin": "street", "contact": self.contact(), "identity": self.identity()}
        opened = intake.ask("POST", "/cases", body, key=self.chance.randbytes(12).hex()).json()
        self.case_id, self.person_id = opened["case_id"], opened["person_id"]

    def tell_more(self, intake: Intake) -> None:
        """Leave something in every field that comes later."""
        notices = {
            "language": self.chance.choice(["de", "tlh", "ar-Latn"]),
            "text_version": self.mark("fassung-{}"),
            "text_sha256": self.mark("{}") + "0" * 54,
        }
        self.truth.append(notices["language"])
        intake.ask("POST", f"/cases/{self.case_id}/notices", notices)
        intake.ask("PUT", f"/cases/{self.case_id}/identity", self.identity())
        intake.ask("PUT", f"/cases/{self.case_id}/contact", self.contact())
        intake.ask("POST", f"/cases/{self.case_id}/reviews")
        intake.write(self.leave_messages)
        self.need_help_now(intake)
        self.be_planned_for(intake)
        self.have_been_met_before(intake)
        if self.commission_id:
            intake.ask("POST", f"/cases/{self.case_id}/end")

    def need_help_now(self, intake: Intake) -> None:
        """Need help, and get it."""
        need_id = intake.report_need(self.case_id)["need_id"]
        intake.ask("POST", f"/acute-needs/{need_id}/acknowledgement")
        intake.ask("POST", f"/acute-needs/{need_id}/settling", {"outcome": "helped"})

    def have_been_met_before(self, intake: Intake) -> None:
        """Have been met on the street, by somebody who was overdue to look again, and want that to belong here."""
        contact = {**a_contact(intake, note=self.mark("Notiz {}")), "contact_id": self.mark("contact-{}")}
        body = {"called": self.mark("Rufname {}"), "contact": contact}
        thread_id = intake.ask("POST", "/threads", body, role="outreach_worker").json()["thread_id"]
        before, intake.clock.now = intake.clock.now, intake.clock.now + timedelta(days=9)
        intake.look()
        intake.clock.now = before
        wish = {"wish": {"said": "spoken", "language": "de"}, "case_id": self.case_id}
        assert intake.ask("POST", f"/threads/{thread_id}/case", wish, role="outreach_worker").status_code == 201

    def be_planned_for(self, intake: Intake) -> None:
        """Have another service plan something, and an alarm about it."""
        strand_id = self.mark("strand-{}")
        ids = {"case_id": self.case_id, "person_id": self.person_id}
        intake.hear(a_referral_step(ids, strand_id=strand_id, due_at=NOON))
        intake.look()

    def leave_messages(self, work: UnitOfWork) -> None:
        """Have one message wait for another, and one lie parked."""
        self.let_wait(work)
        self.park(work)

    def let_wait(self, work: UnitOfWork) -> None:
        """Have a message wait."""
        message_id = self.mark("waiting-{}")
        row = {"message_id": message_id, "type": "of.a.test.v1", "received_at": NOON}
        work.session.execute(metadata.tables["inbox"].insert(), row)
        body = {"waits": self.mark("body-{}")}
        sealed = work.seal(self.person_id, f"inbox.waiting_body.{message_id}", body)
        waiting = {"waiting_key": self.person_id, "waiting_body": sealed}
        table = metadata.tables["inbox"]
        work.session.execute(table.update().where(table.c.message_id == message_id).values(**waiting))

    def park(self, work: UnitOfWork) -> None:
        """Have a message lie parked, under the key of the commission if there is one."""
        parked_id, key_id = self.mark("parked-{}"), self.commission_id or self.person_id
        sealed = work.seal(key_id, f"parked.body.{parked_id}", {"parked": self.mark("body-{}")})
        row = {"parked_id": parked_id, "reason": "delivery_limit", "parked_at": NOON, "body": sealed}
        work.session.execute(metadata.tables["parked"].insert(), {**row, "key_id": key_id})

    def identity(self) -> dict[str, str]:
        """Draw a name and a day of birth."""
        return {"name": self.mark("Name „{}“ <Ö> (synthetic)"), "born_on": self.day(date(1950, 1, 1))}

    def contact(self) -> dict[str, str]:
        """Draw a way to be reached."""
        return {"channel": self.chance.choice(["phone", "email", "letter"]), "address": self.mark("Weg {}")}


def export_of(intake: Intake, person_id: str) -> dict[str, Any]:  # Any: JSON values
    """Ask for everything that is kept about a person."""
    answer = intake.ask("GET", f"/persons/{person_id}/export", role="person_desk")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found_in(value: Any, texts: list[str]) -> list[str]:  # Any: JSON values
    """Return those of the texts that occur in something."""
    whole = json.dumps(value, ensure_ascii=False)
    return [text for text in texts if json.dumps(text, ensure_ascii=False)[1:-1] in whole]


def two_people(intake: Intake, seed: int) -> tuple[Person, Person]:
    """Return two people with marks everywhere, one commissioned and one not."""
    chance = random.Random(seed)  # noqa: S311  chance, not a secret
    ada, bela = Person(chance), Person(chance)
    ada.come_by_a_commission(intake)
    bela.come_alone(intake)
    ada.tell_more(intake)
    bela.tell_more(intake)
    return ada, bela


@pytest.mark.parametrize("seed", range(4))
def test_every_marked_value_of_a_person_is_told_and_none_of_another(intake: Intake, seed: int) -> None:
    ada, bela = two_people(intake, seed)

    hers, his = export_of(intake, ada.person_id), export_of(intake, bela.person_id)

    assert found_in(hers, ada.truth) == ada.truth
    assert found_in(his, bela.truth) == bela.truth
    assert found_in(hers, [bela.person_id, bela.case_id, *only_of(bela, ada)]) == []
    assert found_in(his, [ada.person_id, ada.case_id, *only_of(ada, bela)]) == []


def only_of(person: Person, other: Person) -> list[str]:
    """Return the marks of a person that the other does not have by chance: a day, a language."""
    return [text for text in person.truth if text not in other.truth and len(text) > len("2026-01-01")]


def test_every_table_and_column_is_told_or_left_out_with_a_reason() -> None:
    assert undecided(metadata, export.TOLD, export.LEFT_OUT) == []
    assert all(export.LEFT_OUT.values())
    assert all(reason for one in export.TOLD for reason in one.left_out.values())


def test_the_marked_people_leave_no_told_table_and_no_sealed_column_empty(intake: Intake) -> None:
    told = [export_of(intake, person.person_id) for person in two_people(intake, 0)]

    records = [record for one in told for record in one["records"]]
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


def test_a_case_says_who_is_responsible_what_comes_next_and_how_the_person_is_reached(intake: Intake) -> None:
    opened = intake.open_case(contact={"channel": "phone", "address": "0201 555 0100"})

    told = export_of(intake, opened["person_id"])

    [case] = [record for record in told["records"] if record["kind"] == "case"]
    assert (told["service"], told["person_id"]) == ("intake", opened["person_id"])
    assert case["content"]["responsible_id"] == "team-nord"
    assert (case["content"]["next_step"], case["content"]["due_on"]) == ("give_notices", "2026-03-05")
    assert case["content"]["contact"] == {"channel": "phone", "address": "0201 555 0100"}
    assert case["recorded_at"] == "2026-03-02T12:00:00Z"


def test_of_a_person_whom_nobody_knows_nothing_is_said(lasting: Intake) -> None:
    answer = lasting.ask("GET", "/persons/person-nobody/export", role="person_desk")

    assert (answer.status_code, answer.json()["code"]) == (404, "person_not_found")


def test_of_an_erased_person_only_that_is_said(intake: Intake) -> None:
    person_id = intake.open_case(identity={"name": "Name, der weg ist"})["person_id"]
    intake.app.state.service.keys.destroy(person_id)

    answer = intake.ask("GET", f"/persons/{person_id}/export", role="person_desk")

    assert (answer.status_code, answer.json()["code"]) == (410, "key_destroyed")
    assert "weg ist" not in answer.text


def test_what_cannot_be_read_any_more_is_named_and_hides_nothing_else(intake: Intake) -> None:
    ids = intake.open_case(identity={"name": "Name, der bleibt"})

    def spoil(work: UnitOfWork) -> None:
        work.session.exec(select(Case)).one().contact = b"spoilt" * 9

    intake.write(spoil)

    [case] = [one for one in export_of(intake, ids["person_id"])["records"] if one["kind"] == "case"]
    assert case["unreadable"] == ["contact"]
    assert case["content"]["identity"]["name"] == "Name, der bleibt"


def test_asking_leaves_no_value_in_the_log(capsys: pytest.CaptureFixture[str], intake: Intake) -> None:
    ada, _ = two_people(intake, 0)
    export_of(intake, ada.person_id)

    logged = "".join(capsys.readouterr())

    assert '"event": "access_given"' in logged
    assert found_in(logged, [mark for mark in ada.truth if len(mark) > len("2026-01-01")]) == []


def test_a_message_that_was_sent_is_told_as_long_as_it_is_kept(intake: Intake) -> None:
    ids = intake.open_case(identity={"name": "Name in einer Nachricht"})
    service = intake.app.state.service

    def send(work: UnitOfWork) -> None:
        every = service.outbox.claim(work.session, now=work.now, limit=10, all_unsent=True)
        service.outbox.mark_sent(work.session, [item.message_id for item in every], now=work.now)

    intake.write(send)

    told = [one for one in export_of(intake, ids["person_id"])["records"] if one["kind"] == "message"]
    assert {one["content"]["type"] for one in told} == {
        "intake.case_opened.v1",
        "intake.contact_recorded.v1",
        "intake.identity_recorded.v1",
    }
    assert all(one["content"]["sent_at"] for one in told)
    assert found_in(told, ["Name in einer Nachricht"]) == ["Name in einer Nachricht"]
