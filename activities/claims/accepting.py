"""Filing claims on warranties: a use case in the caller's transaction, which judges them, too."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.claims.reviewing import review
from db.claims.reads import get_claim
from db.claims.tables import ClaimRow
from db.claims.writes import find_open, write_claim
from db.documents import CLAIMS, ORDERS
from db.inventory.units import lock_units
from db.outbox import add_messages, start_of
from db.warranties.reads import WarrantyRead, get_warranty, search_warranties
from db.warranties.tables import WarrantyRow
from db.warranties.writes import lock_warranty
from domain.access import EVERYTHING, Reach
from domain.claims.requests import FileClaim
from domain.claims.status import ClaimRule, ClaimStatus
from domain.documents import Document, Kind
from domain.errors import AlreadyExists, Malformed, NotFound, QuantityExceeded
from domain.policy import Policy
from domain.warranties.coverage import Promise, best
from domain.warranties.status import WarrantyStatus

MOST_PROMISES = 100
"""So many warranties on one unit are looked at, the newest."""


async def file_claim(
    db: AsyncConnection,
    claim_id: UUID,
    asked: FileClaim,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Write a claim and judge it at once; its run starts unless it is denied (warranties R3, R4).

    What is over, void or excluded is recorded and denied with the reason. Raises NotFound for a
    warranty out of ``reach`` or an unknown serial, Malformed for a fault in the future or a serial
    that units of several items have, AlreadyExists for a unit that is claimed already, and
    QuantityExceeded for more units than the warranty has unclaimed.
    """
    now = datetime.now(UTC)
    if asked.failed_on > now.date():
        errors = [{"pointer": "/failed_on", "message": "not in the future"}]
        raise Malformed("what has not failed yet cannot be claimed", errors=errors)
    warranty = await _named(db, asked, reach)
    await check_unclaimed(db, warranty, asked.quantity, reach)
    values = {
        "id": claim_id,
        "status": ClaimStatus.FILED,
        "warranty_id": warranty.id,
        "unit_id": warranty.unit_id,
        "customer_id": warranty.customer_id,
        "order_id": warranty.order_id,
        "quantity": asked.quantity,
        "failed_on": asked.failed_on,
        "symptom": asked.symptom,
        "description": asked.description,
        "evidence": list(asked.evidence),
        "resolution_wanted": asked.resolution_wanted,
        "rule": ClaimRule.TO_BE_CHOSEN,
        "checks": [],
        "filed_by": actor,
    }
    made: ClaimRow = await write_claim(db, values, actor)
    await review(db, made, policy, filed_on=now)
    if (await CLAIMS.lock(db, claim_id)).status in CLAIMS.running:
        await add_messages(db, start_of(Document(Kind.CLAIM, claim_id)))


async def check_unclaimed(
    db: AsyncConnection, named: WarrantyRead, units: int, reach: Reach = EVERYTHING
) -> None:
    """Raise AlreadyExists or QuantityExceeded where units of a warranty are on a claim.

    The id of that is told within ``reach``. Locks the order of the goods first, as everything does
    that takes them back, and the unit, so that several promises on it are claimed in turn.
    """
    if named.order_id is not None:
        await ORDERS.lock(db, named.order_id)
    if named.serial is not None:
        await lock_units(db, named.item_id, [named.serial])
    warranty = await lock_warranty(db, named.id)
    claims = await find_open(db, warranty.id, warranty.unit_id)
    if warranty.unit_id is not None and claims:
        known = {}
        with suppress(NotFound):
            known["id"] = str((await get_claim(db, claims[0].id, reach)).id)
        raise AlreadyExists("the unit is on a claim already", **known)
    gone = warranty.cancelled if warranty.status == WarrantyStatus.ACTIVE else 0
    left = warranty.quantity - gone - sum(each.quantity for each in claims)
    if units > left:
        raise QuantityExceeded(
            f"{left} units of the warranty are on no claim",
            errors=[{"pointer": "/quantity", "message": "more than are unclaimed"}],
            remaining_units=left,
        )


async def _named(db: AsyncConnection, asked: FileClaim, reach: Reach) -> WarrantyRead:
    """Return the warranty that is meant: of a unit the best one for the day of the fault."""
    if asked.warranty_id is not None:
        return await get_warranty(db, asked.warranty_id, reach)
    query = search_warranties(reach, serial=asked.serial, item_id=asked.item_id)
    newest = query.order_by(WarrantyRow.id.desc()).limit(MOST_PROMISES)
    rows: Sequence[WarrantyRead] = (await db.execute(newest)).all()
    if not rows:
        raise NotFound(f"there is no warranty on a unit {asked.serial}")
    if len({row.item_id for row in rows}) > 1:
        errors = [{"pointer": "/item_id", "message": "say which item it is"}]
        raise Malformed("units of several items have this serial", errors=errors)
    promises = [Promise(WarrantyStatus(row.status), row.starts_on, row.ends_on) for row in rows]
    return rows[best(promises, asked.failed_on)]
