"""The contracts as JSON Schema (2020-12): care events, released messages, and the wire towards recipients. Pure.

An absent field is absent: nothing that is sent holds a null, so no schema but that of a refusal allows one.
"""

from typing import Any, cast

from pydantic import BaseModel

from shared.contracts.answers import ANSWERS, REPLIES, Notice, RefusedReply, Said
from shared.contracts.billing import BillingStatement
from shared.contracts.catalogue import EVENTS
from shared.contracts.categories import Category, LabelledBy, StructuralLabel, label_of
from shared.contracts.envelope import CareEvent
from shared.contracts.released import RELEASED_FIELDS, JobcenterSituation, ProviderReferral
from shared.contracts.requests import COMMANDS, OpenRequest

Schema = dict[str, Any]  # a JSON Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RELEASED = (JobcenterSituation, ProviderReferral)


def all_schemas() -> dict[str, Schema]:
    """Return every schema by its path under `docs/schemas`."""
    return {
        "care/envelope.schema.json": envelope_schema(),
        **{f"care/{name}.schema.json": event_schema(event) for name, event in EVENTS.items()},
        **{f"released/{role.message_type}.schema.json": released_schema(role) for role in RELEASED},
        "wire/notice.schema.json": _document("wire.notice", _model(Notice, sent=True)),
        "wire/open.schema.json": _document("wire.open", _model(OpenRequest)),
        "wire/answer.schema.json": answer_schema(),
        **{f"wire/command.{name}.schema.json": command_schema(name) for name in COMMANDS},
        "wire/statement.schema.json": _document("wire.statement", _model(BillingStatement, sent=True)),
        "wire/reply.schema.json": _one_of("wire.reply", "What the gate replies to a command.", REPLIES),
    }


def event_schema(event: type[CareEvent]) -> Schema:
    """Return the schema of a care event's body; each field says what it is about (`x-label`)."""
    schema = _model(event)
    for name, field in event.model_fields.items():
        schema["properties"][name]["x-label"] = label_text(label_of(list(field.metadata)))
    return _document(event.event_type, schema)


def released_schema(role: type[JobcenterSituation] | type[ProviderReferral]) -> Schema:
    """Return the schema of a released message; its fields beyond the frame say their category (`x-label`)."""
    schema = _model(role)
    schema["properties"] = {"type": {"const": role.message_type}, **schema["properties"]}
    schema["required"] = ["type", *schema["required"]]
    for category, name in RELEASED_FIELDS[role].items():
        schema["properties"][name]["x-label"] = label_text(category)
    return _document(role.message_type, schema)


def answer_schema() -> Schema:
    """Return the schema of what an opening is answered, once it is unsealed; released messages included."""
    schema = _one_of("wire.answer", "What the gate answers to an opening.", ANSWERS)
    definitions = schema["$defs"]
    del definitions["JsonValue"]
    for role in RELEASED:
        body = {key: value for key, value in released_schema(role).items() if key not in ("$schema", "$id")}
        definitions |= body.pop("$defs")
        definitions[role.__name__] = body
    choices = [{"$ref": f"#/$defs/{role.__name__}"} for role in RELEASED]
    definitions["ReleasedAnswer"]["properties"]["released"] = {"oneOf": choices}
    return schema


def command_schema(name: str) -> Schema:
    """Return the schema of one command, once it is unsealed."""
    return _document(f"wire.command.{name}", _model(COMMANDS[name]))


def envelope_schema() -> Schema:
    """Return the schema of a care event on the wire: CloudEvents 1.0, structured mode, its body sealed."""
    text = {"type": "string", "minLength": 1}
    properties = {
        "specversion": {"const": "1.0"},
        "id": text,
        "source": {**text, "description": "The service that alone announces this type."},
        "type": {"enum": list(EVENTS)},
        "time": {"type": "string", "format": "date-time"},
        "correlationid": text,
        "zonekey": {**text, "description": "The key of the day with which the body is sealed."},
        "datacontenttype": {"const": "application/octet-stream"},
        "data_base64": {"type": "string", "contentEncoding": "base64", "description": "The sealed body."},
    }
    description = "A sealed care event. An operator of the broker can read this much and no more."
    return _document(
        "care.envelope",
        {"description": description, "type": "object", "properties": properties, "required": list(properties)},
    )


def label_text(label: StructuralLabel | LabelledBy | Category | None) -> str:
    """Return a label in words."""
    match label:
        case Category():
            return label.value
        case LabelledBy():
            return f"as {label.field} says"
        case StructuralLabel():
            return "structural"
    raise TypeError("a field without a label does not build")


def _model(model: type[BaseModel], *, sent: bool = False) -> Schema:
    schema = model.model_json_schema(mode="serialization" if sent else "validation")
    nulls = model is RefusedReply
    return cast(Schema, _plain(schema, nulls=nulls))


def _one_of(name: str, description: str, models: tuple[type[Said], ...]) -> Schema:
    definitions: Schema = {}
    for model in models:
        schema = _model(model, sent=True)
        definitions |= schema.pop("$defs", {})
        definitions[model.__name__] = schema
    choices = [{"$ref": f"#/$defs/{model.__name__}"} for model in models]
    return _document(name, {"description": description, "oneOf": choices, "$defs": definitions})


def _document(name: str, schema: Schema) -> Schema:
    return {"$schema": DIALECT, "$id": f"urn:gesehen:schema:{name}", **schema}


def _plain(node: Any, *, nulls: bool) -> Any:  # Any: a part of a JSON Schema
    """Drop generated titles and null alternatives: what is absent is absent."""
    if isinstance(node, list):
        return [_plain(item, nulls=nulls) for item in node]
    if not isinstance(node, dict):
        return node
    if "properties" in node:
        fields = {name: _plain(field, nulls=nulls) for name, field in node["properties"].items()}
        rest = {key: value for key, value in node.items() if key not in ("properties", "title")}
        return {**_plain(rest, nulls=nulls), "properties": fields}
    kept = {key: _plain(value, nulls=nulls) for key, value in node.items() if key != "title"}
    if nulls or "anyOf" not in kept:
        return kept
    choices = [choice for choice in kept.pop("anyOf") if choice != {"type": "null"}]
    if kept.get("default", ...) is None:
        del kept["default"]
    return {**choices[0], **kept} if len(choices) == 1 else {"anyOf": choices, **kept}
