"""A recipient comes, changes its key and ends, while everything real runs: gate, broker, its own client."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiormq
import httpx2
import pytest

from ops import provision
from ops.run_folder import write_private
from ops.stage import Stage, running_stage
from ops.story import initial_names
from sdk import Empty, Recipient, Released, Retracted, Store, UnknownKey
from sdk.keys import make_key_pair, read_json
from tests.system.recipients import what_is_said
from tests.system.wall import connects

pytestmark = pytest.mark.system

WITHIN_SECONDS = 5


def quiet(_text: str) -> None:
    """Print nothing."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give a whole stage in a run folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GESEHEN_RUN_DIR", str(tmp_path_factory.mktemp("run")))
        with running_stage("recipients", tell=quiet) as running:
            yield running


@dataclass(frozen=True, slots=True)
class Desk:
    """What an operator and a new provider have in their hands."""

    stage: Stage
    name: str
    folder: Path

    def call(self, method: str, path: str, body: Any = None, *, service: str = "consent", role: str) -> Any:
        """Call a service of the stage; return what it answers."""
        headers = {"Authorization": f"Bearer {self.stage.tokens[role]}", "Idempotency-Key": f"{time.time_ns():x}" * 2}
        url = self.stage.url(service) + path
        answer = httpx2.request(method, url, json=body, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def patiently(self, method: str, path: str, body: Any, *, service: str = "consent", role: str) -> Any:
        """Call until it is accepted: what it rests on may still be on its way over the bus."""
        until = time.monotonic() + 15
        while True:
            try:
                return self.call(method, path, body, service=service, role=role)
            except AssertionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def provision(self, command: str, *arguments: str, told: bool = True) -> int:
        """Run one command of `ops.provision` beside the stage, telling the gate."""
        token = self.folder / "operator.token"
        write_private(token, self.stage.tokens["operator"] + "\n")
        gate = ["--gate", self.stage.url("consent"), "--token-file", str(token)] if told else []
        places = ["--stage", "recipients", "--folder", str(self.folder)]
        return provision.main([command, *arguments, *places, *gate])

    def seen(self) -> dict[str, Any]:
        """Return how the gate sees the recipient."""
        found = self.call("GET", "/recipients", role="operator")
        return next(item for item in found if item["recipient_id"] == self.name)

    @property
    def connection(self) -> Path:
        """Where the connection file lies."""
        return provision.connection_file(self.folder, self.name)


@pytest.fixture
def desk(stage: Stage, tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    """Add a provider with one command and wait until the gate is connected to it."""
    name = str(getattr(request, "param", f"provider-{secrets.token_hex(4)}"))
    _, public = make_key_pair(name, tmp_path / "keys")
    registration = tmp_path / "registration.json"
    said = what_is_said(name, public_key=read_json(public), offered=["identity", "contact", "debts"])
    registration.write_text(json.dumps(said))
    found = Desk(stage, name, tmp_path)
    assert found.provision("add-recipient", str(registration)) == 0
    wait_until(lambda: found.seen()["connected"])
    return found


def wait_until(is_so: Callable[[], Any], *, seconds: float = 15) -> None:
    """Wait until something is so; fail when it is not in time."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "not in time"
        time.sleep(0.05)


def test_one_command_ends_a_recipient_within_seconds(desk: Desk, stage: Stage) -> None:
    address = stage.broker.amqp_url(desk.name, desk.name)

    took = asyncio.run(seconds_until_closed(desk, address))
    asked_at = time.monotonic()
    wait_until(lambda: not desk.seen()["connected"])
    gate_took = time.monotonic() - asked_at

    print(f"client closed {took:.2f} s after the command began; the gate's line {gate_took:.2f} s after its end")
    assert took < WITHIN_SECONDS
    assert gate_took < WITHIN_SECONDS
    assert desk.seen()["state"] == "ended"
    assert not may_log_in(stage, desk.name)
    assert not desk.connection.exists()
    assert desk.name not in {vhost["name"] for vhost in stage.broker.admin.get("/api/vhosts")}


async def seconds_until_closed(desk: Desk, address: str) -> float:
    connection = await aiormq.connect(address)
    channel = await connection.channel()
    await channel.basic_consume("inbox", ignore)
    began = time.monotonic()
    ending = asyncio.create_task(asyncio.to_thread(desk.provision, "end-recipient", desk.name))
    await asyncio.wait([connection.closing], timeout=30)
    took = time.monotonic() - began
    assert connection.is_closed
    assert await ending == 0
    return took


async def ignore(_message: object) -> None:
    return


def may_log_in(stage: Stage, name: str) -> bool:
    """Say whether the account can still log in anywhere."""
    return connects(stage.broker, name, name) or connects(stage.broker, name, "care")


def test_removing_without_telling_the_gate_is_said_loudly(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    code = desk.provision("remove-recipient", desk.name, told=False)
    untold = capsys.readouterr().err
    desk.provision("remove-recipient", desk.name)
    told = capsys.readouterr().err
    desk.provision("end-recipient", desk.name)
    capsys.readouterr()
    desk.provision("remove-recipient", desk.name)

    assert code == 0
    assert "the gate was not told" in untold
    assert "state there: active" in told
    assert capsys.readouterr().err == ""


def test_whom_the_gate_refuses_gets_no_account(
    desk: Desk, stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.provision("end-recipient", desk.name)
    registration = tmp_path / "registration.json"
    capsys.readouterr()

    code = desk.provision("add-recipient", str(registration))

    assert code == 1
    assert capsys.readouterr().err.startswith("gate_refused: the gate answered 409")
    assert not may_log_in(stage, desk.name)


def test_a_gate_that_does_not_answer_was_told_nothing_and_nothing_is_taken_away(
    desk: Desk, stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "operator.token"
    places = ["--stage", "recipients", "--folder", str(tmp_path)]
    gone = ["--gate", "http://127.0.0.1:9", "--token-file", str(token)]

    code = provision.main(["end-recipient", desk.name, *places, *gone])

    assert (code, capsys.readouterr().err.split(":")[0]) == (1, "gate_out_of_reach")
    assert connects(stage.broker, desk.name, desk.name)


@pytest.mark.parametrize("desk", ["tafel"], indirect=True)  # one that the directory of providers knows
def test_a_provider_changes_its_key_ends_and_comes_back(desk: Desk) -> None:
    """The whole life: told under the old key, told under the new one, ended, back, and nothing of old opens."""
    person, referral = a_referred_person(desk)
    keys = desk.folder / "keys"
    with Store(desk.folder / "held.sqlite3") as store:
        first = asyncio.run(next_release(desk, keys, store))
        _, public = make_key_pair(desk.name, keys, is_next=True)
        kid = desk.call("PUT", f"/recipients/{desk.name}/key", {"public_key": read_json(public)}, role="operator")[
            "kid"
        ]
        time.sleep(2)
        again = asyncio.run(opened(desk, keys, first.notice))
        with pytest.raises(UnknownKey, match=kid):
            asyncio.run(opened(desk, keys / f"{desk.name}.key.json", first.notice))
    assert isinstance(again, Released)
    assert again.released == first.released

    assert desk.provision("end-recipient", desk.name) == 0
    wait_until(lambda: desk.seen()["persons_to_reconsider"] == 0)
    answers = desk.call("GET", f"/persons/{person}/answers", role="person_desk")
    assert [answer for answer in answers if answer["recipient_id"] == desk.name and answer["stands"]] == []
    state = desk.call("GET", f"/referrals/{referral}", service="referral", role="assessor")
    assert state["state"] != "requested", "the team hears that no help will come from there"

    reinstate(desk)
    wait_until(lambda: desk.seen()["connected"])
    wait_until(lambda: desk.seen()["persons_to_reconsider"] == 0)
    old, retracted = asyncio.run(after_the_return(desk, keys, first.notice))
    assert isinstance(old, Empty)
    assert retracted.release_id == first.release_id


def reinstate(desk: Desk) -> None:
    """Bring the provider back at the gate, under papers of today, and give it an account again."""
    said = json.loads((desk.folder / "registration.json").read_text())
    papers = {name: said[name] for name in ("organisation", "purpose_commitment", "staff_secrecy_notice")}
    desk.call("POST", f"/recipients/{desk.name}/reinstatement", papers, role="operator")
    gate_key = desk.stage.folder / "keys" / "gate.public.json"
    code = desk.provision(
        "add-recipient", str(desk.folder / "registration.json"), "--gate-key", str(gate_key), told=False
    )
    assert code == 0


def a_referred_person(desk: Desk) -> tuple[str, str]:
    """Have a synthetic person referred to the provider, who agrees that it may know how to reach them."""
    came = {"origin": "self", "contact": {"channel": "phone", "address": "+49 201 5550199"}}
    came["identity"] = {"name": "Tilda Testperson (synthetic)"}
    case = desk.call("POST", "/cases", came, service="intake", role="intake_worker")
    told = {"language": "de", "text_version": "2026-10", "text_sha256": "5e" * 32}
    desk.call("POST", f"/cases/{case['case_id']}/notices", told, service="intake", role="intake_worker")
    asked = {"case_id": case["case_id"], "recipient_id": desk.name, "service": "food"}
    referral = desk.patiently("POST", "/referrals", asked, service="referral", role="assessor")["referral_id"]
    grant = {
        "person_id": case["person_id"],
        "recipient_id": desk.name,
        "purpose": f"referral:{referral}",
        "words": {"contact": "yes"},
        "kinds": ["secrecy_release", "data_consent"],
        "reaches_back": True,
        "evidence": initial_names()["evidence"],
    }
    desk.patiently("POST", "/grants", grant, role="person_desk")
    return case["person_id"], referral


async def next_release(desk: Desk, keys: Path, store: Store) -> Released:
    """Return the first thing that is released to the provider."""
    events: asyncio.Queue[Any] = asyncio.Queue()
    async with Recipient.from_files(desk.connection, keys) as recipient:
        await recipient.subscribe(events.put, store=store)
        async with asyncio.timeout(30):
            event = await events.get()
    assert isinstance(event, Released)
    return event


async def opened(desk: Desk, keys: Path, notice: str) -> Any:
    """Open a notice once more with the keys that lie somewhere."""
    async with Recipient.from_files(desk.connection, keys) as recipient:
        return await recipient.open(notice)


async def after_the_return(desk: Desk, keys: Path, old: str) -> tuple[Any, Retracted]:
    """Return what the old notice opens to now, and the retraction that comes by itself."""
    events: asyncio.Queue[Any] = asyncio.Queue()
    with Store(desk.folder / "held.sqlite3") as store:
        async with Recipient.from_files(desk.connection, keys) as recipient:
            await recipient.subscribe(events.put, store=store)
            async with asyncio.timeout(30):
                event = await events.get()
            assert isinstance(event, Retracted)
            return await recipient.open(old), event
