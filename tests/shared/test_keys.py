"""Erasing a person means destroying one key, for every instance and for ever."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.keys import KeyDestroyed, KeyNeverMade, PersonKeys, UnreadableValue
from tests.shared.builders import MARKER, MASTER_KEY, until
from tests.shared.conftest import OpenEngine, Store

VALUE = MARKER.encode()
PLACE = "person.name.1"


@pytest.fixture
def keys(store: Store) -> PersonKeys:
    return open_keys(store)


def open_keys(store: Store, *, master_key: bytes = MASTER_KEY) -> PersonKeys:
    """Open the store of keys as one more instance."""
    opened = PersonKeys(store.key_engine(), master_key=master_key)
    opened.create_store()
    return opened


def can_read(keys: PersonKeys, sealed: bytes) -> bool:
    """Say whether a person's value can be read."""
    try:
        return keys.unseal("person-1", PLACE, sealed) == VALUE
    except KeyDestroyed:
        return False


def test_a_sealed_value_is_read_at_its_own_place(keys: PersonKeys) -> None:
    sealed = keys.seal("person-1", PLACE, VALUE)

    assert keys.unseal("person-1", PLACE, sealed) == VALUE
    assert VALUE not in sealed


def test_the_same_value_never_looks_the_same(keys: PersonKeys) -> None:
    assert keys.seal("person-1", PLACE, VALUE) != keys.seal("person-1", PLACE, VALUE)


@pytest.mark.parametrize("place", ["person.name.2", "person.contact.1", "contact.name.1", ""])
def test_a_value_that_was_moved_cannot_be_read(keys: PersonKeys, place: str) -> None:
    sealed = keys.seal("person-1", PLACE, VALUE)

    with pytest.raises(UnreadableValue):
        keys.unseal("person-1", place, sealed)


def test_a_value_of_one_person_cannot_be_read_as_another_s(keys: PersonKeys) -> None:
    sealed = keys.seal("person-1", PLACE, VALUE)
    keys.seal("person-2", PLACE, VALUE)

    with pytest.raises(UnreadableValue):
        keys.unseal("person-2", PLACE, sealed)


@pytest.mark.parametrize("changed", [b"", b"short", bytes(40)])
def test_a_value_that_was_changed_cannot_be_read(keys: PersonKeys, changed: bytes) -> None:
    keys.seal("person-1", PLACE, VALUE)

    with pytest.raises(UnreadableValue):
        keys.unseal("person-1", PLACE, changed)


def test_what_a_destroyed_key_sealed_is_gone(keys: PersonKeys) -> None:
    sealed = keys.seal("person-1", PLACE, VALUE)

    keys.destroy("person-1")

    with pytest.raises(KeyDestroyed):
        keys.unseal("person-1", PLACE, sealed)


def test_a_destroyed_key_never_comes_back(keys: PersonKeys, store: Store) -> None:
    keys.seal("person-1", PLACE, VALUE)
    keys.destroy("person-1")

    with pytest.raises(KeyDestroyed):
        keys.seal("person-1", PLACE, VALUE)
    with pytest.raises(KeyDestroyed):
        open_keys(store).seal("person-1", PLACE, VALUE)


def test_a_key_that_was_never_made_can_be_destroyed_beforehand(keys: PersonKeys) -> None:
    keys.destroy("person-1")

    with pytest.raises(KeyDestroyed):
        keys.seal("person-1", PLACE, VALUE)


def test_a_lost_key_is_not_taken_for_a_destroyed_one(keys: PersonKeys) -> None:
    keys.destroy("person-1")

    assert (keys.is_destroyed("person-1"), keys.is_destroyed("person-2")) == (True, False)
    with pytest.raises(KeyNeverMade):
        keys.unseal("person-2", PLACE, bytes(40))


def test_keys_outlive_the_process(keys: PersonKeys, store: Store) -> None:
    sealed = keys.seal("person-1", PLACE, VALUE)

    assert open_keys(store).unseal("person-1", PLACE, sealed) == VALUE


def test_another_master_key_reads_nothing(keys: PersonKeys, store: Store) -> None:
    sealed = keys.seal("person-1", PLACE, VALUE)

    with pytest.raises(UnreadableValue):
        open_keys(store, master_key=secrets.token_bytes(32)).unseal("person-1", PLACE, sealed)


def test_a_wrapped_key_that_was_moved_to_another_person_opens_nothing(keys: PersonKeys, store: Store) -> None:
    sealed = keys.seal("person-1", PLACE, VALUE)
    keys.seal("person-2", PLACE, VALUE)
    swap = "UPDATE person_key SET wrapped = (SELECT wrapped FROM person_key WHERE key_id = 'person-1')"
    with store.key_engine().begin() as connection:
        connection.execute(text(swap))

    with pytest.raises(UnreadableValue):
        open_keys(store).unseal("person-2", PLACE, sealed)


def test_instances_that_make_a_key_at_the_same_moment_make_one(store: Store) -> None:
    instances = [open_keys(store) for _ in range(6)]
    persons = [f"person-{number}" for number in range(10)]

    with ThreadPoolExecutor(6) as pool:
        sealed = list(pool.map(lambda keys: [keys.seal(person, PLACE, VALUE) for person in persons], instances))

    fresh = open_keys(store)
    read = {
        fresh.unseal(person, PLACE, value) for values in sealed for person, value in zip(persons, values, strict=True)
    }
    assert read == {VALUE}


def test_instances_that_start_at_the_same_moment_make_one_store(store: Store) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: open_keys(store), range(6)))

    assert len(opened) == 6


@pytest.mark.anyio
async def test_a_key_that_another_instance_destroyed_is_gone_within_a_second(postgres_store: Store) -> None:
    one, other = open_keys(postgres_store), open_keys(postgres_store)
    sealed = one.seal("person-1", PLACE, VALUE)
    assert can_read(other, sealed)

    one.destroy("person-1")

    await until(lambda: not can_read(other, sealed), seconds=3)


def test_no_trace_of_a_destroyed_key_is_left_in_the_file(tmp_path: Path, engines: OpenEngine) -> None:
    engine = engines(f"sqlite:///{tmp_path}/keys.db")
    keys = PersonKeys(engine, master_key=MASTER_KEY)
    keys.create_store()
    keys.seal("person-1", PLACE, VALUE)
    with engine.connect() as connection:
        wrapped = connection.execute(text("SELECT wrapped FROM person_key")).scalar_one()

    keys.destroy("person-1")

    assert wrapped not in everything_in(tmp_path)
    assert b"person-1" in everything_in(tmp_path)


def everything_in(folder: Path) -> bytes:
    """Return the bytes of all files of a folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir())
