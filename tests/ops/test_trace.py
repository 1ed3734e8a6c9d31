"""One chain is followed through the logs of all services; what is no line of it is left out."""

import json
from pathlib import Path

import pytest

from ops.trace import main

CHAIN, OTHER = "chain-0001", "chain-0002"


def a_line(second: int, service: str, event: str, chain: str = CHAIN, **more: object) -> str:
    """Return a log line as the services write them."""
    said = {
        "event": event,
        "service": service,
        "timestamp": f"2026-03-02T12:00:{second:02}.5Z",
        "correlation_id": chain,
    }
    return json.dumps(said | more)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    sent = {"type": "consent.commission_received.v1", "message_id": "message-1"}
    consent = [a_line(1, "consent", "event_sent", **sent), a_line(5, "consent", "event_sent", OTHER, type="x.y.v1")]
    intake = ["no JSON", '{"event": "of no chain"}', a_line(2, "intake", "event_received", outcome="handled", **sent)]
    (tmp_path / "consent.log").write_text("\n".join(consent))
    (tmp_path / "intake.log").write_text("\n".join([*intake, '{"half a li']))
    return tmp_path


def test_a_chain_is_shown_in_the_order_of_time(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([CHAIN, "--logs", str(logs)]) == 0

    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert said == [
        ["12:00:01.500", "consent", "event_sent", "consent.commission_received.v1"],
        ["12:00:02.500", "intake", "event_received", "consent.commission_received.v1", "handled"],
    ]


def test_without_a_chain_the_latest_are_listed_with_whom_they_reached(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--logs", str(logs)]) == 0

    first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert first == ["12:00:01.500", "consent.commission_received.v1", "consent", "intake", CHAIN]
    assert second[-1] == OTHER


def test_an_unknown_chain_is_one_sentence(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chain-0003", "--logs", str(logs)]) == 1
    assert capsys.readouterr().err.startswith("nothing_logged: no line of that chain in ")
