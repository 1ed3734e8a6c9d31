"""Makes a running assessment service on files of its own, and valid things to give it. No broker."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from services.assessment.app import create_app
from services.assessment.settings import AssessmentSettings
from services.assessment.subscribers import handlers_for
from shared import migrations
from shared.contracts.assessment import AssessmentStepPlanned
from shared.contracts.catalogue import EVENTS
from shared.contracts.envelope import CareEvent
from shared.contracts.intake import CaseEnded, CaseOpened, NoticesGiven, Origin
from shared.outbox import Outgoing
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Role

R = TypeVar("R")
E = TypeVar("E", bound=CareEvent)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
TEAM = "team-nord"
FOLDER = Path("services/assessment")


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: int) -> None:
        """Let days pass."""
        self.now += timedelta(days=days)


def settings_in(folder: Path, **changes: Any) -> AssessmentSettings:  # Any: settings
    """Write the files that a service is started with, and return its settings."""
    (folder / "master.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    key = {"kid": "z1", "created_on": "2026-01-01", "key": base64.b64encode(secrets.token_bytes(32)).decode()}
    (folder / "zone.json").write_text(json.dumps({"zone_keys": [key]}))
    tokens = [
        {"sha256": hashlib.sha256(role.value.encode()).hexdigest(), "caller_id": f"{role.value}-1", "role": role.value}
        for role in Role
    ]
    (folder / "tokens.json").write_text(json.dumps({"tokens": tokens}))
    return AssessmentSettings(
        database_url=f"sqlite:///{folder / 'assessment.sqlite3'}",
        key_store_url=f"sqlite:///{folder / 'keys.sqlite3'}",
        journal_folder=folder / "journal",
        master_key_file=folder / "master.key",
        zone_keys_file=folder / "zone.json",
        tokens_file=folder / "tokens.json",
        broker_url=None,
        team_id=TEAM,
        **changes,
    )


@dataclass
class Assessment:
    """A running assessment service, as a test sees it."""

    app: FastAPI
    http: TestClient
    folder: Path
    clock: Clock

    def ask(
        self, method: str, path: str, body: Any = None, *, role: str = "assessor", key: str | None = None
    ) -> Response:  # Any: a JSON value
        """Send a request with the token of a role."""
        headers = {"Authorization": f"Bearer {role}"} | ({"Idempotency-Key": key} if key else {})
        return self.http.request(method, path, json=body, headers=headers)

    def write(self, handler: Callable[[UnitOfWork], R]) -> R:
        """Run a handler through the service's writer."""
        service: Service = self.app.state.service
        return asyncio.run(service.writer.run(handler))

    def hear(self, event: CareEvent) -> None:
        """Hand an event of the care bus to its handler."""
        handler = handlers_for(TEAM)[type(event)]
        self.write(lambda work: handler(work, event))

    def outgoing(self) -> list[Outgoing]:
        """Return every message that waits for the broker."""
        outbox = self.app.state.service.outbox
        return self.write(lambda work: outbox.claim(work.session, now=work.now, limit=10_000, all_unsent=True))

    def told(self) -> list[Outgoing]:
        """Return what was announced beside what comes next in a case."""
        return [item for item in self.outgoing() if item.type != AssessmentStepPlanned.event_type]

    def planned(self, case_id: str) -> AssessmentStepPlanned:
        """Return the step of a case that was announced last."""
        return [event for event in self.announced(AssessmentStepPlanned) if event.case_id == case_id][-1]

    def announced(self, kind: type[E]) -> list[E]:
        """Return the events of one kind that were announced."""
        return [kind.model_validate_json(item.body) for item in self.outgoing() if EVENTS[item.type] is kind]

    def open_case(self, *, informed: bool = True, **changes: Any) -> CaseOpened:  # Any: values of the event
        """Have intake open a case and give the notices; return what it announced first."""
        event = a_case_opened(**changes)
        self.hear(event)
        if informed:
            self.hear(notices_given(event))
        return event

    def fact(self, case_id: str, **changes: Any) -> dict[str, Any]:  # Any: JSON values
        """Record a finding and return its id and version."""
        recorded: dict[str, Any] = self.ask("POST", f"/cases/{case_id}/facts", a_fact(**changes)).json()
        return recorded

    def case(self, case_id: str) -> dict[str, Any]:
        """Return everything that stands written in a case."""
        shown: dict[str, Any] = self.ask("GET", f"/cases/{case_id}").json()
        return shown

    def lines(self, path: str = "/cases") -> list[dict[str, Any]]:
        """Return a list of cases."""
        listed: list[dict[str, Any]] = self.ask("GET", path).json()
        return listed


@cache
def migrated_database() -> bytes:
    """Return an empty database file; migrating is done once for all tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.sqlite3"
        migrations.upgrade(FOLDER, f"sqlite:///{file}")
        return file.read_bytes()


@contextmanager
def running_assessment(folder: Path, **changes: Any) -> Iterator[Assessment]:  # Any: settings
    """Run the service on fresh files."""
    settings, clock = settings_in(folder, **changes), Clock()
    (folder / "assessment.sqlite3").write_bytes(migrated_database())
    app = create_app(settings, clock=clock)
    with TestClient(app) as http:
        yield Assessment(app, http, folder, clock)


def a_case_opened(**changes: Any) -> CaseOpened:
    """Return that intake opened a case."""
    values: dict[str, Any] = {
        "case_id": secrets.token_urlsafe(16),
        "person_id": secrets.token_urlsafe(16),
        "origin": Origin.SELF,
        "opened_at": NOON,
        "first_contact_by": date(2026, 3, 5),
    }
    return CaseOpened(**{**values, **changes})


def notices_given(opened: CaseOpened) -> NoticesGiven:
    """Return that intake gave the notices."""
    return NoticesGiven(case_id=opened.case_id, person_id=opened.person_id, given_at=opened.opened_at)


def a_case_ended(opened: CaseOpened) -> CaseEnded:
    """Return that intake ended a case."""
    return CaseEnded(case_id=opened.case_id, person_id=opened.person_id, ended_at=NOON)


def a_fact(**changes: Any) -> dict[str, Any]:
    """Return a finding as a request brings it."""
    return {"life_domain": "debts", "code": "creditors_many_and_unclear", "severity": 3, **changes}
