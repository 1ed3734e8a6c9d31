"""The sdk on a real broker, against a gate that says what the test laid out."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from joserfc.jwk import ECKey

from ops.broker import Broker
from ops.provision import add_recipient
from sdk import (
    Arrival,
    Empty,
    Event,
    FieldError,
    LoginRefused,
    Received,
    Recipient,
    Refused,
    Released,
    Retracted,
    StatusChanged,
    Store,
    Subscription,
    TryAgain,
)
from sdk.cli import main
from sdk.keys import make_key_pair, read_json, read_private_key
from tests.system.fake_gate import FakeGate, released, retracted
from tests.system.recipients import a_registration
from tests.system.wire_tap import wire_to

pytestmark = [pytest.mark.system, pytest.mark.anyio]

NAME = "jobcenter-sdk"
MARKER = "marker-51c0"
QUICKLY = (0.05,)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True, slots=True)
class Place:
    """The files of a recipient that was added to the broker, and the gate's key."""

    broker: Broker
    connection: Path
    key: Path
    gate_key: ECKey

    def gate(self) -> FakeGate:
        url = self.broker.amqp_url("consent", NAME)
        return FakeGate(url, key=self.gate_key, recipient_key=read_private_key(self.key))

    def recipient(self, **options: Any) -> Recipient:
        return Recipient.from_files(self.connection, self.key, **options)


@dataclass(slots=True)
class Listener:
    """A handler that keeps what it was given and fails as often as it is told to."""

    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    failures: int = 0

    async def __call__(self, event: Event) -> None:
        if self.failures:
            self.failures -= 1
            raise ValueError(MARKER)
        await self.events.put(event)

    async def next(self) -> Event:
        async with asyncio.timeout(20):
            return await self.events.get()


class FailingStore(Store):
    """A store that fails once, as on a full disk."""

    failures = 1

    def apply(self, event: Event) -> Event | None:
        if self.failures:
            self.failures -= 1
            raise OSError("no space left on device")
        return super().apply(event)


@pytest.fixture(scope="module")
def place(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("recipient")
    key, public = make_key_pair(NAME, folder)
    registered = a_registration(NAME, public_key=read_json(public))
    gate_key = ECKey.generate_key("P-256")
    public_gate_key = {name: str(value) for name, value in gate_key.as_dict(private=False).items()}
    connection = add_recipient(broker, registered, gate_public_key=public_gate_key, folder=folder)
    return Place(broker, connection, key, gate_key)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "held.sqlite3")


@pytest.fixture(autouse=True)
async def nothing_in_the_inbox(place: Place) -> None:
    """Wait until the last test's consumer is gone and has given back what it had, then empty the inbox."""
    async with await aio_pika.connect(place.broker.amqp_url(NAME, NAME)) as connection:
        channel = await connection.channel()
        while (await channel.declare_queue("inbox", passive=True)).declaration_result.consumer_count:
            await asyncio.sleep(0.02)
        await (await channel.get_queue("inbox", ensure=False)).purge()


@pytest.fixture
async def gate(place: Place) -> AsyncIterator[FakeGate]:
    async with place.gate() as gate:
        yield gate


@pytest.fixture
async def recipient(place: Place) -> AsyncIterator[Recipient]:
    async with place.recipient() as recipient:
        yield recipient


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def subscription(recipient: Recipient, store: Store, listener: Listener) -> Subscription:
    return await recipient.subscribe(listener, store=store, retry_delays=QUICKLY)


@pytest.mark.usefixtures("subscription")
async def test_a_notice_is_opened_and_its_content_held(gate: FakeGate, listener: Listener, store: Store) -> None:
    notice = await gate.notify(released(sequence=1, conclusion={"code": "work_possible"}))

    event = await listener.next()

    assert isinstance(event, Released)
    assert event.categories == {"conclusion": {"code": "work_possible"}}
    assert store.held() == [event]
    assert gate.openings.count((NAME, notice)) == 1


