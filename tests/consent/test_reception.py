"""A request is settled whatever happens, and one recipient's trouble is nobody else's."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import aio_pika
import pytest
from joserfc.jwe import decrypt_compact
from joserfc.jwk import ECKey
from sqlalchemy import text

from services.consent import reception
from services.consent.keys import read_public_key, seal_for
from services.consent.reception import RecipientLine
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import LedgerRow
from shared.bus import Line, NotConnected
from shared.contracts.categories import Category
from tests.consent.builders import CLINIC, JOBCENTER, a_commission, a_conclusion
from tests.consent.gate import Gate
from tests.consent.surroundings import PUBLIC_KEY
from tests.consent.wire import TO_THE_GATE

MINE = ECKey.generate_key("P-256", private=True)


@dataclass
class Message:
    """A message as it comes from the broker; it remembers how it was settled."""

    body: bytes
    reply_to: str | None = "amq.rabbitmq.reply-to.abc.def"
    user_id: str | None = JOBCENTER
    correlation_id: str | None = "one"
    channel_is_gone: bool = False
    settled: list[str] = field(default_factory=list)

    async def ack(self) -> None:
        await self._settle("ack")

    async def nack(self, *, requeue: bool) -> None:
        await self._settle("requeue" if requeue else "drop")

    async def _settle(self, how: str) -> None:
        if self.channel_is_gone:
            raise aio_pika.exceptions.ChannelInvalidStateError
        self.settled.append(how)


class OneWay(Line):
    """A line that keeps what is published, or fails."""

    def __init__(self, failure: BaseException | None = None) -> None:
        super().__init__("amqp://nowhere", name="test")
        self.failure = failure
        self.answers: list[dict[str, Any]] = []

    @property
    def is_up(self) -> bool:
        return True

    async def publish(self, message: aio_pika.Message, **_where: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.answers.append(json.loads(decrypt_compact(message.body, MINE).plaintext or b""))


def a_line(line: Line, recipient_id: str = JOBCENTER) -> RecipientLine:
    """Return a recipient's line."""
    jwk = MINE.as_dict(private=False)
    return RecipientLine(recipient_id, "recipient-1", jwk, read_public_key(jwk), line, line)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def notice(sqlite_gate: Gate) -> str:
    """Return a notice that waits to be opened."""
    person = sqlite_gate.a_person()
    sqlite_gate.hear(a_conclusion(person))
    sqlite_gate.grant(person, Category.CONCLUSION)
    return sqlite_gate.notices()[-1]


def settle(gate: Gate, message: Message, line: Line, what: str = "open") -> RecipientLine:
    """Have a request taken out of a queue."""
    desk, recipient = gate.service.outside.reception, a_line(line)
    take = {"open": desk._take_open, "command": desk._take_command, "parked": desk._take_parked}[what]
    asyncio.run(desk.settle(recipient, take, message))  # type: ignore[arg-type]  # it has what is used
    return recipient


def an_opening(notice: str, **changes: Any) -> Message:
    """Return a request to open."""
    return Message(json.dumps({"open": notice}).encode(), **changes)


def test_an_opening_is_answered_and_acknowledged(sqlite_gate: Gate, notice: str) -> None:
    message, line = an_opening(notice), OneWay()

    settle(sqlite_gate, message, line)

    assert (message.settled, [answer["result"] for answer in line.answers]) == (["ack"], ["released"])


@pytest.mark.parametrize(
    "failure",
    [NotConnected("x"), TimeoutError(), aio_pika.exceptions.ChannelInvalidStateError(), ValueError()],
    ids=repr,
)
def test_a_request_whose_answer_cannot_be_given_is_not_taken_again(
    sqlite_gate: Gate, notice: str, failure: Exception
) -> None:
    opening, command = an_opening(notice), Message(seal_for(TO_THE_GATE, json.dumps(a_commission()).encode()))

    settle(sqlite_gate, opening, OneWay(failure))
    settle(sqlite_gate, command, OneWay(failure), "command")

    assert (opening.settled, command.settled) == (["ack"], ["ack"])
    assert len(sqlite_gate.rows(LedgerRow)) == 1


def test_a_request_on_a_channel_that_is_gone_raises_nothing_and_leaves_nothing_in_flight(
    sqlite_gate: Gate, notice: str
) -> None:
    recipient = settle(sqlite_gate, an_opening(notice, channel_is_gone=True), OneWay())

    assert recipient.in_flight == {}
    assert recipient.oldest_in_flight_seconds() == 0


def test_a_request_that_could_not_be_stored_is_given_back(sqlite_gate: Gate) -> None:
    parked, again = Message(b"sealed"), Message(b"sealed", channel_is_gone=True)
    sqlite_gate.write(lambda work: work.session.execute(text("ALTER TABLE parked RENAME TO away")))

    settle(sqlite_gate, parked, OneWay(), "parked")
    settle(sqlite_gate, again, OneWay(), "parked")

    assert (parked.settled, again.settled) == (["requeue"], [])


def test_a_request_that_takes_long_is_seen(sqlite_gate: Gate) -> None:
    recipient = a_line(OneWay())
    sqlite_gate.service.outside._recipients[JOBCENTER] = recipient

    recipient.in_flight[1] = -1000.0

    assert sqlite_gate.http.get("/ready").json()["parts"]["requests_progress"] is False
    recipient.in_flight.clear()
    assert sqlite_gate.http.get("/ready").json()["parts"]["requests_progress"] is True


@pytest.fixture
def nowhere(sqlite_gate: Gate) -> Gate:
    """Return a gate whose recipients' broker answers nobody."""
    outside = sqlite_gate.service.outside
    outside._settings = sqlite_gate.settings.model_copy(update={"recipients_broker_url": "amqp://x:y@127.0.0.1:9"})
    return sqlite_gate


