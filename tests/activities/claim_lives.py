"""Random lives of units under warranty: claimed, shown, decided by several, taken in, replaced."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from activities.claims.accepting import file_claim
from activities.claims.deciding import (
    add_evidence,
    appeal_claim,
    approve_claim,
    deny_claim,
    withdraw_claim,
)
from activities.tasks import NO_DETAILS
from db.refunds.refundable import COUNTS
from db.warranties.sold import CLAIM_BEHIND
from domain.claims.requests import (
    AddEvidence,
    AppealClaim,
    ApproveClaim,
    DenyClaim,
    FileClaim,
    WithdrawClaim,
)
from domain.claims.status import EVIDENCE_WITHIN, Lapse
from domain.errors import DomainError
from domain.ids import ClaimId, OrderId, ReturnId, WarrantyId, new_id
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.policy import Policy
from domain.returns.status import Disposition
from domain.shipments.outcomes import BookingOutcome
from domain.warranties.terms import RefundRule, ReplacementRule, Settlement
from tests.activities.promised import sell_with, sold, term
from tests.activities.serial_lives import Move
from tests.activities.serial_returns import inspect, line_of, receive
from tests.activities.serial_troubles import TroubledUnits
from tests.units import pick, serials, stock_saws

PHOTO = "https://photos.example.com/{}.jpg"
LIMIT = {"amount": 1_000_000, "currency": "USD"}
SYMPTOMS = ("motor", "screen", "scratched")
GIVEN = f"""SELECT c.number, c.status, c.quantity,
    coalesce((SELECT sum(x.units) FROM refund_lines x JOIN refunds f ON f.id = x.refund_id
        JOIN returns r ON r.id = f.return_id
        WHERE r.claim_id = c.id AND f.status IN {COUNTS}), 0)::int AS refunded,
    coalesce((SELECT sum(l.quantity - l.cancelled - coalesce((SELECT sum(y.quantity)
            FROM shipment_lines y JOIN shipments s ON s.id = y.shipment_id
            WHERE y.order_line_id = l.id AND s.status IN ('lost', 'returned')), 0))
        FROM orders o JOIN order_lines l ON l.order_id = o.id
        WHERE o.kind = 'replacement' AND o.status <> 'cancelled'
            AND {CLAIM_BEHIND} = c.id), 0)::int AS replaced
    FROM claims c JOIN warranties w ON w.id = c.warranty_id WHERE w.item_id = :item"""
"""How many units of each claim on an item were paid back, and how many were sent in their place."""


class ClaimedUnits(TroubledUnits):
    """Units that are sold with a warranty, and what is claimed of them."""

    async def begin(self) -> None:
        self.serials = serials(8)
        self.item = await stock_saws(self.bench.shop, *self.serials[:6])
        chosen: dict[str, Any] = {
            "settle_by": (self.rng.choice(list(Settlement)),),
            "refund_rule": self.rng.choice(list(RefundRule)),
            "replacement_rule": self.rng.choice(list(ReplacementRule)[:2]),
            "max_claims": self.rng.choice((None, None, 1, 2)),
            "auto_limit": self.rng.choice((None, LIMIT)),
            "evidence_for": ("screen",),
            "excluded_symptoms": ("scratched",),
        }
        self.told.append(str(chosen))
        await sell_with(self.bench, self.item, await term(self.bench, **chosen))
        await sold(self.bench, self.item, self.serials[:2], on="")

    @property
    def moves(self) -> list[tuple[int, Move]]:
        """Return what may happen, with weights; a parcel ends once."""
        others = {self._end_otherwise, self._count, self._order_to_nowhere}
        return [
            *(each for each in super().moves if each[1] not in others),
            (10, self._file),
            (4, self._show),
            (10, self._approve),
            (3, self._deny),
            (4, self._appeal),
            (2, self._withdraw),
            (2, self._lapse),
            (15, self._take_in),
            (15, self._deliver),
            (8, self._pay),
            (20, self._settle_claims),
        ]

    async def end(self) -> None:
        """Let the runs do what is left."""
        for _ in range(3):
            await self._pay()
            await self._steps()
            await self._heed()
            await self._settle_claims()

    async def go_on(self) -> None:
        await super().go_on()
        await self._heed()
        over = [
            dict(row)
            for row in await self.bench.shop.rows(GIVEN, item=self.item)
            if row["refunded"] + row["replaced"] > row["quantity"]
        ]
        assert over == []

    async def _heed(self) -> None:
        """Cancel what replaces goods of a claim that was given up, as the orders' runs do."""
        query = """SELECT id FROM orders WHERE id = ANY(:orders)
            AND cancel_requested_at IS NOT NULL AND status = ANY('{pending,confirmed}')"""
        for order in await self._all(query):
            reason = CancelReason.CUSTOMER_REQUEST
            asked = Cancellation(order_id=OrderId(order), reason=reason, actor="customer")
            if await self.bench.take("recall_shipments", order):
                await self.bench.take("cancel_order", asked)
                await self.bench.take("void_payment", order)

    async def _claim(self, *statuses: str) -> ClaimId | None:
        query = """SELECT c.id FROM claims c JOIN warranties w ON w.id = c.warranty_id
            WHERE w.item_id = :item AND c.status = ANY(:statuses)"""
        found = await self._all(query, statuses=list(statuses))
        return ClaimId(self.rng.choice(found)) if found else None

    async def _file(self) -> object:
        found = await self._all("SELECT id FROM warranties WHERE item_id = :item")
        if not found:
            return None
        symptom = self.rng.choice((*SYMPTOMS, "motor", "motor"))
        asked = FileClaim(
            warranty_id=WarrantyId(self.rng.choice(found)),
            failed_on=datetime.now(UTC).date() - timedelta(days=self.rng.choice((0, 0, 0, 1))),
            symptom=symptom,
            evidence=self.rng.choice(((), (PHOTO.format(0),))),
        )
        async with self.bench.shop.books.begin() as db:
            await file_claim(db, new_id(), asked, Policy(), actor="customer")
        return symptom

    async def _show(self) -> object:
        claim = await self._claim("under_review", "denied")
        if claim is None:
            return None
        asked = AddEvidence(evidence=(PHOTO.format(self.rng.randint(0, 3)),))
        async with self.bench.shop.books.begin() as db:
            await add_evidence(db, claim, asked, Policy(), actor="customer")
        return "shown"

    async def _approve(self) -> object:
        """Let one after the other promise something; the first one counts."""
        claim = await self._claim("under_review", "denied", "approved", "settled")
        if claim is None:
            return None
        said: list[object] = []
        for person in range(self.rng.choice((1, 2, 3))):
            resolution = self.rng.choice((Settlement.REPLACEMENT, Settlement.REFUND))
            asked: dict[str, Any] = {"resolution": resolution, "note": "kind"}
            if resolution is Settlement.REPLACEMENT and self.rng.random() < 0.5:
                asked["replacement_timing"] = "in_advance"
            asked_ = ApproveClaim.model_validate(asked)
            async with self.bench.shop.books.begin() as db:
                await approve_claim(db, claim, asked_, Policy(), actor=f"support {person}")
            said.append(str(resolution))
        return said

    async def _deny(self) -> object:
        claim = await self._claim("under_review", "approved")
        if claim is None:
            return None
        async with self.bench.shop.books.begin() as db:
            await deny_claim(db, claim, DenyClaim(reason="cut"), actor="support")
        return "denied"

    async def _appeal(self) -> object:
        claim = await self._claim("denied")
        if claim is None:
            return None
        async with self.bench.shop.books.begin() as db:
            asked = AppealClaim(reason="not cut")
            await appeal_claim(db, claim, asked, actor="customer")
        return "appealed"

    async def _withdraw(self) -> object:
        claim = await self._claim("under_review", "approved")
        if claim is None:
            return None
        async with self.bench.shop.books.begin() as db:
            await withdraw_claim(db, claim, WithdrawClaim(), actor="customer")
        return "withdrawn"

    async def _lapse(self) -> object:
        claim = await self._claim("under_review")
        if claim is None:
            return None
        later = datetime.now(UTC) + EVIDENCE_WITHIN
        await self.bench.take("deny_unevidenced", Lapse(claim_id=claim, now=later))
        return "lapsed"

    async def _take_in(self) -> object:
        """Receive and inspect what came for a claim, all at once, and let its return's run go."""
        query = """SELECT r.id FROM returns r WHERE r.order_id = ANY(:orders)
            AND r.claim_id IS NOT NULL AND r.status IN ('authorized', 'received')"""
        if (back := await self._one(query)) is None:
            return None
        line, back = await line_of(self.bench, back), ReturnId(back)
        query = "SELECT serials->>0 AS serial FROM return_lines WHERE id = :id"
        serial = await self.bench.shop.one(query, id=line)
        end = self.rng.choice(list(Disposition))
        with suppress(DomainError):
            await receive(self.bench, back, line, serial)
        await inspect(self.bench, back, line, end, serial)
        await self.bench.take("settle_return", back)
        return serial, end

    async def _deliver(self) -> object:
        """Pick a shipment, and bring it to the customer, all at once; or lose it on its way."""
        if (shipment := await self._shipment("pending")) is None:
            return None
        await self._pick_for(shipment)
        if await self.bench.take("book_shipment", shipment) is not BookingOutcome.BOOKED:
            return None
        await self.bench.scan(shipment, "PU")
        await self.bench.take("hand_over_shipment", shipment)
        code = self.rng.choice(("DL", "DL", "DL", "LO"))
        await self.bench.scan(shipment, code)
        await self.bench.take("settle_shipment", shipment)
        return code

    async def _pick_for(self, shipment: UUID) -> None:
        query = """SELECT u.serial AS id FROM units u WHERE u.item_id = :item
            AND u.location_id = (SELECT location_id FROM shipment_lines WHERE shipment_id = :id)
            AND u.status = 'in_stock' AND u.shipment_line_id IS NULL LIMIT
            (SELECT quantity FROM shipment_lines WHERE shipment_id = :id)"""
        with suppress(DomainError):
            await pick(self.bench.shop, shipment, *await self._all(query, id=shipment))

    async def _pay(self) -> object:
        query = """SELECT id FROM refunds WHERE order_id = ANY(:orders)
            AND status IN ('approved', 'submitted')"""
        paid = await self._all(query)
        for refund in paid:
            await self.bench.take("submit_refund", refund)
        return len(paid) or None

    async def _settle_claims(self) -> object:
        query = """SELECT c.id FROM claims c JOIN warranties w ON w.id = c.warranty_id
            WHERE w.item_id = :item"""
        for claim in await self._all(query):
            await self.bench.take("settle_claim", claim)
        return None

    async def _decide(self) -> object:
        """Answer support's questions about claims, too."""
        query = """SELECT t.id, t.choices FROM tasks t JOIN claims c ON c.id = t.document_id
            JOIN warranties w ON w.id = c.warranty_id WHERE w.item_id = :item AND t.status = 'open'
            AND CAST(:orders AS uuid[]) IS NOT NULL"""
        tasks = await self.bench.shop.rows(query, orders=self.orders, item=self.item)
        if not tasks or self.rng.random() < 0.5:
            return await super()._decide()
        task = self.rng.choice(tasks)
        choice = self.rng.choice(task["choices"])
        await self._answer(task["id"], choice, NO_DETAILS)
        return choice
