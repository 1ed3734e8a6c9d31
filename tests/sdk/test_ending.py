"""Stopping ends what was started, also when a library swallows the cancellation."""

import asyncio
from contextlib import suppress

import pytest

from sdk.line import end_task


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_whose_cancellation_was_swallowed_ends_all_the_same() -> None:
    task = asyncio.create_task(_swallow_the_first_cancellation())
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await end_task(task)

    assert task.cancelled()


async def _swallow_the_first_cancellation() -> None:
    """Do as aiormq does when its channel closes at the same time."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    await asyncio.sleep(3600)
