"""HTTP as every service speaks it: roles by token, and errors that name field and reason but never the value."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path as File
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastapi import Depends, FastAPI, Path, Query
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core._pydantic_core import list_all_errors  # there is no public list

from shared.web import Caller, Role, Tokens, allow, answer_errors, new_app, reason_of
from shared.writer import StoreUnavailable
from tests.shared.builders import MARKER

ASCII_MARKER = "Marker-7f3a"


class Colour(StrEnum):
    """A closed list."""

    RED = "red"


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    """The other of two."""

    kind: Literal["dog"]


class Inner(BaseModel):
    """Something inside something."""

    model_config = ConfigDict(extra="forbid")

    number: int


class Everything(BaseModel):
    """A field of every kind that a service could have."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=2, max_length=20, pattern=r"^[a-z]+$")] = "ab"
    number: Annotated[int, Field(ge=0, lt=10, multiple_of=2)] = 0
    real: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    exact: Annotated[Decimal, Field(max_digits=3, decimal_places=1)] = Decimal("1.0")
    yes: bool = True
    day: date = date(2026, 3, 2)
    at: datetime | None = None
    uuid: UUID | None = None
    colour: Colour = Colour.RED
    word: Literal["a", "b"] = "a"
    inner: Inner | None = None
    inners: Annotated[list[Inner], Field(max_length=2)] = []
    by_name: dict[str, int] = {}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    choice: int | list[int] = 0
    pair: tuple[int, str] | None = None
    unique: set[int] = set()
    link: Annotated[str, Field(max_length=5)] | None = None
    checked: str = ""
    coded: str = ""

    @field_validator("checked")
    @classmethod
    def _never(cls, value: str) -> str:
        if value:
            raise ValueError(f"{value} is not what it should be")
        return value

    @field_validator("coded")
    @classmethod
    def _in_the_future(cls, value: str) -> str:
        if value:
            raise PydanticCustomError("must_lie_in_the_future", "{value} is past", {"value": value})
        return value


class TownError(Exception):
    """Base of the made-up service's errors."""

    code = "town_error"


class StreetNotFound(TownError):
    """Raised when there is no such street."""

    code = "street_not_found"


class StreetTaken(TownError):
    """Raised when a street is there already."""

    code = "street_taken"


class StreetMalformed(TownError):
    """Raised when a street's name cannot be."""

    code = "street_malformed"
    fields: list[dict[str, str]] = [{"field": "name", "reason": "must be plain"}]  # noqa: RUF012


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> File:
    return tmp_path_factory.mktemp("web") / "tokens.json"


@pytest.fixture(scope="module")
def http(token_file: File) -> Iterator[TestClient]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:  # Any: an async iterator of nothing
        yield

    write_tokens(token_file, *Role)
    app = new_app("test", version="1", tokens=Tokens(token_file), lifespan=lifespan)
    answer_errors(app, TownError, {"street_not_found": 404, "street_malformed": 422})
    add_routes(app)
    with TestClient(app) as client:
        yield client


def add_routes(app: FastAPI) -> None:
    """Add a route for each thing that a test asks about."""

    @app.post("/everything")
    def everything(_body: Everything) -> None:
        """Accept anything valid."""

    @app.get("/numbers/{number}")
    def numbers(
        number: Annotated[int, Path(ge=1)], size: Annotated[int, Query(le=9)] = 1, colour: Colour = Colour.RED
    ) -> int:
        return number + size

    @app.get("/who")
    def who(caller: Annotated[Caller, Depends(allow(*Role))]) -> dict[str, str]:
        return {"caller_id": caller.caller_id, "role": caller.role}

    def add_role(role: Role) -> None:
        @app.get(f"/only/{role}")
        def only(_caller: Annotated[Caller, Depends(allow(role))]) -> None:
            """Let one role in."""

    for role in Role:
        add_role(role)
    errors = {"unknown": StreetNotFound, "taken": StreetTaken, "malformed": StreetMalformed, "out": StoreUnavailable}

    @app.get("/fails/{how}")
    def fails(how: str) -> None:
        raise errors[how]


