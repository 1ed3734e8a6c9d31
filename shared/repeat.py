"""A request that may be sent again: it is done once, and its key stands for the same request for ever.

Only hashes are kept. Whoever stores the one of the body seals it under the person's key: a short body can be guessed.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

RequestKey = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9_-]{16,64}$")]


class IdempotencyKeyReused(Exception):
    """Raised when a key comes again with another request: answering the first one's would lose the second."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("the key was used for another request")


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request with a key: who sends what under which key, and what stands in it."""

    request_key: str
    body_sha256: str = field(repr=False)

    def check_same(self, known_sha256: str | None) -> None:
        """Refuse the request unless it is the one that the key was used for."""
        if known_sha256 is not None and known_sha256 != self.body_sha256:
            raise IdempotencyKeyReused


def repeatable(key: str | None, *, sent_by: str, what: str, body: BaseModel | None) -> Repeatable | None:
    """Return what a request is recognised by when it comes again, or None if it brought no key."""
    if key is None:
        return None
    settled = json.dumps(body.model_dump() if body else None, sort_keys=True, default=_settled)
    return Repeatable(_sha256(f"{sent_by}|{what}|{key}"), _sha256(settled))


def lock_of(request: Repeatable | None) -> set[str]:
    """Name the row to lock so that of two requests under one key the second sees the first."""
    return {f"request:{request.request_key}"} if request else set()


def _settled(value: object) -> object:
    """Return what JSON knows no word for; a set has no order of its own."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be compared")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
