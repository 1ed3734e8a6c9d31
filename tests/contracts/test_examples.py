"""The golden examples: read by the code and by the schemas, and written again byte for byte."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from services.consent.outside import notice_body
from services.referral.directory import read_directory
from services.referral.settings import DIRECTORY_FILE
from shared.contracts.answers import RefusedReply
from shared.contracts.envelope import canonical
from shared.contracts.released import RELEASED_FIELDS, ProviderReferral
from shared.contracts.schemas import all_schemas
from shared.town import USUAL
from tests.contracts.builders import EVENTS, RELEASED, SCHEMAS, WIRE, examples, read_json, round_trip, subject_of

CARE, OUTWARD, WORDS = examples("care"), examples("released"), examples("wire")


def schema_for(path: Path) -> Draft202012Validator:
    """Return the checked-in schema that an example has to satisfy."""
    name = subject_of(path.name.removesuffix(".json"))
    name = name.split(".")[0] if name.startswith(("answer.", "reply.")) else name
    schema = read_json(SCHEMAS / path.parent.name / f"{name}.schema.json")
    return Draft202012Validator(schema, format_checker=FormatChecker())


@pytest.mark.parametrize("name", CARE)
def test_a_care_event_comes_back_byte_for_byte(name: str) -> None:
    plain = CARE[name].read_bytes().removesuffix(b"\n")

    assert EVENTS[subject_of(name)].model_validate_json(plain).body() == plain


@pytest.mark.parametrize("name", OUTWARD)
def test_a_released_message_comes_back_byte_for_byte(name: str) -> None:
    plain = OUTWARD[name].read_bytes().removesuffix(b"\n")
    fields = read_json(OUTWARD[name])
    type_ = fields.pop("type")

    message = RELEASED[type_].model_validate_json(canonical(fields))

    written = {"type": message.message_type, **message.model_dump(mode="json", exclude_none=True)}
    assert canonical(written) == plain


@pytest.mark.parametrize("name", sorted(set(WORDS) - {"reply.refused.unreadable"}))
def test_a_word_on_the_wire_comes_back_byte_for_byte(name: str) -> None:
    plain = WORDS[name].read_bytes().removesuffix(b"\n")

    assert round_trip(WIRE[subject_of(name)], plain) == plain


def test_a_refusal_of_what_could_not_be_read_has_no_command_id() -> None:
    plain = WORDS["reply.refused.unreadable"].read_bytes().removesuffix(b"\n")

    assert canonical(RefusedReply.model_validate_json(plain).model_dump(mode="json")) == plain


@pytest.mark.parametrize("path", [*CARE.values(), *OUTWARD.values(), *WORDS.values()], ids=lambda path: path.stem)
def test_an_example_satisfies_its_schema(path: Path) -> None:
    schema_for(path).validate(read_json(path))


@pytest.mark.parametrize("path", [*CARE.values(), *OUTWARD.values(), *WORDS.values()], ids=lambda path: path.stem)
def test_an_example_is_canonical_and_ends_with_one_line_end(path: Path) -> None:
    assert path.read_bytes() == canonical(read_json(path)) + b"\n"


@pytest.mark.parametrize("event_type", EVENTS)
def test_every_field_of_every_event_is_in_an_example(event_type: str) -> None:
    shown = {field for name in CARE if subject_of(name) == event_type for field in read_json(CARE[name])}

    assert shown == set(EVENTS[event_type].model_fields)


@pytest.mark.parametrize("message_type", RELEASED)
def test_every_field_that_can_leave_is_in_an_example(message_type: str) -> None:
    assert set(read_json(OUTWARD[message_type])) == {"type", *RELEASED[message_type].model_fields}


def test_every_word_on_the_wire_has_an_example() -> None:
    assert {subject_of(name) for name in WORDS} - {"reply.refused.unreadable"} == set(WIRE)


@pytest.mark.parametrize("name", sorted(all_schemas()))
def test_every_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(all_schemas()[name])


def test_the_gates_notice_is_the_notice_of_the_contract() -> None:
    plain = WORDS["notice"].read_bytes().removesuffix(b"\n")

    assert notice_body(read_json(WORDS["notice"])["id"]) == plain


def test_providers_are_asked_for_nothing_that_cannot_reach_them() -> None:
    directory = read_directory(USUAL / DIRECTORY_FILE)

    needed = {category for one in directory.providers for offer in one.services for category in offer.needed}

    assert needed <= set(RELEASED_FIELDS[ProviderReferral])
