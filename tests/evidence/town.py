"""A whole stage with a real gate, real broker and real database, through which histories are played by the thousand.

The care circle's part is played here, with the accounts and zone keys of its services; the observers have theirs. While
it runs the gate is killed, connections are cut, and both sides send what is malformed.
"""

import asyncio
import json
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from uuid import uuid4

import aio_pika
import httpx2

from ops.stage import Stage
from shared import topology
from shared.contracts.catalogue import producer_of
from shared.contracts.consent import CommissionReceived
from shared.contracts.envelope import CareEvent, canonical
from shared.outbox import CARE, Outgoing, random_id
from shared.reader import NotForUs, Reader
from shared.relay import wrapped
from shared.zone import ZoneKeys
from tests.consent.builders import CLINIC, JOBCENTER, a_proof
from tests.evidence.firehose import Firehose
from tests.evidence.observer import Answer, Observer, at_once
from tests.evidence.system_pairs import START, History, Words

UNSENT = "outbox WHERE sent_at IS NULL"
Seen = list[tuple[int, str]]


@dataclass(slots=True)
class Town:
    """The stage, the observers, and what they saw of whom."""

    stage: Stage
    random: Random
    observers: dict[str, Observer] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=lambda: defaultdict(list))
    faults: Counter[str] = field(default_factory=Counter)
    firehose: Firehose | None = None
    _published: int = 0
    _lines: dict[str, aio_pika.abc.AbstractChannel] = field(default_factory=dict)
    _connections: list[aio_pika.abc.AbstractConnection] = field(default_factory=list)

    async def play(self, histories: list[History]) -> None:
        """Play all histories, and have the observers look twice."""
        for name in ("intake", "assessment", "referral", JOBCENTER, CLINIC):
            self.stage.kill(name)  # their parts are played here
        await self._connect()
        if self.firehose is not None:
            await self.firehose.open(topology.CARE, JOBCENTER, CLINIC)
        try:
            await self._commission([one for one in histories if one.observer == JOBCENTER])
            await self._tell([one.opening_event() for one in histories])
            await self._tell([one.referral_event() for one in histories if one.observer == CLINIC])
            for phase in range(2):
                await self._with_a_crash(self._tell([event for one in histories for event in one.events[phase]]))
                await self._with_a_crash(self._say(histories, phase))
                await self._with_a_crash(self._look(histories, phase))
        finally:
            if self.firehose is not None:
                await self.firehose.close()
            for observer in self.observers.values():
                await observer.close()
            for connection in self._connections:
                await connection.close()

    async def _connect(self) -> None:
        for service in ("intake", "assessment", "referral"):
            connection = await aio_pika.connect(self.stage.broker.amqp_url(service, topology.CARE))
            self._connections.append(connection)
            self._lines[service] = await connection.channel(publisher_confirms=True)
        for name in (JOBCENTER, CLINIC):
            self.observers[name] = Observer(name, self.stage.folder / "outside" / name)
            await self.observers[name].start()

    async def _commission(self, histories: list[History]) -> None:
        """Have the Jobcenter commission help for each, under its own reference."""
        jobcenter, names = self.observers[JOBCENTER], {f"canary.{one.person_id}@example.org": one for one in histories}
        deadline = f"{time.gmtime().tm_year + 1}-06-30"

        async def commission(address: str, one: History) -> None:
            said = {
                "command_id": uuid4().hex,
                "command": "commission",
                "reference": one.person_id,
                "service": "clarification",
                "deadline": deadline,
                "budget_line": "16A",
                "contact": {"channel": "email", "address": address},
            }
            answer = await jobcenter.command(said)
            assert answer["result"] == "received", answer

        await at_once(16, [partial(commission, address, one) for address, one in names.items()])
        reader = Reader({CommissionReceived.event_type: CommissionReceived}, self._zone_keys())
        queue = await self._lines["intake"].get_queue(topology.events_queue("intake"), ensure=False)
        while any(one.commission_id is None for one in histories):
            message = await queue.get(fail=False, no_ack=True)
            if message is None:
                await asyncio.sleep(0.1)
                continue
            with suppress(NotForUs):
                told = reader.read(message.body).event
                assert isinstance(told, CommissionReceived)
                names[str(told.contact.address)].commission_id = told.commission_id

    def _zone_keys(self) -> ZoneKeys:
        return ZoneKeys(self.stage.folder / "keys" / "zone-keys.json")

    async def _tell(self, events: list[CareEvent]) -> None:
        """Publish events as their services do, some of them twice, nonsense in between; wait until all is taken in."""
        keys = self._zone_keys()

        async def publish(event: CareEvent) -> None:
            source, message_id = producer_of(event.event_type), random_id()
            body = event.body()
            if self.random.random() < 0.2:  # a producer that is newer: what it says besides is nobody's
                self.faults["fields of a newer producer"] += 1
                body = canonical({**json.loads(body), f"x_{random_id()[:6]}": f"canary {random_id()}"})
            item = Outgoing(message_id, CARE, event.event_type, random_id(), START, event.key_id, body)
            wire = wrapped(item, keys, source=source).to_bytes()
            self._published += 1
            exchange = await self._lines[source].get_exchange(topology.EVENTS, ensure=False)
            for _ in range(2 if self.random.random() < 0.05 else 1):
                message = aio_pika.Message(wire, delivery_mode=2, message_id=message_id)
                await exchange.publish(message, routing_key=event.event_type)
            if self.random.random() < 0.02:
                self.faults["malformed events"] += 1
                broken = self.random.choice([b"", b"{}", wire[:-9], b"\xff" * 99])
                await exchange.publish(aio_pika.Message(broken, delivery_mode=2), routing_key=event.event_type)

        by_person: dict[str, list[CareEvent]] = defaultdict(list)
        for event in events:
            by_person[event.key_id].append(event)

        async def in_order(mine: list[CareEvent]) -> None:
            for event in mine:
                await publish(event)

        await at_once(32, [partial(in_order, mine) for mine in by_person.values()])
        await self._until_quiet()

    async def _say(self, histories: list[History], phase: int) -> None:
        """Have each person say, take back or hold what they do, at the person's desk."""
        token = {"Authorization": f"Bearer {self.stage.tokens['person_desk']}"}
        async with httpx2.AsyncClient(base_url=self.stage.url("consent"), headers=token, timeout=60) as desk:
            await at_once(8, [partial(self._say_in_order, desk, one, phase) for one in histories if one.words[phase]])
        await self._until_quiet()

    async def _say_in_order(self, desk: httpx2.AsyncClient, history: History, phase: int) -> None:
        for said in history.words[phase]:
            await _until_taken(desk, *_request(history, said))

    async def _look(self, histories: list[History], phase: int) -> None:
        """Have each observer open all that has come; of every fourth group also all that came before."""
        await self._until_delivered()
        whose, persons = self._whose(), {one.person_id: one for one in histories}
        again = {one.person_id for one in histories if one.group % 4 == 0}
        for name, observer in self.observers.items():
            known = [one for one in observer.opened if whose.get(one) in again]
            notices = [*known, *dict.fromkeys(one for one in observer.notices if one not in observer.opened)]
            observer.opened |= set(notices)
            invented = [random_id() for _ in range(20)]
            foreign = [one for other in self.observers.values() if other is not observer for one in other.notices[:20]]
            answers = await observer.open_all([*notices, *invented, *foreign])
            assert {answers[one]["result"] for one in [*invented, *foreign]} <= {"empty"}
            self.faults["openings of what is not there"] += len(invented) + len(foreign)
            for notice in notices:
                person = whose.get(notice)
                if person in persons and persons[person].observer == name:
                    self.seen[person].append((phase, _plain(answers[notice])))

    async def _until_delivered(self) -> None:
        """Wait until each observer has every notice that the gate sent it; a busy client lags behind the broker."""
        for name, observer in self.observers.items():
            sent = self._read(f"SELECT message_id FROM outbox WHERE destination = '{name}'")  # noqa: S608  our own
            while not {str(row[0]) for row in sent} <= set(observer.notices):
                await asyncio.sleep(0.1)

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        """Read from the gate's file, which may be read while it writes."""
        path = self.stage.database("consent")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found

    def _whose(self) -> dict[str, str]:
        """Return about whom each notice is: the gate knows, its recipient does not."""
        query = "SELECT release.release_id, subject.person_id FROM release JOIN subject USING (subject_id)"
        return {str(notice): str(person) for notice, person in self._read(query)}

    async def _with_a_crash(self, work: Awaitable[None]) -> None:
        """Kill the gate while something is under way, and start it again; later cut every connection that it has."""
        task = asyncio.ensure_future(work)
        await asyncio.sleep(self.random.uniform(0.3, 2))
        if not task.done():
            self.faults["gate killed"] += 1
            self.stage.kill("consent")
            self.stage.start("consent")
        await asyncio.sleep(self.random.uniform(3, 5))
        if not task.done() and self.random.random() < 0.7:
            admin = self.stage.broker.admin
            for one in admin.get("/api/connections"):
                if one.get("user") == "consent":
                    self.faults["connections cut"] += admin.delete(
                        f"/api/connections/{one['name'].replace(' ', '%20')}"
                    )
        await task

    async def _until_quiet(self) -> None:
        """Wait until every event had its effect, and no notice waits to be sent."""
        while not (self._count("inbox WHERE waiting_key IS NULL") >= self._published and not self._count(UNSENT)):
            await asyncio.sleep(0.2)

    def _count(self, rows: str) -> int:
        return int(self._read(f"SELECT count(*) FROM {rows}")[0][0])  # noqa: S608  our own


