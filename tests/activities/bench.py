"""Steps taken by hand on real books and real partners, with the facts that they need."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.facts import FactIntake
from activities.refunds.accepting import request_refund
from activities.returns.accepting import request_return
from activities.returns.deciding import cancel_return
from activities.returns.inspecting import inspect_return
from activities.returns.receiving import receive_return
from db.facts import Fact, record_facts
from db.metadata import Base
from db.verify.books import Finding, verify
from domain.ids import LineId, OrderId, RefundId, ReturnId, ShipmentId, new_id
from domain.money import Money
from domain.orders.status import CaptureOn
from domain.policy import Policy
from domain.refunds.requests import RefundLine, RequestRefund
from domain.returns.requests import (
    InspectedUnits,
    InspectReturn,
    ReceivedLine,
    ReceiveReturn,
    RequestReturn,
    ReturnLine,
)
from domain.returns.status import Disposition, ResolutionWanted, ReturnReason, ShipBack
from gateways.carriers.sandbox import SANDBOX_CARRIER, SandboxCarrier
from gateways.payments.sandbox import SandboxPayments
from runtime.commands.reconciliation import compare_labels, compare_payments
from tests.activities.attempts import Line
from tests.partners import Simulator
from tests.shop import Shop
from worker import activities

TIMELY = {"I4a", "I4b"}
"""The checks of how long documents and starts have been waiting: here they wait for nobody."""


class Bench:
    """Every step by its name, and what the carrier would tell us."""

    def __init__(self, shop: Shop, carrier: Simulator, payments: Simulator) -> None:
        """Take steps on these books and at these partners."""
        self.shop = shop
        self.carrier = carrier
        self.payments = payments
        self.at_carrier = SandboxCarrier(carrier.base_url, carrier.api_key)
        self.at_payments = SandboxPayments(payments.base_url, payments.api_key)
        found = activities(shop.books, Line(self.at_carrier), Line(self.at_payments))
        self.steps: dict[str, Callable[[Any], Awaitable[Any]]] = {
            step.__name__: step for step in found
        }

    async def take(self, name: str, given: Any, attempt: int = 1) -> Any:
        """Take a step as a worker would at this attempt."""
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        return await environment.run(self.steps[name], given)

    async def placed(
        self,
        token: str | None = "tok_ok",
        capture_on: CaptureOn = CaptureOn.SHIPMENT,
        **stock: int,
    ) -> OrderId:
        """Place an order for all units of a new item."""
        stock = stock or {"AUS": 1}
        wanted = (await self.shop.item(**stock), sum(stock.values()))
        return await self.shop.place(wanted, token=token, capture_on=capture_on)

    async def confirmed(self, token: str = "tok_ok", **stock: int) -> OrderId:
        """Place an order and secure its money."""
        order = await self.placed(token, **stock)
        await self.take("authorize_payment", order)
        return order

    async def booked(self, token: str = "tok_ok", **stock: int) -> tuple[OrderId, list[ShipmentId]]:
        """Bring an order as far as its labels."""
        order = await self.confirmed(token, **stock)
        shipments = await self.shipments(order)
        for shipment in shipments:
            await self.take("book_shipment", shipment)
        return order, shipments

    async def sent(self, token: str = "tok_ok") -> tuple[OrderId, ShipmentId]:
        """Bring an order as far as its departure."""
        order, [shipment] = await self.booked(token)
        await self.scan(shipment, "PU")
        await self.take("hand_over_shipment", shipment)
        return order, shipment

    async def refund(self, part: str = "goodwill") -> tuple[OrderId, RefundId]:
        """Deliver an order and ask for money back: a unit, the shipping, or some goodwill."""
        order, shipment = await self.sent()
        await self.scan(shipment, "DL")
        await self.take("settle_shipment", shipment)
        query = "SELECT id FROM order_lines WHERE order_id = :id"
        line = LineId(await self.shop.one(query, id=order))
        money = Money(amount=100, currency="USD")
        parts: dict[str, dict[str, Any]] = {
            "goodwill": {"goodwill": money},
            "units": {"lines": (RefundLine(order_line_id=line, units=1),)},
            "shipping": {"shipping": money},
        }
        asked = RequestRefund(order_id=order, reason="it came late", **parts[part])
        refund = RefundId(new_id())
        async with self.shop.books.begin() as db:
            await request_refund(db, refund, asked, Policy(), actor="support")
        return order, refund

    async def authorized_return(
        self,
        wants: ResolutionWanted = ResolutionWanted.REFUND,
        ship_back: ShipBack = ShipBack.OWN,
    ) -> ReturnId:
        """Deliver an order and ask for one of its units to come back."""
        order, shipment = await self.sent()
        await self.scan(shipment, "DL")
        await self.take("settle_shipment", shipment)
        line = await self.shop.one("SELECT id FROM order_lines WHERE order_id = :id", id=order)
        wanted = ReturnLine(order_line_id=line, quantity=1, reason=ReturnReason.CHANGED_MIND)
        asked = RequestReturn(
            order_id=order, lines=(wanted,), resolution_wanted=wants, ship_back=ship_back
        )
        back = ReturnId(new_id())
        async with self.shop.books.begin() as db:
            await request_return(db, back, asked, Policy(), actor="support")
        return back

    async def inspected_return(
        self,
        wants: ResolutionWanted = ResolutionWanted.REFUND,
        disposition: Disposition = Disposition.RESTOCK,
    ) -> ReturnId:
        """Let the unit of a return come, and accept it."""
        back = await self.authorized_return(wants)
        line = await self.shop.one("SELECT id FROM return_lines WHERE return_id = :id", id=back)
        came = ReceiveReturn(lines=(ReceivedLine(return_line_id=line, quantity=1),))
        units = InspectedUnits(
            return_line_id=line, quantity=1, disposition=disposition, accepted=True
        )
        async with self.shop.books.begin() as db:
            await receive_return(db, back, new_id(), came, actor="warehouse")
            await inspect_return(db, back, InspectReturn(lines=(units,)), actor="inspector")
        return back

    async def return_to_label(self) -> ReturnId:
        """Ask for a unit to come back under a label that is not bought yet."""
        return await self.authorized_return(ship_back=ShipBack.LABEL)

    async def labelled_return(self) -> ReturnId:
        """Bring a return as far as its label."""
        back = await self.return_to_label()
        await self.take("book_return_label", back)
        return back

    async def label_to_void(self) -> ReturnId:
        """Bring a return as far as its label, and give it up."""
        back = await self.labelled_return()
        async with self.shop.books.begin() as db:
            await cancel_return(db, back, "", actor="support")
        return back

    async def shipments(self, order: OrderId) -> list[ShipmentId]:
        rows = await self.shop.rows(
            "SELECT id FROM shipments WHERE order_id = :id ORDER BY id", id=order
        )
        return [row["id"] for row in rows]

    async def scan(self, shipment: UUID, code: str) -> None:
        """Let the carrier scan a parcel, and hear of it."""
        number = await self.shop.one(
            "SELECT tracking_number FROM parcels WHERE shipment_id = :id", id=shipment
        )
        path = f"/sandbox/parcels/{number}/scans"
        scanned = await self.carrier.ask("POST", path, {"code": code})
        event_id = scanned.pop("event_id")
        fact = {"id": event_id, "type": "tracking.scan", "data": scanned}
        await self.hear(SANDBOX_CARRIER.webhooks, event_id, fact)

    async def hear(self, provider: str, event_id: str, fact: dict[str, Any]) -> bool:
        """Keep a fact and apply it; return whether it was new."""
        kept = Fact(new_id(), provider, event_id, fact)
        async with self.shop.books.begin() as db:
            new = kept.id in await record_facts(db, [kept])
        if new:
            await FactIntake(self.shop.books).apply([kept.id])
        return new

    async def everything(self) -> dict[str, list[Any]]:
        """Return every row of every table."""
        found = {}
        async with self.shop.books.read() as db:
            for table in sorted(Base.metadata.tables):
                rows = await db.execute(text(f"SELECT to_jsonb(t) AS row FROM {table} t"))
                found[table] = sorted(str(row.row) for row in rows)
        return found

    async def moved(self, order: OrderId) -> dict[str, tuple[int, int]]:
        """Return how often, and how much money, the provider moved for an order, by kind."""
        keys = await self.shop.rows(
            "SELECT DISTINCT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id",
            id=order,
        )
        sums: dict[str, tuple[int, int]] = {}
        for row in keys:
            for operation in (await self.payments.ask("GET", f"/operations?key={row['key']}"))[
                "data"
            ]:
                times, amount = sums.get(operation["kind"], (0, 0))
                executed = operation["executed"]
                sums[operation["kind"]] = (
                    times + executed,
                    amount + executed * operation["amount"],
                )
        return sums

    async def broken(self) -> list[Finding]:
        """Return the rules that are broken, whatever the moment.

        Nobody dispatches here, and nobody takes the next step: what may still settle may be open.
        """
        return [found for found in await self.unsettled() if not found.settles]

    async def unsettled(self) -> list[Finding]:
        """Return the rules that the books, or they and the partners' books, break."""
        engine = self.shop.books.engine
        findings = await verify(engine)
        findings += await compare_payments(engine, self.payments.base_url, self.payments.api_key)
        findings += await compare_labels(engine, self.carrier.base_url, self.carrier.api_key)
        return [found for found in findings if found.broken and found.id not in TIMELY]

    async def aclose(self) -> None:
        """Close the connections to the partners."""
        await self.at_carrier.aclose()
        await self.at_payments.aclose()
