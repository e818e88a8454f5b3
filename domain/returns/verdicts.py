"""Whether a return is authorized by itself, and what has to be shown for that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from domain.customers import WARNINGS, CustomerFlag
from domain.errors import Malformed
from domain.returns.requests import RequestReturn, ReturnLine
from domain.returns.status import NEEDS_EVIDENCE


def check_evidence(asked: RequestReturn, value: int, limit: int) -> None:
    """Raise Malformed for a line that has to be shown when so much is at stake (returns R3)."""
    if value <= limit or asked.is_by_right:
        return
    bare = [
        {"pointer": f"/lines/{position}/evidence", "message": "give at least one link"}
        for position, line in enumerate(asked.lines)
        if _is_unseen(line)
    ]
    if bare:
        raise Malformed("goods of this value that are broken have to be shown", errors=bare)


@dataclass(frozen=True)
class Verdict:
    """Whether a return is authorized by itself, by which rule, and what the rule looked at."""

    authorized: bool
    rule: str
    inputs: Mapping[str, Any]


def decide(
    asked: RequestReturn,
    value: int,
    limit: int,
    currency: str,
    flags: Collection[CustomerFlag] = (),
) -> Verdict:
    """Say whether a person has to look at a request first (returns R4).

    ``value`` is the refund due, ``limit`` the most that is authorized by itself, in minor units.
    A withdrawal in time is a right: it is not looked at, whatever it is worth and whoever asks.
    """
    inputs: dict[str, Any] = {"value": value, "limit": limit, "currency": currency}
    if asked.is_by_right:
        return Verdict(True, "withdrawal", inputs)
    if warnings := sorted(WARNINGS.intersection(flags)):
        return Verdict(False, "customer_flagged", {**inputs, "flags": warnings})
    if value <= limit:
        return Verdict(True, "within_limit", inputs)
    # Only staff may ask so, and the colleague who looks at it should know.
    unseen = [str(line.reason) for line in asked.lines if _is_unseen(line)]
    if unseen:
        inputs["without_evidence"] = unseen
    return Verdict(False, "value_above_limit", inputs)


def _is_unseen(line: ReturnLine) -> bool:
    return line.reason in NEEDS_EVIDENCE and not line.evidence
