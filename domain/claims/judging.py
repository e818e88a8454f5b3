"""Judging a claim: checks in an order that anyone can read, the first that fails decides."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.answers import RepairAnswer
from domain.claims.status import CLAIMED_WITHIN, ClaimRule, ClaimStatus
from domain.customers import WARNINGS, CustomerFlag
from domain.money import Money
from domain.warranties.coverage import Promise, judge
from domain.warranties.terms import Settlement


@dataclass(frozen=True)
class Term:
    """What the term of a warranty says about claims."""

    excluded_symptoms: Sequence[str]
    evidence_for: Sequence[str]
    max_claims: int | None
    settle_by: Sequence[Settlement]
    auto_limit: Money | None


@dataclass(frozen=True)
class Claimed:
    """All that judging looks at."""

    promise: Promise
    term: Term
    failed_on: date
    filed_on: date
    symptom: str
    evidence: int
    """How many links show it."""
    approved: int
    """Claims on the warranty that were approved before, and on what its goods have replaced."""
    holder_differs: bool
    """Whether another customer has the unit."""
    paid: Money | None
    """What was paid for the goods; None where no order of ours brought them."""
    flags: Collection[CustomerFlag]
    returnable: bool
    """Whether an order of ours has brought the goods, and none of them is on a return."""


@dataclass(frozen=True)
class Check:
    """One check with what it looked at."""

    rule: ClaimRule
    passed: bool
    inputs: Mapping[str, Any]

    def stored(self) -> dict[str, Any]:
        """Return it as it is kept with its claim."""
        return {"check": self.rule, "passed": self.passed, "inputs": dict(self.inputs)}


@dataclass(frozen=True)
class Judgement:
    """Where a claim goes, by which rule, and every check up to the one that decided."""

    status: ClaimStatus
    rule: ClaimRule
    checks: tuple[Check, ...]


def judge_claim(claimed: Claimed) -> Judgement:
    """Return the judgement on a claim (warranties R4): the first check that fails decides.

    The day of the fault decides, not that of filing (R5). What covers it is approved in the way
    that the term prefers if a return can carry that out, the value allows it, and nothing speaks
    against the customer.
    """
    done: list[Check] = []
    for failing, look in _CHECKS:
        check = look(claimed)
        done.append(check)
        if not check.passed:
            return Judgement(failing, check.rule, tuple(done))
    return Judgement(ClaimStatus.APPROVED, ClaimRule.WITHIN_LIMIT, tuple(done))


def folded(word: str) -> str:
    """Return that by which two names of a symptom are the same: case and spaces do not count."""
    return " ".join(word.casefold().split())


def _owner(claimed: Claimed) -> Check:
    return Check(ClaimRule.NOT_OWNER, not claimed.holder_differs, {})


def _covered(claimed: Claimed) -> Check:
    verdict = judge(claimed.promise, claimed.failed_on)
    ends_on = claimed.promise.ends_on
    late = ends_on is not None and claimed.filed_on > ends_on + CLAIMED_WITHIN
    rule = ClaimRule.EXPIRED if verdict.covered else ClaimRule(verdict.rule)
    inputs = {
        "status": claimed.promise.status,
        "starts_on": claimed.promise.starts_on,
        "ends_on": ends_on,
        "failed_on": claimed.failed_on,
        "filed_on": claimed.filed_on,
    }
    return Check(rule, verdict.covered and not late, inputs)


def _symptom(claimed: Claimed) -> Check:
    excluded = {folded(each) for each in claimed.term.excluded_symptoms}
    inputs = {"symptom": claimed.symptom, "excluded": list(claimed.term.excluded_symptoms)}
    return Check(ClaimRule.EXCLUDED, folded(claimed.symptom) not in excluded, inputs)


def _limit(claimed: Claimed) -> Check:
    most = claimed.term.max_claims
    passed = most is None or claimed.approved < most
    return Check(ClaimRule.CLAIM_LIMIT, passed, {"approved": claimed.approved, "most": most})


def _evidence(claimed: Claimed) -> Check:
    needed = folded(claimed.symptom) in {folded(each) for each in claimed.term.evidence_for}
    inputs = {"needed": needed, "links": claimed.evidence}
    return Check(ClaimRule.EVIDENCE, not needed or claimed.evidence > 0, inputs)


def _flags(claimed: Claimed) -> Check:
    warnings = sorted(WARNINGS.intersection(claimed.flags))
    return Check(ClaimRule.CUSTOMER_FLAGGED, not warnings, {"flags": warnings})


def _value(claimed: Claimed) -> Check:
    paid, limit = claimed.paid, claimed.term.auto_limit
    passed = (
        paid is not None
        and limit is not None
        and paid.currency == limit.currency
        and paid.amount <= limit.amount
    )
    inputs = {"paid": paid and paid.model_dump(), "limit": limit and limit.model_dump()}
    return Check(ClaimRule.VALUE_ABOVE_LIMIT, passed, inputs)


def _preferred(claimed: Claimed) -> Check:
    preferred = claimed.term.settle_by[0]
    inputs = {"preferred": preferred, "returnable": claimed.returnable}
    return Check(ClaimRule.TO_BE_CHOSEN, claimed.returnable, inputs)


_Look = Callable[[Claimed], Check]
_CHECKS: tuple[tuple[ClaimStatus, _Look], ...] = (
    (ClaimStatus.DENIED, _owner),
    (ClaimStatus.DENIED, _covered),
    (ClaimStatus.DENIED, _symptom),
    (ClaimStatus.DENIED, _limit),
    (ClaimStatus.UNDER_REVIEW, _evidence),
    (ClaimStatus.UNDER_REVIEW, _flags),
    (ClaimStatus.UNDER_REVIEW, _value),
    (ClaimStatus.UNDER_REVIEW, _preferred),
)
"""The checks, and where a claim goes that fails one."""


def instead_of_repair(settle_by: Sequence[Settlement], *, unpaid: bool) -> list[RepairAnswer]:
    """Return what is offered for goods that could not be repaired: the preferred way first.

    What else the terms settle claims by, and no money for what was ``unpaid``; or the goods go back
    as they are, which is always possible.
    """
    ways = {
        Settlement.REPLACEMENT: RepairAnswer.REPLACE,
        Settlement.REFUND: RepairAnswer.REFUND,
    }
    offered = [ways[each] for each in settle_by if each in ways]
    if unpaid and RepairAnswer.REFUND in offered:
        offered.remove(RepairAnswer.REFUND)
    return [*offered, RepairAnswer.SEND_BACK]
