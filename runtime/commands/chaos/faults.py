"""The faults that there are, and which of them a seed chooses."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice


class FaultKind(StrEnum):
    """What is done to the stack; each word is one that ``--only`` takes."""

    KILL = "kill"
    """``kill -9`` of one process."""
    FREEZE = "freeze"
    """One process lives and does nothing for a while."""
    SLOW_DISK = "slow-disk"
    """What the servers write takes five times as long: they are stopped four fifths of the time."""
    FULL_DISK = "full-disk"
    """The file system of everything is full for a while."""
    PARTNER = "partner"
    """A partner fails, loses answers, or sends webhooks twice or out of order."""
    RESTART = "restart"
    """Everything is stopped in order and started again."""
    RESTORE = "restore"
    """The books come from a backup of the last moment, and Temporal is empty."""


PARTS = ("worker", "worker-2", "api", "api-2", "temporal", "postgres", "carrier", "payments")
"""The processes of the stack; the relay is in the workers."""
MISBEHAVIOURS = (
    "http_503",
    "timeout_before",
    "timeout_after_success",
    "slow",
    "malformed",
    "duplicate_webhooks",
    "reorder_webhooks",
)
SHORTEST, LONGEST = 5, 30
"""Seconds that a fault lasts which has an end."""


@dataclass(frozen=True)
class Fault:
    """One fault: what is done, to whom, and for how many seconds."""

    kind: FaultKind
    part: str = ""
    seconds: int = 0
    how: str = ""

    def __str__(self) -> str:
        lasting = f" for {self.seconds} s" if self.seconds else ""
        return " ".join(filter(None, (self.kind.value, self.part, self.how))) + lasting


def choose(seed: int, number: int, only: frozenset[FaultKind] = frozenset()) -> list[Fault]:
    """Return so many faults, the same ones for a seed: none comes twice before all came once."""
    return list(islice(_dealt(random.Random(seed), only), number))  # noqa: S311


def _dealt(dice: random.Random, only: frozenset[FaultKind]) -> Iterator[Fault]:
    while True:
        # Every number is drawn before anything is left out, so that the rest stays as it was.
        deck = _deck(dice)
        dice.shuffle(deck)
        yield from (fault for fault in deck if not only or fault.kind in only)


def _deck(dice: random.Random) -> list[Fault]:
    def lasting() -> int:
        return dice.randint(SHORTEST, LONGEST)

    return [
        *(Fault(FaultKind.KILL, part) for part in PARTS),
        *(Fault(FaultKind.FREEZE, part, lasting()) for part in PARTS),
        *(
            Fault(FaultKind.PARTNER, partner, lasting(), how)
            for partner in ("carrier", "payments")
            for how in dice.sample(MISBEHAVIOURS, 3)
        ),
        Fault(FaultKind.SLOW_DISK, seconds=lasting()),
        Fault(FaultKind.FULL_DISK, seconds=lasting()),
        Fault(FaultKind.RESTART),
        Fault(FaultKind.RESTORE),
    ]
