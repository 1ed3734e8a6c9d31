"""Which accounts can bring a message into a queue, read from the definitions of a running broker.

Every way is followed: a permission to write leads to an exchange, bindings and alternate exchanges lead on, and what a
queue rejects or lets expire goes where its dead letters go. Nothing of it leaves its vhost but by shovel or federation.
"""

import re
from typing import Any

Definitions = dict[str, list[dict[str, Any]]]  # what /api/definitions answers
DEFAULT = "amq.default"
_LEADS_ON = ("alternate-exchange", "dead-letter-exchange")


def who_reaches(definitions: Definitions, vhost: str, queue: str) -> set[str]:
    """Return every account from which a way leads into the queue."""
    lists = {kind: rows for kind, rows in definitions.items() if isinstance(rows, list)}  # beside it stand versions
    here = {kind: [one for one in rows if one.get("vhost") == vhost] for kind, rows in lists.items()}
    exchanges = {DEFAULT, *(one["name"] for one in here["exchanges"]), *_predefined()}
    ways = _ways(here)
    return {
        permission["user"]
        for permission in here["permissions"]
        if any(_reaches(ways, start, queue) for start in exchanges if _matches(permission["write"], start))
        or _may_bind(permission, queue)
    }


def leaves_a_vhost(definitions: Definitions) -> list[str]:
    """Return what carries messages from one vhost, or broker, to another."""
    carrying = [one["component"] for one in definitions.get("parameters", []) if one["component"] != "operator_policy"]
    policies = [one["name"] for one in definitions.get("policies", []) if "federation-upstream" in one["definition"]]
    return [*carrying, *policies]


def administrators(definitions: Definitions) -> set[str]:
    """Return the accounts that may change what is defined."""
    allowed = {"administrator", "policymaker"}
    return {user["name"] for user in definitions["users"] if allowed & set(_tags(user["tags"]))}


def _ways(here: Definitions) -> dict[str, set[str]]:
    """Return where each exchange and queue leads: `e:` and `q:` keep their names apart."""
    queues = {one["name"] for one in here["queues"]}
    ways: dict[str, set[str]] = {f"e:{DEFAULT}": {f"q:{name}" for name in queues}}
    for one in here["bindings"]:
        kind = "q" if one["destination_type"] == "queue" else "e"
        ways.setdefault(f"e:{one['source']}", set()).add(f"{kind}:{one['destination']}")
    for kind, rows in (("e", here["exchanges"]), ("q", here["queues"])):
        for one in rows:
            found = {f"{kind}:{one['name']}": _led_to(one["arguments"], queues)}
            for policy in here.get("policies", []):
                if re.search(policy["pattern"], one["name"]):
                    found[f"{kind}:{one['name']}"] |= _led_to(policy["definition"], queues)
            for start, ends in found.items():
                ways.setdefault(start, set()).update(ends)
    return ways


def _led_to(arguments: dict[str, Any], queues: set[str]) -> set[str]:
    found = set()
    for name in _LEADS_ON:
        for spelled in (name, f"x-{name}"):
            if spelled not in arguments:
                continue
            exchange = arguments[spelled]
            key = arguments.get("x-dead-letter-routing-key", arguments.get("dead-letter-routing-key"))
            if exchange:
                found.add(f"e:{exchange}")
            else:  # by the default exchange: to the queue that is named, or to any, by the key that the message had
                found |= {f"q:{key}"} if key else {f"q:{queue}" for queue in queues}
    return found


def _reaches(ways: dict[str, set[str]], exchange: str, queue: str) -> bool:
    seen, waiting = set(), [f"e:{exchange}"]
    while waiting:
        here = waiting.pop()
        if here == f"q:{queue}":
            return True
        if here not in seen:
            seen.add(here)
            waiting.extend(ways.get(here, ()))
    return False


def _may_bind(permission: dict[str, Any], queue: str) -> bool:
    """Whether the account could make a way: bind what it writes to, or declare a queue with dead letters of its own."""
    return _matches(permission["configure"], queue) or _matches(permission["configure"], "anything-at-all")


def _matches(pattern: str, name: str) -> bool:
    """An empty pattern allows nothing: the broker reads it as `^$`."""
    return bool(pattern and re.search(pattern, name))


def _predefined() -> set[str]:
    return {"amq.topic", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.rabbitmq.trace"}


def _tags(tags: str | list[str]) -> list[str]:
    return tags.split(",") if isinstance(tags, str) else tags
