"""Random lives of one order's returns: asked for, received, inspected, revised, paid, given up.

The provider takes refunds back, says so more than once, and pays some by itself.
"""

import random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import request_refund
from activities.refunds.deciding import cancel_refund, retry_refund
from activities.returns.accepting import request_return
from activities.returns.deciding import authorize_return, cancel_return, reject_return
from activities.returns.inspecting import inspect_return
from activities.returns.receiving import finish_receiving, receive_return
from activities.returns.settling import close_return
from db.payments import STANDS
from domain.errors import DomainError
from domain.ids import LineId, OrderId, RefundId, ReturnId, ReturnLineId, new_id
from domain.money import Money
from domain.policy import Policy
from domain.refunds.requests import RequestRefund
from domain.returns.requests import (
    InspectedUnits,
    InspectReturn,
    ReceivedLine,
    ReceiveReturn,
    RequestReturn,
    ReturnLine,
)
from domain.returns.status import STAY_THEIRS, Disposition, ReturnReason
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities.bench import Bench
from tests.activities.test_ends_of_facts import told

POLICY = Policy()


class Life:
    """One delivered order, and what happens to it by chance; what is refused changes nothing."""

    def __init__(self, bench: Bench, order: OrderId, lines: list[UUID], rng: random.Random) -> None:
        self.bench = bench
        self.order = order
        self.lines = lines
        self.rng = rng
        self.told: list[str] = []

    async def go_on(self) -> None:
        """Let one thing happen."""
        move = self.rng.choice(
            [
                self._ask,
                self._decide,
                self._receive,
                self._finish,
                self._inspect,
                self._inspect,
                self._goodwill,
                self._steps,
                self._steps,
                self._report,
                self._answer_failure,
            ]
        )
        try:
            async with self.bench.shop.books.begin() as db:
                await move(db)
        except DomainError as refusal:
            self.told.append(f"{move.__name__}: {refusal.code}")

    async def end(self) -> None:
        """Let the runs do what is left, until nothing changes."""
        for _ in range(4):
            async with self.bench.shop.books.begin() as db:
                await self._steps(db)

    async def _returns(self, *statuses: str) -> list[Any]:
        return await self.bench.shop.rows(
            "SELECT id, status FROM returns WHERE order_id = :id AND status = ANY(:statuses)",
            id=self.order,
            statuses=list(statuses),
        )

    async def _one(self, *statuses: str) -> ReturnId | None:
        found = await self._returns(*statuses)
        return ReturnId(self.rng.choice(found)["id"]) if found else None

    async def _ask(self, db: AsyncConnection) -> None:
        wanted = ReturnLine(
            order_line_id=LineId(self.rng.choice(self.lines)),
            quantity=self.rng.randint(1, 3),
            reason=self.rng.choice([ReturnReason.WRONG_SIZE, ReturnReason.NOT_AS_DESCRIBED]),
        )
        asked = RequestReturn(order_id=self.order, lines=(wanted,))
        await request_return(db, new_id(), asked, POLICY, actor="support", staff=True)
        self.told.append(f"asked for {wanted.quantity}")

    async def _decide(self, db: AsyncConnection) -> None:
        back = await self._one("requested", "authorized")
        if back is None:
            return
        choice = self.rng.choice(["authorize", "reject", "cancel"])
        if choice == "authorize":
            await authorize_return(db, back, POLICY, actor="support")
        elif choice == "reject":
            await reject_return(db, back, "no", actor="support")
        else:
            await cancel_return(db, back, "", actor="support")
        self.told.append(choice)

    async def _units(self, back: UUID, query: str) -> tuple[ReturnLineId, int] | None:
        rows = await self.bench.shop.rows(query, back=back)
        rows = [row for row in rows if row["units"] > 0]
        if not rows:
            return None
        row = self.rng.choice(rows)
        return ReturnLineId(row["id"]), self.rng.randint(1, row["units"])

    async def _receive(self, db: AsyncConnection) -> None:
        back = await self._one("authorized")
        query = "SELECT id, quantity - received AS units FROM return_lines WHERE return_id = :back"
        if back is None or (units := await self._units(back, query)) is None:
            return
        came = ReceiveReturn(lines=(ReceivedLine(return_line_id=units[0], quantity=units[1]),))
        await receive_return(db, back, new_id(), came, actor="warehouse")
        self.told.append(f"received {units[1]}")

    async def _finish(self, db: AsyncConnection) -> None:
        if back := await self._one("authorized"):
            await finish_receiving(db, back, actor="warehouse")
            self.told.append("finished")

    async def _inspect(self, db: AsyncConnection) -> None:
        back = await self._one("received", "inspected")
        if back is None:
            return
        query = """SELECT r.id, r.received - coalesce((SELECT sum(d.quantity)
                FROM return_dispositions d WHERE d.return_line_id = r.id
                    AND d.revised_at IS NULL), 0)::int AS units
            FROM return_lines r WHERE r.return_id = :back"""
        standing = await self.bench.shop.rows(
            """SELECT d.id, d.return_line_id, d.quantity FROM return_dispositions d
            JOIN return_lines r ON r.id = d.return_line_id
            WHERE r.return_id = :back AND d.revised_at IS NULL""",
            back=back,
        )
        units = await self._units(back, query)
        revised = self.rng.choice(standing) if standing and self.rng.random() < 0.4 else None
        if revised:
            units = ReturnLineId(revised["return_line_id"]), revised["quantity"]
        if units is None:
            return
        disposition = self.rng.choice([*Disposition])
        accepted = disposition not in STAY_THEIRS and self.rng.random() < 0.8
        seen = InspectedUnits(
            return_line_id=units[0],
            quantity=units[1],
            disposition=disposition,
            accepted=accepted,
        )
        revise = (revised["id"],) if revised else ()
        await inspect_return(db, back, InspectReturn(lines=(seen,), revise=revise), actor="i")
        self.told.append(f"{disposition} {units[1]}{' instead' if revised else ''}")

    async def _goodwill(self, db: AsyncConnection) -> None:
        money = Money(amount=self.rng.randint(1, 2000), currency="USD")
        asked = RequestRefund(order_id=self.order, goodwill=money, reason="sorry")
        await request_refund(db, new_id(), asked, POLICY, actor="support")
        self.told.append(f"goodwill {money}")

    async def _report(self, db: AsyncConnection) -> None:
        """Let the provider tell of a refund: that it failed after all, or that it made one."""
        del db
        sent = await self.bench.shop.rows(
            "SELECT e.key FROM payment_entries e JOIN refunds r ON r.id = e.refund_id"
            f" WHERE r.order_id = :id AND r.status = 'succeeded' AND {STANDS}",
            id=self.order,
        )
        if not sent:
            return
        key = self.rng.choice(sent)["key"]
        operations = await self.bench.payments.ask("GET", f"/operations?key={key}")
        operation = operations["data"][0]
        if self.rng.random() < 0.5:
            settlement = {"key": key, "outcome": "failed", "failure_code": "card_closed"}
            operation = await self.bench.payments.ask(
                "POST", "/sandbox/operations/settle", settlement
            )
        for _ in range(self.rng.randint(1, 3)):
            fact = {"id": uuid4().hex, "type": f"operation.{operation['outcome']}"}
            await told(self.bench, {**fact, "data": operation}, SANDBOX_PAYMENTS.webhooks)
        self.told.append(f"{key} {operation['outcome']}")

    async def _answer_failure(self, db: AsyncConnection) -> None:
        """Let finance try a refund that failed once more, or give it up."""
        failed = await self.bench.shop.rows(
            "SELECT id FROM refunds WHERE order_id = :id AND status = 'failed'", id=self.order
        )
        if not failed:
            return
        refund = self.rng.choice(failed)["id"]
        if self.rng.random() < 0.7:
            await retry_refund(db, refund, actor="finance")
            self.told.append("once more")
        else:
            await cancel_refund(db, refund, "paid in cash", actor="finance")
            self.told.append("given up")

    async def _steps(self, db: AsyncConnection) -> None:
        """Take the steps of the runs, as often as they like."""
        del db
        for back in await self._returns("inspected"):
            await self.bench.take("settle_return", ReturnId(back["id"]))
        refunds = (
            "SELECT id FROM refunds WHERE order_id = :id AND status IN ('approved', 'submitted')"
        )
        for refund in await self.bench.shop.rows(refunds, id=self.order):
            await self.bench.take("submit_refund", RefundId(refund["id"]))
        for back in await self._returns("inspected"):
            try:
                async with self.bench.shop.books.begin() as own:
                    await close_return(own, back["id"], POLICY, actor="support")
            except DomainError:
                self.told.append("not to be closed yet")
