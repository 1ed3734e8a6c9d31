"""What was promised stays promised: every later state of the contracts gets along with every frozen one."""

from pathlib import Path
from typing import Any

import pytest

from shared.contracts.compatibility import breaks
from shared.contracts.generate import freeze
from shared.contracts.schemas import Schema, all_schemas
from tests.contracts.builders import SCHEMAS, read_json

FROZEN = sorted((SCHEMAS / "frozen").glob("*.json"))
OLD: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "x-label": "debts"},
        "kind": {"$ref": "#/$defs/Kind"},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"at": {"format": "date"}}}},
        "note": {"type": "string"},
    },
    "required": ["code"],
    "$defs": {"Kind": {"enum": ["a", "b"], "type": "string"}},
}

_MAY_GROW = ("wire/command", "wire/open", "care/envelope")
"""What we read ourselves may take more than before. A type that a service does not know is not for it, and no error."""


def changed(**properties: Any) -> Schema:  # Any: parts of a schema, or None for a field that goes
    """Return the schema with some fields changed, added, or taken away."""
    fields = {name: part for name, part in {**OLD["properties"], **properties}.items() if part is not None}
    return {**OLD, "properties": fields}


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_every_contract_gets_along_with_its_frozen_state(path: Path) -> None:
    current = all_schemas()
    frozen = read_json(path)

    broken = {
        name: found
        for name, old in frozen.items()
        if (found := breaks(old, current[name], lenient=name.startswith(_MAY_GROW)))
    }

    assert broken == {}


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_new_type_of_event_changes_nothing_else_of_the_envelope(path: Path) -> None:
    old, new = read_json(path)["care/envelope.schema.json"], all_schemas()["care/envelope.schema.json"]

    assert set(old["properties"]["type"]["enum"]) <= set(new["properties"]["type"]["enum"])
    for envelope in (old, new):
        envelope["properties"] = {**envelope["properties"], "type": {}}
    assert old == new


def test_there_is_a_frozen_state() -> None:
    assert FROZEN


def test_a_frozen_state_is_never_written_again(tmp_path: Path) -> None:
    freeze(tmp_path, "0.1.0")

    with pytest.raises(FileExistsError):
        freeze(tmp_path, "0.1.0")


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed(more={"type": "string"}),
        {**OLD, "description": "in other words"},
        changed(note={"type": "string", "description": "in other words"}),
    ],
)
def test_an_optional_field_more_and_other_words_break_nothing(new: Schema) -> None:
    assert breaks(OLD, new) == []


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (changed(note=None), "note: is gone"),
        (changed(note={"type": "integer"}), "note: type changed"),
        (changed(note={"type": "string", "maxLength": 3}), "note: maxLength changed"),
        (changed(code={"type": "string", "x-label": "structural"}), "code: x-label changed"),
        (changed(kind={"type": "string", "enum": ["a"]}), "kind: a word is gone"),
        (changed(kind={"type": "string", "enum": ["a", "b", "c"]}), "kind: a word is new"),
        (changed(parts={"type": "array", "items": {"type": "object", "properties": {}}}), "parts[].at: is gone"),
        ({**OLD, "required": ["code", "note"]}, "note: is required now"),
        ({**OLD, "required": []}, "code: is no longer always there"),
        ({**OLD, "additionalProperties": False}, "message: additionalProperties changed"),
    ],
)
def test_every_other_change_is_found_and_named(new: Schema, found: str) -> None:
    assert breaks(OLD, new) == [found]


@pytest.mark.parametrize("new", [changed(kind={"type": "string", "enum": ["a", "b", "c"]}), {**OLD, "required": []}])
def test_a_command_may_become_more_lenient(new: Schema) -> None:
    assert breaks(OLD, new, lenient=True) == []


def test_a_command_may_not_demand_more() -> None:
    assert breaks(OLD, {**OLD, "required": ["code", "note"]}, lenient=True) == ["note: is required now"]


def test_the_choices_of_an_answer_stay_and_others_may_follow() -> None:
    old: Schema = {"oneOf": [{"const": 1}, {"const": 2}]}

    assert breaks(old, {"oneOf": [{"const": 1}]}) == ["message: oneOf changed"]
    assert breaks(old, {"oneOf": [{"const": 1}, {"const": 2}, {"const": 3}]}) == []
    assert breaks(old, {"oneOf": [{"const": 1}, {"const": 3}]}) == ["|1: const changed"]
