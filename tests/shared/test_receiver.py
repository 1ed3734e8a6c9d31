"""From the queue to the effect: settled only as handled, waiting, on its way to a later attempt, or parked."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared import receiver as module
from shared import zone
from shared.contracts.consent import PersonErased
from shared.contracts.envelope import Envelope
from shared.contracts.intake import CaseEnded, IdentityRecorded
from shared.inbox import Parked
from shared.keys import KeyDestroyed
from shared.metrics import Metrics
from shared.outbox import random_id
from shared.receiver import Receiver
from shared.zone import ZoneKeys
from tests.shared.builders import MARKER, NOON, Kit, a_case, busy, until, write_zone_keys
from tests.shared.cases import PERSON, Cases
from tests.shared.conftest import Store
from tests.shared.wire import Delivery, RememberingLine, an_envelope

pytestmark = pytest.mark.anyio

RETRY = "care.retry/assessment.retry"
PARKED = "care.retry/assessment.parked"
Headers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """A receiver with everything around it."""

    receiver: Receiver
    kit: Kit
    line: RememberingLine
    cases: Cases
    zone_keys: ZoneKeys
    metrics: Metrics

    def case(self, **changes: Any) -> bytes:
        """Return a case that was opened, as it travels."""
        return an_envelope(a_case(case_id="case-0001", person_id=PERSON), self.zone_keys, **changes).to_bytes()

    def failing(self, error: Exception | None = None) -> bytes:
        """Return a message, as it travels, whose handler fails."""
        self.cases.fails_with = error or LookupError(MARKER)
        event = CaseEnded(case_id="case-0001", person_id=PERSON, ended_at=NOON)
        return an_envelope(event, self.zone_keys).to_bytes()

    async def deliver(self, body: bytes, headers: Headers | None = None, *, channel_is_gone: bool = False) -> list[str]:
        """Deliver a message to the service; return how it was settled."""
        message = Delivery(body, headers or {}, channel_is_gone=channel_is_gone)
        await self.receiver.receive(message)  # type: ignore[arg-type]  # a fake of ours
        return message.settled

    async def park(self, body: bytes, headers: Headers | None = None, *, message_id: str | None = None) -> list[str]:
        """Deliver a message from the parking queue; return how it was settled."""
        message = Delivery(body, headers or {}, message_id=message_id or random_id())
        await self.receiver.park(message)  # type: ignore[arg-type]  # a fake of ours
        return message.settled

    async def parked(self) -> list[dict[str, object]]:
        """Return what is parked."""
        return await self.kit.writer.run(lambda work: self.kit.parking.listed(work.session))

    async def take_parked(self) -> Parked | None:
        """Return the only parked message, body included."""
        [row] = await self.parked()
        return await self.kit.writer.run(lambda work: self.kit.parking.take(work.session, str(row["parked_id"])))


@pytest.fixture
def desk(keeping_kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    kit = keeping_kit
    monkeypatch.setattr(zone, "LOOK_SECONDS", 0)
    write_zone_keys(tmp_path / "zone.json", today=datetime.now(UTC).date())
    line, cases, zone_keys = RememberingLine(), Cases(), ZoneKeys(tmp_path / "zone.json")
    metrics = Metrics()
    receiver = Receiver(
        "assessment",
        cases.handlers(),
        writer=kit.writer,
        inbox=kit.inbox,
        parking=kit.parking,
        zone_keys=zone_keys,
        line=line,  # type: ignore[arg-type]  # a fake of ours
        metrics=metrics,
    )
    return Desk(receiver, kit, line, cases, zone_keys, metrics)


async def test_a_handled_message_is_acknowledged(desk: Desk) -> None:
    settled = await desk.deliver(desk.case())

    assert (settled, desk.kit.tallies()) == (["acknowledged"], {"opened case-0001": 1})


async def test_what_a_handler_announces_belongs_to_the_chain_of_its_message(desk: Desk) -> None:
    await desk.deliver(desk.case(correlation_id="chain-0001"))

    assert [item.correlation_id for item in desk.kit.handed_over] == ["chain-0001"]


async def test_a_message_that_is_delivered_again_has_one_effect(desk: Desk) -> None:
    body = desk.case()

    settled = [await desk.deliver(body), await desk.deliver(body)]

    assert (settled, desk.kit.tallies()) == ([["acknowledged"]] * 2, {"opened case-0001": 1})


async def test_a_message_whose_channel_is_gone_after_its_effect_has_one_effect(desk: Desk) -> None:
    body = desk.case()

    await desk.deliver(body, channel_is_gone=True)
    again = await desk.deliver(body)

    assert (again, desk.kit.tallies()) == (["acknowledged"], {"opened case-0001": 1})


async def test_news_of_a_person_right_behind_their_erasure_brings_nothing_back(desk: Desk) -> None:
    """The two name different persons to the receiver: an erasure is sealed for itself, its person's key being gone."""
    erased = PersonErased(erasure_id="erasure-0001", person_id=PERSON, erased_at=NOON)
    body = an_envelope(erased, desk.zone_keys).to_bytes()

    async with busy(desk.kit.writer):
        delivered = asyncio.gather(desk.deliver(body), desk.deliver(desk.case()), desk.deliver(desk.case()))
        await asyncio.sleep(0.05)
    await delivered

    assert desk.kit.keys.is_destroyed(PERSON)
    assert not desk.kit.tallies()


