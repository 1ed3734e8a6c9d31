"""Makes a running referral service on files of its own, and valid things to give it. No broker."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

from fastapi import FastAPI
from fastapi.testclient import TestClient
from faststream.rabbit.message import RabbitMessage
from httpx2 import Response

from services.referral.app import create_app
from services.referral.settings import Settings
from services.referral.subscribers import HANDLERS
from shared import migrations
from shared.bus import Line
from shared.contracts.catalogue import EVENTS, producer_of
from shared.contracts.consent import (
    Outcome,
    ProviderAnswer,
    ReferralAnswered,
    ReferralCleared,
    ReferralNotCleared,
    ReferralOpened,
)
from shared.contracts.envelope import CareEvent, Envelope
from shared.contracts.intake import CaseEnded, CaseOpened, Channel, Contact, NoticesGiven, Origin
from shared.outbox import Outgoing, random_id
from shared.receiver import Receiver
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Role

E = TypeVar("E", bound=CareEvent)
R = TypeVar("R")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CASE, PERSON = "case-0001", "person-0001"
CLINIC = {"case_id": CASE, "recipient_id": "lvr-klinik", "service": "psychiatric_consultation"}
SECOND_WORKER = "outreach_worker_2"
"""The token of another outreach worker; each role has a holder whose token is its name."""
FOLDER = Path("services/referral")


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@dataclass
class FakeMessage:
    """A message as the receiver sees it."""

    body: bytes
    settled: list[str] = field(default_factory=list)

    async def ack(self) -> None:
        """Note that it was handled."""
        self.settled.append("ack")

    async def nack(self, *, requeue: bool) -> None:
        """Note that it was given back."""
        self.settled.append("nack")


def settings_in(folder: Path, **changes: Any) -> Settings:  # Any: values of settings
    """Write the files that a service is started with, and return its settings."""
    (folder / "master.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    key = {"kid": "z1", "created_on": "2026-01-01", "key": base64.b64encode(secrets.token_bytes(32)).decode()}
    (folder / "zone.json").write_text(json.dumps({"zone_keys": [key]}))
    holders = [(role.value, f"{role.value}-1", role) for role in Role]
    holders.append((SECOND_WORKER, "outreach_worker-2", Role.OUTREACH_WORKER))
    tokens = [
        {"sha256": hashlib.sha256(token.encode()).hexdigest(), "caller_id": caller_id, "role": role.value}
        for token, caller_id, role in holders
    ]
    (folder / "tokens.json").write_text(json.dumps({"tokens": tokens}))
    values = {
        "database_url": f"sqlite:///{folder / 'referral.sqlite3'}",
        "key_store_url": f"sqlite:///{folder / 'keys.sqlite3'}",
        "journal_folder": folder / "journal",
        "master_key_file": folder / "master.key",
        "zone_keys_file": folder / "zone.json",
        "tokens_file": folder / "tokens.json",
        "broker_url": None,
    }
    return Settings(**{**values, **changes})


@dataclass
class Desk:
    """A running referral service, as a test sees it."""

    app: FastAPI
    http: TestClient
    clock: Clock

    @property
    def service(self) -> Service:
        """Return the running parts."""
        return cast(Service, self.app.state.service)

    def ask(self, method: str, path: str, body: Any = None, *, role: str = "assessor") -> Response:  # Any: JSON
        """Send a request with the token of a role."""
        return self.http.request(method, path, json=body, headers={"Authorization": f"Bearer {role}"})

    def hear(self, event: CareEvent, *, message_id: str | None = None) -> list[str]:
        """Hand a sealed event to the receiver as the bus would, and return how the message was settled."""
        service, id_ = self.service, message_id or random_id()
        kid, sealed = service.zone_keys.seal(f"{id_}|{event.event_type}", event.body())
        envelope = Envelope(
            id=id_,
            source=producer_of(event.event_type),
            type=event.event_type,
            time=self.clock.now,
            correlation_id=random_id(),
            zone_key=kid,
            sealed=sealed,
        )
        message = FakeMessage(envelope.to_bytes())
        receiver = Receiver(
            "referral",
            HANDLERS,
            writer=service.writer,
            inbox=service.inbox,
            parking=service.parking,
            zone_keys=service.zone_keys,
            line=Line("amqp://nowhere", name="none"),
        )
        portal = self.http.portal
        assert portal is not None
        portal.call(receiver.receive, cast(RabbitMessage, message))
        return message.settled

    def write(self, handler: Callable[[UnitOfWork], R]) -> R:
        """Run a handler through the service's writer."""
        portal = self.http.portal
        assert portal is not None
        return portal.call(self.service.writer.run, handler)

    def waiting(self) -> int:
        """Return how many messages wait for a predecessor."""
        with self.service.database.read() as session:
            return len(self.service.inbox.waiting(session, PERSON))

    def outgoing(self) -> list[Outgoing]:
        """Return every message that waits for the broker."""
        service, portal = self.service, self.http.portal
        assert portal is not None

        async def claim() -> list[Outgoing]:
            return await service.writer.run(
                lambda work: service.outbox.claim(work.session, now=work.now, limit=10_000, all_unsent=True)
            )

        return portal.call(claim)

    def announced(self, kind: type[E]) -> list[E]:
        """Return the events of one kind that were announced."""
        return [kind.model_validate_json(item.body) for item in self.outgoing() if EVENTS[item.type] is kind]

    def open_case(self, *args: str, informed: bool = True, **changes: str) -> None:
        """Have intake open a case, and give the notices in it."""
        opened = a_case(*args, **changes)
        self.hear(opened)
        if informed:
            self.hear(notices_given(opened))

    def asked(self, **changes: str) -> str:
        """Open a case, ask for help in it and return the referral's id."""
        self.open_case()
        referral: str = self.ask("POST", "/referrals", {**CLINIC, **changes}).json()["referral_id"]
        return referral

    def shown(self, referral_id: str) -> dict[str, Any]:  # Any: JSON values
        """Return a referral as the team sees it."""
        found: dict[str, Any] = self.ask("GET", f"/referrals/{referral_id}").json()
        return found

    def answered(self, answer: str = "accepted", **changes: Any) -> str:  # Any: fields of the answer
        """Bring a referral as far as this answer and return its id."""
        referral = self.asked()
        self.hear(cleared(referral))
        self.hear(opened(referral))
        self.hear(an_answer(referral, answer, **changes))
        return referral


