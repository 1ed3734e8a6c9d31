"""Does what outreach workers do: meets somebody, writes it down, looks again."""

import secrets
from datetime import datetime
from typing import Any

from httpx2 import Response
from sqlmodel import select

from services.intake.outreach_store import Thread, ThreadAlarm, ThreadContact
from tests.intake.builders import Intake

WORKER = "outreach_worker"
SPOKEN = {"wish": {"said": "spoken", "language": "de"}}


def a_contact(intake: Intake, *, at: datetime | None = None, **changes: Any) -> dict[str, Any]:  # Any: JSON values
    """Return a contact of now, or of then."""
    values: dict[str, Any] = {
        "contact_id": secrets.token_urlsafe(16),
        "met_at": (at or intake.clock.now).isoformat(),
        "point": "bus_station",
        "done": ["met", "talked"],
    }
    return {**values, **changes}


def a_thread(intake: Intake, *, called: str | None = None, role: str = WORKER, **contact: Any) -> str:
    """Begin a thread, and return its id."""
    body = {"contact": a_contact(intake, **contact)} | ({"called": called} if called else {})
    answer = intake.ask("POST", "/threads", body, role=role)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["thread_id"])


def meet(intake: Intake, thread_id: str, *, role: str = WORKER, **contact: Any) -> Response:
    """Write a contact down."""
    return intake.ask("POST", f"/threads/{thread_id}/contacts", a_contact(intake, **contact), role=role)


def shown(intake: Intake, thread_id: str) -> dict[str, Any]:
    """Return a thread as an outreach worker sees it."""
    answer = intake.ask("GET", f"/threads/{thread_id}", role=WORKER)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def want_case(intake: Intake, thread_id: str, **body: Any) -> Response:
    """Say that one wants a case."""
    return intake.ask("POST", f"/threads/{thread_id}/case", {**SPOKEN, **body}, role=WORKER)


def forget(intake: Intake, thread_id: str) -> int:
    """Want to be forgotten; return the status."""
    return intake.ask("DELETE", f"/threads/{thread_id}", role=WORKER).status_code


def join(intake: Intake, thread_id: str, other: str) -> Response:
    """Say that two threads are of one person."""
    return intake.ask("POST", f"/threads/{thread_id}/joining", {"other_thread_id": other}, role=WORKER)


def thread_alarms(intake: Intake, *, role: str = WORKER) -> list[tuple[str, str]]:
    """Return rung and step of what outreach workers are told."""
    listed = intake.ask("GET", "/alarms", role=role).json()
    return [(line["rung"], line["step"]) for line in listed if line["thread_id"]]


def kept(intake: Intake) -> dict[str, list[dict[str, Any]]]:
    """Return every row about threads."""
    with intake.app.state.service.database.read() as session:
        return {
            table.__name__: [row.model_dump() for row in session.exec(select(table))]
            for table in (Thread, ThreadContact, ThreadAlarm)
        }


def is_destroyed(intake: Intake, key_id: str) -> bool:
    """Say whether a key is gone."""
    return bool(intake.app.state.service.keys.is_destroyed(key_id))