async def test_a_message_of_no_use_to_the_service_is_acknowledged(desk: Desk) -> None:
    event = IdentityRecorded.model_validate(
        {"fact_id": "fact-0001", "version": 1, "person_id": PERSON, "recorded_at": NOON, "identity": {"name": MARKER}}
    )

    settled = await desk.deliver(an_envelope(event, desk.zone_keys).to_bytes())

    assert (settled, desk.line.published) == (["acknowledged"], [])


async def test_a_malformed_message_is_sent_to_be_parked_with_its_reason(desk: Desk) -> None:
    settled = await desk.deliver(MARKER.encode())

    assert settled == ["acknowledged"]
    assert desk.line.moved == [(PARKED, {"x-gesehen-reason": "malformed_envelope"})]
    assert (desk.kit.tallies(), desk.kit.unsent()) == ({}, 0)


async def test_a_malformed_message_is_parked_as_it_came(desk: Desk) -> None:
    await desk.park(MARKER.encode(), {"x-gesehen-reason": "malformed_envelope"})

    [row] = await desk.parked()
    taken = await desk.take_parked()
    assert (row["reason"], row["message_id"], row["type"]) == ("malformed_envelope", None, None)
    assert taken is not None
    assert taken.body == MARKER.encode()


@pytest.mark.parametrize(
    ("attempt", "tier"), [(None, "5s"), (1, "60s"), ("1", "60s"), (MARKER, "5s"), (-1, "5s"), (b"\xff", "5s")]
)
async def test_a_failing_message_is_tried_again_later_and_later(desk: Desk, attempt: object, tier: str) -> None:
    settled = await desk.deliver(desk.failing(), {"x-gesehen-attempt": attempt})

    assert (settled, [place for place, _ in desk.line.moved]) == (["acknowledged"], [f"{RETRY}.{tier}"])


async def test_each_attempt_is_counted_and_after_the_last_the_message_is_parked(desk: Desk) -> None:
    body = desk.failing()

    await desk.deliver(body)
    await desk.deliver(body, desk.line.moved[-1][1])
    await desk.deliver(body, desk.line.moved[-1][1])

    assert desk.line.moved == [
        (f"{RETRY}.5s", {"x-gesehen-attempt": 1}),
        (f"{RETRY}.60s", {"x-gesehen-attempt": 2}),
        (PARKED, {"x-gesehen-reason": "attempts_used_up"}),
    ]


async def test_a_moved_message_keeps_its_body_and_survives_a_restart(desk: Desk) -> None:
    body = desk.failing()

    await desk.deliver(body)

    [(_, copy)] = desk.line.published
    assert (copy.body, copy.delivery_mode, copy.content_type) == (body, 2, Envelope.CONTENT_TYPE)


async def test_a_message_that_can_neither_be_handled_nor_moved_is_given_back(desk: Desk) -> None:
    desk.line.is_up = False

    assert await desk.deliver(desk.failing()) == ["given back"]


