"""What is malformed, and why: each kind has its code, and no error holds a value."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.contracts.assessment import FactRecorded
from shared.contracts.intake import CaseOpened, IdentityRecorded
from shared.reader import Malformed, NotForUs, Reader
from shared.zone import ZoneKeys
from tests.shared.builders import MARKER, NOON, a_case, write_zone_keys
from tests.shared.wire import an_envelope

Make = Callable[[ZoneKeys], bytes]


@pytest.fixture
def zone_keys(tmp_path: Path) -> ZoneKeys:
    write_zone_keys(tmp_path / "zone.json", today=datetime.now(UTC).date())
    return ZoneKeys(tmp_path / "zone.json")


@pytest.fixture
def reader(zone_keys: ZoneKeys) -> Reader:
    return Reader({CaseOpened.event_type: CaseOpened}, zone_keys)


def a_message(zone_keys: ZoneKeys, **changes: object) -> bytes:
    """Return a case that was opened, as it travels."""
    return an_envelope(a_case(), zone_keys, **changes).to_bytes()


def changed(**attributes: object) -> Make:
    """Return how to make an envelope with other attributes."""
    return lambda zone_keys: json.dumps(json.loads(a_message(zone_keys)) | attributes).encode()


def holding(plain: bytes) -> Make:
    """Return how to make an envelope around another body."""

    def make(zone_keys: ZoneKeys) -> bytes:
        kid, sealed = zone_keys.seal("message-1|intake.case_opened.v1", plain)
        return a_message(zone_keys, id="message-1", zone_key=kid, sealed=sealed)

    return make


KINDS: dict[str, tuple[str, Make]] = {
    "empty": ("malformed_envelope", lambda _: b""),
    "not JSON": ("malformed_envelope", lambda _: b"{" + MARKER.encode()),
    "not UTF-8": ("malformed_envelope", lambda _: b"\xff\xfe\x00"),
    "a list": ("malformed_envelope", lambda _: b"[]"),
    "very deep": ("malformed_envelope", lambda _: b"[" * 100_000),
    "a number too long": ("malformed_envelope", lambda _: b"1" * 10_000),
    "wrong specversion": ("malformed_envelope", changed(specversion="0.3")),
    "no id": ("malformed_envelope", changed(id=None)),
    "a time that is none": ("malformed_envelope", changed(time=MARKER)),
    "not base64": ("malformed_envelope", changed(data_base64="#")),
    "unknown type": ("unknown_type", changed(type="intake.case_reopened.v1")),
    "foreign source": ("foreign_source", changed(source="referral")),
    "another zone's key": ("zone_key_gone", changed(zonekey="elsewhere")),
    "a body that was changed": ("unreadable_body", changed(data_base64="AAAA" * 20)),
    "a body of another message": ("unreadable_body", changed(id="message-2")),
    "an id that is no text": ("unreadable_body", changed(id="\ud800")),
    "a body that is not JSON": ("invalid_fields", holding(MARKER.encode())),
    "a body with a field missing": ("invalid_fields", holding(b'{"case_id":"case-0001"}')),
    "a body with a wrong value": ("invalid_fields", holding(a_case().body().replace(b"street", MARKER.encode()))),
}


def test_an_event_comes_out_as_it_went_in(reader: Reader, zone_keys: ZoneKeys) -> None:
    event = a_case()

    received = reader.read(an_envelope(event, zone_keys, id="message-1", correlation_id="chain-0001").to_bytes())

    assert (received.event, received.message_id, received.correlation_id) == (event, "message-1", "chain-0001")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_malformed_message_has_its_reason_and_shows_no_value(
    reader: Reader, zone_keys: ZoneKeys, kind: str
) -> None:
    reason, make = KINDS[kind]

    with pytest.raises(Malformed) as raised:
        reader.read(make(zone_keys))

    assert (raised.value.reason, raised.value.__cause__) == (reason, None)
    assert str(raised.value) == reason


def test_a_field_of_a_newer_producer_is_dropped(reader: Reader, zone_keys: ZoneKeys) -> None:
    newer = json.loads(a_case().body()) | {"favourite_colour": MARKER}

    received = reader.read(holding(json.dumps(newer).encode())(zone_keys))

    assert MARKER not in str(received.event.model_dump(exclude={"contact"}))


def test_an_attribute_of_a_newer_envelope_is_ignored(reader: Reader, zone_keys: ZoneKeys) -> None:
    body = changed(traceparent="00-1-1-00")(zone_keys)

    assert isinstance(reader.read(body).event, CaseOpened)


@pytest.mark.parametrize("event_class", [IdentityRecorded, FactRecorded])
def test_what_the_service_has_no_use_for_is_told_apart(
    reader: Reader, zone_keys: ZoneKeys, event_class: type[IdentityRecorded | FactRecorded]
) -> None:
    with pytest.raises(NotForUs):
        reader.read(changed(type=event_class.event_type, source=event_class.event_type.split(".")[0])(zone_keys))


def test_nothing_is_read_of_what_the_service_has_no_use_for(reader: Reader, zone_keys: ZoneKeys) -> None:
    event = IdentityRecorded.model_validate(
        {"fact_id": "fact-0001", "version": 1, "person_id": "person-1", "recorded_at": NOON, "identity": {"name": "A"}}
    )

    with pytest.raises(NotForUs) as raised:
        reader.read(an_envelope(event, zone_keys, zone_key="gone").to_bytes())

    assert str(raised.value) == "intake.identity_recorded.v1"
