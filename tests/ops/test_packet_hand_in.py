"""What was noted is handed in as often as it takes, and stays noted until the service has said what became of it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.packet import EntryKind
from tests.ops.packets import VISIT, Machine


class Service:
    """A made-up service that answers as it is told to, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[tuple[str, str | None, Any]] = []  # Any: JSON values
        self.url = ""

    def answer(self, said: Any) -> bytes:
        """Return the answer to a journal."""
        if self.body:
            return self.body
        settled = [{"entry_id": one["entry_id"], "settled": "taken"} for one in said["entries"]]
        return json.dumps({"entries": settled}).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    """Run a made-up service."""
    made_up = Service()

    class Handler(BaseHTTPRequestHandler):
        """Answers as it is told to."""

        def do_POST(self) -> None:
            """Answer one request."""
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made_up.asked.append((self.path, self.headers.get("Authorization"), said))
            self.send_response(made_up.status)
            self.end_headers()
            self.wfile.write(made_up.answer(said))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made_up.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made_up
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine on which a visit was noted from beginning to end."""
    noted = Machine(tmp_path)
    noted.set_out()
    noted.run("note", "no")
    (tmp_path / "token").write_text("token-of-the-worker\n")
    return noted


def hand_in(machine: Machine, service: Service) -> int:
    """Hand in what was noted."""
    return machine.run("hand-in", "--url", service.url, "--token-file", str(machine.folder / "token"))


def test_all_is_handed_in_and_does_not_stay(
    machine: Machine, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hand_in(machine, service) == 0

    [(path, token, said)] = service.asked
    assert (path, token) == (f"/visits/{VISIT}/journal", "Bearer token-of-the-worker")
    assert [sorted(one) for one in said["entries"]] == [
        ["at", "entry_id", "kind", "packet_id", "visit_id"],
        ["entry_id", "kind", "packet_id", "visit_id"],
    ]
    assert capsys.readouterr().out.count(" taken\n") == 2
    assert not machine.journal.exists()


def test_a_start_stays_noted_until_the_end_is_handed_in(tmp_path: Path, service: Service) -> None:
    machine = Machine(tmp_path)
    machine.set_out()
    (tmp_path / "token").write_text("token-of-the-worker")

    assert hand_in(machine, service) == 0

    assert [entry.kind for entry in machine.noted()] == [EntryKind.SET_OUT]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, b'{"code": "store_unavailable"}'), "status 503 (store_unavailable)"),
        ((404, b'{"code": "<b>"}'), "status 404 (no code)"),
        ((502, b"<html>"), "status 502 without JSON"),
        ((200, b"{}"), "another one answered at this address"),
        ((200, b'{"entries": []}'), "the answer is not about what was handed in"),
    ],
)
def test_what_was_not_taken_stays_noted(
    machine: Machine, service: Service, capsys: pytest.CaptureFixture[str], answer: tuple[int, bytes], reason: str
) -> None:
    service.status, service.body = answer
    capsys.readouterr()

    assert hand_in(machine, service) == 1

    assert capsys.readouterr().err == f"not_handed_in: {reason}; everything stays noted here, hand it in again\n"
    assert len(machine.noted()) == 2


def test_without_an_answer_everything_stays_noted(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = Service()
    nowhere.url = "http://127.0.0.1:9"

    assert hand_in(machine, nowhere) == 1

    assert capsys.readouterr().err.startswith("not_handed_in: no answer (")
    assert len(machine.noted()) == 2
