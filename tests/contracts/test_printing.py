"""What is printed of an event says nothing about the person."""

import pytest

from shared.contracts.assessment import Fact
from shared.contracts.catalogue import EVENTS
from shared.contracts.categories import StructuralLabel, label_of
from shared.contracts.envelope import CareEvent, Value
from shared.contracts.intake import Contact, Identity


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_only_structural_fields_of_an_event_are_printed(event: type[CareEvent]) -> None:
    printed = {name: label_of(list(field.metadata)) for name, field in event.model_fields.items() if field.repr}

    assert {name: label for name, label in printed.items() if not isinstance(label, StructuralLabel)} == {}


@pytest.mark.parametrize("value", [Fact, Contact, Identity])
def test_nothing_of_a_value_about_a_person_is_printed(value: type[Value]) -> None:
    assert [name for name, field in value.model_fields.items() if field.repr] == []
