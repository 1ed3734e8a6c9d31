"""Three real services in one process, on one simulated clock, with a bus that repeats, delays and reorders.

Their handlers, writers, inboxes, databases and timers are the real ones. There is no broker, and no gate: what the
gate would say to the three is said by whoever drives the town.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

from services.assessment.app import create_app as create_assessment
from services.assessment.settings import AssessmentSettings
from services.assessment.subscribers import handlers_for as assessment_handlers
from services.intake.app import IntakeService
from services.intake.app import create_app as create_intake
from services.intake.settings import IntakeSettings
from services.intake.subscribers import handlers_for as intake_handlers
from services.referral.app import create_app as create_referral
from services.referral.settings import Settings as ReferralSettings
from services.referral.subscribers import HANDLERS as REFERRAL_HANDLERS
from shared import migrations
from shared.bus import Line
from shared.contracts.catalogue import EVENTS
from shared.contracts.envelope import CareEvent
from shared.effect import Handlers
from shared.outbox import Outgoing, random_id
from shared.reader import Received
from shared.receiver import Receiver
from shared.service import Service
from shared.topology import SUBSCRIPTIONS
from shared.unit_of_work import UnitOfWork

R = TypeVar("R")
NAMES = ("intake", "assessment", "referral")
TEAMS = {"intake": "team-intake", "assessment": "team-assessment"}
HANDLERS: dict[str, Handlers] = {
    "intake": intake_handlers(TEAMS["intake"]),
    "assessment": assessment_handlers(TEAMS["assessment"]),
    "referral": REFERRAL_HANDLERS,
}
REPEATED, DELAYED, ROLLED_BACK, CUT_OFF = 0.05, 0.05, 0.01, 0.001
"""How often a message is delivered twice, or late; how often a handler's transaction is lost right at its end; and how
often a service dies right after it, between its commit and the sending of what it announced."""
AT_ONCE = 200


class Lost(RuntimeError):
    """Raised to undo a handler's work, as a crash before the commit would."""


