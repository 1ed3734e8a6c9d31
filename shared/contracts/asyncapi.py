"""AsyncAPI 3.0 documents, one per service and one for partners, built from the contracts and the topology. Pure."""

from typing import Any

from shared import topology
from shared.contracts.catalogue import EVENTS, producer_of
from shared.contracts.inventory import first_sentence
from shared.contracts.requests import COMMANDS

Document = dict[str, Any]  # JSON of an AsyncAPI document

CLOUDEVENTS = "application/cloudevents+json"
JOSE = "application/jose"
VERSION = "1"
_LICENCE = {"name": "EUPL-1.2"}


def all_documents() -> dict[str, Document]:
    """Return every document by its path under `docs/asyncapi`."""
    services = {f"{service}.asyncapi.json": service_document(service) for service in topology.SERVICES}
    return {**services, "partners.asyncapi.json": partner_document()}


def service_document(service: str) -> Document:
    """Return what one service says and hears on the vhost `care`."""
    sent = [name for name in EVENTS if producer_of(name) == service]
    heard = [name for name in EVENTS if service in topology.readers_of(name)]
    queue = topology.events_queue(service)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Gesehen: {service}",
            "version": VERSION,
            "description": f"Care events that the {service} service announces and takes in. Bodies are sealed with the"
            " zone key; `x-body` names the schema of the unsealed body.",
            "license": _LICENCE,
        },
        "defaultContentType": CLOUDEVENTS,
        "servers": {"care": _server(topology.CARE, f"The service's own account, `{service}`, on the care circle.")},
        "channels": {
            **{_name(name): _event_channel(name) for name in sent},
            "queue": {
                "address": queue,
                "title": "Everything that reaches this service",
                "servers": [{"$ref": "#/servers/care"}],
                "messages": {_name(name): {"$ref": f"#/components/messages/{_name(name)}"} for name in heard},
                "bindings": {"amqp": _queue_binding(queue, vhost=topology.CARE)},
            },
        },
        "operations": {
            **{f"announce.{_name(name)}": _announcing(name) for name in sent},
            "take_in": {
                "action": "receive",
                "channel": {"$ref": "#/channels/queue"},
                "summary": "Each message has its effect once; what cannot be handled is parked.",
                "messages": [{"$ref": f"#/channels/queue/messages/{_name(name)}"} for name in heard],
                "bindings": {"amqp": {"ack": True}},
            },
        },
        "components": {"messages": {_name(name): _event_message(name) for name in sorted({*sent, *heard})}},
    }


def partner_document() -> Document:
    """Return what a recipient's own software says and hears, from the recipient's side."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gesehen: for partners",
            "version": VERSION,
            "description": "You receive exactly what the person released to you. A notice holds no content: open it,"
            " and the gate decides then what it holds. See docs/partners.md.",
            "license": _LICENCE,
        },
        "servers": {"own": _partner_server()},
        "channels": {
            "inbox": _channel(topology.INBOX, ["notice"], _queue_binding(topology.INBOX, vhost="{recipient_id}")),
            "open": _channel("open", ["open"], _exchange_binding(topology.REQUESTS, "direct", "{recipient_id}")),
            "command": _channel(
                "command", list(COMMANDS), _exchange_binding(topology.REQUESTS, "direct", "{recipient_id}")
            ),
            "answers": _channel(None, ["answer"], None),
            "replies": _channel(None, ["reply"], None),
        },
        "operations": {
            "receive_notice": _operation("receive", "inbox", ["notice"], "Acknowledge after the answer is stored."),
            "open_notice": {
                **_operation("send", "open", ["open"], "Ask what a notice stands for."),
                "reply": _reply("answers", "answer"),
            },
            "send_command": {
                **_operation("send", "command", list(COMMANDS), "Commission, cancel, or answer a referral."),
                "reply": _reply("replies", "reply"),
            },
        },
        "components": {"messages": _partner_messages()},
    }


def _partner_messages() -> Document:
    commands = {
        name: _message(
            name,
            (command.__doc__ or "").strip(),
            JOSE,
            payload={"type": "string", "description": "JWE compact (ECDH-ES, A256GCM) to the gate's public key."},
            plaintext=f"../schemas/wire/command.{name}.schema.json",
        )
        for name, command in COMMANDS.items()
    }
    sealed = {
        "type": "string",
        "description": "JWE compact (ECDH-ES, A256GCM) to the recipient's key, which `kid` names.",
    }
    return {
        "notice": _message(
            "notice", "There may be something to open.", CLOUDEVENTS,
            payload={"$ref": "../schemas/wire/notice.schema.json"},
        ),
        "open": _message(
            "open", "Open a notice.", "application/json", payload={"$ref": "../schemas/wire/open.schema.json"}
        ),
        "answer": _message(
            "answer", "What the notice holds now.", JOSE, payload=sealed,
            plaintext="../schemas/wire/answer.schema.json",
        ),
        "reply": _message(
            "reply", "Whether the command was taken.", JOSE, payload=sealed,
            plaintext="../schemas/wire/reply.schema.json",
        ),
        **commands,
    }  # fmt: skip


def _event_channel(event_type: str) -> Document:
    return {
        "address": event_type,
        "title": first_sentence(EVENTS[event_type]),
        "servers": [{"$ref": "#/servers/care"}],
        "messages": {_name(event_type): {"$ref": f"#/components/messages/{_name(event_type)}"}},
        "bindings": {"amqp": _exchange_binding(topology.EVENTS, "topic", topology.CARE)},
    }


def _announcing(event_type: str) -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{_name(event_type)}"},
        "messages": [{"$ref": f"#/channels/{_name(event_type)}/messages/{_name(event_type)}"}],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True}},
    }


def _event_message(event_type: str) -> Document:
    return {
        **_message(
            EVENTS[event_type].__name__,
            first_sentence(EVENTS[event_type]),
            CLOUDEVENTS,
            payload={"$ref": "../schemas/care/envelope.schema.json"},
        ),
        "x-body": {"$ref": f"../schemas/care/{event_type}.schema.json"},
    }


def _message(
    name: str, summary: str, content_type: str, *, payload: Document, plaintext: str | None = None
) -> Document:
    message = {"name": name, "summary": summary, "contentType": content_type, "payload": payload}
    return {**message, "x-plaintext": {"$ref": plaintext}} if plaintext else message


def _channel(address: str | None, messages: list[str], binding: Document | None) -> Document:
    channel: Document = {
        "address": address,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }
    return {**channel, "bindings": {"amqp": binding}} if binding else channel


def _operation(action: str, channel: str, messages: list[str], summary: str) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _reply(channel: str, message: str) -> Document:
    return {
        "address": {"location": "$message.header#/replyTo", "description": "`amq.rabbitmq.reply-to` and nothing else."},
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _server(vhost: str, description: str) -> Document:
    return {"host": "broker.example:5671", "pathname": f"/{vhost}", "protocol": "amqps", "description": description}


def _partner_server() -> Document:
    server = _server("{recipient_id}", "Your own virtual host; your connection file names host, account and password.")
    return {**server, "variables": {"recipient_id": {"description": "Your own id, as in your connection file."}}}


def _queue_binding(queue: str, *, vhost: str) -> Document:
    return {"is": "queue", "queue": {"name": queue, "durable": True, "autoDelete": False, "vhost": vhost}}


def _exchange_binding(exchange: str, kind: str, vhost: str) -> Document:
    target = {"name": exchange, "type": kind, "durable": True, "autoDelete": False, "vhost": vhost}
    return {"is": "routingKey", "exchange": target}


def _name(event_type: str) -> str:
    return event_type.replace(".", "_")
