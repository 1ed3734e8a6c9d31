"""The generated documents: the same as the code says, valid, and pointing at files that exist."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from shared import topology
from shared.contracts.asyncapi import all_documents
from shared.contracts.catalogue import EVENTS, producer_of
from shared.contracts.generate import generated, write
from shared.contracts.inventory import events_page
from shared.contracts.requests import COMMANDS
from tests.contracts.builders import ROOT, read_json

ASYNCAPI = Draft7Validator(read_json(Path(__file__).parent / "vendored" / "asyncapi-3.0.0.json"))
DOCUMENTS = all_documents()
GENERATED = generated()


def references(node: Any) -> Iterator[str]:  # Any: JSON
    """Yield every reference of a document."""
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and "$ref" in node:
        yield node["$ref"]
    for part in parts:
        yield from references(part)


def target(document: dict[str, Any], reference: str) -> Any:  # Any: JSON
    """Return what a reference inside a document points at; raise KeyError if it is not there."""
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


@pytest.mark.parametrize("path", sorted(GENERATED), ids=str)
def test_what_is_checked_in_is_what_the_code_says(path: Path) -> None:
    """Mend it with `python -m shared.contracts.generate`."""
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path]


def test_no_schema_of_a_type_that_is_gone_lies_around() -> None:
    checked_in = {path.relative_to(ROOT) for path in (ROOT / "docs" / "schemas").glob("*/*.schema.json")}

    assert checked_in <= set(GENERATED)


def test_writing_twice_changes_nothing_and_removes_what_is_gone(tmp_path: Path) -> None:
    write(tmp_path)
    gone = tmp_path / "docs" / "schemas" / "care" / "intake.gone.v1.schema.json"
    gone.write_text("{}")

    assert write(tmp_path) == [gone]
    assert write(tmp_path) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_asyncapi_document_is_valid(name: str) -> None:
    assert [error.message for error in ASYNCAPI.iter_errors(DOCUMENTS[name])] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_points_at_something(name: str) -> None:
    document = DOCUMENTS[name]
    inside = [reference for reference in references(document) if reference.startswith("#/")]
    files = [reference for reference in references(document) if not reference.startswith("#/")]

    assert all(target(document, reference) for reference in inside)
    assert files
    assert [file for file in files if not (ROOT / "docs" / "asyncapi" / file).is_file()] == []


@pytest.mark.parametrize("service", topology.SERVICES)
def test_a_service_says_what_it_produces_and_hears_what_its_queue_gets(service: str) -> None:
    document = DOCUMENTS[f"{service}.asyncapi.json"]
    said = {part["address"] for name, part in document["channels"].items() if name != "queue"}
    heard = set(document["channels"]["queue"]["messages"])

    assert said == {name for name in EVENTS if producer_of(name) == service}
    assert heard == {name.replace(".", "_") for name in EVENTS if service in topology.readers_of(name)}
    assert document["channels"]["queue"]["address"] == topology.events_queue(service)


def test_the_partners_document_names_the_two_things_that_an_account_may_touch() -> None:
    channels = DOCUMENTS["partners.asyncapi.json"]["channels"]
    [permission] = [
        one for one in topology.recipient_zone("lvr-klinik", (3, 10)).permissions if one.account != "consent"
    ]

    assert permission.read == f"^{channels['inbox']['bindings']['amqp']['queue']['name']}$"
    assert permission.write == f"^{channels['open']['bindings']['amqp']['exchange']['name']}$"
    assert set(channels["command"]["messages"]) == set(COMMANDS)


def test_the_page_of_events_names_every_event_and_every_field() -> None:
    page = events_page()

    missing = [
        (name, field)
        for name, event in EVENTS.items()
        for field in event.model_fields
        if f"| `{name}` | `{field}` |" not in page
    ]
    assert missing == []


def test_no_kind_of_help_stands_in_a_routing_key() -> None:
    kinds = {"debt", "addiction", "health", "housing", "clinic", "psych", "food", "diagnos"}

    assert [name for name in EVENTS if any(kind in name for kind in kinds)] == []
