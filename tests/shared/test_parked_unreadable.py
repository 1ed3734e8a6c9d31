"""What was parked while the key of its person could not be read outlives the key under which it travelled."""

from datetime import date
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.contracts.envelope import Envelope
from shared.contracts.intake import CaseOpened
from shared.effect import Effects
from shared.outbox import random_id
from shared.reader import Reader
from shared.zone import ZoneKeys
from tests.shared.builders import NOON, Kit, a_case, write_zone_keys
from tests.shared.cases import PERSON, Cases

pytestmark = pytest.mark.anyio


def reader_under(path: Path) -> Reader:
    """Return who reads what travelled under the keys of a file."""
    return Reader({CaseOpened.event_type: CaseOpened}, ZoneKeys(path))


def effects_of(kit: Kit, reader: Reader) -> Effects:
    """Return the effects of a service whose messages are read like this."""
    return Effects(Cases().handlers(), inbox=kit.inbox, parking=kit.parking, reader=reader)


def sealed(event: CaseOpened, zone_keys: ZoneKeys) -> bytes:
    """Return a message as it travels."""
    message_id = random_id()
    kid, body = zone_keys.seal(f"{message_id}|{event.event_type}", event.body())
    return Envelope(
        id=message_id,
        source="intake",
        type=event.event_type,
        time=NOON,
        correlation_id=random_id(),
        zone_key=kid,
        sealed=body,
    ).to_bytes()


def change_key(kit: Kit, wrapped: bytes) -> bytes:
    """Have the store of keys hold something else for the person; return what it held."""
    known = {"key_id": PERSON}
    with kit.keys._engine.begin() as connection:
        found = text("SELECT wrapped FROM person_key WHERE key_id = :key_id")
        before: bytes = connection.execute(found, known).scalar_one()
        change = text("UPDATE person_key SET wrapped = :wrapped WHERE key_id = :key_id")
        connection.execute(change, {**known, "wrapped": wrapped})
    kit.keys._cache.clear()  # as after a restart
    return before


async def test_it_can_be_handled_again_after_the_zone_key_is_gone(kit: Kit, tmp_path: Path) -> None:
    path = tmp_path / "zone.json"
    write_zone_keys(path, first=date(2026, 1, 1))
    reader = reader_under(path)
    effects = effects_of(kit, reader)
    body = sealed(a_case(case_id="case-0001", person_id=PERSON), ZoneKeys(path))
    received = reader.read(body)
    await kit.writer.run(lambda work: work.keys.seal(PERSON, "any.place", b"a key is made"))
    before = change_key(kit, b"x" * 60)
    park = partial(effects.park, parked_id="parked-1", received=received, body=body, reason="attempts_used_up")
    await kit.writer.run(park)
    change_key(kit, before)
    write_zone_keys(path, second=date(2026, 1, 9))

    later = effects_of(kit, reader_under(path))

    assert await kit.writer.run(lambda work: later.handle_parked(work, "parked-1", by="operator-1"))
    assert kit.tallies() == {"opened case-0001": 1}
