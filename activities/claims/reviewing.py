"""Judging a claim by what the books say now, and what follows from the judgement."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.claims.sending_in import open_return, units_with_customer
from activities.claims.worth import refund_worth
from db.claims.tables import ClaimRow
from db.claims.writes import LookedAt, looked_at
from db.customers import flags_of
from db.documents import CLAIMS
from db.tasks import cancel_tasks, open_task
from db.warranties.reads import WarrantyRead, get_warranty
from domain.answers import ClaimAnswer
from domain.claims.judging import Claimed, Judgement, Term, judge_claim
from domain.claims.status import EVIDENCE_WITHIN, ClaimRule, ClaimStatus
from domain.documents import Kind
from domain.money import Money, share
from domain.policy import Policy
from domain.returns.status import ReplacementTiming
from domain.tasks import TaskKind
from domain.warranties.coverage import Promise
from domain.warranties.status import WarrantyStatus
from domain.warranties.terms import Settlement

_BY_RETURN = (
    ClaimAnswer.REPAIR,
    ClaimAnswer.REPLACE,
    ClaimAnswer.REPLACE_IN_ADVANCE,
    ClaimAnswer.REFUND,
)
"""The answers for which the goods have to come in."""


async def review(
    db: AsyncConnection, claim: ClaimRow, policy: Policy, *, filed_on: datetime
) -> None:
    """Judge a locked claim, and write where it goes by that (warranties R4).

    What is approved by itself has its goods come in; what is not waits for its evidence or for
    support.
    """
    warranty = await get_warranty(db, claim.warranty_id)
    found = await looked_at(db, warranty.id)
    paid = _paid(found, claim.quantity)
    claimed = Claimed(
        promise=Promise(WarrantyStatus(found.status), found.starts_on, found.ends_on),
        term=_term(found),
        failed_on=claim.failed_on,
        filed_on=filed_on.astimezone(UTC).date(),
        symptom=claim.symptom,
        evidence=len(claim.evidence),
        approved=found.approved,
        holder_differs=found.holder_differs,
        paid=paid,
        flags=await flags_of(db, warranty.customer_id),
        returnable=await units_with_customer(db, warranty) >= claim.quantity,
    )
    judgement = judge_claim(claimed)
    checks = [check.stored() for check in judgement.checks]
    await CLAIMS.change(db, claim, checks=checks)
    kept: dict[str, Any] = {"rule": judgement.rule, "evidence_due_at": None}
    if judgement.status is ClaimStatus.APPROVED:
        preferred = claimed.term.settle_by[0]
        await approve(db, claim, warranty, preferred, policy, actor="system", **kept)
    elif judgement.status is ClaimStatus.DENIED:
        data = {"rule": judgement.rule}
        await CLAIMS.move(
            db, claim, ClaimStatus.DENIED, "system", data, decided_by="system", **kept
        )
    else:
        await _wait(db, claim, warranty, judgement, paid, kept)


async def approve(
    db: AsyncConnection,
    claim: ClaimRow,
    warranty: WarrantyRead,
    resolution: Settlement,
    policy: Policy,
    *,
    actor: str,
    timing: ReplacementTiming = ReplacementTiming.AFTER_INSPECTION,
    **values: Any,
) -> None:
    """Promise a locked claim's customer so much, and let the goods come in; once.

    Raises IllegalMove where they cannot.
    """
    told: dict[str, Any] = {"resolution": resolution, "replacement_timing": timing}
    if values.get("goodwill"):
        told["goodwill"] = True
    await CLAIMS.move(
        db,
        claim,
        ClaimStatus.APPROVED,
        actor,
        told,
        **{
            "resolution": resolution,
            "replacement_timing": timing,
            "decided_by": actor,
            "deny_reason": "",
            **values,
        },
    )
    await cancel_tasks(db, claim.id, TaskKind.CLAIM_REVIEW)
    await open_return(db, await CLAIMS.lock(db, claim.id), warranty, policy, actor)


async def _wait(
    db: AsyncConnection,
    claim: ClaimRow,
    warranty: WarrantyRead,
    judgement: Judgement,
    paid: Money | None,
    kept: dict[str, Any],
) -> None:
    """Let a claim wait for what shows the fault, or for support."""
    bare = judgement.rule is ClaimRule.EVIDENCE
    if bare:
        kept["evidence_due_at"] = claim.evidence_due_at or datetime.now(UTC) + EVIDENCE_WITHIN
    if claim.status == ClaimStatus.UNDER_REVIEW:
        await CLAIMS.change(db, claim, **kept)
    else:
        data = {"rule": judgement.rule}
        await CLAIMS.move(db, claim, ClaimStatus.UNDER_REVIEW, "system", data, **kept)
    if not bare:
        await ask_for_review(db, claim, warranty, str(judgement.rule), paid)


async def ask_for_review(
    db: AsyncConnection, claim: ClaimRow, warranty: WarrantyRead, why: str, paid: Money | None
) -> None:
    """Ask support about a locked claim, once; ``why`` is the rule that has put it to a person."""
    worth = await refund_worth(db, claim, warranty)
    facts = {
        "claim": claim.number,
        "warranty": warranty.number,
        "order_id": warranty.order_id,
        "sku": warranty.sku,
        "serial": warranty.serial,
        "symptom": claim.symptom,
        "wanted": claim.resolution_wanted,
        "rule": why,
        "paid": paid and paid.model_dump(),
        "refund": worth and worth.model_dump(),
    }
    told = f"{claim.number}: {claim.symptom}, {claim.quantity} of {warranty.sku}"
    told += f" ({why.replace('_', ' ')})."
    without: tuple[ClaimAnswer, ...] = () if worth and worth.amount else (ClaimAnswer.REFUND,)
    if await units_with_customer(db, warranty) < claim.quantity:
        without = _BY_RETURN
    kind = TaskKind.CLAIM_REVIEW
    await open_task(db, kind, Kind.CLAIM, claim.id, facts, told=told, without=without)


async def paid_for(db: AsyncConnection, warranty_id: UUID, units: int) -> Money | None:
    """Return what was paid for so many units under a warranty; None without an order of ours."""
    return _paid(await looked_at(db, warranty_id), units)


def _paid(found: LookedAt, units: int) -> Money | None:
    if found.total_amount is None or found.bought is None or found.currency is None:
        return None
    amount = share(found.total_amount, min(units, found.bought), found.bought, 0)
    return Money(amount=amount, currency=found.currency)


def _term(found: LookedAt) -> Term:
    limit = None
    if found.auto_limit_amount is not None and found.auto_limit_currency is not None:
        limit = Money(amount=found.auto_limit_amount, currency=found.auto_limit_currency)
    return Term(
        excluded_symptoms=found.excluded_symptoms,
        evidence_for=found.evidence_for,
        max_claims=found.max_claims,
        settle_by=[Settlement(each) for each in found.settle_by],
        auto_limit=limit,
    )
