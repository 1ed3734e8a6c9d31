"""Commands as they go onto the wire."""

import json
import re
from datetime import UTC, date, datetime

from sdk import Contact
from sdk.commands import answer_fields, build_command, commission_fields


def test_a_commission_has_the_fields_of_the_wire() -> None:
    fields = commission_fields(
        reference="E-1",
        service="clarification",
        deadline=date(2030, 1, 31),
        budget_line="A-12.3",
        contact=Contact(channel="phone", address="0201 88-0"),
    )

    assert fields == {
        "reference": "E-1",
        "service": "clarification",
        "deadline": "2030-01-31",
        "budget_line": "A-12.3",
        "contact": {"channel": "phone", "address": "0201 88-0"},
    }


def test_an_absent_address_is_not_sent() -> None:
    fields = commission_fields(
        reference="E-1",
        service="outreach",
        deadline=date(2030, 1, 31),
        budget_line="A",
        contact=Contact(channel="in_person"),
    )

    assert fields["contact"] == {"channel": "in_person"}


def test_an_answer_holds_only_what_was_given() -> None:
    assert answer_fields(reference="R", answer="accepted", appointment_at=None, outcome=None) == {
        "reference": "R",
        "answer": "accepted",
    }


def test_an_appointment_keeps_its_offset() -> None:
    at = datetime(2030, 1, 31, 9, 30, tzinfo=UTC)

    fields = answer_fields(reference="R", answer="appointment_offered", appointment_at=at, outcome=None)

    assert fields["appointment_at"] == "2030-01-31T09:30:00+00:00"


def test_each_command_draws_an_id_of_its_own() -> None:
    first, second = (json.loads(build_command("cancel_commission", {"reference": "E-1"})) for _ in range(2))

    assert first["command_id"] != second["command_id"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{16,64}", first["command_id"])
    assert first["command"] == "cancel_commission"


def test_fields_that_the_wire_does_not_know_are_left_to_the_gate_to_refuse() -> None:
    assert json.loads(build_command("commission", {"diagnosis": "F32"}))["diagnosis"] == "F32"