async def test_an_acknowledged_notice_is_gone(
    gate: FakeGate, recipient: Recipient, subscription: Subscription, listener: Listener
) -> None:
    await gate.notify(released(sequence=1))
    await listener.next()
    await subscription.pause()

    assert await recipient.count_inbox() == 0


@pytest.mark.usefixtures("subscription")
async def test_a_retraction_may_come_before_its_content(gate: FakeGate, listener: Listener, store: Store) -> None:
    await gate.notify(retracted("r-1"))
    await gate.notify(released(release_id="r-1", sequence=1))
    await gate.notify({"result": "status", "reference": "E-1", "status": "running"})

    assert [type(await listener.next()) for _ in range(2)] == [Retracted, StatusChanged]
    assert store.held() == []


@pytest.mark.usefixtures("subscription")
async def test_an_empty_answer_is_dropped_in_silence(gate: FakeGate, listener: Listener) -> None:
    empty = await gate.notify()
    await gate.notify({"result": "status", "reference": "E-1", "status": "running"})

    assert isinstance(await listener.next(), StatusChanged)
    assert [notice for _, notice in gate.openings].count(empty) == 1


@pytest.mark.usefixtures("subscription")
async def test_after_try_again_the_notice_comes_again(gate: FakeGate, listener: Listener) -> None:
    notice = await gate.notify({"result": "try_again"}, {"result": "try_again"}, released(sequence=1))

    assert isinstance(await listener.next(), Released)
    assert gate.openings.count((NAME, notice)) == 3


@pytest.mark.usefixtures("subscription")
async def test_an_answer_that_cannot_be_read_holds_up_nobody_else(gate: FakeGate, listener: Listener) -> None:
    await gate.notify({"result": "of another century"})
    await gate.notify(released(sequence=1))

    assert isinstance(await listener.next(), Released)


