"""The wire's key changes every day while the services run, and old ones are destroyed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import zone
from shared.keys import UnreadableValue
from shared.zone import ZoneKeyGone, ZoneKeys, ZoneKeysUnreadable
from tests.shared.builders import MARKER, write_zone_keys

TODAY = datetime.now(UTC).date()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
BODY = MARKER.encode()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(zone, "LOOK_SECONDS", 0)
    file = tmp_path / "zone.json"
    write_zone_keys(file, old=YESTERDAY, new=TODAY)
    return file


def test_the_newest_key_that_has_begun_seals(path: Path) -> None:
    write_zone_keys(path, old=YESTERDAY, new=TODAY, future=TOMORROW)

    kid, sealed = ZoneKeys(path).seal("id|type", BODY)

    assert (kid, BODY in sealed) == ("new", False)


def test_every_key_that_exists_opens(path: Path) -> None:
    kid, sealed = ZoneKeys(path).seal("id|type", BODY)
    write_zone_keys(path, new=TODAY, newer=TODAY)

    assert ZoneKeys(path).unseal(kid, "id|type", sealed) == BODY


def test_a_new_key_is_followed_while_running(path: Path) -> None:
    zone_keys = ZoneKeys(path)
    before, _ = zone_keys.seal("id|type", BODY)

    write_zone_keys(path, new=TODAY, newer=TODAY)
    after, _ = zone_keys.seal("id|type", BODY)

    assert (before, after) == ("new", "newer")


def test_what_a_destroyed_key_sealed_is_gone_while_running(path: Path) -> None:
    zone_keys = ZoneKeys(path)
    kid, sealed = zone_keys.seal("id|type", BODY)

    write_zone_keys(path, newer=TODAY)

    with pytest.raises(ZoneKeyGone):
        zone_keys.unseal(kid, "id|type", sealed)


def test_a_body_under_another_envelope_cannot_be_read(path: Path) -> None:
    zone_keys = ZoneKeys(path)
    kid, sealed = zone_keys.seal("id|type", BODY)

    with pytest.raises(UnreadableValue):
        zone_keys.unseal(kid, "other id|type", sealed)


def test_nothing_is_sealed_with_a_key_that_has_not_begun(path: Path) -> None:
    write_zone_keys(path, future=TOMORROW)

    with pytest.raises(ZoneKeyGone):
        ZoneKeys(path).seal("id|type", BODY)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not JSON",
        "[]",
        '{"zone_keys": [{}]}',
        '{"zone_keys": [{"kid": "a", "created_on": "2026-01-01", "key": "c2hvcnQ="}]}',
        '{"zone_keys": [{"kid": "a", "created_on": "yesterday", "key": ""}]}',
    ],
)
def test_a_damaged_file_says_so_without_its_content(path: Path, content: str) -> None:
    zone_keys = ZoneKeys(path)
    zone_keys.seal("id|type", BODY)
    path.write_text(content)

    with pytest.raises(ZoneKeysUnreadable) as raised:
        zone_keys.seal("id|type", BODY)

    assert "c2hvcnQ" not in str(raised.value)


def test_a_file_that_was_mended_is_read_again(path: Path) -> None:
    zone_keys = ZoneKeys(path)
    path.unlink()
    with pytest.raises(ZoneKeysUnreadable):
        zone_keys.seal("id|type", BODY)

    write_zone_keys(path, newer=TODAY)

    assert zone_keys.seal("id|type", BODY)[0] == "newer"
