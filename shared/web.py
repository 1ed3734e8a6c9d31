"""HTTP as every service speaks it: role tokens, and errors that name field and reason but never the value."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from shared.keys import KeyDestroyed, KeyNeverMade, UnreadableValue
from shared.observability import correlation_id
from shared.outbox import random_id
from shared.repeat import IdempotencyKeyReused
from shared.writer import StoreUnavailable

log = structlog.get_logger()


class Role(StrEnum):
    """What a caller may do. A role is held by a token; tokens are made by `ops` and only their hashes are stored."""

    INTAKE_WORKER = "intake_worker"
    ASSESSOR = "assessor"
    OUTREACH_WORKER = "outreach_worker"
    LEAD = "lead"
    PERSON_DESK = "person_desk"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the token says."""

    caller_id: str
    role: Role


class Unauthorised(Exception):
    """Raised when a request brings no token, or one that is not known."""

    code = "unauthorised"

    def __init__(self) -> None:
        super().__init__("a token that is known here has to come along: Authorization: Bearer ...")


class Forbidden(Exception):
    """Raised when the caller's role may not do this."""

    code = "forbidden"

    def __init__(self) -> None:
        super().__init__("the role of this token may not do that")


class Tokens:
    """Knows callers by the hash of their token; reads the file again when it changes.

    A file that cannot be read, or is half written, changes nothing: who was known before still is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._callers: dict[str, Caller] = {}
        self._is_readable = True

    def caller(self, token: str) -> Caller | None:
        """Return who holds a token, or None."""
        self._read()
        return self._callers.get(hashlib.sha256(token.encode()).hexdigest())

    def named(self, *roles: Role) -> frozenset[str]:
        """Return the ids of everybody who holds a token of one of these roles."""
        self._read()
        return frozenset(caller.caller_id for caller in self._callers.values() if caller.role in roles)

    def are_readable(self) -> bool:
        """Say whether the file can be read now."""
        self._read()
        return self._is_readable

    def _read(self) -> None:
        try:
            state = self._path.stat().st_mtime_ns
            if state == self._read_at:
                self._is_readable = True
                return
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            self._callers = {item["sha256"]: Caller(item["caller_id"], Role(item["role"])) for item in raw["tokens"]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            if self._is_readable:
                log.error("tokens_unreadable", error=type(error).__name__)
            self._is_readable = False
        else:
            self._read_at, self._is_readable = state, True


_bearer = HTTPBearer(auto_error=False)
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"
"""The pattern of a text that says something."""
_PLAIN_NAME = re.compile(r"[a-z0-9_]{1,40}")
_ID_PATTERN = re.compile(r"\^\[A-Za-z0-9_-\]\{(\d+),(\d+)\}\$")
_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
_AN_OBJECT, _A_LIST, _A_NUMBER = "must be an object", "must be a list", "must be a whole number"
_A_DAY, _A_TIME = "must be a day such as 2026-01-31", "must be a day and time with its zone, as in ISO 8601"
_WORDS = {
    "json_invalid": "is no valid JSON",
    "takes_none": "must be empty: nothing of it would be kept",
    **dict.fromkeys(("model_attributes_type", "model_type", "dict_type", "dataclass_type"), _AN_OBJECT),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _A_LIST),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _A_NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("string_type", "string_unicode"), "must be a text"),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _A_DAY),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"), _A_TIME),
}
"""What pydantic's codes mean to somebody who fills in a form."""
_SAID_BY_THE_SCHEMA = {
    "missing",
    "extra_forbidden",
    "enum",
    "literal_error",
    "string_too_long",
    "string_too_short",
    "string_pattern_mismatch",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
}


