"""How contracts may grow: an added field is invisible, an unlabelled one does not build, what is outside is closed."""

import json
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.contracts.catalogue import producer_of
from shared.contracts.categories import Category, LabelledBy, Structural
from shared.contracts.envelope import CareEvent, UnlabelledField, Value, canonical
from shared.contracts.intake import CaseEnded
from shared.contracts.released import FRAME, RELEASED_FIELDS, JobcenterSituation, ProviderReferral, Released
from shared.contracts.requests import COMMANDS, OpenRequest, RefusedRequest, read_command, read_open
from tests.contracts.builders import EVENTS, OUTWARD, RELEASED, WIRE, examples, read_json, subject_of

CARE, WORDS = examples("care"), examples("wire")
MARK = "marked-value"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def all_subclasses(kind: type[BaseModel]) -> set[type[BaseModel]]:
    """Return every class below this one."""
    return {below for child in kind.__subclasses__() for below in (child, *all_subclasses(child))}


@pytest.mark.parametrize("name", CARE)
@settings(max_examples=20, deadline=None)
@given(extra=st.dictionaries(st.text(min_size=1, max_size=12).map(lambda text: f"x_{text}"), JSON, min_size=1))
def test_a_field_of_a_newer_producer_is_dropped(name: str, extra: dict[str, Any]) -> None:
    plain = CARE[name].read_bytes().removesuffix(b"\n")
    newer = canonical({**extra, **json.loads(plain)})

    assert EVENTS[subject_of(name)].model_validate_json(newer).body() == plain


@pytest.mark.parametrize("name", [name for name, path in CARE.items() if b'":{' in path.read_bytes()])
def test_a_newer_field_inside_a_value_is_dropped_too(name: str) -> None:
    plain = read_json(CARE[name])
    newer = {key: {**part, "x_new": MARK} if isinstance(part, dict) else part for key, part in plain.items()}

    assert EVENTS[subject_of(name)].model_validate(newer).body() == canonical(plain)


def test_a_field_without_a_label_does_not_build() -> None:
    with pytest.raises(UnlabelledField, match=r"Careless\.diagnosis"):

        class Careless(CareEvent):
            event_type: ClassVar[str] = "intake.careless.v1"
            person_id: Structural[str]
            diagnosis: str


def test_a_field_with_two_labels_does_not_build() -> None:
    with pytest.raises(UnlabelledField, match=r"Torn\.diagnosis"):

        class Torn(CareEvent):
            event_type: ClassVar[str] = "intake.torn.v1"
            diagnosis: Annotated[Structural[str], Category.MENTAL_HEALTH]


def test_a_field_of_two_categories_does_not_build() -> None:
    with pytest.raises(UnlabelledField, match=r"Torn\.diagnosis"):

        class Torn(CareEvent):
            event_type: ClassVar[str] = "intake.torn.v1"
            diagnosis: Annotated[str, Category.MENTAL_HEALTH, Category.ADDICTION]


def test_a_label_that_points_nowhere_does_not_build() -> None:
    with pytest.raises(UnlabelledField, match=r"Lost\.diagnosis"):

        class Lost(CareEvent):
            event_type: ClassVar[str] = "intake.lost.v1"
            diagnosis: Annotated[str, LabelledBy("life_domain")]


def test_an_inherited_event_is_checked_like_any_other() -> None:
    with pytest.raises(UnlabelledField, match=r"Longer\.more"):

        class Longer(CaseEnded):
            more: str


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_event_is_of_the_producer_that_its_type_names(event_type: str) -> None:
    assert EVENTS[event_type].__module__ == f"shared.contracts.{producer_of(event_type)}"


@pytest.mark.parametrize("name", [name for name in WORDS if name.startswith("command.")])
def test_a_command_with_one_field_more_is_refused_without_its_value(name: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        read_command({**read_json(WORDS[name]), "diagnosis": MARK})

    assert refused.value.errors == [{"field": "diagnosis", "reason": "is not accepted"}]
    assert MARK not in str(refused.value)


def test_a_request_to_open_with_one_field_more_is_refused() -> None:
    with pytest.raises(RefusedRequest):
        read_open({**read_json(WORDS["open"]), "as": MARK})


@pytest.mark.parametrize("kind", [*sorted(WIRE), *RELEASED])
def test_what_crosses_the_border_takes_no_further_field(kind: str) -> None:
    model = {**WIRE, **RELEASED}[kind]

    with pytest.raises(ValidationError) as refused:
        model.model_validate({"x_new": MARK})

    assert "extra_forbidden" in {error["type"] for error in refused.value.errors(include_input=False)}
    assert MARK not in str(refused.value)


@pytest.mark.parametrize("kind", sorted(all_subclasses(Released), key=repr))
def test_every_part_of_a_released_message_is_closed_and_frozen(kind: type[BaseModel]) -> None:
    assert kind.model_config["extra"] == "forbid"
    assert kind.model_config["frozen"] is True


@pytest.mark.parametrize("kind", [*RELEASED.values(), *OUTWARD, *COMMANDS.values(), OpenRequest])
def test_nothing_that_crosses_the_border_is_built_on_a_care_event(kind: type[BaseModel]) -> None:
    assert not issubclass(kind, CareEvent | Value)


@pytest.mark.parametrize("role", [JobcenterSituation, ProviderReferral])
def test_every_field_that_can_leave_has_one_category_but_for_the_frame(role: type[Released]) -> None:
    frame = FRAME & set(role.model_fields)
    labels = {
        name: [item for item in field.metadata if isinstance(item, Category)]
        for name, field in role.model_fields.items()
    }

    assert {name for name, found in labels.items() if not found} == frame
    assert all(len(found) == 1 for name, found in labels.items() if name not in frame)
    assert set(RELEASED_FIELDS[role].values()) == set(role.model_fields) - frame


@pytest.mark.parametrize("role", [JobcenterSituation, ProviderReferral])
def test_every_field_beyond_the_frame_can_be_absent(role: type[Released]) -> None:
    needed = {name for name, field in role.model_fields.items() if field.is_required()}

    assert needed == {"reference", "service"} & set(role.model_fields)
