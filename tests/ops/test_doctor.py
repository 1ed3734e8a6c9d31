"""What the doctor says of each thing that can be wrong, from what services and broker answer."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ops.doctor import PARTS as SENTENCES
from ops.doctor import main
from ops.management import Management
from ops.operator_file import OperatorFile
from shared.topology import SERVICES
from tests.shared.metrics import PARTS

Answers = dict[str, tuple[int, Any]]
READY = {"ready": True, "parts": {"database": True}, "counts": {"parked": 0, "unsent": 0}}


@pytest.fixture
def answers() -> Answers:
    """Return what is answered where, all well."""
    services: Answers = {f"/{name}/{path}": (200, READY) for name in SERVICES for path in ("health", "ready")}
    queues = [{"name": f"{name}.events", "messages": 0} for name in SERVICES]
    consumers = [{"queue": {"name": f"{name}.events"}} for name in SERVICES]
    lines = [{"recipient_id": "lvr-klinik", "connected": True, "ended_at": None}]
    return services | {
        "/api/queues/care": (200, queues),
        "/api/consumers/care": (200, consumers),
        "/consent/recipients": (200, lines),
    }


@pytest.fixture
def file(answers: Answers, tmp_path: Path) -> Iterator[Path]:
    """Serve the answers, and return the operator file that leads there."""

    class Served(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path.partition("?")[0]]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body() if callable(body) else body).encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Served) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        services = {name: f"{url}/{name}" for name in SERVICES}
        OperatorFile(services, "token", Management(url, "operator", "password")).write(tmp_path / "operator.json")
        yield tmp_path / "operator.json"
        server.shutdown()


def said(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Return the exit code and the sentences below the tables."""
    code = main(["--file", str(file)])
    return code, capsys.readouterr().out.split("\n\n")[-1].splitlines()


def test_where_all_is_well_the_doctor_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(file, capsys) == (0, ["nothing is wrong"])


def test_a_queue_that_nobody_consumes_is_named_with_what_waits(
    file: Path, answers: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.doctor.CONSUMERS_AFTER_SECONDS", 0)
    answers["/api/queues/care"][1][0]["messages"] = 2
    answers["/api/consumers/care"][1].pop(0)

    assert said(file, capsys) == (1, ["nobody consumes intake.events; 2 messages wait"])


def test_a_consumer_whom_the_broker_lists_only_some_seconds_after_a_restart_is_waited_for(
    file: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    consumers = answers["/api/consumers/care"][1]
    listed = iter([consumers[1:], consumers[1:]])
    answers["/api/consumers/care"] = (200, lambda: next(listed, consumers))

    assert said(file, capsys) == (0, ["nothing is wrong"])
    assert next(listed, None) is None


def test_of_a_service_that_is_not_ready_no_consumer_is_waited_for(
    file: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    consumers = answers["/api/consumers/care"][1]
    listed = iter([consumers[1:]])
    answers["/api/consumers/care"] = (200, lambda: next(listed, consumers))
    answers["/intake/ready"] = (503, {**READY, "parts": {"broker_consuming": False}})

    assert said(file, capsys) == (
        1,
        ["nobody consumes intake.events; no message waits", "intake does not receive from the broker"],
    )


def test_a_service_that_does_not_answer_is_named(
    file: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    where = json.loads(file.read_text())
    where["services"]["intake"] = "http://127.0.0.1:1"
    file.write_text(json.dumps(where))

    assert said(file, capsys) == (1, ["intake does not answer at http://127.0.0.1:1"])


def test_each_part_that_does_not_work_is_a_sentence(
    file: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {"database": False, "broker_publishing": True, "broker_consuming": False}
    answers["/intake/ready"] = (503, {**READY, "parts": parts})

    assert said(file, capsys) == (
        1,
        ["intake cannot write to its database", "intake does not receive from the broker"],
    )


def test_of_every_part_the_doctor_knows_a_sentence() -> None:
    assert set(SENTENCES) == PARTS


def test_parked_messages_are_counted(file: Path, answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    answers["/referral/ready"] = (200, {**READY, "counts": {"parked": 1}})

    assert said(file, capsys) == (1, ["referral has parked 1 message: python -m ops.parked list"])


def test_a_line_that_is_down_is_a_problem_unless_the_recipient_was_ended(
    file: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = {"recipient_id": "gone", "connected": False, "ended_at": "2026-03-02T12:00:00+00:00"}
    down = {"recipient_id": "lvr-klinik", "connected": False, "ended_at": None}
    answers["/consent/recipients"] = (200, [ended, down])

    assert said(file, capsys) == (1, ["the gate has no line to lvr-klinik: it can neither be told nor ask"])


def test_a_broker_out_of_reach_is_one_sentence(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = json.loads(file.read_text())
    where["management"]["url"] = "http://127.0.0.1:1"
    file.write_text(json.dumps(where))

    code, [sentence] = said(file, capsys)

    assert (code, sentence[:32]) == (1, "no answer from the broker's mana")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"services": {}}', '{"management": 1, "services": [], "x": 1}'])
def test_an_operator_file_that_is_none_is_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "operator.json"
    path.write_text(text)

    assert main(["--file", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"operator_file_invalid: {path}: ")
