"""Claims on warranties, filed and carried by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.claims.accepting import file_claim
from activities.claims.deciding import approve_claim
from domain.claims.requests import ApproveClaim, FileClaim
from domain.claims.status import EVIDENCE_WITHIN, Lapse
from domain.ids import ClaimId, ItemId, OrderId, ReturnId, WarrantyId, new_id
from domain.policy import Policy
from domain.returns.status import Disposition
from domain.warranties.terms import Settlement
from tests.activities.bench import Bench
from tests.activities.promised import (
    arrive,
    delivered,
    sell_with,
    settle,
    sold,
    term,
    warranties,
)
from tests.activities.serial_returns import inspect, line_of, receive
from tests.units import pick, serials, stock_saws

LIMIT = {"amount": 1_000_000, "currency": "USD"}
REPLACES = {"settle_by": ["replacement"], "auto_limit": LIMIT}


async def under_warranty(bench: Bench, **rest: Any) -> Mapping[str, Any]:
    """Deliver an order of one line under a new term, today; return its warranty."""
    order, _ = await delivered(bench, await term(bench, **rest))
    [found] = await warranties(bench, order)
    return found


async def file(bench: Bench, warranty: Mapping[str, Any], **body: Any) -> ClaimId:
    """Claim a fault of today."""
    claim, today = ClaimId(new_id()), datetime.now(UTC).date()
    given = {"warranty_id": WarrantyId(warranty["id"]), "failed_on": today, "symptom": "motor"}
    asked = FileClaim.model_validate(given | body)
    async with bench.shop.books.begin() as db:
        await file_claim(db, claim, asked, Policy(), actor="support")
    return claim


async def approve(bench: Bench, claim: ClaimId, resolution: Settlement) -> None:
    """Let support promise a claim's customer something."""
    asked = ApproveClaim(resolution=resolution)
    async with bench.shop.books.begin() as db:
        await approve_claim(db, claim, asked, Policy(), actor="key:support")


async def return_of(bench: Bench, claim: ClaimId) -> ReturnId:
    """Return the return under which a claim's goods come in, the newest."""
    query = "SELECT id FROM returns WHERE claim_id = :id ORDER BY id DESC LIMIT 1"
    return ReturnId(await bench.shop.one(query, id=claim))


async def comes_in(
    bench: Bench, claim: ClaimId, end: Disposition = Disposition.SCRAP, units: int = 1
) -> ReturnId:
    """Receive and inspect a claim's goods, and let the run of their return take its steps."""
    back = await return_of(bench, claim)
    line = await line_of(bench, back)
    await receive(bench, back, line, units=units)
    await inspect(bench, back, line, end, units=units)
    await settle(bench, back)
    return back


async def refunded(bench: Bench) -> ClaimId:
    """Bring a claim so far that its goods have come in and are paid back."""
    claim = await file(bench, await under_warranty(bench))
    await approve(bench, claim, Settlement.REFUND)
    await comes_in(bench, claim)
    return claim


async def unshown(bench: Bench) -> Lapse:
    """File a claim that waits for what shows its fault, and let its time be over."""
    claim = await file(bench, await under_warranty(bench, evidence_for=("motor",)))
    return Lapse(claim_id=claim, now=datetime.now(UTC) + EVIDENCE_WITHIN + timedelta(days=1))


async def unit_sold(
    bench: Bench, spare: int = 1, **rest: Any
) -> tuple[ItemId, Mapping[str, Any], list[str]]:
    """Deliver a unit under a new term, today, with others in stock; return their serials, too."""
    serial, *spares = serials(1 + spare)
    item = await stock_saws(bench.shop, serial, *spares)
    await sell_with(bench, item, await term(bench, **rest))
    [found] = await warranties(bench, await sold(bench, item, [serial], on=""))
    return item, found, [serial, *spares]


async def replaced(
    bench: Bench, warranty: Mapping[str, Any], serial: str, other: str
) -> tuple[ClaimId, Mapping[str, Any]]:
    """Settle a claim on a unit by another one; return it, and the warranty on that one."""
    claim = await file(bench, warranty)
    await approve(bench, claim, Settlement.REPLACEMENT)
    back = await return_of(bench, claim)
    line = await line_of(bench, back)
    await receive(bench, back, line, serial)
    await inspect(bench, back, line, Disposition.SCRAP, serial)
    await settle(bench, back)
    query = "SELECT id FROM orders WHERE replaces_return_id = :id"
    order = OrderId(await bench.shop.one(query, id=back))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await pick(bench.shop, shipment, other)
    await arrive(bench, shipment)
    await settle(bench, back)
    await bench.take("settle_claim", claim)
    [found] = await warranties(bench, order)
    return claim, found
