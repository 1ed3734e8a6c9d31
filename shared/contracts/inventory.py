"""The contracts as tables for people: every care event, every field with its label, every field that can leave."""

from collections.abc import Iterable
from typing import Any

from shared import topology
from shared.contracts.catalogue import EVENTS, producer_of
from shared.contracts.emergency import EMERGENCY_FIELDS
from shared.contracts.envelope import CareEvent
from shared.contracts.requests import COMMANDS
from shared.contracts.schemas import RELEASED, Schema, command_schema, event_schema, released_schema

_HEAD = """# Events and fields

Generated from the code by `python -m shared.contracts.generate`; a test fails when the two differ.

Every field of a care event is *structural* (an id, a version, a time, a code of the process, nothing about the person)
or belongs to exactly one category that the person answers yes, no or ask to. A class with another field does not build.
The routing key of a care event is its type; bodies are sealed, so an operator reads types, sources and times only.
"""


def events_page() -> str:
    """Return `docs/events.md`."""
    return "\n".join([_HEAD, *_events(), *_event_fields(), *_released_fields(), *_emergency_fields(), *_commands()])


def first_sentence(event: type[CareEvent]) -> str:
    """Return what an event means, in the words of its class."""
    return (event.__doc__ or "").strip().splitlines()[0]


def _events() -> Iterable[str]:
    yield "## Care events\n"
    yield "| event, routing key | producer | reaches | stored under the key of | meaning |"
    yield "|---|---|---|---|---|"
    for name, event in EVENTS.items():
        reaches = ", ".join(topology.readers_of(name)) or "nobody yet"
        meaning = first_sentence(event)
        yield f"| `{name}` | {producer_of(name)} | {reaches} | `{event.sealed_for}` | {meaning} |"
    yield ""


def _event_fields() -> Iterable[str]:
    yield "## Fields of care events\n"
    yield "| event | field | type | label |"
    yield "|---|---|---|---|"
    for name, event in EVENTS.items():
        schema = event_schema(event)
        for field, part in schema["properties"].items():
            yield f"| `{name}` | `{field}` | {_type(part, schema)}{_optional(field, schema)} | {part['x-label']} |"
    yield ""


def _released_fields() -> Iterable[str]:
    yield "## Fields that can ever leave\n"
    yield "A released message is written out field by field; what is not in this table cannot reach a recipient."
    yield "Everything but the frame is there only if the person released its category to that recipient.\n"
    yield "| message | field | holds | category |"
    yield "|---|---|---|---|"
    for role in RELEASED:
        schema = released_schema(role)
        for field, part in schema["properties"].items():
            label = part.get("x-label", "frame")
            yield f"| `{role.message_type}` | `{field}` | {_type(part, schema)} | {label} |"
    yield ""


def _emergency_fields() -> Iterable[str]:
    yield "## Fields that can be told in an emergency\n"
    yield "No wire carries these: a named human hands over what that human chose, to these four and to nobody else."
    yield "Beside it stands the reason, as a code.\n"
    yield "| message | field, category |"
    yield "|---|---|"
    for message, fields in EMERGENCY_FIELDS.items():
        yield f"| `{message.message_type}` | {', '.join(f'`{name}`' for name in fields.values())} |"
    yield ""


def _commands() -> Iterable[str]:
    yield "## What recipients may say\n"
    yield "| command | from | field | type |"
    yield "|---|---|---|---|"
    for name, command in COMMANDS.items():
        schema = command_schema(name)
        for field, part in schema["properties"].items():
            yield f"| `{name}` | {command.role} | `{field}` | {_type(part, schema)}{_optional(field, schema)} |"
    yield ""


def _optional(field: str, schema: Schema) -> str:
    return "" if field in schema["required"] else ", optional"


def _type(part: Schema, schema: Schema) -> str:
    """Return a field's type in words: the fields of a value, the words of a closed list."""
    if "$ref" in part:
        return _type(schema["$defs"][part["$ref"].rsplit("/", 1)[1]], schema)
    if "enum" in part or "const" in part:
        return _one_of(part.get("enum") or [part["const"]])
    if part["type"] == "array":
        return f"list of {_type(part['items'], schema)}"
    if part["type"] == "object":
        return "{" + ", ".join(part["properties"]) + "}"
    return str(part.get("format", part["type"]))


def _one_of(words: list[Any]) -> str:  # Any: JSON values
    return " / ".join(f"`{word}`" for word in words)