def write_tokens(path: File, *roles: Role) -> None:
    """Write a token file in which each role's token is its name."""
    tokens = [
        {"sha256": hashlib.sha256(role.encode()).hexdigest(), "caller_id": f"{role}-1", "role": role} for role in roles
    ]
    path.write_text(json.dumps({"tokens": tokens}))


def bearer(token: str) -> dict[str, str]:
    """Return the header that brings a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("needed", Role)
@pytest.mark.parametrize("held", Role)
def test_a_role_enters_where_it_is_allowed_and_nowhere_else(http: TestClient, needed: Role, held: Role) -> None:
    answer = http.get(f"/only/{needed}", headers=bearer(held))

    assert answer.status_code == (200 if held == needed else 403)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("unknown"),
        bearer(""),
        {"Authorization": "Basic bGVhZDpsZWFk"},
        {"Authorization": "lead"},
        {"Authorization": "Bearer leäd".encode("latin-1")},
    ],
)
def test_nobody_enters_without_a_known_token(http: TestClient, headers: dict[str, str]) -> None:
    answer = http.get("/who", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")


def test_the_token_says_who_calls(http: TestClient) -> None:
    assert http.get("/who", headers=bearer("lead")).json() == {"caller_id": "lead-1", "role": "lead"}


def test_a_token_that_was_taken_away_is_refused_while_running(http: TestClient, token_file: File) -> None:
    before = http.get("/who", headers=bearer("lead")).status_code

    write_tokens(token_file, Role.OPERATOR)
    after = http.get("/who", headers=bearer("lead")).status_code
    write_tokens(token_file, *Role)

    assert (before, after) == (200, 401)


REFUSED: list[tuple[str, Any, str]] = [
    ("text", MARKER, "text"),
    ("text", [MARKER], "text"),
    ("text", "a", "text"),
    ("text", "a" * 21, "text"),
    ("number", MARKER, "number"),
    ("number", "77777", "number"),
    ("number", -77777, "number"),
    ("number", 7, "number"),
    ("number", 7.5, "number"),
    ("number", "9" * 5000, "number"),
    ("real", MARKER, "real"),
    ("real", -77777.5, "real"),
    ("exact", "77777.77777", "exact"),
    ("exact", MARKER, "exact"),
    ("yes", MARKER, "yes"),
    ("day", MARKER, "day"),
    ("day", "2026-02-31", "day"),
    ("at", MARKER, "at"),
    ("at", "2026-02-31T77:77", "at"),
    ("uuid", MARKER, "uuid"),
    ("colour", MARKER, "colour"),
    ("word", MARKER, "word"),
    ("inner", {"number": MARKER}, "inner.number"),
    ("inner", {"number": 1, "more": MARKER}, "inner.more"),
    ("inner", MARKER, "inner"),
    ("inners", [{"number": 1}, {"number": MARKER}], "inners.1.number"),
    ("inners", [{"number": 1}] * 3, "inners"),
    ("by_name", {MARKER: MARKER}, "by_name.?"),
    ("pet", {"kind": MARKER}, "pet"),
    ("pet", {"kind": "cat", "lives": MARKER}, "pet.cat.lives"),
    ("pet", {}, "pet"),
    ("choice", MARKER, "choice.int"),
    ("pair", [MARKER, "a"], "pair.0"),
    ("unique", [MARKER], "unique.0"),
    ("link", MARKER, "link"),
    ("checked", MARKER, "checked"),
    ("coded", MARKER, "coded"),
    ("unheard_of", MARKER, "unheard_of"),
    (MARKER, MARKER, "?"),
]


def says_no_value(answer: Response) -> bool:
    """Say whether an answer holds none of the values that were sent."""
    return not re.search(f"{MARKER}|{ASCII_MARKER}|7777|9999|31T", answer.text)


@pytest.mark.parametrize(("field", "value", "named"), REFUSED)
def test_a_refused_field_is_named_without_its_value(http: TestClient, field: str, value: Any, named: str) -> None:
    answer = http.post("/everything", json={field: value})

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert named in [error["field"] for error in answer.json()["errors"]]
    assert all(error["reason"] for error in answer.json()["errors"])
    assert says_no_value(answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{" + ASCII_MARKER.encode(), 422),
        (b'{"text": "' + ASCII_MARKER.encode(), 422),
        (b'{"number": ' + b"7" * 5000 + b"}", 400),
        (b"\xff" + ASCII_MARKER.encode(), 400),
        (b"[" * 100_000, 400),
        (json.dumps(MARKER).encode(), 422),
        (json.dumps([MARKER]).encode(), 422),
        (b"null", 422),
    ],
)
def test_a_body_that_cannot_be_read_is_not_repeated(http: TestClient, body: bytes, status: int) -> None:
    answer = http.post("/everything", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, set(answer.json())) == (status, {"code", "message", "errors"})
    assert says_no_value(answer)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None])
def test_a_body_of_another_kind_is_not_repeated(http: TestClient, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}

    answer = http.post("/everything", content=f"text={MARKER}".encode(), headers=headers)

    assert answer.status_code == 422
    assert says_no_value(answer)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"/numbers/{ASCII_MARKER}", "number"),
        ("/numbers/-77777", "number"),
        (f"/numbers/1?size={ASCII_MARKER}", "size"),
        ("/numbers/1?size=77777", "size"),
        (f"/numbers/1?colour={ASCII_MARKER}", "colour"),
    ],
)
def test_a_refused_parameter_is_named_without_its_value(http: TestClient, path: str, named: str) -> None:
    answer = http.get(path)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [named])
    assert says_no_value(answer)


def test_a_reason_is_given_where_the_schema_alone_says_it(http: TestClient) -> None:
    reasons = http.post("/everything", json={"text": "A", "word": MARKER, "more": 1, "coded": MARKER}).json()["errors"]

    assert {error["field"]: error["reason"] for error in reasons} == {
        "text": "String should have at least 2 characters",
        "word": "Input should be 'a' or 'b'",
        "more": "Extra inputs are not permitted",
        "coded": "must lie in the future",
    }


@pytest.mark.parametrize("known", list_all_errors(), ids=lambda known: known["type"])
def test_no_kind_of_pydantic_error_shows_its_input(known: dict[str, str]) -> None:
    from_the_schema = "expected|expected_plural|max_length|min_length|pattern|gt|ge|lt|le"
    message = re.sub(rf"{{(?!({from_the_schema})}})\w+}}", ASCII_MARKER, known["message_template_python"])

    reason = reason_of({"type": known["type"], "msg": message, "loc": ("body",), "input": ASCII_MARKER})

    assert ASCII_MARKER not in reason


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/{ASCII_MARKER}", 404, "not_found"),
        ("DELETE", "/everything", 405, "method_not_allowed"),
        ("GET", "/fails/unknown", 404, "street_not_found"),
        ("GET", "/fails/taken", 409, "street_taken"),
        ("GET", "/fails/malformed", 422, "street_malformed"),
        ("GET", "/fails/out", 503, "store_unavailable"),
    ],
)
def test_every_error_has_its_status_and_code(http: TestClient, method: str, path: str, status: int, code: str) -> None:
    answer = http.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message", "errors"}
    assert says_no_value(answer)


def test_an_error_of_the_service_names_its_fields(http: TestClient) -> None:
    assert http.get("/fails/malformed").json()["errors"] == [{"field": "name", "reason": "must be plain"}]


def test_every_answer_has_its_own_chain_and_is_kept_by_nobody(http: TestClient) -> None:
    answers = [http.get("/who"), http.get("/numbers/1"), http.get("/nowhere")]

    assert len({answer.headers["X-Correlation-Id"] for answer in answers}) == 3
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_there_are_no_pages_that_load_scripts_from_elsewhere(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 404
