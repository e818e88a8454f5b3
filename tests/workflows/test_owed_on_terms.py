"""What an order on terms owes when money moves beside its goods: favours, excess, cash."""

from typing import Any
from uuid import UUID, uuid4

from domain.ids import CustomerId, ItemId, OrderId
from domain.tasks import TaskKind
from tests.api.callers import new_key
from tests.api.two_shops import Asker
from tests.patience import eventually
from tests.shop import HOME, address
from tests.workflows.asking import calling, set_to
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import ask, usd
from tests.workflows.stage import Stage
from tests.workflows.terms_stories import (
    MUG,
    POSTAGE,
    TOTAL,
    buyer,
    credit,
    delivered_on_terms,
    give_back,
    grant,
)
from tests.workflows.transfer_stories import paid_in

K = TaskKind


async def test_a_unit_is_refunded_at_its_whole_price_though_another_was_never_paid(
    stage: Stage,
) -> None:
    """Refunds R2: 2 x 27.00 and 5.00, one unit came back unpaid, 32.00 were paid."""
    customer = await buyer(stage, 2 * MUG + POSTAGE)
    order, line = await delivered_on_terms(stage, customer, units=2)
    await give_back(stage, order, line)
    await paid_in(stage, order, MUG + POSTAGE, "TX-1")
    parts = {"lines": [{"order_line_id": line["id"], "units": 1}], "shipping": usd(POSTAGE)}
    async with calling(stage) as callers:
        answer = await callers.post(
            "/refunds/preview", {"order_id": str(order), **parts}, role="finance"
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["amount"] == usd(MUG + POSTAGE)


async def test_a_favour_before_goods_come_back_leaves_nothing_owed_and_nothing_over(
    stage: Stage,
) -> None:
    """Customers R3: of 32.00, 10.00 went back as a favour, and 22.00 with the goods."""
    customer = await buyer(stage, TOTAL)
    order, line = await delivered_on_terms(stage, customer)
    await paid_in(stage, order, TOTAL, "TX-1")
    favour = await ask(stage, order_id=str(order), goodwill=usd(1000))
    await stage.decide(K.PAY_OUT, _id(favour), "paid")
    await give_back(stage, order, line)
    await stage.decide(K.PAY_OUT, await _other(stage, order, favour), "paid")
    await until(stage, order, captured=TOTAL, refunded=TOTAL)
    assert await credit(stage, customer) == {"exposure": 0, "open": TOTAL, "orders": {}}


async def test_what_finance_keeps_of_too_much_money_is_not_owed_to_anybody(stage: Stage) -> None:
    """Payments R13: the order is settled, and the credit may change its currency or end."""
    customer = await buyer(stage, TOTAL)
    order, _ = await delivered_on_terms(stage, customer)
    await paid_in(stage, order, TOTAL + 1000, "TX-1")
    await stage.decide(K.OVERPAID, order, "keep")
    assert await credit(stage, customer) == {"exposure": 0, "open": TOTAL, "orders": {}}
    async with calling(stage) as callers:
        path, body = f"/customers/{customer}", {"credit_limit": None}
        ended = await callers.ask("PATCH", path, role="finance", json=body)
    assert ended.status_code == 200, ended.text


async def test_what_the_customer_got_in_cash_is_not_owed_to_it_any_more(stage: Stage) -> None:
    customer = await buyer(stage, TOTAL)
    order, line = await delivered_on_terms(stage, customer)
    await paid_in(stage, order, TOTAL, "TX-1")
    await give_back(stage, order, line)
    refund = await stage.refund(order, "approved")
    await stage.decide(K.PAY_OUT, refund, "given_otherwise")
    await stage.refund(order, "cancelled")
    assert await credit(stage, customer) == {"exposure": 0, "open": TOTAL, "orders": {}}
    assert (await grant(stage, customer, 0)).status_code == 200


async def test_an_integration_is_shown_its_own_orders_behind_a_credit_and_the_whole_exposure(
    stage: Stage,
) -> None:
    """Identity: confined to its source, it learns no number of another one's order."""
    company, other = f"shop-{uuid4().hex[:8]}", await stage.shop.item(AUS=1)
    async with calling(stage) as callers:
        shop = Asker(callers.client, await new_key(stage.books, "integration", name=company))
        customer = (await shop.post("/customers", {"name": "ACME"})).json()["id"]
        terms = {"terms_days": 30, "credit_limit": usd(2 * TOTAL)}
        await callers.ask("PATCH", f"/customers/{customer}", role="finance", json=terms)
        body = _on_terms(customer, await stage.shop.item(AUS=1))
        own = (await shop.post("/orders", body)).json()["id"]
        elsewhere = (await callers.post("/orders", _on_terms(customer, other))).json()["id"]
        for each in (own, elsewhere):
            await stage.shipment(OrderId(UUID(each)), "booked")
        shown = (await shop.get(f"/customers/{customer}/credit")).json()
    assert [each["id"] for each in shown["orders"]] == [own]
    assert shown["exposure"] == usd(2 * TOTAL)
    assert set((await credit(stage, CustomerId(UUID(customer))))["orders"]) == {own, elsewhere}


async def test_an_order_on_terms_that_costs_nothing_is_never_due(stage: Stage) -> None:
    customer = await buyer(stage, TOTAL)
    body = _on_terms(customer, await stage.shop.item(AUS=1), unit_price=usd(0))
    with set_to(stage, shipping_rates={"USD": {"ground": 0}}):
        async with calling(stage) as callers:
            answer = await callers.post("/orders", body)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert (shown["total"], shown["payment_status"]) == (usd(0), "not_required")
    assert (shown["terms_days"], shown["due_on"]) == (None, None)


def _on_terms(customer: object, item: ItemId, **line: Any) -> dict[str, Any]:
    return {
        "customer_id": str(customer),
        "lines": [{"item_id": str(item), "quantity": 1, **line}],
        "ship_to": address(HOME).model_dump(),
        "payment": {"method": "net_terms"},
    }


def _id(refund: Any) -> UUID:
    return UUID(refund["id"])


async def _other(stage: Stage, order: OrderId, first: Any) -> UUID:
    """Wait for the approved refund of an order that is not the first one; return its id."""

    async def there() -> list[UUID]:
        rows = await stage.shop.rows(
            "SELECT id FROM refunds WHERE order_id = :id AND status = 'approved' AND id <> :first",
            id=order,
            first=_id(first),
        )
        return [row["id"] for row in rows]

    [found] = await eventually(there)
    return UUID(str(found))
