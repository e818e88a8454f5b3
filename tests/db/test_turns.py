"""Turns: nobody has more than a share, and who had least is next."""

import asyncio

import pytest

from db.turns import NoTurn, Turns, asking_for, in_turn


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def turns_of(clock: Clock, together: int = 2, each: int = 2, patience: float = 30) -> Turns:
    return Turns(together, each, patience=patience, clock=clock)


async def everyone_went_on() -> None:
    """Let the tasks that can go on do so."""
    for _ in range(3):
        gone_by: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(gone_by.set_result, None)
        await gone_by


async def waiting(turns: Turns, caller: str) -> "asyncio.Task[float]":
    """Wait in line for a turn."""
    task = asyncio.create_task(turns.take(caller))
    await everyone_went_on()
    return task


async def test_one_caller_has_its_share_and_the_rest_is_there_for_others() -> None:
    turns = turns_of(Clock(), together=3, each=2)
    began = [await turns.take("many") for _ in range(2)]
    late = await waiting(turns, "many")
    assert not late.done()
    await turns.take("other")
    turns.leave("many", began[0])
    await late


async def test_who_had_least_is_next_whoever_waits_longer() -> None:
    clock = Clock()
    turns = turns_of(clock, together=1)
    began = await turns.take("many")
    clock.now = 5.0
    line = [await waiting(turns, "many") for _ in range(3)]
    small = await waiting(turns, "small")
    turns.leave("many", began)
    began = await small
    assert not any(each.done() for each in line)
    turns.leave("small", began)
    await line[0]


async def test_those_who_wait_alike_take_turns_and_idleness_saves_up_no_credit() -> None:
    clock = Clock()
    turns = turns_of(clock, together=1)
    for _ in range(10):
        began = await turns.take("busy")
        clock.now += 1
        turns.leave("busy", began)
    began = await turns.take("idle")
    line = {who: [await waiting(turns, who) for _ in range(6)] for who in ("idle", "busy")}
    order = []
    who = "idle"
    for _ in range(8):
        clock.now += 1
        turns.leave(who, began)
        await everyone_went_on()
        who = next(each for each, tasks in line.items() if any(task.done() for task in tasks))
        began = next(task for task in line[who] if task.done()).result()
        line[who] = [task for task in line[who] if not task.done()]
        order.append(who)
    assert 3 <= order.count("busy") <= 5, order
    for task in (*line["idle"], *line["busy"]):
        task.cancel()


async def test_a_turn_that_does_not_come_is_waited_for_no_longer_than_bearable() -> None:
    turns = turns_of(Clock(), together=1, patience=0.01)
    began = await turns.take("many")
    with pytest.raises(NoTurn):
        await turns.take("many")
    turns.leave("many", began)
    await turns.take("many")


async def test_who_gives_up_leaves_the_line_and_holds_nothing() -> None:
    turns = turns_of(Clock(), together=1)
    began = await turns.take("many")
    first, second = await waiting(turns, "many"), await waiting(turns, "many")
    first.cancel()
    turns.leave("many", began)
    began = await second
    # Called, and given up before it could begin.
    third, fourth = await waiting(turns, "many"), await waiting(turns, "many")
    turns.leave("many", began)
    third.cancel()
    await fourth
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_one_request_never_waits_for_itself() -> None:
    turns = turns_of(Clock(), together=1, patience=0.01)
    with asking_for("one"):
        async with in_turn(turns), in_turn(turns):
            pass
    async with in_turn(turns):
        await turns.take("one")
