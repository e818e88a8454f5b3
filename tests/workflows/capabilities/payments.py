"""What the customer and the bank do about the money of a story, and what the provider moved."""

from typing import Any
from uuid import UUID

import httpx2

from activities.payments.accepting import pay_order
from db.ledgers import ledger_of
from domain.ids import OrderId, new_id
from domain.payments import PaymentAmounts, add_up
from tests.patience import PATIENCE, eventually
from tests.workflows.capabilities.runs import Runs


class Payments(Runs):
    """Payments, as the provider sees them."""

    async def pay(self, order_id: OrderId, token: str) -> None:
        async with self.books.begin() as db:
            await pay_order(db, new_id(), order_id, token=token, actor="customer")

    async def paid(self, order_id: OrderId) -> PaymentAmounts:
        """Return what our books hold of the order's money."""
        async with self.books.read() as db:
            return add_up((await ledger_of(db, order_id)).values)

    async def captured(self, order_id: OrderId) -> int:
        """Return what was captured for the order, in minor units, as soon as that is some."""

        async def taken() -> int:
            return (await self.paid(order_id)).captured

        return int(await eventually(taken))

    async def by_itself(self, order_id: OrderId, what: str, amount: int | None = None) -> None:
        """Let the provider refund, charge back or expire the newest authorization by itself."""
        authorization = await self.shop.one(
            "SELECT provider_reference FROM payments WHERE order_id = :id"
            " AND provider_reference IS NOT NULL ORDER BY created_at DESC LIMIT 1",
            id=order_id,
        )
        body = {} if amount is None else {"amount": amount, "currency": "USD"}
        await self.payments.ask("POST", f"/sandbox/authorizations/{authorization}/{what}", body)

    async def fails_late(self, order_id: OrderId, kind: str, code: str = "card_closed") -> None:
        """Let the newest success of a kind fail at the provider after all."""
        key = await self.shop.one(
            "SELECT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id AND e.kind = :kind AND e.phase = 'succeeded'"
            " ORDER BY e.id DESC LIMIT 1",
            id=order_id,
            kind=kind,
        )
        settlement = {"key": key, "outcome": "failed", "failure_code": code}
        await self.payments.ask("POST", "/sandbox/operations/settle", settlement)

    async def refund(self, order_id: OrderId, status: str = "succeeded") -> UUID:
        """Return the newest refund of an order, once all of them are in this state."""

        async def there() -> Any:
            found = await self.shop.rows(
                "SELECT id, status FROM refunds WHERE order_id = :id ORDER BY created_at DESC",
                id=order_id,
            )
            return {row["status"] for row in found} == {status} and found[0]["id"]

        return UUID(str(await eventually(there)))

    async def page(self, order_id: OrderId) -> str:
        """Wait until the customer has a page on which to confirm the order's payment."""

        async def there() -> Any:
            return await self.shop.one(
                "SELECT redirect_url FROM payments WHERE order_id = :id"
                " ORDER BY created_at DESC LIMIT 1",
                id=order_id,
            )

        return str(await eventually(there))

    async def answer(self, page: str, word: str) -> int:
        """Let the customer ``confirm`` or ``fail`` on that page; return the page's status."""
        async with httpx2.AsyncClient(timeout=PATIENCE) as browser:
            return (await browser.post(f"{page}/{word}")).status_code

    async def confirm(self, order_id: OrderId) -> None:
        """Let the customer confirm the order's payment at the provider."""
        key = await self.shop.one(
            "SELECT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id AND e.phase = 'action_required'",
            id=order_id,
        )
        [operation] = (await self.payments.ask("GET", f"/operations?key={key}"))["data"]
        await self.payments.ask("POST", f"/authorizations/{operation['authorization']}/confirm")

    async def declined(self, order_id: OrderId, cards: int) -> None:
        """Wait until so many cards of the order were declined."""

        async def there() -> bool:
            entries = await self.entries(order_id)
            return entries.count(("authorization", "failed")) == cards

        await eventually(there)

    async def waits(self, order_id: OrderId, phase: str) -> None:
        """Wait until the payment's ledger has an authorization in this phase."""

        async def there() -> Any:
            return [e for e in await self.entries(order_id) if e == ("authorization", phase)]

        await eventually(there)

    async def entries(self, order_id: OrderId) -> list[tuple[str, str]]:
        """Return kind and phase of the order's payment entries, oldest first."""
        rows = await self.shop.rows(
            "SELECT e.kind, e.phase FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id ORDER BY e.id",
            id=order_id,
        )
        return [(row["kind"], row["phase"]) for row in rows]

    async def moved(self, order_id: OrderId) -> dict[str, int]:
        """Return what the provider moved for the order, by kind, in minor units."""
        rows = await self.shop.rows(
            "SELECT DISTINCT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id",
            id=order_id,
        )
        sums: dict[str, int] = {}
        for row in rows:
            [*found] = (await self.payments.ask("GET", f"/operations?key={row['key']}"))["data"]
            for operation in found:
                assert operation["executed"] <= 1, operation
                sums[operation["kind"]] = (
                    sums.get(operation["kind"], 0) + operation["amount"] * operation["executed"]
                )
        return sums

    async def until_moved(self, order_id: OrderId, **wanted: int) -> None:
        """Wait until the provider has moved so much money for an order, and we know of it."""
        unknown = (
            "SELECT count(*)::int FROM (SELECT e.key FROM payment_entries e"
            " JOIN payments p ON p.id = e.payment_id WHERE p.order_id = :id"
            " GROUP BY e.key HAVING count(*) = 1) k"
        )

        async def there() -> bool:
            told = await self.shop.one(unknown, id=order_id) == 0
            return told and await self.moved(order_id) == wanted

        await eventually(there)
