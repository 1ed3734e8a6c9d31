"""Logs hold ids, counts and durations, and never a value: not ours, not a library's, not an error's."""

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared.observability import correlation_id, set_up_logging
from tests.shared.builders import MARKER, NOON, a_case

Lines = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def logging_as_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    set_up_logging("test", level="DEBUG")


def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return what was logged."""
    output = capsys.readouterr()
    assert output.err == ""
    return [json.loads(line) for line in output.out.splitlines()]


def fail_with_a_value() -> None:
    """Fail the way libraries do: with the value in the text."""
    raise LookupError(f"no such person: {MARKER}")


def test_a_line_has_its_event_its_service_and_its_chain(capsys: pytest.CaptureFixture[str]) -> None:
    token = correlation_id.set("chain-1")

    structlog.get_logger().info("case_opened", case_id="case-1", took_ms=1.5)
    correlation_id.reset(token)

    [line] = lines(capsys)
    assert (line["event"], line["service"], line["correlation_id"]) == ("case_opened", "test", "chain-1")
    assert (line["case_id"], line["took_ms"], line["level"]) == ("case-1", 1.5, "info")


@pytest.mark.parametrize("how", ["exc_info=error", "exc_info=True", "exception"])
def test_an_error_is_logged_by_its_class_and_place(capsys: pytest.CaptureFixture[str], how: str) -> None:
    log = structlog.get_logger()
    say: dict[str, Callable[[Exception], object]] = {
        "exc_info=error": lambda error: log.error("handler_failed", exc_info=error),
        "exc_info=True": lambda _error: log.error("handler_failed", exc_info=True),
        "exception": lambda _error: log.exception("handler_failed"),
    }

    try:
        fail_with_a_value()
    except LookupError as error:
        say[how](error)

    [line] = lines(capsys)
    assert (line["error"], MARKER in str(line)) == ("LookupError", False)
    assert line["where"][-1].endswith("fail_with_a_value")


@pytest.mark.parametrize(
    "value", [a_case(), LookupError(MARKER), {"name": MARKER}, MARKER.encode(), object(), [a_case()]]
)
def test_what_is_no_id_number_or_time_is_logged_by_its_type(capsys: pytest.CaptureFixture[str], value: object) -> None:
    structlog.get_logger().info("something_happened", thing=value)

    [line] = lines(capsys)
    assert MARKER not in json.dumps(line, ensure_ascii=False)


def test_times_and_lists_of_ids_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().info("something_happened", at=NOON, ids=("a", "b"))

    [line] = lines(capsys)
    assert (line["at"], line["ids"]) == ("2026-03-02T12:00:00+00:00", ["a", "b"])


@pytest.mark.parametrize(
    "name",
    ["uvicorn.error", "uvicorn.access", "faststream", "sqlalchemy.pool", "aiormq.connection", "aio_pika", "asyncio"],
)
def test_a_library_s_line_shows_its_template_only(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logging.getLogger(name).error("could not handle %r of %s", {"name": MARKER}, MARKER)

    [line] = lines(capsys)
    assert (line["event"], line["logger"]) == ("could not handle %r of %s", name)


def test_a_library_s_ready_made_text_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("asyncio").error(f"Task exception was never retrieved: {MARKER}")

    [line] = lines(capsys)
    assert (line["event"], MARKER in str(line)) == ("library_message", False)


def test_an_error_that_a_library_logs_is_named_only(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail_with_a_value()
    except LookupError as error:
        logging.getLogger("uvicorn.error").error(error, exc_info=True)

    [line] = lines(capsys)
    assert (line["error"], MARKER in str(line)) == ("LookupError", False)


@pytest.mark.parametrize("text", ["Unexpected connection close from remote: %r", "%s after %s attempts"])
def test_an_error_among_the_arguments_of_a_library_s_line_is_named_only(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    arguments = (ConnectionError(MARKER), MARKER)[: text.count("%")]
    logging.getLogger("aiormq.connection").warning(text, *arguments)

    [line] = lines(capsys)
    assert (line["event"], line["error"], MARKER in str(line)) == (text, "ConnectionError", False)


def test_a_line_whose_arguments_do_not_fit_is_not_printed_instead(capsys: pytest.CaptureFixture[str]) -> None:
    template = "two of %s %s"
    logging.getLogger("uvicorn.error").error(template, MARKER)

    assert MARKER not in str(lines(capsys))


def test_frames_of_the_wire_are_never_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("aiormq.connection").debug("Received frame %r", MARKER)
    logging.getLogger("uvicorn.access").info("%s", MARKER)

    assert lines(capsys) == []


PROGRAM = """
import threading
import warnings
from shared.observability import set_up_logging

def fail():
    raise LookupError("Marker-7f3a")

set_up_logging("test")
warnings.warn("Marker-7f3a")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def test_warnings_and_what_nobody_caught_show_no_value() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)

    logged = [json.loads(line) for line in ended.stdout.splitlines()]
    assert "Marker-7f3a" not in ended.stdout + ended.stderr
    assert [line["event"] for line in logged] == ["library_message", "uncaught_error", "uncaught_error"]


@pytest.mark.parametrize("logger_of", [structlog.get_logger, logging.getLogger])
def test_a_log_that_cannot_be_written_stops_nobody_s_work(
    monkeypatch: pytest.MonkeyPatch, logger_of: Callable[[str], Any]
) -> None:
    with io.TextIOWrapper(Path("/dev/full").open("wb", buffering=0), write_through=True) as full_disk:
        monkeypatch.setattr(sys, "stdout", full_disk)

        logger_of("shared").warning("store_unavailable")