def allow(*roles: Role, decides_later: bool = False) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that lets only these roles in and says who calls; it refuses a body that nobody reads.

    Who may is told first: where somebody else decides that later, `refuse_unread_body` is theirs to call as well.
    """

    async def check(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        caller = request.app.state.tokens.caller(credentials.credentials) if credentials else None
        if caller is None:
            raise Unauthorised
        if caller.role not in roles:
            route = getattr(request.scope.get("route"), "path", "")  # the template: whose case it was stays out
            log.warning("role_refused", by=caller.caller_id, role=caller.role, method=request.method, route=route)
            raise Forbidden
        if not decides_later:
            await refuse_unread_body(request)
        return Caller(caller.caller_id, caller.role)

    return check


async def refuse_unread_body(request: Request) -> None:
    """Refuse what a caller says where nothing is heard: they would believe that it was kept."""
    takes_none = getattr(request.scope.get("route"), "body_field", None) is None
    if takes_none and (await request.body()).strip() not in (b"", b"{}", b"null"):
        raise RequestValidationError([{"type": "takes_none", "loc": ("body",), "msg": "", "input": None}])


def new_app(title: str, *, version: str, tokens: Tokens, lifespan: Any) -> FastAPI:  # Any: FastAPI's lifespan type
    """Return an app without the documentation pages that load scripts from elsewhere, and with our error answers."""
    app = FastAPI(title=title, version=version, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.tokens = tokens
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Unauthorised, _answer(401))
    app.add_exception_handler(Forbidden, _answer(403))
    app.add_exception_handler(StoreUnavailable, _answer(503))
    app.add_exception_handler(IdempotencyKeyReused, _answer(409))
    app.add_exception_handler(KeyDestroyed, _gone)
    app.add_exception_handler(UnreadableValue, _unreadable)
    app.middleware("http")(_correlate)
    return app


def answer_errors(app: FastAPI, base: type[Exception], statuses: Mapping[str, int]) -> None:
    """Answer a service's errors by their code; a code without a status is a conflict (409)."""

    async def answer(_request: Request, error: Exception) -> JSONResponse:
        code = str(getattr(error, "code", "conflict"))
        return problem(statuses.get(code, 409), code, str(error), fields=getattr(error, "fields", None))

    app.add_exception_handler(base, answer)


def problem(status: int, code: str, message: str, *, fields: list[dict[str, str]] | None = None) -> JSONResponse:
    """Return an error as every service words it."""
    return JSONResponse({"code": code, "message": message, "errors": fields or []}, status_code=status)


def _answer(status: int) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(_request: Request, error: Exception) -> JSONResponse:
        return problem(status, str(getattr(error, "code", "error")), str(error) or type(error).__name__.lower())

    return answer


async def _gone(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, KeyNeverMade):
        log.error("key_never_made")
        return problem(503, error.code, "what is kept about this cannot be read: the store of keys is the wrong one")
    return problem(410, KeyDestroyed.code, "nothing of it can be read any more: the person was erased")


async def _unreadable(_request: Request, error: Exception) -> JSONResponse:
    log.error("value_unreadable", where=str(error))  # names a place, by ids
    return problem(503, UnreadableValue.code, "something that is kept about this cannot be read")


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    """Name each field and why it was refused. The input itself is never repeated."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    fields = [{"field": field_of(item), "reason": reason_of(item)} for item in found]
    return problem(422, "malformed", "the request has fields that cannot be accepted", fields=fields)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework itself refuses (unknown path or method, unreadable body) without its words."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    phrase = HTTPStatus(status).phrase.lower()
    response = problem(status, phrase.replace(" ", "_"), phrase)
    response.headers.update(headers or {})
    return response


def field_of(item: Mapping[str, Any]) -> str:  # Any: pydantic's error details
    """Return where in the request it is; a name that the caller made up is part of the input, so it has to be plain."""
    if item["type"] == "json_invalid":
        return "body"
    if item["loc"][0] == "header":  # no caller makes up the name of one that is read
        return str(item["loc"][-1]).lower()
    path = [str(part) for part in item["loc"][1:] or item["loc"]]
    return ".".join(part if _PLAIN_NAME.fullmatch(part) else "?" for part in path)


def reason_of(item: Mapping[str, Any]) -> str:  # Any: pydantic's error details
    """Return why it was refused: in our words, or pydantic's where they are built from the schema alone."""
    kind = str(item["type"])
    if kind in _WORDS:
        return _WORDS[kind]
    if kind not in _SAID_BY_THE_SCHEMA:
        return kind.replace("_", " ")
    pattern = str(item.get("ctx", {}).get("pattern", "")) if kind == "string_pattern_mismatch" else ""
    if length := _ID_PATTERN.fullmatch(pattern):
        return f"must be {length[1]} to {length[2]} letters, digits, hyphens or underscores"
    if pattern == NOT_BLANK:
        return "must not be empty"
    return _MEMBER.sub(r"\1", str(item["msg"]))


async def _correlate(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    chain = random_id()
    token = correlation_id.set(chain)
    try:
        response = await call_next(request)
    finally:
        correlation_id.reset(token)
    response.headers["X-Correlation-Id"] = chain
    response.headers["Cache-Control"] = "no-store"
    return response
