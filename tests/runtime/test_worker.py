"""A worker process: what goes on in it goes on together, or it ends and is started again."""

import asyncio

import pytest

from worker import go_on


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("another")


async def failing() -> None:
    raise OSError(28, "No space left on device")


async def test_a_loop_that_fails_ends_the_worker_rather_than_leave_it_half_dead() -> None:
    ended: list[str] = []
    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.timeout(30):
            await go_on(asyncio.Event(), forever(ended), failing())
    assert failed.group_contains(OSError, match="No space left")
    assert ended == ["another"]


async def test_all_loops_end_when_the_worker_is_to_stop() -> None:
    ended: list[str] = []
    stop = asyncio.Event()

    async def stopping() -> None:
        stop.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        await go_on(stop, forever(ended), stopping())
    assert ended == ["another"]