@dataclass(slots=True)
class Clock:
    """The time of the town."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class Running:
    """A service that runs, or is down for a while."""

    service: Service
    receiver: Receiver
    stack: AsyncExitStack
    waiting: list[Received] = field(default_factory=list)


class Town:
    """The services, their bus and their clock."""

    def __init__(self, folder: Path, random: Random, *, now: datetime) -> None:
        self._folder = folder
        self._random = random
        self.clock = Clock(now)
        self.up: dict[str, Running] = {}
        self._waiting: dict[str, list[Received]] = {name: [] for name in NAMES}
        self._late: list[tuple[str, Received]] = []
        self._sent: dict[str, list[str]] = {name: [] for name in NAMES}
        self._dying: set[str] = set()
        counted = ("events", "repeated", "delayed", "rolled_back", "cut_off", "crashes")
        self.counts: dict[str, int] = dict.fromkeys(counted, 0)

    async def __aenter__(self) -> "Town":
        """Set up and start all three."""
        _write_secrets(self._folder)
        for name in NAMES:
            migrations.upgrade(Path("services") / name, f"sqlite:///{self._folder / name}.sqlite3")
            await self.start(name)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop all three."""
        for name in list(self.up):
            await self.stop(name)

    def service(self, name: str) -> Service:
        """Return a service that runs."""
        return self.up[name].service

    @property
    def intake(self) -> IntakeService:
        """Return intake, if it runs."""
        return cast(IntakeService, self.service("intake"))

    async def start(self, name: str) -> None:
        """Start a service on its files; what it had committed and nobody has heard of yet is sent now."""
        service = cast(Service, _create(name, self._folder, self.clock).state.service)
        stack = AsyncExitStack()
        await stack.enter_async_context(service.running())
        if name == "intake":
            await cast(IntakeService, service).timer.stop()  # the town looks by its own clock
        service.writer.on_commit(partial(self._publish, name))
        receiver = Receiver(
            name,
            HANDLERS[name],
            writer=service.writer,
            inbox=service.inbox,
            parking=service.parking,
            zone_keys=service.zone_keys,
            line=cast(Line, None),  # only what moves a message between queues needs it
        )
        self.up[name] = Running(service, receiver, stack)
        while unsent := await service.writer.run(partial(_claim, service)):
            for item in unsent:
                self._route(EVENTS[item.type].model_validate_json(item.body), item.message_id)

    async def stop(self, name: str) -> None:
        """Stop a service, as an operator would; its queue goes on filling."""
        await self.up.pop(name).stack.aclose()

    async def crash(self, name: str) -> None:
        """Take a service away until it is started again."""
        self.counts["crashes"] += 1
        await self.stop(name)

    async def do(self, name: str, handler: Callable[[UnitOfWork], R], *, lock: str = "") -> R:
        """Run a use case in a service, as its route would."""
        locks = (lambda _: {f"person:{lock}"}) if lock else None
        return await self.service(name).writer.run(handler, locks=locks)

    def say(self, *events: CareEvent) -> None:
        """Say something that comes from the gate."""
        for event in events:
            self._route(event, random_id())

    async def settle(self) -> None:
        """Deliver until nothing more comes; what is meant for a service that is down waits in its queue."""
        await self._bury()
        late, self._late = self._late, []
        for name, received in late:
            self._waiting[name].append(received)
        while any(self._waiting[name] for name in self.up):
            for name in list(self.up):
                await self._deliver(name)
            await self._bury()
        for name, running in self.up.items():
            sent, self._sent[name] = self._sent[name], []
            if sent:
                await running.service.writer.run(partial(_mark_sent, running.service, sent))

    async def _bury(self) -> None:
        """Take away whoever has died. What they had sent and not marked yet, they send again after their start."""
        for name in sorted(self._dying & set(self.up)):
            self._sent[name] = []
            await self.crash(name)
        self._dying = set()

    async def _deliver(self, name: str) -> None:
        batch, self._waiting[name] = self._waiting[name], []
        self._random.shuffle(batch)  # a queue keeps its order; several, and what is tried again, do not
        for begin in range(0, len(batch), AT_ONCE):
            await asyncio.gather(*(self._take(name, received) for received in batch[begin : begin + AT_ONCE]))

    async def _take(self, name: str, received: Received) -> None:
        running = self.up[name]
        if self._random.random() < ROLLED_BACK:
            self.counts["rolled_back"] += 1
            await self._lose(running.service, HANDLERS[name], received)
        await running.receiver._take_in(received)

    async def _lose(self, service: Service, handlers: Handlers, received: Received) -> None:
        def lost(work: UnitOfWork) -> None:
            try:
                handlers[type(received.event)](work, received.event)
            finally:
                raise Lost

        try:
            await service.writer.run(lost)
        except Lost:
            return

    def _publish(self, name: str, outgoing: Iterable[Outgoing]) -> None:
        """Send what was committed, unless the service dies before that: then it lies in its outbox until it is back."""
        for item in outgoing:
            if self._random.random() < CUT_OFF:
                self._dying.add(name)
            if name in self._dying:
                self.counts["cut_off"] += 1
                continue
            self._sent[name].append(item.message_id)
            self._route(EVENTS[item.type].model_validate_json(item.body), item.message_id)

    def _route(self, event: CareEvent, message_id: str) -> None:
        received = Received(message_id, message_id, event)
        for name in NAMES:
            if event.event_type not in SUBSCRIPTIONS[name]:
                continue
            self.counts["events"] += 1
            if self._random.random() < DELAYED:
                self.counts["delayed"] += 1
                self._late.append((name, received))
            else:
                self._waiting[name].append(received)
            if self._random.random() < REPEATED:
                self.counts["repeated"] += 1
                self._late.append((name, received))


def _claim(service: Service, work: UnitOfWork) -> list[Outgoing]:
    """Take from the outbox what was committed and never sent."""
    unsent = service.outbox.claim(work.session, now=work.now, limit=AT_ONCE, all_unsent=True)
    _mark_sent(service, [item.message_id for item in unsent], work)
    return unsent


def _mark_sent(service: Service, message_ids: list[str], work: UnitOfWork) -> None:
    service.outbox.mark_sent(work.session, message_ids, now=work.now)


def _write_secrets(folder: Path) -> None:
    key = {"kid": "z1", "created_on": "2026-01-01", "key": base64.b64encode(secrets.token_bytes(32)).decode()}
    (folder / "zone.json").write_text(json.dumps({"zone_keys": [key]}))
    (folder / "tokens.json").write_text(json.dumps({"tokens": []}))
    (folder / "master.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())


def _create(name: str, folder: Path, clock: Clock) -> Any:  # Any: FastAPI's state is untyped
    common: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / name}.sqlite3",
        "key_store_url": f"sqlite:///{folder / name}.keys.sqlite3",
        "journal_folder": folder / f"{name}.journal",
        "master_key_file": folder / "master.key",
        "zone_keys_file": folder / "zone.json",
        "tokens_file": folder / "tokens.json",
        "log_level": "CRITICAL",
    }
    made: dict[str, Callable[[], Any]] = {
        "intake": partial(create_intake, IntakeSettings(**common, team_id=TEAMS["intake"]), clock=clock),
        "assessment": partial(
            create_assessment, AssessmentSettings(**common, team_id=TEAMS["assessment"]), clock=clock
        ),
        "referral": partial(create_referral, ReferralSettings(**common), clock=clock),
    }
    return made[name]()


def at(day: datetime, hour: int) -> datetime:
    """Return an hour of a day."""
    return day.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
