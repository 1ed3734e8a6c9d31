"""Makes a running intake service on files of its own, and valid things to give it. No broker."""

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

from services.intake.app import create_app
from services.intake.settings import IntakeSettings
from services.intake.subscribers import handlers_for
from shared import migrations
from shared.contracts import consent
from shared.contracts.assessment import AssessmentStepPlanned
from shared.contracts.care import Turn
from shared.contracts.catalogue import EVENTS
from shared.contracts.consent import CommissionCancelled, CommissionReceived
from shared.contracts.envelope import CareEvent
from shared.contracts.intake import Channel, Contact
from shared.contracts.referral import ReferralStepPlanned
from shared.outbox import Outgoing
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Role

R = TypeVar("R")
E = TypeVar("E", bound=CareEvent)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
TEAM = "team-nord"
FOLDER = Path("services/intake")
IN_PERSON = {"channel": "in_person"}
SHA = "a" * 64
SECOND_WORKER = "second_outreach_worker"
"""The token of another outreach worker."""
SECOND_ID = "outreach_worker-2"


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: int) -> None:
        """Let days pass."""
        self.now += timedelta(days=days)


def settings_in(folder: Path, **changes: Any) -> IntakeSettings:  # Any: settings
    """Write the files that a service is started with, and return its settings."""
    (folder / "master.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    key = {"kid": "z1", "created_on": "2026-01-01", "key": base64.b64encode(secrets.token_bytes(32)).decode()}
    (folder / "zone.json").write_text(json.dumps({"zone_keys": [key]}))
    tokens = [
        {"sha256": hashlib.sha256(role.value.encode()).hexdigest(), "caller_id": f"{role.value}-1", "role": role.value}
        for role in Role
    ]
    second = hashlib.sha256(SECOND_WORKER.encode()).hexdigest()
    tokens.append({"sha256": second, "caller_id": SECOND_ID, "role": Role.OUTREACH_WORKER.value})
    (folder / "tokens.json").write_text(json.dumps({"tokens": tokens}))
    return IntakeSettings(
        database_url=f"sqlite:///{folder / 'intake.sqlite3'}",
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
class Intake:
    """A running intake service, as a test sees it."""

    app: FastAPI
    http: TestClient
    folder: Path
    clock: Clock

    def ask(
        self, method: str, path: str, body: Any = None, *, role: str = "intake_worker", key: str | None = None
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

    def look(self) -> int:
        """Have the care watch look once; return how many alarms it raised."""
        raised: int = asyncio.run(self.app.state.service.timer.look())
        return raised

    def alarms(self, rung: str | None = None) -> list[dict[str, Any]]:
        """Return the alarms that are open, of one rung if it is named."""
        path = f"/alarms?rung={rung}" if rung else "/alarms"
        listed: list[dict[str, Any]] = self.ask("GET", path, role="lead").json()
        return listed

    def care(self, case_id: str) -> dict[str, Any]:
        """Return what a case needs next."""
        shown: dict[str, Any] = self.ask("GET", f"/care/{case_id}").json()
        return shown

    def report_need(self, case_id: str, kind: str = "hunger") -> dict[str, Any]:
        """Report that somebody needs help now."""
        reported: dict[str, Any] = self.ask("POST", "/acute-needs", {"case_id": case_id, "kind": kind}).json()
        return reported

    def outgoing(self) -> list[Outgoing]:
        """Return every message that waits for the broker."""
        outbox = self.app.state.service.outbox
        return self.write(lambda work: outbox.claim(work.session, now=work.now, limit=10_000, all_unsent=True))

    def announced(self, kind: type[E]) -> list[E]:
        """Return the events of one kind that were announced."""
        return [kind.model_validate_json(item.body) for item in self.outgoing() if EVENTS[item.type] is kind]

    def open_case(self, **changes: Any) -> dict[str, str]:  # Any: JSON values
        """Open a case by hand and return its ids."""
        body = {"origin": "self", "contact": IN_PERSON, **changes}
        opened: dict[str, str] = self.ask("POST", "/cases", body).json()
        return opened

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
def running_intake(folder: Path, **changes: Any) -> Iterator[Intake]:  # Any: settings
    """Run the service on fresh files."""
    settings, clock = settings_in(folder, **changes), Clock()
    (folder / "intake.sqlite3").write_bytes(migrated_database())
    app = create_app(settings, clock=clock)
    with TestClient(app) as http:
        yield Intake(app, http, folder, clock)


def a_commission(**changes: Any) -> CommissionReceived:
    """Return a commission that the gate let in."""
    values: dict[str, Any] = {
        "commission_id": secrets.token_urlsafe(16),
        "recipient_id": "jobcenter-essen",
        "service": consent.Service.CLARIFICATION,
        "deadline": date(2026, 6, 30),
        "budget_line": "16A-2026",
        "received_at": NOON,
        "contact": Contact(channel=Channel.PHONE, address="0201 555 0100"),
    }
    return CommissionReceived(**{**values, **changes})


def a_step(ids: dict[str, str], **changes: Any) -> AssessmentStepPlanned:
    """Return that the assessment planned something in a case."""
    values: dict[str, Any] = {
        "strand_id": ids["case_id"],
        "case_id": ids["case_id"],
        "person_id": ids["person_id"],
        "number": 1,
        "planned_at": NOON,
        "responsible_id": "assessor-7",
        "turn": Turn.TEAM,
        "step": "talk",
        "due_at": NOON + timedelta(hours=6),
    }
    return AssessmentStepPlanned(**{**values, **changes})


def a_referral_step(ids: dict[str, str], **changes: Any) -> ReferralStepPlanned:
    """Return that a referral of a case stands somewhere new."""
    values = a_step(ids, strand_id="synthetic-referral-1", step="provider_answers", turn=Turn.PROVIDER).model_dump()
    return ReferralStepPlanned(**{**values, **changes})


def a_cancellation(commission: CommissionReceived) -> CommissionCancelled:
    """Return that the Jobcenter took a commission back."""
    return CommissionCancelled(commission_id=commission.commission_id, cancelled_at=NOON)
