"""What a stage holds, counted by ids and kinds, so that nothing lost, doubled or made up can hide."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aio_pika
import httpx2
from sqlalchemy import Engine, inspect, text

from ops.stage import Stage
from shared.database import open_read_only
from shared.outbox import CARE
from shared.topology import CARE as CARE_VHOST
from shared.topology import SERVICES, events_queue, parked_queue, readers_of
from tests.evidence.survival_life import PATIENCE_SECONDS, NeverAnswered

CALM = ("parked", "unsent", "unsent_too_long", "waiting_too_long")
OF_THE_KIT = {"alembic_version", "inbox", "outbox", "row_lock", "journal_position", "lease", "ledger_head"}
"""Tables that are counted by ids, or that say nothing about anybody."""
MAY_BE_MORE = {
    "consent.command",  # a desk that got no answer asks again, under a new id
    "consent.ledger",  # an opening that was asked for again is entered once more
    "consent.person_erased.v1 to care",  # who asks again for an erasure has everybody hear of it again ...
    *(f"{service}.person_erasure_confirmed.v1 to care" for service in SERVICES),  # ... and confirm it; it counts once
}
OF_A_REPLAYED_NO = {
    "consent.grant_record",
    "consent.answer",
    "consent.referral_not_cleared.v1 to care",
    "referral.happening",
    "referral.step_planned.v1 to care",
}
"""A no that was in the journal when its commit failed stands; the desk that repeats the paper says it once more."""
OF_A_REPLAYED_WITHDRAWAL = {"consent.grant_withdrawn.v1 to care", "consent.receipt"}
"""A known fault (docs/survival.md): such a withdrawal stands and is retracted, unannounced and without a receipt."""


@dataclass(slots=True)
class Count:
    """What there is in all four databases."""

    announced: Counter[str] = field(default_factory=Counter)
    """How often each kind of message was announced to whom."""
    rows: Counter[str] = field(default_factory=Counter)
    sent: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """Ids and types of the care events of each service."""
    received: dict[str, set[str]] = field(default_factory=dict)
    unsent: int = 0

    def under_way(self) -> Counter[str]:
        """Return what was announced and has not arrived where it is read, by kind and reader."""
        return Counter(
            f"{type_} to {reader}"
            for messages in self.sent.values()
            for id_, type_ in messages
            for reader in readers_of(type_)
            if id_ not in self.received[reader]
        )

    def since(self, before: "Count") -> "Count":
        """Return what has come since an earlier count."""
        return Count(_minus(self.announced, before.announced), _minus(self.rows, before.rows), self.sent, self.received)


@dataclass(slots=True)
class Verdict:
    """What is wrong: kinds and numbers, no ids and no values."""

    lost: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    """What was said once more and counts once: see `MAY_BE_MORE` and `OF_A_REPLAYED_NO`."""
    known: Counter[str] = field(default_factory=Counter)
    """What is lost by a fault that is known: see `OF_A_REPLAYED_WITHDRAWAL`."""


def count(stage: Stage) -> Count:
    """Count what all four services hold."""
    found = Count()
    for service in SERVICES:
        engine = open_read_only(stage.database_url(service))
        try:
            _count_one(engine, service, found)
        finally:
            engine.dispose()
    return found


def judge(calm: Count, found: Count, *, times: int, is_replayed: bool = False) -> Verdict:
    """Compare what came of lives with what came of one in calm, and every id that was sent with those that arrived."""
    verdict = Verdict()
    may_be_more = MAY_BE_MORE | (OF_A_REPLAYED_NO if is_replayed else set())
    may_be_less = OF_A_REPLAYED_WITHDRAWAL if is_replayed else set()
    for part, wanted in ((found.announced, calm.announced), (found.rows, calm.rows)):
        for kind in part.keys() | wanted.keys():
            more = part[kind] - times * wanted[kind]
            if more > 0 and kind in may_be_more:
                verdict.again[kind] += more
            elif more > 0:
                (verdict.doubled if wanted[kind] else verdict.unexpected)[kind] += more
            elif more < 0 and kind in may_be_less:
                verdict.known[kind] -= more
            elif more < 0:
                verdict.lost[kind] -= more
    everything = {id_ for messages in found.sent.values() for id_, _ in messages}
    for service, ids in found.received.items():
        verdict.unexpected[f"received by {service}"] += len(ids - everything)
    verdict.lost += found.under_way()
    verdict.unexpected = +verdict.unexpected
    return verdict


def drain(stage: Stage, *, meanwhile: Callable[[], None]) -> Count:
    """Wait until every service is ready and every message has arrived; count then."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        meanwhile()
        if not (troubles := _troubles(stage)):
            found = count(stage)
            if not (found.unsent or found.under_way()):
                return found
        time.sleep(0.2)
    if troubles:
        raise NeverAnswered("drained", "; ".join(troubles))
    return count(stage)  # what is still under way is lost


async def left_in_queues(stage: Stage) -> Counter[str]:
    """Take everything out of the care circle's queues, and return where it was: what the broker counts can be wrong."""
    left: Counter[str] = Counter()
    for service in SERVICES:
        async with await aio_pika.connect(stage.broker.amqp_url(service, CARE_VHOST)) as connection:
            channel = await connection.channel()
            for name in (events_queue(service), parked_queue(service)):
                queue = await channel.get_queue(name, ensure=False)
                while await queue.get(fail=False, no_ack=True, timeout=10) is not None:
                    left[name] += 1
    return left


def _troubles(stage: Stage) -> list[str]:
    """Return what each service says is not as it should be."""
    found = []
    for service in SERVICES:
        try:
            answer = httpx2.get(f"{stage.url(service)}/ready", timeout=10)
        except httpx2.TransportError:
            found.append(f"{service} does not answer")
            continue
        state = answer.json()
        found += [f"{service}: {name} does not work" for name, works in state["parts"].items() if not works]
        found += [f"{service}: {name}" for name in CALM if state["counts"].get(name)]
    return found


def _count_one(engine: Engine, service: str, found: Count) -> None:
    tables = set(inspect(engine).get_table_names()) - OF_THE_KIT
    with engine.connect() as connection:
        for table in tables:
            number = connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()  # noqa: S608  our own
            found.rows[f"{service}.{table}"] = int(number)
        sent = connection.execute(text("SELECT message_id, type, destination, sent_at FROM outbox")).all()
        received = connection.execute(text("SELECT message_id FROM inbox")).scalars().all()
    found.announced += Counter(f"{type_} to {destination}" for _, type_, destination, _ in sent)
    found.sent[service] = {(str(id_), str(type_)) for id_, type_, destination, _ in sent if destination == CARE}
    found.received[service] = {str(id_) for id_ in received}
    found.unsent += sum(sent_at is None for *_, sent_at in sent)


def _minus(one: Mapping[str, int], other: Mapping[str, int]) -> Counter[str]:
    return Counter({kind: one.get(kind, 0) - other.get(kind, 0) for kind in one.keys() | other.keys()})
