"""The example desks as processes of their own, with nothing but their own account and key."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from ops.broker import Broker
from ops.provision import add_recipient
from sdk.keys import make_key_pair, read_json, read_private_key
from tests.system.fake_gate import FakeGate, released
from tests.system.recipients import a_registration

pytestmark = [pytest.mark.system, pytest.mark.anyio]

NAME = "jobcenter-desk"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def gate_key() -> ECKey:
    return ECKey.generate_key("P-256")


@pytest.fixture(scope="module")
def files(broker: Broker, gate_key: ECKey, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("desk")
    key, public = make_key_pair(NAME, folder)
    registered = a_registration(NAME, public_key=read_json(public))
    public_gate_key = {name: str(value) for name, value in gate_key.as_dict(private=False).items()}
    return add_recipient(broker, registered, gate_public_key=public_gate_key, folder=folder), key


@pytest.fixture
async def gate(broker: Broker, gate_key: ECKey, files: tuple[Path, Path]) -> AsyncIterator[FakeGate]:
    broker.admin.delete(f"/api/queues/{NAME}/inbox/contents")
    url = broker.amqp_url("consent", NAME)
    async with FakeGate(url, key=gate_key, recipient_key=read_private_key(files[1])) as gate:
        yield gate


async def test_a_desk_shows_what_was_released_and_remembers_all_that_came(
    gate: FakeGate, files: tuple[Path, Path], tmp_path: Path
) -> None:
    notice = await gate.notify(released(sequence=1, conclusion={"code": "work_possible"}))

    async with _desk("jobcenter_desk", files, tmp_path) as desk:
        held = await _until_held(desk, 1)
        received = (await desk.get("/received")).json()
        page = (await desk.get("/")).text
    async with _desk("jobcenter_desk", files, tmp_path) as desk:
        after_restart = (await desk.get("/received")).json()

    assert held[0]["released"]["conclusion"] == {"code": "work_possible"}
    assert [(entry["kind"], entry["properties"]["message_id"]) for entry in received[:1]] == [("notice", notice)]
    assert received[1]["body"]["released"]["conclusion"] == {"code": "work_possible"}
    assert "work_possible" in page
    assert after_restart[:2] == received


async def test_while_paused_a_notice_waits_and_can_be_opened_by_hand(
    gate: FakeGate, files: tuple[Path, Path], tmp_path: Path
) -> None:
    async with _desk("provider_desk", files, tmp_path) as desk:
        await desk.post("/pause")
        notice = await gate.notify(released(sequence=1))
        unopened = (await desk.get("/unopened")).json()
        opened = (await desk.post("/reopen", json={"notice": notice})).json()
        unknown = (await desk.post("/reopen", json={"notice": "unknown"})).json()

    assert unopened == {"paused": True, "count": 1}
    assert opened["result"] == "released"
    assert unknown == {"result": "empty"}


async def test_a_body_goes_to_the_gate_as_it_is_and_the_refusal_comes_back(
    gate: FakeGate, files: tuple[Path, Path], tmp_path: Path
) -> None:
    errors = [{"field": "diagnosis", "reason": "is not accepted"}]
    gate.replies.append({"result": "refused", "errors": errors})

    async with _desk("jobcenter_desk", files, tmp_path) as desk:
        refused = await desk.post("/commission", json={"reference": "E-1", "diagnosis": "x"})
        received = await desk.post("/cancel", json={"reference": "E-1"})
        malformed = await desk.post("/commission", content="[")

    assert (refused.status_code, refused.json()["errors"]) == (422, errors)
    assert gate.commands[0]["diagnosis"] == "x"
    assert (received.status_code, received.json()["result"]) == (202, "received")
    assert malformed.json()["errors"] == [{"field": "body", "reason": "must be a JSON object"}]


async def test_a_provider_answers_a_referral(gate: FakeGate, files: tuple[Path, Path], tmp_path: Path) -> None:
    async with _desk("provider_desk", files, tmp_path) as desk:
        response = await desk.post("/answer", json={"reference": "R-1", "answer": "accepted"})

    assert response.status_code == 202
    assert (gate.commands[0]["command"], gate.commands[0]["answer"]) == ("answer_referral", "accepted")


@asynccontextmanager
async def _desk(name: str, files: tuple[Path, Path], data: Path) -> AsyncIterator[httpx2.AsyncClient]:
    connection, key = files
    port = _free_port()
    options = ["--connection", str(connection), "--key", str(key), "--data", str(data), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", f"examples.{name}", *options)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await _until_healthy(client)
            yield client
    finally:
        process.terminate()
        await process.wait()


async def _until_healthy(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                (await client.get("/health")).raise_for_status()
            except httpx2.HTTPError:
                await asyncio.sleep(0.05)
            else:
                return


async def _until_held(client: httpx2.AsyncClient, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        while True:
            held: list[dict[str, Any]] = (await client.get("/held")).json()["held"]
            if len(held) == count:
                return held
            await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
