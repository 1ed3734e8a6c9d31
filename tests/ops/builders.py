"""Valid access exports, and services that answer with them."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ops.access_export import FORMAT, Services
from shared.topology import SERVICES

PERSON = "person-synthetic-1"
AT = "2026-03-02T12:00:00Z"
TOKEN = "token-of-the-desk"


def a_record(kind: str = "note", **changes: Any) -> dict[str, Any]:  # Any: JSON values
    """Return a record as a service tells it."""
    values: dict[str, Any] = {
        "kind": kind,
        "id": f"{kind}-1",
        "recorded_at": AT,
        "source": "assessor-1",
        "concerns_others": "no",
        "content": {"text": "A synthetic text."},
        "unreadable": [],
    }
    return {**values, **changes}


def an_answer(service: str, *records: dict[str, Any]) -> dict[str, Any]:
    """Return what a service answers."""
    told = list(records) or [a_record("case", content={"case_id": f"case-of-{service}"})]
    return {
        "service": service,
        "service_version": "0.1.0",
        "person_id": PERSON,
        "generated_at": AT,
        "records": told,
    }


def a_document(records: Mapping[str, list[dict[str, Any]]] | None = None) -> dict[str, Any]:
    """Return an export of services that keep these records."""
    told = records if records is not None else {"assessment": [a_record()]}
    return {
        "format": FORMAT,
        "person_id": PERSON,
        "generated_at": "2026-03-02T12:00:00+00:00",
        "services": [an_answer(name, *told[name]) for name in told],
        "unknown_to": [name for name in SERVICES if name not in told],
    }


@dataclass
class Answers:
    """What each of four made-up services answers, and what it was asked with."""

    status: dict[str, int] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """Return where they are."""
        return Services(self.urls, TOKEN)

    def say(self, service: str, status: int, body: Any) -> None:
        """Have one of them answer something else."""
        self.status[service], self.body[service] = status, body


@contextmanager
def four_services() -> Iterator[Answers]:
    """Run four made-up services, each a path of one server."""
    answers = Answers(body={name: an_answer(name) for name in SERVICES})

    class Handler(BaseHTTPRequestHandler):
        """Answers as it is told to."""

        def do_GET(self) -> None:
            """Answer one request."""
            service = self.path.split("/")[1]
            answers.asked.append((self.path, self.headers.get("Authorization")))
            said = answers.body[service]
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(answers.status.get(service, 200))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    answers.urls = {name: f"http://127.0.0.1:{server.server_port}/{name}" for name in SERVICES}
    try:
        yield answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