@cache
def _migrated() -> bytes:
    """Return a database file with the newest tables; migrating once is enough for all tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "referral.sqlite3"
        migrations.upgrade(FOLDER, f"sqlite:///{path}")
        return path.read_bytes()


@contextmanager
def two_desks(folder: Path, database_url: str, key_store_url: str) -> Iterator[tuple[Desk, Desk]]:
    """Run two instances of the service on one database and one journal."""
    migrations.upgrade(FOLDER, database_url)
    known = settings_in(folder, database_url=database_url, key_store_url=key_store_url)
    clock = Clock()
    apps = [create_app(known, clock=clock) for _ in range(2)]
    with TestClient(apps[0]) as one, TestClient(apps[1]) as other:
        yield Desk(apps[0], one, clock), Desk(apps[1], other, clock)


@contextmanager
def running_desk(folder: Path, **changes: Any) -> Iterator[Desk]:  # Any: values of settings
    """Run the service on fresh files."""
    settings, clock = settings_in(folder, **changes), Clock()
    (folder / "referral.sqlite3").write_bytes(_migrated())
    app = create_app(settings, clock=clock)
    with TestClient(app) as http:
        yield Desk(app, http, clock)


def a_case(case_id: str = CASE, person_id: str = PERSON, address: str = "0201 555 0100") -> CaseOpened:
    """Return that a person has a case."""
    return CaseOpened(
        case_id=case_id,
        person_id=person_id,
        origin=Origin.SELF,
        opened_at=NOON,
        first_contact_by=date(2026, 3, 4),
        contact=Contact(channel=Channel.PHONE, address=address),
    )


def notices_given(opened: CaseOpened) -> NoticesGiven:
    """Return that intake gave the notices."""
    return NoticesGiven(case_id=opened.case_id, person_id=opened.person_id, given_at=opened.opened_at)


def the_end() -> CaseEnded:
    """Return that the case is over."""
    return CaseEnded(case_id=CASE, person_id=PERSON, ended_at=NOON)


def cleared(referral_id: str, *, minute: int = 1) -> ReferralCleared:
    """Return that the gate told the provider to look."""
    return ReferralCleared(referral_id=referral_id, person_id=PERSON, at=NOON + timedelta(minutes=minute))


def not_cleared(referral_id: str, *, minute: int = 1) -> ReferralNotCleared:
    """Return that the provider may learn nothing."""
    return ReferralNotCleared(referral_id=referral_id, person_id=PERSON, at=NOON + timedelta(minutes=minute))


def opened(referral_id: str, *, minute: int = 2) -> ReferralOpened:
    """Return that the provider looked."""
    return ReferralOpened(referral_id=referral_id, person_id=PERSON, at=NOON + timedelta(minutes=minute))


def an_answer(
    referral_id: str,
    answer: str,
    *,
    minute: int = 3,
    appointment_at: datetime | None = None,
    outcome: Outcome | None = None,
) -> ReferralAnswered:
    """Return what the provider said."""
    return ReferralAnswered(
        referral_id=referral_id,
        person_id=PERSON,
        answered_at=NOON + timedelta(minutes=minute),
        answer=ProviderAnswer(answer),
        appointment_at=appointment_at,
        outcome=outcome,
    )
