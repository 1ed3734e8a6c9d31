"""A running gate on a database of its own, as a test sees it. No broker: what would be sent stays in the outbox."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import inspect
from sqlmodel import Session, SQLModel, select

from services.consent import commissions, grants
from services.consent.app import ConsentService, create_app
from services.consent.domain import RecipientRole, Word, referral_purpose
from services.consent.handlers import know_case
from services.consent.settings import ConsentSettings
from services.consent.subscribers import subscriptions
from services.consent.tables import metadata
from shared.contracts.catalogue import EVENTS
from shared.contracts.categories import Category
from shared.contracts.envelope import CareEvent
from shared.contracts.requests import read_command
from shared.outbox import CARE
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import (
    CLINIC,
    JOBCENTER,
    a_case,
    a_commission,
    a_declaration,
    a_referral,
    new_id,
)
from tests.consent.surroundings import Clock, Store, register, register_all, settings_in

R = TypeVar("R")
E = TypeVar("E", bound=CareEvent)
Row = TypeVar("Row", bound=SQLModel)
Answer = dict[str, Any]


@dataclass
class Gate:
    """A running gate. Every act takes a second, so that nothing happens at once with anything else."""

    app: FastAPI
    http: TestClient
    settings: ConsentSettings
    clock: Clock
    folder: Path
    _references: dict[str, str] = field(default_factory=dict)

    @property
    def service(self) -> ConsentService:
        """The service itself."""
        service: ConsentService = self.app.state.service
        return service

    def ask(
        self, method: str, path: str, body: Any = None, *, role: str = "person_desk", key: str | None = None
    ) -> Response:
        """Send a request with the token of a role."""
        headers = {"Authorization": f"Bearer {role}"} | ({"Idempotency-Key": key} if key else {})
        return self.http.request(method, path, json=body, headers=headers)

    def write(
        self,
        handler: Callable[[UnitOfWork], R],
        *,
        locks: Callable[[Session], set[str]] | None = None,
        urgent: bool = False,
    ) -> R:
        """Run a handler through the service's writer."""
        result = asyncio.run(self.service.writer.run(handler, locks=locks, urgent=urgent))
        self.clock.pass_()
        return result

    def rows(self, table: type[Row], *where: Any) -> list[Row]:
        """Read rows of a table in the order of their keys: a database may hand them out in any order."""
        with self.service.database.read() as session:
            return list(session.exec(select(table).where(*where).order_by(*inspect(table).primary_key)))

    def hear(self, *events: CareEvent) -> None:
        """Hand events of the care bus to their handlers, one after the other."""
        for event in events:
            handler = subscriptions(self.settings)[type(event)]
            self.write(lambda work, e=event, h=handler: h(work, e), locks=lambda _, e=event: {f"person:{e.key_id}"})  # type: ignore[misc]  # defaults bind

    def register(
        self, recipient_id: str, role: RecipientRole = RecipientRole.JOBCENTER, *offered: Category, **changes: Any
    ) -> None:
        """Register a recipient; `changes` are to its commitment."""
        self.write(lambda work: register(work, recipient_id, role, *offered, **changes))

    def work_off_queue(self) -> None:
        """Reconsider everybody whom a recipient's ending, change or return concerns."""
        asyncio.run(self.service.timers.work_off_queue())
        self.clock.pass_()

    def grant(self, person_id: str, *categories: Category, word: Word = Word.YES, **changes: Any) -> list[str]:
        """Have a person say one word to categories, towards the Jobcenter unless told otherwise."""
        declared = a_declaration(person_id, *categories, word=word, **changes)
        return self.write(
            lambda work: grants.record(work, declared), locks=lambda _: {f"person:{person_id}"}, urgent=True
        )

    def agree(self, person_id: str, referral_id: str, *categories: Category, **changes: Any) -> list[str]:
        """Have a person agree to a referral to the clinic."""
        purpose = referral_purpose(referral_id)
        return self.grant(person_id, *categories, **{"recipient_id": CLINIC, "purpose": purpose, **changes})

    def withdraw(self, person_id: str, *categories: Category, **narrowed: str) -> int:
        """Have a person take answers back."""
        chosen = frozenset(categories) or None
        return self.write(
            lambda work: grants.withdraw(work, person_id=person_id, categories=chosen, **narrowed),
            locks=lambda _: {f"person:{person_id}"},
            urgent=True,
        )

    def expire(self, person_id: str) -> None:
        """Have the calendar end a person's answers whose time is over."""
        self.write(lambda work: grants.expire(work, person_id), locks=lambda _: {f"person:{person_id}"})

    def contest(self, person_id: str, fact_id: str) -> None:
        """Have a person contest a finding at the consent desk."""
        assert self.ask("POST", f"/persons/{person_id}/facts/{fact_id}/contest").status_code == 200
        self.clock.pass_()

    def contest_no_more(self, person_id: str, fact_id: str) -> None:
        """Have a person take that back."""
        assert self.ask("POST", f"/persons/{person_id}/facts/{fact_id}/contest-withdrawal").status_code == 200
        self.clock.pass_()

    def facts(self, person_id: str) -> list[dict[str, Any]]:
        """Return what the person's desk is shown of what the gate knows."""
        shown: list[dict[str, Any]] = self.ask("GET", f"/persons/{person_id}/facts").json()
        return shown

    def open(self, notice_id: str, recipient_id: str = JOBCENTER) -> Answer:
        """Have a recipient open a notice."""
        answer = asyncio.run(self.service.outside.openings.open(recipient_id, notice_id))
        self.clock.pass_()
        return answer

    def command(self, raw: dict[str, Any], recipient_id: str = JOBCENTER) -> list[dict[str, str]]:
        """Have a recipient give a command; return what is wrong with it."""
        command = read_command(raw)
        return self.write(
            lambda work: commissions.take_command(
                work, recipient_id=recipient_id, command=command, settings=self.settings
            ),
            locks=lambda session: commissions.locks_for(
                session, recipient_id=recipient_id, command=command, settings=self.settings
            ),
        )

    def notices(self, recipient_id: str = JOBCENTER) -> list[str]:
        """Return every notice that was ever sent to a recipient, oldest first."""
        outbox = metadata.tables["outbox"]
        with self.service.database.read() as session:
            sent = session.execute(outbox.select().where(outbox.c.destination == recipient_id).order_by(outbox.c.seq))
            return [row.message_id for row in sent]

    def announced(self, kind: type[E]) -> list[E]:
        """Return the events of one kind that were announced to the care circle, oldest first."""
        outbox = self.service.outbox
        every = self.write(lambda work: outbox.claim(work.session, now=work.now, limit=100_000, all_unsent=True))
        ours = (item for item in every if item.destination == CARE and EVENTS[item.type] is kind)
        return [kind.model_validate_json(item.body) for item in ours]

    def reading(self, recipient_id: str = JOBCENTER) -> "Reader":
        """Return a recipient that has opened nothing yet."""
        return Reader(self, recipient_id)

    def a_person(self, reference: str | None = None) -> str:
        """Have the Jobcenter commission help and a case opened; return the person's id."""
        person_id, reference = f"person-{new_id()}", reference or f"BG-{new_id()[:12]}"
        command = read_command(a_commission(reference))

        def commission(work: UnitOfWork) -> None:
            commissions.take_command(work, recipient_id=JOBCENTER, command=command, settings=self.settings)
            know_case(
                work,
                a_case(person_id, next(item.key_id for item in work.outgoing if item.key_id)),
                settings=self.settings,
            )

        self.write(commission)
        self._references[person_id] = reference
        return person_id

    def reference_of(self, person_id: str) -> str:
        """Return the reference that the Jobcenter gave a person."""
        return self._references[person_id]

    def a_referral_of(self, person_id: str, *needed: Category, recipient_id: str = CLINIC) -> str:
        """Have a team ask the clinic for help; return the referral's id."""
        referral = a_referral(person_id, *needed, recipient_id=recipient_id)
        self.hear(referral)
        return referral.referral_id


@dataclass
class Reader:
    """A recipient that opens every notice once, as it comes."""

    gate: Gate
    recipient_id: str
    _opened: set[str] = field(default_factory=set)

    def news(self) -> list[Answer]:
        """Open what has come since the last time."""
        fresh = [notice for notice in self.gate.notices(self.recipient_id) if notice not in self._opened]
        self._opened |= set(fresh)
        return [self.gate.open(notice, self.recipient_id) for notice in fresh]


@contextmanager
def running_gate(folder: Path, store: Store, clock: Clock | None = None, **changes: Any) -> Iterator[Gate]:
    """Run a gate on a database that holds its tables."""
    settings, clock = settings_in(folder, store, **changes), clock or Clock()
    app = create_app(settings, clock=clock)
    with TestClient(app) as http:
        yield Gate(app, http, settings, clock, folder)


@contextmanager
def a_gate_with_recipients(folder: Path, store: Store, **changes: Any) -> Iterator[Gate]:
    """Run a gate that knows a Jobcenter and a clinic."""
    with running_gate(folder, store, **changes) as gate:
        gate.write(register_all)
        yield gate
