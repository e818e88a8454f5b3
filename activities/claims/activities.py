"""The steps of a claim's run: each looks at the claim under its lock, and does what is due."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.claims.deciding import deny_unevidenced
from activities.warranties.changing import extend_repaired
from db.claims.tables import ClaimRow
from db.claims.writes import find_returns
from db.documents import CLAIMS
from db.engine import Database
from db.warranties.writes import lock_warranty
from domain.claims.status import ClaimRule, ClaimStatus, Lapse, Progress
from domain.ids import ClaimId
from domain.policy import Policy
from domain.returns.status import GIVEN_UP, Resolution, ReturnStatus
from domain.warranties.terms import Settlement


class ClaimActivities:
    """What a claim's run does."""

    def __init__(self, books: Database, policy: Policy) -> None:
        """Carry claims in these books by this policy."""
        self._books = books
        self._policy = policy

    @activity.defn
    async def settle_claim(self, claim_id: ClaimId) -> Progress:
        """End an approved claim as the return of its goods has ended; else only look at it."""
        async with self._books.begin() as db:
            claim = await CLAIMS.lock(db, claim_id)
            if claim.status == ClaimStatus.APPROVED:
                await _follow_return(db, claim, self._policy)
                claim = await CLAIMS.lock(db, claim_id)
            return Progress(status=ClaimStatus(claim.status), evidence_due_at=claim.evidence_due_at)

    @activity.defn
    async def deny_unevidenced(self, lapse: Lapse) -> None:
        """Deny a claim whose evidence did not come in time."""
        async with self._books.begin() as db:
            await deny_unevidenced(db, lapse)


async def _follow_return(db: AsyncConnection, claim: ClaimRow, policy: Policy) -> None:
    """End a locked approved claim by how its newest return has ended, if it has.

    Closed with something for the customer it is settled, and with nothing denied: no fault was
    found. One whose goods did not come is withdrawn. What was repaired is under warranty for a
    while, whenever that would have ended.
    """
    back = (await find_returns(db, claim.id))[0]
    told: dict[str, Any] = {"return_id": back.id}
    if back.status in GIVEN_UP:
        told["return_status"] = back.status
        await CLAIMS.move(db, claim, ClaimStatus.WITHDRAWN, "system", told)
    elif back.status == ReturnStatus.CLOSED and back.resolution == Resolution.REJECTED:
        told["rule"] = rule = ClaimRule.NO_FAULT_FOUND
        await CLAIMS.move(db, claim, ClaimStatus.DENIED, "system", told, rule=rule)
    elif back.status == ReturnStatus.CLOSED:
        told["resolution"] = back.resolution
        gave = back.resolution if back.resolution in set(Settlement) else claim.resolution
        await CLAIMS.move(db, claim, ClaimStatus.SETTLED, "system", told, resolution=gave)
        if back.resolution == Resolution.REPAIR:
            warranty = await lock_warranty(db, claim.warranty_id)
            today, days = datetime.now(UTC).date(), policy.repair_warranty_days
            await extend_repaired(db, warranty, today, days, {"claim_id": claim.id})
