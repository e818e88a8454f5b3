"""What people decide about claims: use cases in the caller's transaction; the first one counts."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.claims.accepting import check_unclaimed
from activities.claims.reviewing import approve, ask_for_review, paid_for, review
from activities.returns.deciding import cancel_return
from db.claims.tables import ClaimRow
from db.claims.writes import find_returns, lock_claim
from db.documents import CLAIMS
from db.outbox import signal
from db.tasks import TaskRow, answer_task, cancel_tasks
from db.warranties.reads import get_warranty
from domain.access import EVERYTHING, Reach
from domain.answers import ClaimAnswer
from domain.claims.requests import (
    MOST_EVIDENCE,
    AddEvidence,
    AppealClaim,
    ApproveClaim,
    DenyClaim,
    WithdrawClaim,
)
from domain.claims.status import APPEAL_WITHIN, ClaimRule, ClaimStatus, Lapse
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove, Malformed
from domain.policy import Policy
from domain.returns.status import ReplacementTiming, ResolutionWanted
from domain.tasks import Decision, TaskKind
from domain.warranties.terms import Settlement

_PROMISED = (ClaimStatus.APPROVED, ClaimStatus.SETTLED)


async def add_evidence(
    db: AsyncConnection,
    claim_id: UUID,
    asked: AddEvidence,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Keep what shows the fault of a claim; one that waits for it is judged again.

    Raises NotFound, Malformed for too many links, and IllegalMove for a claim that is decided.
    """
    claim = await lock_claim(db, claim_id, reach)
    if claim.status != ClaimStatus.UNDER_REVIEW:
        raise _refused(claim, f"the claim is {claim.status}")
    evidence = [*claim.evidence, *(link for link in asked.evidence if link not in claim.evidence)]
    if len(evidence) > MOST_EVIDENCE:
        said = f"a claim has at most {MOST_EVIDENCE} links"
        raise Malformed(said, errors=[{"pointer": "/evidence", "message": said}])
    await CLAIMS.change(db, claim, evidence=evidence)
    await CLAIMS.add_event(db, claim, "evidence_added", actor, {"links": len(evidence)})
    if claim.evidence_due_at is not None:
        await review(db, await CLAIMS.lock(db, claim.id), policy, filed_on=claim.created_at)
        await _go_on(db, claim)


