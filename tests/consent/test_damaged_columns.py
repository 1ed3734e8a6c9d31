"""With every value of one sealed column damaged, each request about a person is answered, if only with the reason."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import LargeBinary, Table, func, update

from services.consent.tables import metadata
from shared.contracts.categories import Category
from tests.consent.builders import CLINIC, JOBCENTER, a_closing, a_finding, a_funding, new_id, work_for
from tests.consent.bus import Bus, Delivery
from tests.consent.emergencies import JUSTIFIED, TODAY, a_person_in_danger, a_telling, tell
from tests.consent.gate import Gate
from tests.consent.steering import counted
from tests.consent.test_refused_grants import a_form
from tests.consent.test_representation import a_representation

SEALED = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, LargeBinary)
]
KEY = "k" * 20
YES_AND_NO = {"conclusion": "yes", "work": "no"}
READ_BY_THE_PERSON = (
    "answers",
    "export",
    "facts",
    "inquiries",
    "ledger",
    "ledger/in-plain-words",
    f"ledger/{JOBCENTER}/2/grounds",
    "receipts",
    "representations",
)
Request = tuple[str, str, str, Any, str | None]


@dataclass(frozen=True, slots=True)
class Lived:
    """A person about whom every kind of thing is kept, by its id."""

    person: str
    finding: str
    grant: str
    emergency: str
    representation: str


def a_full_life(gate: Gate) -> Lived:
    """Return a person who was told of, asked, helped and represented, and has taken something back."""
    person = a_person_in_danger(gate)
    about_a_child = a_finding(person, Category.FAMILY, "child_ill", about_id=new_id())
    work = a_finding(person, Category.WORK, "night_shifts")
    gate.hear(about_a_child, work, counted("intake"), work_for(person))
    gate.command(a_funding())
    gate.contest(person, work.fact_id)
    gate.ask("POST", "/grants", a_form(person, words=YES_AND_NO), key=KEY)
    gate.clock.pass_()
    gate.reading().news()
    referral = gate.a_referral_of(person)
    gate.agree(person, referral, Category.DEBTS)
    gate.reading(CLINIC).news()
    grant = gate.ask("POST", "/grants", a_form(person, words={"statement": "ask"})).json()["grant_ids"][0]
    gate.clock.pass_()
    emergency = tell(gate, person)["emergency_id"]
    gate.ask("POST", f"/emergencies/{emergency}/person-told", TODAY, role="assessor")
    representation = a_representation(gate, person, kind="trusted_person", name="Ada (synthetic)")
    gate.ask("POST", "/withdrawals", {"person_id": person, "recipient_id": CLINIC, "categories": ["debts"]})
    gate.ask("POST", "/withdrawals", {"person_id": person, "recipient_id": CLINIC})
    bus, parked = Bus(gate), Delivery(b"nothing that anybody can read")
    bus.bring(a_closing(person, "referral-that-comes-later"))
    asyncio.run(bus._receiver.park(parked))  # type: ignore[arg-type]  # all that is asked of a message
    return Lived(person, work.fact_id, grant, emergency, representation)


def damage(gate: Gate, table: Table, column: str) -> int:
    """Have the disk change every value of a sealed column; return how many there were."""
    sealed = table.columns[column]
    with gate.service.database.engine.begin() as connection:
        damaged = update(table).where(sealed.is_not(None), func.length(sealed) > 0).values({column: b"x" * 40})
        return connection.execute(damaged).rowcount


def requests_about(lived: Lived) -> Iterator[Request]:
    """Yield who asks what: first what is only read, last the erasure."""
    of_person, of_emergency = f"/persons/{lived.person}", f"/emergencies/{lived.emergency}"
    yield from (("GET", f"{of_person}/{part}", "person_desk", None, None) for part in READ_BY_THE_PERSON)
    yield "GET", f"/grants/{lived.grant}/receipt", "person_desk", None, None
    yield "GET", "/emergencies", "lead", None, None
    yield "GET", of_emergency, "lead", None, None
    for path in ("/parked", "/recipients", f"/ledger/{JOBCENTER}/verification", "/erasures", "/figures"):
        yield "GET", path, "operator", None, None
    asked = {"person_id": lived.person, "recipient_id": JOBCENTER, "purpose": "benefit", "words": {"conclusion": "yes"}}
    yield "POST", "/previews", "person_desk", asked, None
    yield "POST", "/grants", "person_desk", a_form(lived.person, words=YES_AND_NO), KEY
    yield "POST", "/grants", "person_desk", a_form(lived.person, words={"conclusion": "no"}), None
    yield "POST", f"{of_person}/facts/{lived.finding}/contest-withdrawal", "person_desk", None, None
    yield "POST", "/emergencies", "assessor", a_telling(lived.person), None
    yield "POST", f"{of_emergency}/review", "lead-2", JUSTIFIED, None
    yield "POST", f"{of_emergency}/person-told", "assessor", TODAY, None
    yield "POST", f"{of_person}/hold", "assessor", {}, None
    yield "POST", f"{of_person}/hold-lifting", "person_desk", {"place": "elsewhere"}, None
    yield "POST", f"/grants/{lived.grant}/dispute", "person_desk", None, None
    yield "POST", f"/representations/{lived.representation}/stopping", "person_desk", {"because": "objection"}, None
    yield "POST", "/withdrawals", "person_desk", {"person_id": lived.person}, None
    yield "POST", f"{of_person}/erasure", "person_desk", None, None


def answers_about(gate: Gate, lived: Lived) -> Iterator[tuple[str, Response]]:
    """Yield each request, and how it is answered."""
    http = TestClient(gate.app, raise_server_exceptions=False)
    for method, path, role, body, key in requests_about(lived):
        headers = {"Authorization": f"Bearer {role}"} | ({"Idempotency-Key": key} if key else {})
        yield f"{method} {path}", http.request(method, path, json=body, headers=headers)
        gate.clock.pass_()


def test_with_nothing_damaged_each_request_succeeds(sqlite_gate: Gate) -> None:
    lived = a_full_life(sqlite_gate)

    refused = {request: answer.text for request, answer in answers_about(sqlite_gate, lived) if not answer.is_success}

    assert refused == {}


@pytest.mark.parametrize(("table", "column"), SEALED)
def test_no_answer_is_an_error_of_the_server_and_what_cannot_be_answered_says_why(
    sqlite_gate: Gate, table: str, column: str
) -> None:
    lived = a_full_life(sqlite_gate)
    assert damage(sqlite_gate, metadata.tables[table], column) > 0

    failed = {
        request: (answer.status_code, answer.text[:40])
        for request, answer in answers_about(sqlite_gate, lived)
        if answer.is_server_error
    }

    assert all(status == 503 and "unreadable_value" in said for status, said in failed.values()), failed
