"""Faults at work: each is done to the stack, lasts, and is taken back."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping

from runtime.commands.chaos.faults import Fault, FaultKind
from runtime.commands.chaos.ground import Ground

SLICE = 0.5
"""Seconds of which a slowed server works a fifth."""


async def do_harm(ground: Ground, fault: Fault) -> None:
    """Let a fault happen, and return when it is over; what it broke may not be mended yet."""
    await _DONE[fault.kind](ground, fault)


async def _kill(ground: Ground, fault: Fault) -> None:
    ground.kill(fault.part)


async def _freeze(ground: Ground, fault: Fault) -> None:
    pids = ground.pids(fault.part)
    ground.signal(pids, signal.SIGSTOP)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        ground.signal(pids, signal.SIGCONT)


async def _slow(ground: Ground, fault: Fault) -> None:
    for _ in range(round(fault.seconds / SLICE)):
        pids = [*ground.pids("postgres"), *ground.pids("temporal")]
        ground.signal(pids, signal.SIGSTOP)
        try:
            await asyncio.sleep(SLICE * 4 / 5)
        finally:
            ground.signal(pids, signal.SIGCONT)
        await asyncio.sleep(SLICE / 5)


async def _fill(ground: Ground, fault: Fault) -> None:
    await asyncio.to_thread(ground.disk.fill)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        ground.disk.free()


async def _mislead(ground: Ground, fault: Fault) -> None:
    await ground.misbehave(fault.part, fault.how, fault.seconds)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await ground.behave(fault.part)


async def _restart(ground: Ground, _: Fault) -> None:
    await ground.stop()
    await ground.start()


async def _restore(ground: Ground, _: Fault) -> None:
    await ground.restore()


_DONE: Mapping[FaultKind, Callable[[Ground, Fault], Awaitable[None]]] = {
    FaultKind.KILL: _kill,
    FaultKind.FREEZE: _freeze,
    FaultKind.SLOW_DISK: _slow,
    FaultKind.FULL_DISK: _fill,
    FaultKind.PARTNER: _mislead,
    FaultKind.RESTART: _restart,
    FaultKind.RESTORE: _restore,
}