def _request(history: History, said: Words) -> tuple[str, dict[str, Any]]:
    purpose = history.purpose_towards(said.recipient_id)
    if said.takes_back:
        return "/withdrawals", {"person_id": history.person_id, "recipient_id": said.recipient_id}
    if said.holds:
        return f"/persons/{history.person_id}/hold", {"recipient_id": said.recipient_id}
    return "/grants", {
        "person_id": history.person_id,
        "recipient_id": said.recipient_id,
        "purpose": purpose,
        "words": said.words,
        "kinds": list(said.kinds),
        "reaches_back": said.reaches_back,
        "evidence": a_proof(place=said.place),
    }


async def _until_taken(desk: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> None:
    """Send a request until it is taken, under one key, as a desk does while the gate is killed."""
    headers = {"Idempotency-Key": uuid4().hex} if path == "/grants" else {}
    while True:
        try:
            answer = await desk.post(path, json=body, headers=headers)
        except httpx2.TransportError:
            await asyncio.sleep(0.3)
            continue
        if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
            assert answer.is_success, (path, answer.status_code, json.dumps(answer.json()))
            return
        await asyncio.sleep(0.3)


def _plain(answer: Answer) -> str:
    """Return an answer without what is drawn at random for each: ids, references, numbers of entries."""
    released = {name: value for name, value in answer.get("released", {}).items() if name != "reference"}
    told = {name: value for name, value in answer.items() if name in ("result", "status")}
    return json.dumps({**told, "names": sorted(answer), "released": released}, sort_keys=True)
