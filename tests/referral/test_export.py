"""A person who asks what the referral service keeps about them is told all of it, and nothing of anybody else."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import LargeBinary

from services.referral import export
from services.referral.tables import metadata
from shared.access import undecided
from shared.contracts.categories import Category
from shared.contracts.consent import Outcome
from shared.contracts.envelope import CareEvent
from shared.unit_of_work import UnitOfWork
from shared.web import Role
from tests.referral import packets, visits
from tests.referral.builders import NOON, Desk, an_answer, cleared, not_cleared, opened, running_desk

E = TypeVar("E", bound=CareEvent)


@dataclass
class Person:
    """Somebody with a marked value in every field that this service can keep, and what they are to be told."""

    chance: random.Random
    truth: list[str] = field(default_factory=list)
    person_id: str = ""
    case_id: str = ""
    provider: str = ""
    service: str = ""

    def __post_init__(self) -> None:
        self.person_id, self.case_id = self.mark("person-{}"), self.mark("case-{}")
        self.provider, self.service = self.mark("haus-{}"), self.mark("hilfe_{}")
        self.truth.remove(self.person_id)  # stands above the records, not in each

    def mark(self, shape: str) -> str:
        """Draw a text that turns up nowhere else."""
        text = shape.format(f"{self.chance.getrandbits(40):010x}")
        self.truth.append(text)
        return text

    def moment(self) -> datetime:
        """Draw a time to come."""
        moment = NOON + timedelta(days=30, microseconds=self.chance.randrange(10**13))
        self.truth.append(moment.isoformat().removesuffix("+00:00"))
        return moment

    def own(self, event: E) -> E:
        """Return an event of this person."""
        return event.model_copy(update={"person_id": self.person_id})

    def listed(self) -> dict[str, Any]:  # Any: JSON values
        """Return the provider as the directory names it."""
        self.needed = self.chance.sample([category.value for category in Category], 3)
        offers = [{"service": self.service, "needed": self.needed}]
        return {"recipient_id": self.provider, "display_name": "Synthetic", "services": offers, "hours": "never"}

    def live(self, desk: Desk) -> str:
        """Go through every kind of news."""
        desk.open_case(self.case_id, self.person_id)
        asked = {"case_id": self.case_id, "recipient_id": self.provider, "service": self.service}
        referral: str = desk.ask("POST", "/referrals", asked).json()["referral_id"]
        self.truth.append(referral)
        desk.ask("POST", f"/referrals/{referral}/closing", role="operator")
        moment = self.moment()
        for event in (
            not_cleared(referral, minute=0),
            cleared(referral),
            opened(referral),
            an_answer(referral, "waiting_list"),
            an_answer(referral, "appointment_offered", minute=4, appointment_at=moment),
        ):
            desk.hear(self.own(event))
        desk.ask("POST", f"/referrals/{referral}/appointment")
        outcome = self.chance.choice(list(Outcome))
        desk.hear(self.own(an_answer(referral, "ended", minute=5, outcome=outcome)))
        self.truth += [f'"{outcome.value}"', *(f'"{name}"' for name in self.needed)]
        desk.hear(self.own(opened(self.mark("too-early-{}"))))
        desk.write(self.park)
        self.be_visited(desk)
        return referral

    def be_visited(self, desk: Desk) -> None:
        """Permit a visit that nobody has set out on yet, and have somebody refused who may not come."""
        at, place = self.mark("street {}"), {"case_id": self.case_id}
        visit = visits.propose(desk, **place, where=at, ask_for=self.mark("ring for {}"), language="tr")
        visits.permit(desk, visit)
        desk.ask("POST", f"/visits/{visit}/setting-out", role="lead")
        self.note_without_network(desk, visit)
        self.truth += [visit, '"bring_papers"', '"outreach_worker-1"', '"spoken"', '"tr"']

    def note_without_network(self, desk: Desk, visit_id: str) -> None:
        """Take a packet along and hand in that somebody set out."""
        visit = packets.Visit(desk, visit_id)
        visit.take_packet()
        noted = visit.set_out()
        visit.hand_in(noted)
        self.truth += [noted["entry_id"], noted["packet_id"], '"set_out"']

    def park(self, work: UnitOfWork) -> None:
        """Have a message lie parked."""
        parked_id = self.mark("parked-{}")
        sealed = work.seal(self.person_id, f"parked.body.{parked_id}", {"parked": self.mark("body-{}")})
        row = {"parked_id": parked_id, "reason": "delivery_limit", "parked_at": NOON, "body": sealed}
        work.session.execute(metadata.tables["parked"].insert(), {**row, "key_id": self.person_id})


@dataclass
class Two:
    """A running service and two people who went through everything."""

    desk: Desk
    ada: Person
    bela: Person
    referral: str


@pytest.fixture(params=range(3))
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    """Return two people with marks everywhere, each with a provider of their own."""
    chance = random.Random(request.param)  # noqa: S311  chance, not a secret
    ada, bela = Person(chance), Person(chance)
    providers = [ada.listed(), bela.listed()]
    (tmp_path / "directory.json").write_text(json.dumps({"note": "Synthetic.", "providers": providers}))
    with running_desk(tmp_path, directory_file=tmp_path / "directory.json") as desk:
        referral = ada.live(desk)
        bela.live(desk)
        yield Two(desk, ada, bela, referral)


def export_of(desk: Desk, person_id: str) -> dict[str, Any]:  # Any: JSON values
    """Ask for everything that is kept about a person."""
    answer = desk.ask("GET", f"/persons/{person_id}/export", role="person_desk")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found_in(value: Any, texts: list[str]) -> list[str]:  # Any: JSON values
    """Return those of the texts that occur in something."""
    whole = json.dumps(value, ensure_ascii=False)
    return [text for text in texts if text in whole]


def test_every_marked_value_of_a_person_is_told_and_none_of_another(two: Two) -> None:
    hers, his = export_of(two.desk, two.ada.person_id), export_of(two.desk, two.bela.person_id)

    assert found_in(hers, two.ada.truth) == two.ada.truth
    assert found_in(his, two.bela.truth) == two.bela.truth
    assert found_in(hers, [two.bela.person_id, *only_of(two.bela)]) == []
    assert found_in(his, [two.ada.person_id, *only_of(two.ada)]) == []


def only_of(person: Person) -> list[str]:
    """Return the marks that nobody else can have."""
    return [text for text in person.truth if not text.startswith('"')]


def test_every_table_and_column_is_told_or_left_out_with_a_reason() -> None:
    assert undecided(metadata, export.TOLD, export.LEFT_OUT) == []
    assert all(export.LEFT_OUT.values())
    assert all(reason for one in export.TOLD for reason in one.left_out.values())


def test_the_marked_people_leave_no_told_table_and_no_sealed_column_empty(two: Two) -> None:
    records = export_of(two.desk, two.ada.person_id)["records"]

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


def test_a_referral_is_told_with_where_it_stands_and_all_that_happened_in_order(two: Two) -> None:
    records = export_of(two.desk, two.ada.person_id)["records"]

    [referral] = [one for one in records if one["kind"] == "referral"]
    news = [one["content"]["news"]["news"] for one in records if one["kind"] == "happening"]
    assert (referral["id"], referral["source"]) == (two.referral, "assessor-1")
    assert referral["content"]["stands"]["state"] == "ended"
    assert referral["content"]["asked"]["recipient_id"] == two.ada.provider
    assert news == [
        "not_cleared",
        "cleared",
        "opened",
        "waiting_list",
        "appointment_offered",
        "appointment_taken",
        "ended",
    ]


def test_a_referral_that_is_open_is_told_with_whose_turn_it_is_and_until_when(desk: Desk) -> None:
    desk.asked()

    records = export_of(desk, "person-0001")["records"]

    [stands] = [one["content"]["stands"] for one in records if one["kind"] == "referral"]
    assert (stands["owner"], stands["next_step"]) == ("person", "person_decides_on_release")
    assert stands["due_at"].startswith("2026-03-05T12:00:00")


def test_a_person_for_whom_nothing_was_asked_is_told_the_case_alone(desk: Desk) -> None:
    desk.open_case()

    assert [one["kind"] for one in export_of(desk, "person-0001")["records"]] == ["case"]


def test_of_a_person_whom_nobody_knows_nothing_is_said(shared_desk: Desk) -> None:
    answer = shared_desk.ask("GET", "/persons/person-nobody/export", role="person_desk")

    assert (answer.status_code, answer.json()["code"]) == (404, "person_not_found")


def test_of_an_erased_person_only_that_is_said(two: Two) -> None:
    two.desk.service.keys.destroy(two.ada.person_id)

    answer = two.desk.ask("GET", f"/persons/{two.ada.person_id}/export", role="person_desk")

    assert (answer.status_code, answer.json()["code"]) == (410, "key_destroyed")
    assert export_of(two.desk, two.bela.person_id)["records"]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.PERSON_DESK}))
def test_nobody_but_the_persons_own_desk_is_told(shared_desk: Desk, role: Role) -> None:
    answer = shared_desk.ask("GET", "/persons/person-nobody/export", role=role)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_without_a_known_token_nobody_is_told(shared_desk: Desk) -> None:
    path = "/persons/person-nobody/export"

    assert shared_desk.ask("GET", path, role="unknown").status_code == 401
    assert shared_desk.http.request("GET", path).status_code == 401


def test_asking_leaves_no_value_in_the_log(capsys: pytest.CaptureFixture[str], two: Two) -> None:
    export_of(two.desk, two.ada.person_id)

    logged = "".join(capsys.readouterr())

    assert '"event": "access_given"' in logged
    assert found_in(logged, [two.ada.provider, two.ada.service]) == []
