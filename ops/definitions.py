"""The topology in the form in which the broker takes it: at boot from a file, later through the management API."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from shared.topology import PROVISIONER, Queue, Version, Zone, care_zone, recipient_zone

Definitions = dict[str, list[dict[str, Any]]]  # JSON of the broker; every list has its own shape
TAGS = {PROVISIONER: ["administrator"], "operator": ["monitoring"]}


def care_definitions(*, version: Version, password: Callable[[str], str], with_provisioner: bool) -> Definitions:
    """Return the care circle. A broker that was named to us already has an account that may declare."""
    zone = care_zone(version)
    accounts = [permission.account for permission in zone.permissions]
    return _definitions(zone, [*accounts, PROVISIONER] if with_provisioner else accounts, password)


def recipient_definitions(recipient_id: str, *, version: Version, password: Callable[[str], str]) -> Definitions:
    """Return what has to be added for one recipient; the gate's account is part of the care circle."""
    return _definitions(recipient_zone(recipient_id, version), [recipient_id], password)


def merge(parts: Iterable[Definitions]) -> Definitions:
    """Put definitions together."""
    merged: Definitions = {}
    for part in parts:
        for kind, entries in part.items():
            merged.setdefault(kind, []).extend(entries)
    return merged


def password_hash(password: str, *, salt: bytes) -> str:
    """Hash a password as RabbitMQ's `rabbit_password_hashing_sha256` does."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _definitions(zone: Zone, accounts: Iterable[str], password: Callable[[str], str]) -> Definitions:
    here = {"vhost": zone.vhost}
    return {
        "users": [_user(account, password(account)) for account in accounts],
        "vhosts": [{"name": zone.vhost}],
        "permissions": [
            {**here, "user": one.account, "configure": one.configure, "write": one.write, "read": one.read}
            for one in zone.permissions
        ],
        "exchanges": [
            {
                **here,
                "name": name,
                "type": kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name, kind in zone.exchanges.items()
        ],
        "queues": [{**here, **_queue(one)} for one in zone.queues],
        "bindings": [
            {
                **here,
                "source": one.exchange,
                "destination": one.queue,
                "destination_type": "queue",
                "routing_key": one.key,
                "arguments": {},
            }
            for one in zone.bindings
        ],
    }


def _queue(queue: Queue) -> dict[str, Any]:
    return {
        "name": queue.name,
        "durable": True,
        "auto_delete": False,
        "arguments": {"x-queue-type": "quorum", **queue.arguments},
    }


def _user(account: str, password: str) -> dict[str, Any]:
    return {
        "name": account,
        "password_hash": password_hash(password, salt=secrets.token_bytes(4)),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": TAGS.get(account, []),
        "limits": {},
    }
