"""At the ends of the calendar, of numbers, and when two desks ask at once: answered, and no error of the server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from httpx2 import Response

from tests.consent.builders import JOBCENTER, new_id
from tests.consent.gate import Gate, a_gate_with_recipients, running_gate
from tests.consent.registry import a_purpose_commitment, put
from tests.consent.stores import PostgresStores
from tests.consent.test_refused_grants import a_form
from tests.consent.test_representation import a_representation, answer_for

ROUNDS = 20
Both = tuple[Gate, Gate]


@pytest.fixture
def two_instances(two_databases: PostgresStores, tmp_path: Path) -> Iterator[Both]:
    """Return two instances of the gate on one database, which have answered a declaration each before."""
    with (
        two_databases.fresh(tmp_path) as store,
        a_gate_with_recipients(tmp_path, store) as one,
        running_gate(tmp_path, store, one.clock) as other,
    ):
        for gate in (one, other):  # routes are built at the first request
            gate.ask("POST", "/grants", a_form(one.a_person()))
        yield one, other


def at_once(instances: Both, path: str, bodies: tuple[Any, Any], *, key: str | None = None) -> list[Response]:
    """Send a request to each instance at the same moment, under the same key if there is one; return the answers."""
    barrier = Barrier(2)

    def send(gate: Gate, body: Any) -> Response:
        barrier.wait()
        return gate.ask("POST", path, body, key=key)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(send, instances, bodies))


@pytest.mark.parametrize("day", ["9997-01-02", "9999-12-31"])
def test_a_commitment_that_is_signed_in_the_far_future_is_refused(sqlite_gate: Gate, day: str) -> None:
    answer = put(sqlite_gate, purpose_commitment=a_purpose_commitment(signed_on=day))

    assert answer.status_code == 422
    assert "purpose_commitment.signed_on" in {error["field"] for error in answer.json()["errors"]}


def test_under_a_representation_without_an_end_in_sight_answers_are_given(sqlite_gate: Gate) -> None:
    person = sqlite_gate.a_person()
    representation = a_representation(sqlite_gate, person, valid_until="9999-12-31")

    assert answer_for(sqlite_gate, person, representation).status_code == 201


@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**31, 2**62, 2**80])
def test_an_entry_by_a_number_that_none_has_is_not_found_or_refused_on_either_database(gate: Gate, number: int) -> None:
    person = gate.a_person()

    answer = gate.ask("GET", f"/persons/{person}/ledger/{JOBCENTER}/{number}/grounds")

    assert answer.status_code in (404, 422)


def test_of_one_key_for_two_persons_at_once_one_is_recorded_and_the_other_is_refused(two_instances: Both) -> None:
    first = two_instances[0]

    statuses = set()
    for _ in range(ROUNDS):
        forms = a_form(first.a_person()), a_form(first.a_person())
        answers = at_once(two_instances, "/grants", forms, key=new_id())
        statuses.add(tuple(sorted(answer.status_code for answer in answers)))

    assert statuses == {(201, 409)}


def test_the_same_request_at_once_is_answered_the_same(two_instances: Both) -> None:
    differing = []
    for _ in range(ROUNDS):
        person = two_instances[0].a_person()
        for path, body, key in (
            ("/grants", a_form(person), new_id()),
            ("/withdrawals", {"person_id": person}, None),
            (f"/persons/{person}/hold", {}, None),
            (f"/persons/{person}/erasure", None, None),
        ):
            one, other = at_once(two_instances, path, (body, body), key=key)
            if one.status_code != other.status_code or one.is_error:
                differing.append((path, one.status_code, other.status_code))

    assert differing == []
