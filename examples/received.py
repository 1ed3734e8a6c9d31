"""Everything that reached a desk over the bus, in order, kept in a file of JSON lines."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any  # entries are JSON

from sdk import Arrival


class ReceivedLog:
    """An append-only list of arrivals; a restart keeps it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._entries: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, arrival: Arrival) -> None:
        """Write one arrival down before anything is done with it."""
        entry = {
            "number": len(self._entries) + 1,
            "received_at": datetime.now(UTC).isoformat(),
            "kind": arrival.kind,
            "properties": _as_json(arrival.properties),
            "headers": _as_json(arrival.headers),
            "delivery": _as_json(arrival.delivery),
            "size": arrival.size,
            "protected": _as_json(arrival.protected),
            "body": _read(arrival.body),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """Return all arrivals, oldest first."""
        return list(self._entries)


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", errors="backslashreplace")
