"""A town's steering is told a quarter, while everything real runs: the bus, the gate, an account, its own client."""

import asyncio
import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import aio_pika
import httpx2
import pytest

from ops import provision
from ops.run_folder import write_private
from ops.stage import TOWN, Stage, running_stage
from sdk import FiguresPublished, Recipient, Store
from sdk.cli import main
from sdk.keys import make_key_pair, read_json
from shared import topology
from shared.contracts.assessment import AssessmentFiguresCounted
from shared.contracts.envelope import Envelope
from shared.contracts.figures import TABLES, FigureCell, FiguresCounted
from shared.contracts.intake import IntakeFiguresCounted
from shared.contracts.referral import ReferralFiguresCounted
from shared.zone import ZoneKeys
from tests.system.recipients import what_is_said

pytestmark = pytest.mark.system

NAME, QUARTER = "musterstadt-steuerung", "2025-Q4"
DESK = "stadt-steuerung"


def town_with_steering(folder: Path) -> Path:
    """Return the folder of a town in which the steering has a desk."""
    town = folder / "town"
    shutil.copytree(TOWN, town)
    said = json.loads((town / "recipients.json").read_text())
    steering = {"recipient_id": DESK, "organisation": "synthetic register, Stadt", "purposes": ["steering"]}
    said["recipients"].append({**steering, "role": "steering", "display_name": "Stadt (synthetic)", "offered": []})
    (town / "recipients.json").write_text(json.dumps(said))
    return town


def enrolled(stage: Stage, folder: Path) -> tuple[Path, Path]:
    """Register a town's steering with one command; return its connection file and its key."""
    private, public = make_key_pair(NAME, folder / "keys")
    said = what_is_said(NAME, public_key=read_json(public), role="steering", offered=[])
    said["purpose_commitment"]["purposes"] = ["steering"]
    registration, token = folder / "registration.json", folder / "operator.token"
    registration.write_text(json.dumps(said))
    write_private(token, stage.tokens["operator"] + "\n")
    gate = ["--gate", stage.url("consent"), "--token-file", str(token)]
    arguments = ["add-recipient", str(registration), "--stage", "figures", "--folder", str(folder), *gate]
    assert provision.main(arguments) == 0
    return provision.connection_file(folder, NAME), private


async def announce(stage: Stage, event: FiguresCounted) -> None:
    """Publish an event as its producer's account may."""
    producer, id_ = event.event_type.partition(".")[0], uuid4().hex
    zone_key, sealed = ZoneKeys(stage.folder / "keys" / "zone-keys.json").seal(
        f"{id_}|{event.event_type}", event.body()
    )
    now = datetime.now(UTC)
    envelope = Envelope(id_, producer, event.event_type, now, uuid4().hex, zone_key, sealed)
    async with await aio_pika.connect(stage.broker.amqp_url(producer, topology.CARE)) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
        message = aio_pika.Message(envelope.to_bytes(), delivery_mode=2, message_id=id_)
        await exchange.publish(message, routing_key=event.event_type)


def counted(kind: type[FiguresCounted]) -> FiguresCounted:
    """Return what a service counted: 40 in each row, and 9 who were met on the street."""
    producer = kind.event_type.partition(".")[0]
    rows = [(table.name, row) for table in TABLES if table.producer == producer for row in table.rows]
    cells = (FigureCell(table=table, row=row, count=9 if row == "street" else 40) for table, row in rows)
    return kind(count_id=uuid4().hex, quarter=QUARTER, counted_at=datetime.now(UTC), cells=tuple(cells))


async def received(connection: Path, key: Path, store: Store) -> list[FiguresPublished]:
    """Receive until there are figures."""

    async def take(_event: object) -> None:
        return

    async with Recipient.from_files(connection, key) as recipient:
        await recipient.subscribe(take, store=store)
        until = time.monotonic() + 30
        while not store.figures():
            assert time.monotonic() < until, "not in time"
            await asyncio.sleep(0.1)
    return store.figures()


def page_of(url: str) -> httpx2.Response:
    """Ask a desk until it has figures."""
    until = time.monotonic() + 30
    while (found := httpx2.get(url)).status_code != 200:
        assert time.monotonic() < until, "not in time"
        time.sleep(0.1)
    return found


def test_what_three_services_counted_reaches_the_steering_protected_and_makes_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path / "run"))
    (tmp_path / "handover").mkdir()
    town = town_with_steering(tmp_path)
    with running_stage("figures", tell=lambda _text: None, town=town) as stage:
        connection, key = enrolled(stage, tmp_path / "handover")
        for kind in (IntakeFiguresCounted, AssessmentFiguresCounted, ReferralFiguresCounted):
            asyncio.run(announce(stage, counted(kind)))
        with Store(tmp_path / "held.sqlite3") as store:
            [told] = asyncio.run(received(connection, key, store))
        shown = page_of(f"{stage.url(DESK)}/report")
    capsys.readouterr()
    main(["held", "--store", str(tmp_path / "held.sqlite3")])
    (tmp_path / "held.json").write_text(capsys.readouterr().out)

    made = main(["figures-report", str(tmp_path / "held.json"), "--html", str(tmp_path / "report.html")])

    came_by = told.figures.tables[0]
    assert [(row.row, row.about) for row in came_by.rows] == [("commissioned", 40), ("self", 40), ("street", None)]
    assert (told.figures.quarter, came_by.total, made) == (QUARTER, None, 0)
    assert (shown.status_code, shown.text) == (200, (tmp_path / "report.html").read_text())
    assert "weniger als 10" in (tmp_path / "report.html").read_text()
