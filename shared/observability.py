"""Logs as JSON lines that hold ids, counts and durations, and never a value of a person.

Lines of libraries are reduced to their logger, level and message template: arguments and tracebacks can hold values.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextvars import ContextVar
from pathlib import Path
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
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_TemplateOnly(service))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("aiormq").setLevel(logging.WARNING)  # at DEBUG it prints raw frames


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
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        line["where"] = _frames(error)
    return line


def _frames(error: BaseException) -> list[str]:
    """Return the innermost places of an error: file, line and function, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


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
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["where"] = _frames(record.exc_info[1])
        return str(structlog.processors.JSONRenderer()(None, "", line))
