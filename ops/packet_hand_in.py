"""Hands in what was noted about a visit (`POST /visits/{id}/journal`), as often as it takes.

Each entry has its effect once at the service, so an answer that was lost costs nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx2
from pydantic import ValidationError

from ops.errors import OpsError
from shared.contracts.packet import Journal, JournalEntry, SettledJournal, Settlement

_TIMEOUT_SECONDS: Final = 60


class NotHandedIn(OpsError):
    """Raised when the service does not answer or refuses: everything stays noted here."""

    code = "not_handed_in"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; everything stays noted here, hand it in again")


def hand_in(entries: Iterable[JournalEntry], *, url: str, token: str) -> dict[str, Settlement]:
    """Send what was noted, each visit for itself; return what became of each entry."""
    by_visit: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        by_visit.setdefault(entry.visit_id, []).append(entry)
    settled: dict[str, Settlement] = {}
    for visit_id, noted in by_visit.items():
        settled |= _send(visit_id, Journal(entries=tuple(noted)), url=url, token=token)
    return settled


def _send(visit_id: str, journal: Journal, *, url: str, token: str) -> Mapping[str, Settlement]:
    try:
        answer = httpx2.post(
            f"{url.rstrip('/')}/visits/{visit_id}/journal",
            content=journal.model_dump_json(exclude_none=True),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            timeout=_TIMEOUT_SECONDS,
        )
        told = answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotHandedIn(f"no answer ({type(error).__name__})") from None
    except ValueError:
        raise NotHandedIn(f"status {answer.status_code} without JSON") from None
    if answer.status_code != httpx2.codes.OK:
        raise NotHandedIn(f"status {answer.status_code} ({_code(told)})")
    try:
        settled = {one.entry_id: one.settled for one in SettledJournal.model_validate(told).entries}
    except ValidationError:
        raise NotHandedIn("another one answered at this address") from None
    if settled.keys() != {entry.entry_id for entry in journal.entries}:
        raise NotHandedIn("the answer is not about what was handed in")
    return settled


def _code(told: Any) -> str:  # Any: a JSON value
    code = told.get("code") if isinstance(told, dict) else None
    return str(code) if isinstance(code, str) and code.replace("_", "").isalnum() else "no code"
