"""Two instances of a service on one PostgreSQL: disjoint claims, serialised persons, one effect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from shared.unit_of_work import UnitOfWork
from tests.shared.builders import Kit, a_case, add, running_kit
from tests.shared.cases import PERSON, Cases, effects_of, give, opened
from tests.shared.conftest import Store

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def two_instances(store: Store) -> AsyncIterator[tuple[Kit, Kit]]:
    """Run two instances on the same databases."""
    async with (
        running_kit(store.url, store.key_store_url) as one,
        running_kit(store.url, store.key_store_url) as other,
    ):
        yield one, other


async def test_copies_that_reach_two_instances_at_once_have_one_effect(postgres_store: Store) -> None:
    messages = [opened(f"case-{number:04}") for number in range(30)]

    async with two_instances(postgres_store) as (one, other):
        parts = [(kit, effects_of(kit, Cases())) for kit in (one, other)]
        await asyncio.gather(*(give(kit, effects, message) for message in messages for kit, effects in parts))

        assert set(one.tallies().values()) == {1}
        assert len(one.tallies()) == len(messages)


async def test_two_instances_lose_no_change_of_one_person(postgres_store: Store) -> None:
    async with two_instances(postgres_store) as (one, other):
        count = partial(count_under_lock, "visits")
        await asyncio.gather(*(count(kit) for kit in (one, other) for _ in range(200)))

        assert one.tallies() == {"visits": 400}


async def count_under_lock(name: str, kit: Kit) -> None:
    """Count as a handler does, with the person's row locked before anything is read."""
    await kit.writer.run(lambda work: add(work.session, name), locks=lambda _session: {f"person:{name}"})


async def test_two_instances_never_claim_the_same_message(postgres_store: Store) -> None:
    async with two_instances(postgres_store) as (one, other):
        await announce(one, 60)
        one.clock.pass_by(seconds=31)
        other.clock.pass_by(seconds=31)
        claims = await asyncio.gather(*(kit.claim(limit=10) for _ in range(4) for kit in (one, other)))

    claimed = [item.message_id for claim in claims for item in claim]
    assert (len(claimed), len(set(claimed))) == (60, 60)


async def test_what_a_dead_instance_had_claimed_is_taken_by_the_other_after_the_claim(postgres_store: Store) -> None:
    async with running_kit(postgres_store.url, postgres_store.key_store_url) as dead:
        await announce(dead, 3)

    async with running_kit(postgres_store.url, postgres_store.key_store_url) as other:
        early = await other.claim()
        other.clock.pass_by(seconds=31)

        assert (early, await other.claim()) == ([], dead.handed_over)


async def announce(kit: Kit, number: int) -> None:
    """Announce cases in one transaction."""

    def handler(work: UnitOfWork) -> None:
        for _ in range(number):
            work.announce(a_case(person_id=PERSON))

    await kit.writer.run(handler)
