"""Logs as JSON lines that hold ids, counts and durations, and never a value of a person.

Lines of libraries are reduced to their logger, level and message template: arguments and tracebacks can hold values.
A line that cannot be written is lost, and nothing else: who logs on a full disk may be about to give a message back.
"""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""The chain of events that the current work belongs to. It stays in the care circle."""


def set_up_logging(service: str, *, level: str = "INFO") -> None:
    """Send structlog and library logs to standard output, one JSON object a line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_context(service),
            _name_the_error,
            _only_plain,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: _Output(),
        cache_logger_on_first_use=False,
    )
    handler = _Lines()
    handler.setFormatter(_TemplateOnly(service))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in ("uvicorn.access", "aiormq", "aio_pika"):  # each request; at DEBUG raw frames
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a record that cannot be formatted would be printed, arguments and all
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda uncaught: _log_uncaught(uncaught.exc_type, uncaught.exc_value, None)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    """Log what nobody caught: Python itself would print its text."""
    structlog.get_logger().critical("uncaught_error", kind=kind.__name__, exc_info=error)


def _add_context(service: str) -> structlog.typing.Processor:
    def add(
        _logger: Any, _name: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:  # Any: structlog's own
        line["service"] = service
        if (chain := correlation_id.get()) is not None:
            line.setdefault("correlation_id", chain)
        return line

    return add


def _name_the_error(
    _logger: Any, _name: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:  # Any: structlog's
    """Replace an exception by the name of its class: its text may have been written by a library."""
    error = line.pop("exc_info", None)
    if error and not isinstance(error, BaseException):  # `log.exception` and friends say True
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        line["where"] = _frames(error)
    return line


def _only_plain(
    _logger: Any, _name: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:  # Any: structlog's
    """Reduce whatever is no id, number, time or list of such to its type: its text could say anything."""
    return {key: _plain(value) for key, value in line.items()}


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return f"<{type(value).__name__}>"


def _frames(error: BaseException) -> list[str]:
    """Return the innermost places of an error: file, line and function, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


class _Output(structlog.PrintLogger):
    """Writes lines to standard output as long as that can be written."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


class _Lines(logging.Handler):
    """Writes each record as a line where structlog's go."""

    def emit(self, record: logging.LogRecord) -> None:
        _Output().msg(self.format(record))


class _TemplateOnly(logging.Formatter):
    """Formats a library's record without its arguments."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {  # Any: a JSON object
            "event": str(record.msg) if record.args else "library_message",
            "logger": record.name,
            "level": record.levelname.lower(),
            "service": self._service,
        }
        error = _error_of(record)
        if error is not None:
            line["error"] = type(error).__name__
            line["where"] = _frames(error)
        return str(structlog.processors.JSONRenderer()(None, "", line))


def _error_of(record: logging.LogRecord) -> BaseException | None:
    """Return the error that a record is about: logged as such, or put into its text as an argument or all of it."""
    if record.exc_info and record.exc_info[1] is not None:
        return record.exc_info[1]
    arguments = record.args if isinstance(record.args, tuple) else ()
    return next((said for said in (record.msg, *arguments) if isinstance(said, BaseException)), None)