@pytest.mark.parametrize("key", [{}, {"kty": "EC"}, {**PUBLIC_KEY, "use": "sig"}], ids=["none", "no point", "sig"])
def test_a_registration_that_cannot_be_read_stops_no_other_recipient(nowhere: Gate, key: dict[str, str]) -> None:
    nowhere.write(lambda work: setattr(work.session.get_one(RecipientRow, JOBCENTER), "public_key", key))

    async def follow() -> set[str]:
        outside = nowhere.service.outside
        await outside.follow(nowhere.service.timers._registered())
        served = set(outside.lines_up())
        await outside.stop()
        return served

    assert asyncio.run(follow()) == {CLINIC}


def test_a_key_that_was_changed_is_taken_over_and_one_that_cannot_be_read_ends_the_line(nowhere: Gate) -> None:
    fresh = {name: str(value) for name, value in MINE.as_dict(private=False).items()}
    outside, registered = nowhere.service.outside, nowhere.service.timers._registered

    async def follow(key: dict[str, str]) -> ECKey | None:
        await outside.follow(registered())
        changed = registered()
        next(row for row in changed if row.recipient_id == JOBCENTER).public_key = key
        await outside.follow(changed)
        line = outside._recipients.get(JOBCENTER)
        await outside.stop()
        return line.key if line else None

    taken_over, lost = asyncio.run(follow(fresh)), asyncio.run(follow({"kty": "EC"}))

    assert taken_over is not None
    assert taken_over.as_dict(private=False) == fresh
    assert lost is None


def test_a_recipient_that_is_not_served_makes_the_gate_not_ready_after_a_while(
    nowhere: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = nowhere.service.outside

    async def follow() -> None:
        await outside.follow(nowhere.service.timers._registered())
        await asyncio.gather(*(recipient.stop() for recipient in outside._recipients.values()))
        outside._recipients.clear()

    asyncio.run(follow())
    in_grace = nowhere.http.get("/ready").json()["parts"]["recipient_lines"]
    monkeypatch.setattr("services.consent.outside.GRACE_SECONDS", 0.0)
    asyncio.run(follow())
    after = nowhere.http.get("/ready").json()["parts"]["recipient_lines"]

    assert (in_grace, after) == (True, False)


def test_a_calendar_that_is_not_kept_makes_the_gate_not_ready(sqlite_gate: Gate) -> None:
    timers = sqlite_gate.service.timers

    def said() -> bool:
        return bool(sqlite_gate.http.get("/ready").json()["parts"]["timers_progress"])

    before = said()
    asyncio.run(timers.run_calendar())
    kept = said()
    timers._calendar_at = -1000.0

    assert (before, kept, said()) == (False, True, False)


def a_parked_command(gate: Gate, body: bytes, **changes: Any) -> str:
    """Return the id of a command that the broker gave up on."""
    settle(gate, Message(body, **changes), OneWay(), "parked")
    [parked] = gate.ask("GET", "/parked", role="operator").json()
    return str(parked["parked_id"])


def test_a_parked_command_is_handled_again(sqlite_gate: Gate) -> None:
    parked_id = a_parked_command(sqlite_gate, seal_for(TO_THE_GATE, json.dumps(a_commission()).encode()))

    answer = sqlite_gate.ask("POST", f"/parked/{parked_id}/handling", role="operator")

    assert (answer.status_code, answer.json()) == (200, {"parked_id": parked_id, "resolution": "handled"})
    assert sqlite_gate.ask("GET", "/parked", role="operator").json() == []
    assert len(sqlite_gate.notices()) == 1


@pytest.mark.parametrize(
    ("changes", "code"), [({"body": b"not sealed"}, "command_refused"), ({"user_id": None}, "no_broker")], ids=repr
)
def test_a_parked_command_that_is_refused_or_that_nobody_vouched_for_stays_parked(
    sqlite_gate: Gate, changes: dict[str, Any], code: str
) -> None:
    body = changes.pop("body", seal_for(TO_THE_GATE, json.dumps(a_commission()).encode()))
    parked_id = a_parked_command(sqlite_gate, body, **changes)

    answer = sqlite_gate.ask("POST", f"/parked/{parked_id}/handling", role="operator")

    assert answer.status_code in {409, 503}
    assert code in answer.text
    assert len(sqlite_gate.ask("GET", "/parked", role="operator").json()) == 1


def test_no_log_line_of_the_gate_names_a_recipient(
    nowhere: Gate, notice: str, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    nowhere.write(lambda work: setattr(work.session.get_one(RecipientRow, CLINIC), "public_key", {}))

    async def follow() -> None:
        await nowhere.service.outside.follow(nowhere.service.timers._registered())
        await asyncio.sleep(0.2)
        await nowhere.service.outside.stop()

    settle(nowhere, an_opening(notice), OneWay(NotConnected("x")))
    settle(nowhere, Message(b"not sealed", channel_is_gone=True), OneWay(), "command")
    settle(nowhere, Message(b"not sealed"), OneWay(), "parked")
    nowhere.write(lambda work: work.session.execute(text("ALTER TABLE ledger RENAME TO away")))
    settle(nowhere, an_opening(notice), OneWay())
    asyncio.run(follow())

    written = "".join(capfd.readouterr())
    names = [nowhere.service.name_in_logs(one) for one in (JOBCENTER, CLINIC)]
    events = ("opening_answered", "answer_not_given", "command_taken", "request_not_settled", "command_parked")
    assert [event for event in (*events, "opening_failed", "recipient_key_unusable") if event not in written] == []
    assert [one for one in (JOBCENTER, CLINIC, "klinik", "jobcenter") if one in written] == []
    assert all(name in written for name in names)