async def approve_claim(
    db: AsyncConnection,
    claim_id: UUID,
    asked: ApproveClaim,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Promise the customer a replacement or its money; the first approval counts (R6).

    What was denied is approved as goodwill, with the reason. Raises NotFound, Malformed without
    that, AlreadyExists where the goods are on another claim by now, and IllegalMove for what was
    withdrawn, or whose goods cannot come in.
    """
    claim = await lock_claim(db, claim_id, reach)
    if claim.status in _PROMISED:
        return
    warranty = await get_warranty(db, claim.warranty_id)
    goodwill = claim.status == ClaimStatus.DENIED
    if goodwill:
        if not asked.note.strip():
            errors = [{"pointer": "/note", "message": "say why"}]
            raise Malformed("goodwill on a claim that was denied has a reason", errors=errors)
        await check_unclaimed(db, warranty, claim.quantity, reach)
    await approve(
        db,
        claim,
        warranty,
        Settlement(asked.resolution),
        policy,
        actor=actor,
        timing=asked.replacement_timing,
        note=asked.note,
        goodwill=goodwill,
        rule=ClaimRule.PERSON,
        evidence_due_at=None,
    )
    await _go_on(db, claim)


async def deny_claim(
    db: AsyncConnection,
    claim_id: UUID,
    asked: DenyClaim,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Say no to a claim that is under review; once is as good as twice.

    Raises NotFound, and IllegalMove for one that is approved or has ended otherwise.
    """
    claim = await lock_claim(db, claim_id, reach)
    if claim.status == ClaimStatus.DENIED:
        return
    if claim.status == ClaimStatus.APPROVED:
        raise _refused(claim, "the claim is approved: the inspection may find no fault")
    await CLAIMS.move(
        db,
        claim,
        ClaimStatus.DENIED,
        actor,
        {"rule": ClaimRule.PERSON, "reason": asked.reason},
        rule=ClaimRule.PERSON,
        deny_reason=asked.reason,
        decided_by=actor,
        evidence_due_at=None,
    )
    await cancel_tasks(db, claim.id, TaskKind.CLAIM_REVIEW)
    await _go_on(db, claim)


async def appeal_claim(
    db: AsyncConnection,
    claim_id: UUID,
    asked: AppealClaim,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Have support look at a denied claim again: once, within 30 days.

    Raises NotFound, AlreadyExists where the goods are on another claim by now, and IllegalMove for
    a claim that is not denied, was appealed before, or was denied too long ago.
    """
    claim = await lock_claim(db, claim_id, reach)
    if claim.appeal_reason and claim.status == ClaimStatus.UNDER_REVIEW:
        return
    why = ""
    if claim.status != ClaimStatus.DENIED or claim.denied_at is None:
        why = f"the claim is {claim.status}, not denied"
    elif claim.appeal_reason:
        why = "the claim was appealed before"
    elif datetime.now(UTC) > claim.denied_at + APPEAL_WITHIN:
        why = f"a claim is appealed within {APPEAL_WITHIN.days} days"
    if why:
        raise _refused(claim, why)
    warranty = await get_warranty(db, claim.warranty_id)
    await check_unclaimed(db, warranty, claim.quantity, reach)
    denied_by = claim.rule
    data = {"reason": asked.reason, "rule": denied_by}
    await CLAIMS.add_event(db, claim, "appealed", actor, data)
    # What was promised before, and came to nothing, is promised no more.
    anew: dict[str, Any] = {
        "resolution": None,
        "replacement_timing": ReplacementTiming.AFTER_INSPECTION,
    }
    anew |= {"goodwill": False, "appeal_reason": asked.reason}
    await CLAIMS.move(db, claim, ClaimStatus.UNDER_REVIEW, actor, **anew)
    paid = await paid_for(db, warranty.id, claim.quantity)
    await ask_for_review(db, claim, warranty, f"appealed after {denied_by}", paid)
    await _go_on(db, claim)


async def withdraw_claim(
    db: AsyncConnection,
    claim_id: UUID,
    asked: WithdrawClaim,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Give a claim up, with the return of its goods; once is as good as twice.

    Raises NotFound, and IllegalMove for one that has ended, or whose goods have come in or whose
    replacement has left.
    """
    claim = await lock_claim(db, claim_id, reach)
    if claim.status == ClaimStatus.WITHDRAWN:
        return
    data = {"reason": asked.reason} if asked.reason else {}
    if claim.status == ClaimStatus.APPROVED:
        for each in (await find_returns(db, claim.id))[:1]:
            await cancel_return(db, each.id, asked.reason, actor=actor)
    values: dict[str, Any] = {"evidence_due_at": None}
    await CLAIMS.move(db, claim, ClaimStatus.WITHDRAWN, actor, data, **values)
    await cancel_tasks(db, claim.id, TaskKind.CLAIM_REVIEW)
    await _go_on(db, claim)


async def deny_unevidenced(db: AsyncConnection, lapse: Lapse) -> None:
    """Deny a claim whose evidence did not come in time; else do nothing."""
    claim = await CLAIMS.lock(db, lapse.claim_id)
    if claim.evidence_due_at is None or claim.evidence_due_at > lapse.now:
        return
    rule = ClaimRule.NO_EVIDENCE
    values: dict[str, Any] = {"rule": rule, "evidence_due_at": None, "decided_by": "system"}
    await CLAIMS.move(db, claim, ClaimStatus.DENIED, "system", {"rule": rule}, **values)


async def settle_claim_review(
    db: AsyncConnection, task: TaskRow, decision: Decision, policy: Policy
) -> None:
    """Do with a claim as support answered.

    Raises IllegalMove for what was not offered or is decided, or whose goods cannot come in.
    """
    claim = await CLAIMS.lock(db, task.document_id)
    await answer_task(db, decision)
    if claim.status != ClaimStatus.UNDER_REVIEW:
        return
    actor, note = decision.actor, decision.note
    match ClaimAnswer(decision.choice):
        case ClaimAnswer.DENY:
            reason = note.strip() or "denied"
            await deny_claim(db, claim.id, DenyClaim(reason=reason), actor=actor)
        case ClaimAnswer.SETTLED_OTHERWISE:
            values = {"note": note, "decided_by": actor, "rule": ClaimRule.PERSON}
            await CLAIMS.move(db, claim, ClaimStatus.SETTLED, actor, {}, **values)
            await _go_on(db, claim)
        case ClaimAnswer.REPAIR | ClaimAnswer.REFUND as answer:
            asked = ApproveClaim(resolution=ResolutionWanted(answer), note=note)
            await approve_claim(db, claim.id, asked, policy, actor=actor)
        case ClaimAnswer.REPLACE | ClaimAnswer.REPLACE_IN_ADVANCE as answer:
            asked = ApproveClaim(
                resolution=ResolutionWanted.REPLACEMENT,
                replacement_timing=_TIMING[answer],
                note=note,
            )
            await approve_claim(db, claim.id, asked, policy, actor=actor)


_TIMING = {
    ClaimAnswer.REPLACE: ReplacementTiming.AFTER_INSPECTION,
    ClaimAnswer.REPLACE_IN_ADVANCE: ReplacementTiming.IN_ADVANCE,
}


async def _go_on(db: AsyncConnection, claim: ClaimRow) -> None:
    await signal(db, Document(Kind.CLAIM, claim.id), Signal.CLAIM_CHANGED)


def _refused(claim: ClaimRow, why: str) -> IllegalMove:
    return IllegalMove(why, current_status=claim.status, allowed=[])