async def test_a_message_is_given_back_while_the_zone_keys_cannot_be_read(desk: Desk, tmp_path: Path) -> None:
    body = desk.case()
    (tmp_path / "zone.json").unlink()

    assert (await desk.deliver(body), desk.line.published) == (["given back"], [])


async def test_a_database_that_is_out_spends_no_attempt(desk: Desk, store: Store) -> None:
    with store.out_of_reach():
        handling = asyncio.create_task(desk.deliver(desk.case()))
        await until(lambda: desk.receiver.oldest_in_flight_seconds() > 0.5)
        assert not handling.done()

    assert (await handling, desk.line.published) == (["acknowledged"], [])
    assert desk.kit.tallies() == {"opened case-0001": 1}


async def test_a_message_about_an_erased_person_is_dropped(desk: Desk) -> None:
    desk.kit.keys.destroy(PERSON)

    settled = await desk.deliver(desk.case())

    assert (settled, desk.line.published, desk.kit.tallies()) == (["acknowledged"], [], {})


async def test_a_message_whose_handler_misses_somebody_else_s_key_is_not_dropped(desk: Desk) -> None:
    await desk.deliver(desk.failing(KeyDestroyed("somebody-else")))

    assert [place for place, _ in desk.line.moved] == [f"{RETRY}.5s"]


async def test_a_readable_message_is_parked_under_its_person_s_key(desk: Desk) -> None:
    await desk.park(desk.case(id="message-1"))

    [row] = await desk.parked()
    desk.kit.keys.destroy(PERSON)

    assert (row["reason"], row["message_id"]) == ("delivery_limit", "message-1")
    with pytest.raises(KeyDestroyed):
        await desk.take_parked()


async def test_a_parked_message_that_is_delivered_again_is_listed_once(desk: Desk) -> None:
    body = desk.case()

    await desk.park(body, message_id="moved-message-1")
    await desk.park(body, message_id="moved-message-1")

    assert len(await desk.parked()) == 1


async def test_a_made_up_reason_is_not_believed(desk: Desk) -> None:
    await desk.park(b"", {"x-gesehen-reason": MARKER * 10}, message_id=MARKER * 10)

    assert [row["reason"] for row in await desk.parked()] == ["delivery_limit"]


async def test_an_erased_person_s_message_is_not_parked(desk: Desk) -> None:
    desk.kit.keys.destroy(PERSON)

    settled = await desk.park(desk.case())

    assert (settled, await desk.parked()) == (["acknowledged"], [])


async def test_a_parked_message_is_handled_again_by_its_id(desk: Desk) -> None:
    await desk.park(desk.case(), message_id="moved-message-1")

    found = [
        await desk.receiver.handle_parked(parked_id, by="operator-1") for parked_id in ("moved-message-1", "unheard-of")
    ]

    assert (found, desk.kit.tallies()) == ([True, False], {"opened case-0001": 1})


async def test_nothing_is_in_flight_when_everything_is_settled(desk: Desk) -> None:
    await desk.deliver(desk.failing())
    await desk.deliver(b"")

    assert desk.receiver.oldest_in_flight_seconds() == 0


def counted(desk: Desk) -> dict[str, float]:
    """Return what was counted for operators, without what never happened."""
    families = [one for one in desk.metrics.registry.collect() if one.name.startswith("gesehen_events")]
    samples = [sample for family in families for sample in family.samples if sample.value]
    return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


async def test_operators_see_how_many_events_were_taken_tried_again_and_parked(desk: Desk) -> None:
    body = desk.case()
    for message in (body, body, desk.failing()):
        await desk.deliver(message)
    await desk.park(b"", message_id="moved-message-1")

    assert counted(desk) == {
        "gesehen_events_taken_total handled": 1,
        "gesehen_events_taken_total none": 1,
        "gesehen_events_retried_total": 1,
        "gesehen_events_parked_total": 1,
    }


async def test_operators_do_not_see_that_a_message_was_about_an_erased_person(desk: Desk) -> None:
    desk.kit.keys.destroy(PERSON)

    await desk.deliver(desk.case())

    assert counted(desk) == {"gesehen_events_taken_total none": 1}