@pytest.mark.usefixtures("subscription")
async def test_a_handler_that_fails_gets_the_event_again_without_another_opening(
    gate: FakeGate, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    listener.failures = 2
    notice = await gate.notify(released(sequence=1))

    assert isinstance(await listener.next(), Released)
    assert gate.openings.count((NAME, notice)) == 1
    assert MARKER not in caplog.text


async def test_a_notice_is_not_acknowledged_before_its_answer_is_stored(
    gate: FakeGate, recipient: Recipient, listener: Listener, tmp_path: Path
) -> None:
    store = FailingStore(tmp_path / "held.sqlite3")
    await recipient.subscribe(listener, store=store, retry_delays=QUICKLY)
    notice = await gate.notify(released(sequence=1))

    assert isinstance(await listener.next(), Released)
    assert store.failures == 0
    assert gate.openings.count((NAME, notice)) == 2


async def test_a_connection_lost_before_the_acknowledgement_has_the_effect_once(
    gate: FakeGate, recipient: Recipient, store: Store
) -> None:
    handled: list[str] = []

    async def lose_the_connection_once(event: Event) -> None:
        handled.append(event.notice)
        if len(handled) == 1:
            await recipient._line._drop()  # as if the network had gone

    await recipient.subscribe(lose_the_connection_once, store=store, retry_delays=QUICKLY)
    first = await gate.notify(released(sequence=1))
    await _until(lambda: handled.count(first) == 1)
    second = await gate.notify(retracted())
    await _until(lambda: second in handled)

    assert store.held() == []
    assert handled in ([first, second], [first, first, second])  # at least once, in order


async def test_what_a_handler_did_not_take_comes_first_after_a_restart(
    gate: FakeGate, place: Place, store: Store, listener: Listener
) -> None:
    listener.failures = 1
    async with place.recipient() as before:
        await before.subscribe(listener, store=store, retry_delays=(60,))
        await gate.notify(released(sequence=1))
        await _until(lambda: listener.failures == 0)

    async with place.recipient() as after:
        await after.subscribe(listener, store=store)

        assert isinstance(await listener.next(), Released)


async def test_while_paused_notices_stay_unopened(
    gate: FakeGate, recipient: Recipient, subscription: Subscription, listener: Listener
) -> None:
    await subscription.pause()
    notices = [await gate.notify(released(sequence=n, release_id=f"r-{n}", reference=f"E-{n}")) for n in range(1, 6)]
    assert await recipient.count_inbox() == 5
    assert gate.openings == []

    await subscription.resume()

    assert len([await listener.next() for _ in notices]) == 5
    assert sorted(notice for _, notice in gate.openings) == sorted(notices)


async def test_pausing_in_the_middle_opens_each_notice_once(
    gate: FakeGate, subscription: Subscription, listener: Listener
) -> None:
    notices = [await gate.notify(released(sequence=n, release_id=f"r-{n}", reference=f"E-{n}")) for n in range(40)]

    await listener.next()
    await subscription.pause()
    await subscription.resume()

    assert len([await listener.next() for _ in notices[1:]]) == 39
    assert [gate.openings.count((NAME, notice)) for notice in notices] == [1] * 40


async def test_a_notice_opened_by_hand_while_paused_is_held(
    gate: FakeGate, subscription: Subscription, store: Store
) -> None:
    await subscription.pause()
    notice = await gate.notify(released(sequence=1))

    assert isinstance(await subscription.open(notice), Released)
    assert len(store.held()) == 1


async def test_opening_without_a_store_asks_only(gate: FakeGate, recipient: Recipient) -> None:
    gate.answers["known"].append({"notice": "known", **released(sequence=1)})

    assert isinstance(await recipient.open("known"), Released)
    assert await recipient.open("unknown") == Empty()


async def test_a_command_is_received_under_the_account_and_sealed(gate: FakeGate, recipient: Recipient) -> None:
    reply = await recipient.cancel_commission("E-1")

    assert isinstance(reply, Received)
    assert gate.commands == [{"command_id": reply.command_id, "command": "cancel_commission", "reference": "E-1"}]


async def test_a_refusal_names_field_and_reason(gate: FakeGate, recipient: Recipient) -> None:
    gate.replies.append({"result": "refused", "errors": [{"field": "deadline", "reason": "must lie in the future"}]})

    reply = await recipient.cancel_commission("E-1")

    assert isinstance(reply, Refused)
    assert reply.errors == (FieldError(field="deadline", reason="must lie in the future"),)


async def test_a_command_is_sent_again_under_the_same_id(gate: FakeGate, recipient: Recipient) -> None:
    gate.replies.append({"result": "try_again"})

    assert isinstance(await recipient.cancel_commission("E-1"), Received)
    assert len({command["command_id"] for command in gate.commands}) == 1
    assert len(gate.commands) == 2


async def test_a_command_that_is_too_large_is_not_sent(gate: FakeGate, recipient: Recipient) -> None:
    reply = await recipient.command("commission", {"reference": "x" * 262_144})

    assert isinstance(reply, Refused)
    assert reply.errors[0].field == "body"
    assert gate.commands == []


async def test_a_gate_that_is_away_means_try_again(place: Place) -> None:
    async with place.recipient(answer_seconds=0.3, patience_seconds=0) as recipient:
        with pytest.raises(TryAgain):
            await recipient.open("n")


async def test_a_wrong_password_is_said_at_once_and_not_shown(place: Place, tmp_path: Path) -> None:
    given = read_json(place.connection)
    wrong = given | {"broker_url": place.broker.amqp_url(NAME, NAME).replace("@", f"{MARKER}@", 1)}
    path = tmp_path / "wrong.connection.json"
    path.write_text(json.dumps(wrong))

    with pytest.raises(LoginRefused) as caught:
        async with Recipient.from_files(path, place.key):
            pass
    assert MARKER not in str(caught.value)


async def test_the_wire_log_gets_all_that_comes_in(gate: FakeGate, place: Place, store: Store) -> None:
    arrivals: list[Arrival] = []
    listener = Listener()
    async with place.recipient(wire_log=arrivals.append) as recipient:
        await recipient.subscribe(listener, store=store)
        notice = await gate.notify(released(sequence=1))
        await listener.next()
        await recipient.cancel_commission("E-1")

    assert [arrival.kind for arrival in arrivals] == ["notice", "answer", "reply"]
    assert arrivals[0].properties["message_id"] == notice
    assert json.loads(arrivals[1].body)["notice"] == notice
    assert set(arrivals[1].protected) == {"alg", "enc", "epk", "kid"}


async def test_the_plain_amqp_sample_prints_each_answer_and_acknowledges_its_notice(
    gate: FakeGate, place: Place, recipient: Recipient
) -> None:
    first = await gate.notify(released(sequence=1))
    second = await gate.notify(retracted())
    sample = await asyncio.create_subprocess_exec(
        sys.executable, "examples/plain_amqp.py", place.connection, place.key, stdout=PIPE
    )
    assert sample.stdout is not None

    async with asyncio.timeout(20):
        answers = [json.loads(await sample.stdout.readline()) for _ in range(2)]
    await _until(lambda: len(gate.openings) == 2)
    sample.terminate()
    await sample.wait()

    assert [(answer["result"], answer["notice"]) for answer in answers] == [("released", first), ("retracted", second)]
    assert await recipient.count_inbox() in {0, 1}  # one at a time: the second only came because the first was gone


async def test_the_plain_amqp_sample_ends_with_an_error_when_its_connection_is_lost(
    gate: FakeGate, place: Place, tmp_path: Path
) -> None:
    async with wire_to(place.broker.address) as wire:
        given = read_json(place.connection)
        path = tmp_path / "through.connection.json"
        path.write_text(json.dumps(given | {"broker_url": wire.through(str(given["broker_url"]))}))
        await gate.notify(released(sequence=1))
        sample = await asyncio.create_subprocess_exec(
            sys.executable, "examples/plain_amqp.py", path, place.key, stdout=PIPE, stderr=PIPE
        )
        assert sample.stdout is not None
        async with asyncio.timeout(20):
            await sample.stdout.readline()

            wire.cut()
            _, told = await sample.communicate()

    assert sample.returncode == 1
    assert told.decode().rstrip().endswith("ConnectionError: the connection is lost")


async def test_the_command_line_prints_the_reply_and_says_by_its_exit_code_if_it_was_refused(
    gate: FakeGate, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    gate.replies += [{"result": "received"}, {"result": "refused", "errors": [{"field": "f", "reason": "r"}]}]
    line = ["cancel", "--connection", str(place.connection), "--key", str(place.key), "--reference", "E-1"]

    codes = [await asyncio.to_thread(main, line) for _ in range(2)]

    assert codes == [0, 1]
    assert [json.loads(one)["result"] for one in capsys.readouterr().out.splitlines()] == ["received", "refused"]


async def test_a_command_without_an_answer_can_be_repeated_under_its_id(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = partial(Recipient.from_files, answer_seconds=2, patience_seconds=0)
    monkeypatch.setattr(Recipient, "from_files", impatient)
    line = ["cancel", "--connection", str(place.connection), "--key", str(place.key), "--reference", "E-1"]

    assert await asyncio.to_thread(main, line) == 2
    [repeat] = re.findall(
        r"may still be received. Repeat it with (--command-id=\S+) to be sure", capsys.readouterr().err
    )
    async with place.gate() as gate:
        assert await asyncio.to_thread(main, [*line, repeat]) == 0
        await _until(lambda: len(gate.commands) == 2)

    assert [f"--command-id={command['command_id']}" for command in gate.commands] == [repeat, repeat]


async def test_a_restart_of_the_broker_loses_nothing(
    place: Place, recipient: Recipient, subscription: Subscription, listener: Listener
) -> None:
    gate = place.gate()
    await subscription.pause()
    async with gate:
        await gate.notify(released(sequence=1))
    await subscription.resume()

    place.broker.restart()  # not in a thread: a node ends with the thread that started it
    async with gate:
        assert isinstance(await listener.next(), Released)
        assert isinstance(await recipient.cancel_commission("E-1"), Received)


async def _until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)
