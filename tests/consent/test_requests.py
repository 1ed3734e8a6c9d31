"""Every field of a request from outside is read strictly; a refusal names field and reason and repeats no value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.opening import EMPTY
from shared.contracts.envelope import canonical
from shared.contracts.requests import RefusedRequest, read_command, read_open
from tests.consent.builders import a_cancellation, a_commission, an_answer_to
from tests.consent.gate import Gate
from tests.consent.wire import Wire

SECRET = "kowalski"
PHONE = "0201 555 0100"


def faults_of(raw: Any) -> dict[str, str]:  # Any: whatever comes from outside
    """Return what is wrong with a command, by field."""
    with pytest.raises(RefusedRequest) as refused:
        read_command(raw)
    return {error["field"]: error["reason"] for error in refused.value.errors}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("command_id", "short"),
        ("command_id", "x" * 65),
        ("command_id", SECRET + " with a space"),
        ("command_id", None),
        ("command_id", 1234567890123456),
        ("reference", ""),
        ("reference", "x" * 41),
        ("reference", " starts with a space"),
        ("reference", SECRET + "\n"),
        ("reference", SECRET + "\x00"),
        ("reference", "Müller"),
        ("reference", None),
        ("reference", ["BG-1"]),
        ("service", SECRET),
        ("service", ""),
        ("service", "addiction"),
        ("deadline", SECRET),
        ("deadline", "30.06.2026"),
        ("deadline", "2026-02-30"),
        ("deadline", None),
        ("budget_line", SECRET),
        ("budget_line", "A"),
        ("budget_line", "A" * 21),
        ("contact", None),
        ("contact", PHONE),
        ("contact", {}),
        ("contact.channel", {"channel": SECRET, "address": PHONE}),
        ("contact.address", {"channel": "phone"}),
        ("contact.address", {"channel": "phone", "address": SECRET}),
        ("contact.address", {"channel": "email", "address": SECRET}),
        ("contact.address", {"channel": "in_person", "address": PHONE}),
        ("contact.address", {"channel": "letter", "address": "x" * 121}),
        ("contact.diagnosis", {"channel": "phone", "address": PHONE, "diagnosis": SECRET}),
        ("diagnosis", SECRET),
        ("person_name", SECRET),
    ],
)
def test_each_field_of_a_commission_is_read_strictly(field: str, value: Any) -> None:
    outer = field.partition(".")[0]

    faults = faults_of({**a_commission(), outer: value})

    assert {name.partition(".")[0] for name in faults} == {outer}
    assert all(faults.values())
    assert SECRET not in str(faults)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"contact": {"channel": "in_person", "address": PHONE}}, "contact.address", "must be absent for in_person"),
        ({"contact": {"channel": "phone"}}, "contact.address", "is missing"),
        ({"contact": {"channel": "phone", "address": SECRET}}, "contact.address", "does not fit the channel"),
        ({"contact": {"channel": "phone", "address": 5}}, "contact.address", "must be a text"),
        ({"contact": {"channel": "phone", "address": PHONE, "Dia gnosis": 1}}, "contact", "has an unknown field"),
        ({"contact": PHONE}, "contact", "must be a JSON object"),
        ({"Dia gnosis": SECRET}, "body", "has an unknown field"),
        ({"deadline": "30.06.2026"}, "deadline", "must be a day like 2026-01-31"),
        ({"deadline": 1782777600}, "deadline", "must be a day like 2026-01-31"),
        ({"deadline": "1782777600"}, "deadline", "must be a day like 2026-01-31"),
        ({"deadline": None}, "deadline", "must be a day like 2026-01-31"),
        ({"deadline": "2026-02-30"}, "deadline", "must be a day that exists"),
        ({"reference": 5}, "reference", "must be a text"),
    ],
    ids=str,
)
def test_a_refusal_names_the_very_field_and_a_plain_reason(changes: dict[str, Any], field: str, reason: str) -> None:
    assert faults_of({**a_commission(), **changes}) == {field: reason}


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"answer": "appointment_offered"}, "appointment_at", "is missing"),
        ({"answer": "ended"}, "outcome", "is missing"),
        ({"outcome": "helped"}, "outcome", "goes with ended only"),
        ({"appointment_at": "2026-03-09T09:00:00+01:00"}, "appointment_at", "goes with appointment_offered only"),
        *(
            ({"answer": "appointment_offered", "appointment_at": at}, "appointment_at", reason)
            for at, reason in [
                (1782777600, "must be a time like 2026-01-31T09:00:00+01:00"),
                ("1782777600", "must be a time like 2026-01-31T09:00:00+01:00"),
                ("2026-03-09", "must be a time like 2026-01-31T09:00:00+01:00"),
                ("2026-03-09T09:00:00", "must have a time zone"),
                ("2026-02-30T09:00:00+01:00", "must be a time that exists"),
                ("2026-03-09T25:00:00+01:00", "must be a time that exists"),
            ]
        ),
    ],
    ids=str,
)
def test_a_refused_answer_names_the_very_field_and_a_plain_reason(
    changes: dict[str, Any], field: str, reason: str
) -> None:
    assert faults_of({**an_answer_to("reference-1"), **changes}) == {field: reason}


@pytest.mark.parametrize("missing", ["command_id", "reference", "service", "deadline", "budget_line", "contact"])
def test_each_field_of_a_commission_has_to_be_there(missing: str) -> None:
    command = a_commission()
    del command[missing]

    assert faults_of(command) == {missing: "is missing"}


def test_all_faults_are_named_at_once() -> None:
    faults = faults_of(a_commission("", service=SECRET, budget_line="a"))

    assert set(faults) == {"reference", "service", "budget_line"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"answer": SECRET}, "answer"),
        ({"answer": "appointment_offered"}, "appointment_at"),
        ({"answer": "appointment_offered", "appointment_at": SECRET}, "appointment_at"),
        ({"answer": "appointment_offered", "appointment_at": "2026-03-09T09:00:00"}, "appointment_at"),
        ({"answer": "accepted", "appointment_at": "2026-03-09T09:00:00+01:00"}, "appointment_at"),
        ({"answer": "ended"}, "outcome"),
        ({"answer": "ended", "outcome": SECRET}, "outcome"),
        ({"answer": "accepted", "outcome": "helped"}, "outcome"),
        ({"note": SECRET}, "note"),
        ({"place": SECRET}, "place"),
    ],
    ids=str,
)
def test_each_field_of_an_answer_is_read_strictly(changes: dict[str, Any], field: str) -> None:
    faults = faults_of({**an_answer_to("reference-1"), **changes})

    assert set(faults) == {field}
    assert SECRET not in str(faults)


def test_a_cancellation_takes_no_reason() -> None:
    assert faults_of({**a_cancellation(), "reason": SECRET}) == {"reason": "is not accepted"}


@pytest.mark.parametrize("raw", [None, 1, "text", [], [a_commission()], {}, {"command": SECRET}, {"command": []}])
def test_what_is_no_command_is_refused(raw: Any) -> None:
    assert set(faults_of(raw)) <= {"body", "command"}


@pytest.mark.parametrize("raw", [None, [], {}, {"open": ""}, {"open": "a b"}, {"open": "x" * 65}, {"open": 1}])
def test_what_is_no_request_to_open_is_refused(raw: Any) -> None:
    with pytest.raises(RefusedRequest) as refused:
        read_open(raw)

    assert all(error["reason"] for error in refused.value.errors)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 9999, b"null", b'{"open":"x","more":1}', b'{"open":null}']
)
def test_a_malformed_request_to_open_is_refused_and_not_empty(unmoved_gate: Gate, body: bytes) -> None:
    answer = Wire(unmoved_gate).open_bytes(body)

    assert set(answer) == {"result", "errors"}
    assert answer["result"] == "refused"


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff" * 99, b"a.b.c.d.e", b"eyJhbGciOiJkaXIifQ....", b"." * 4])
def test_a_command_that_is_not_sealed_for_the_gate_is_refused(unmoved_gate: Gate, body: bytes) -> None:
    answer = Wire(unmoved_gate).send_bytes(body)

    assert answer == {
        "result": "refused",
        "command_id": None,
        "errors": [{"field": "body", "reason": "is not sealed for the gate"}],
    }


@pytest.mark.parametrize("raw", [[], None, "x", 7, {"command_id": "short"}])
def test_a_sealed_command_that_is_malformed_is_refused_without_an_id(unmoved_gate: Gate, raw: Any) -> None:
    answer = Wire(unmoved_gate).send(raw)

    assert (answer["result"], answer["command_id"]) == ("refused", None)


def test_a_refusal_names_the_command_where_it_can(unmoved_gate: Gate) -> None:
    command = a_commission(service=SECRET)

    answer = Wire(unmoved_gate).send(command)

    assert answer["command_id"] == command["command_id"]
    assert [error["field"] for error in answer["errors"]] == ["service"]
    assert SECRET not in str(answer)


@pytest.mark.parametrize("number", [10, 11, 2000])
def test_a_refusal_names_ten_faults_and_then_says_that_there_are_more(unmoved_gate: Gate, number: int) -> None:
    wire, invented = Wire(unmoved_gate), {f"field_{n}": n for n in range(number)}

    faults = [
        wire.send({**a_commission(), **invented})["errors"],
        wire.open_bytes(canonical({"open": "notice-1", **{f"f{n}": 1 for n in range(min(number, 90))}}))["errors"],
    ]

    more = [{"field": "body", "reason": "has more faults than are named here"}] if number > 10 else []
    assert [len(named) for named in faults] == [10 + len(more)] * 2
    assert [named[10:] for named in faults] == [more] * 2


@pytest.mark.parametrize(("size", "reason"), [(1024, "is not JSON"), (1025, "is too long"), (200_000, "is too long")])
def test_a_request_to_open_that_is_too_long_is_refused_unread(unmoved_gate: Gate, size: int, reason: str) -> None:
    answer = Wire(unmoved_gate).open_bytes(b"[" * size)

    assert answer == {"result": "refused", "errors": [{"field": "body", "reason": reason}]}


def test_a_command_that_is_too_long_is_refused_unread(unmoved_gate: Gate) -> None:
    wire = Wire(unmoved_gate)

    long, too_long = (wire.send({**a_commission(), "x": "y" * size}) for size in (48_000, 50_000))

    assert [error["field"] for error in long["errors"]] == ["x"]
    assert too_long == {
        "result": "refused",
        "command_id": None,
        "errors": [{"field": "body", "reason": "is too long"}],
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*a_commission(), "answer", "outcome", "x"]), json_values))
def test_whatever_is_changed_in_a_command_it_is_read_or_refused_by_field(changes: dict[str, Any]) -> None:
    errors = errors_of({**a_commission(), **changes})

    assert all(set(error) == {"field", "reason"} and all(error.values()) for error in errors)


def errors_of(raw: Any) -> list[dict[str, str]]:  # Any: whatever comes from outside
    """Return what a command is refused for, if it is."""
    try:
        read_command(raw)
    except RefusedRequest as refused:
        return refused.errors
    return []


def test_an_empty_answer_says_nothing_else() -> None:
    assert EMPTY == {"result": "empty"}
