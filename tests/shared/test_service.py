"""One service put together: it starts, says truly whether it works, and lets an operator see what is parked."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from shared.service import Service, new_service_app
from shared.unit_of_work import UnitOfWork
from tests.shared.builders import MARKER, Base, Clock, fresh_tables, out_of_reach
from tests.shared.cases import PERSON, Cases, effects_of, ended, opened, receiver_of
from tests.shared.service_files import settings_in

OPERATOR = {"Authorization": "Bearer operator"}
LEAD = {"Authorization": "Bearer lead"}
UNREADABLE = "malformed_envelope"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cases() -> Cases:
    return Cases()


@pytest.fixture
def service(tmp_path: Path, clock: Clock, cases: Cases) -> Service:
    settings = settings_in(tmp_path)
    fresh_tables(settings.database_url)
    return Service("assessment", settings, Base.metadata, cases.handlers(), clock=clock)


@pytest.fixture
def http(service: Service, cases: Cases) -> Iterator[TestClient]:
    with TestClient(new_service_app(service, title="Test", version="1.2.3")) as client:
        service.receiver = receiver_of(service, cases)
        yield client


def write(http: TestClient, service: Service, handler: Callable[[UnitOfWork], object]) -> None:
    """Run a handler in the service."""
    assert http.portal is not None
    http.portal.call(service.writer.run, handler)


def park(http: TestClient, service: Service, cases: Cases) -> None:
    """Park the news that a case was opened."""
    effects = effects_of(service, cases)  # type: ignore[arg-type]  # it has the same parts
    keep = partial(effects.park, parked_id="parked-1", received=opened(), body=b"", reason="attempts_used_up")
    write(http, service, keep)


def test_a_process_that_answers_is_alive(http: TestClient) -> None:
    assert http.get("/health").json() == {"status": "alive", "service": "assessment", "version": "1.2.3"}


def test_a_service_without_a_broker_runs_and_is_not_ready(http: TestClient) -> None:
    answer = http.get("/ready")

    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "parts": {
            "database": True,
            "broker_publishing": False,
            "broker_consuming": False,
            "handlers_progress": True,
            "no_message_waits_too_long": True,
            "journal": True,
            "tokens": True,
            "no_message_unsent_too_long": True,
        },
        "counts": {
            "unsent": 0,
            "oldest_unsent_seconds": 0,
            "unsent_too_long": 0,
            "waiting": 0,
            "oldest_waiting_seconds": 0,
            "waiting_too_long": 0,
            "parked": 0,
            "oldest_parked_seconds": 0,
        },
    }


def test_a_database_that_cannot_be_written_makes_a_service_not_ready(
    http: TestClient, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.service.STALLED_SECONDS", 0.3)

    with out_of_reach(service.settings.database_url, None):
        answer = http.get("/ready")

    assert (answer.status_code, answer.json()["parts"]["database"]) == (503, False)


def test_a_message_that_waits_too_long_makes_a_service_not_ready(
    http: TestClient, service: Service, cases: Cases, clock: Clock
) -> None:
    effects = effects_of(service, cases)  # type: ignore[arg-type]  # it has the same parts
    write(http, service, lambda work: effects.now_or_later(work, ended()))

    clock.pass_by(seconds=61)

    state = http.get("/ready").json()
    assert (state["parts"]["no_message_waits_too_long"], state["counts"]["waiting_too_long"]) == (False, 1)


def test_a_message_that_stays_unsent_too_long_makes_a_service_not_ready(
    http: TestClient, service: Service, clock: Clock
) -> None:
    write(http, service, lambda work: work.announce(opened().event))

    clock.pass_by(seconds=61)

    state = http.get("/ready").json()
    assert (state["parts"]["no_message_unsent_too_long"], state["counts"]["unsent_too_long"]) == (False, 1)


def test_a_handler_that_makes_no_progress_makes_a_service_not_ready(http: TestClient, service: Service) -> None:
    assert service.receiver is not None
    service.receiver._in_flight[1] = -1000.0

    assert http.get("/ready").json()["parts"]["handlers_progress"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/parked"), ("GET", "/parked/x"), ("POST", "/parked/x/handling"), ("POST", "/parked/x/dropping")],
)
@pytest.mark.parametrize(("headers", "status"), [({}, 401), (LEAD, 403)])
def test_parked_messages_are_the_operator_s_alone(
    http: TestClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert http.request(method, path, headers=headers, json={"reason": "sent_twice"}).status_code == status


def test_the_operator_sees_that_something_is_parked_and_no_value(
    http: TestClient, service: Service, cases: Cases
) -> None:
    park(http, service, cases)

    answer = http.get("/parked", headers=OPERATOR)

    [row] = answer.json()
    assert set(row) == {"parked_id", "message_id", "type", "reason", "parked_at"}
    assert datetime.fromisoformat(row["parked_at"]).isoformat() == row["parked_at"]
    assert (row["reason"], http.get("/ready").json()["counts"]["parked"]) == ("attempts_used_up", 1)
    assert MARKER not in answer.text
    assert PERSON not in answer.text


def test_the_operator_has_a_parked_message_handled_again(http: TestClient, service: Service, cases: Cases) -> None:
    park(http, service, cases)

    answers = [http.post("/parked/parked-1/handling", headers=OPERATOR).status_code for _ in range(2)]

    assert (answers, http.get("/parked", headers=OPERATOR).json()) == ([200, 404], [])


def test_a_parked_message_that_cannot_be_handled_stays_and_says_why_without_a_value(
    http: TestClient, service: Service, cases: Cases
) -> None:
    park(http, service, cases)
    service.keys.destroy(PERSON)

    answer = http.post("/parked/parked-1/handling", headers=OPERATOR)

    assert (answer.status_code, answer.json()["message"]) == (409, "it stays parked: key_destroyed")
    assert len(http.get("/parked", headers=OPERATOR).json()) == 1


def test_the_operator_drops_a_parked_message_with_a_reason(http: TestClient, service: Service, cases: Cases) -> None:
    park(http, service, cases)
    drop = partial(http.post, "/parked/parked-1/dropping", headers=OPERATOR)

    answers = [drop(json={"reason": MARKER}), drop(json={"reason": "sent_twice"}), drop(json={"reason": "sent_twice"})]

    assert [answer.status_code for answer in answers] == [422, 200, 404]
    assert MARKER not in answers[0].text
    reason = "must be 3 to 60 small letters or underscores"
    assert answers[0].json()["errors"] == [{"field": "reason", "reason": reason}]


SENT_TWICE = {"reason": "sent_twice"}


@pytest.mark.parametrize(
    "done", ["parked_message_handled by operator-1", "parked_message_dropped: sent_twice by operator-1"]
)
def test_what_was_done_with_a_parked_message_by_whom_and_when_is_kept_and_said(
    http: TestClient, service: Service, cases: Cases, done: str, capsys: pytest.CaptureFixture[str]
) -> None:
    park(http, service, cases)
    act, body = ("dropping", SENT_TWICE) if "dropped" in done else ("handling", None)
    ask = partial(http.post, f"/parked/parked-1/{act}", headers=OPERATOR, json=body)

    before = http.get("/parked/parked-1", headers=OPERATOR).json()
    answers = [ask().status_code, ask().status_code]
    after = http.get("/parked/parked-1", headers=OPERATOR)

    event = done.split(maxsplit=1)[0].rstrip(":")
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if event in line]
    assert (line["parked_id"], line["by"], line.get("reason")) == ("parked-1", "operator-1", (body or {}).get("reason"))
    assert (before["reason"], before["resolved_at"], before["resolution"]) == ("attempts_used_up", None, None)
    assert after.json()["resolution"] == done.removeprefix("parked_message_")
    assert after.json()["resolved_at"] == "2026-03-02T12:00:00+00:00"
    assert (answers, MARKER in after.text, PERSON in after.text) == ([200, 404], False, False)


def test_a_parked_message_that_nobody_has_is_not_shown(http: TestClient) -> None:
    assert http.get("/parked/unheard-of", headers=OPERATOR).status_code == 404


def test_a_second_failure_says_who_asked(
    http: TestClient, service: Service, cases: Cases, capsys: pytest.CaptureFixture[str]
) -> None:
    park(http, service, cases)
    service.keys.destroy(PERSON)

    http.post("/parked/parked-1/handling", headers=OPERATOR)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [failed] = [line for line in lines if line["event"] == "parked_message_failed_again"]
    assert (failed["parked_id"], failed["by"]) == ("parked-1", "operator-1")


def test_what_could_not_be_read_stays_parked_for_the_reason_that_is_listed(
    http: TestClient, service: Service, cases: Cases
) -> None:
    effects = effects_of(service, cases)  # type: ignore[arg-type]  # it has the same parts
    write(http, service, partial(effects.park, parked_id="parked-1", received=None, body=b"{", reason=UNREADABLE))

    answer = http.post("/parked/parked-1/handling", headers=OPERATOR)

    assert (answer.status_code, answer.json()["message"]) == (409, f"it stays parked: {UNREADABLE}")


def test_a_service_does_not_start_without_its_keys(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, key_store_url=f"sqlite:///{tmp_path}/nowhere/keys.db")
    fresh_tables(settings.database_url)
    service = Service("assessment", settings, Base.metadata, {})

    with pytest.raises(OperationalError), TestClient(new_service_app(service, title="Test", version="1")):
        pytest.fail("it started")


def test_a_master_key_of_the_wrong_length_is_refused_without_being_shown(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.master_key_file.write_text("c2hvcnQ=")

    with pytest.raises(ValueError, match="32 bytes") as raised:
        settings.master_key()

    assert "c2hvcnQ" not in str(raised.value)


def test_settings_show_neither_the_broker_s_password_nor_what_was_wrong(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, broker_url=f"amqp://assessment:{MARKER}@127.0.0.1/care")

    assert MARKER not in repr(settings)
    with pytest.raises(ValueError, match="http_port") as raised:
        settings_in(tmp_path, http_port=MARKER)
    assert MARKER not in str(raised.value)


def test_a_service_can_be_started_again_after_it_was_stopped(service: Service) -> None:
    app = new_service_app(service, title="Test", version="1")

    states = []
    for _ in range(2):
        with TestClient(app) as client:
            states.append(client.get("/ready").json()["parts"]["database"])

    assert states == [True, True]
