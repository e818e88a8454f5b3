"""The examples at /docs are true: in the sample company each of them is accepted."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.testing import WorkflowEnvironment

from api.app import create_app
from api.services import Services
from domain.ids import OrderId
from runtime.sample.company import address_of, load_company
from tests.api.callers import Callers
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.examples_of_work import Works
from tests.workflows.stage import Stage, open_stage

UNSERVICEABLE = "00000"


@pytest.fixture
async def company(template_url: str, environment: WorkflowEnvironment) -> AsyncIterator[Stage]:
    """The sample company at work; the sites that a stage has by itself make way for its own."""
    async with open_stage(template_url, environment, "examples") as stage, stage.working():
        await stage.shop.rows("UPDATE sites SET code = 'NO-' || code, active = false RETURNING id")
        await load_company(stage.books)
        yield stage
        assert await stage.broken() == []


def _turn(operations: tuple[str, Any]) -> tuple[bool, bool]:
    """Sort key: lots come after the item that they are of, and scans of a label last."""
    path = operations[0]
    return ("tracking" in path, "lots" in path)


def examples(stage: Stage) -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and body of each example; what is reported of a label comes last."""
    described = create_app(Services(stage.settings, stage.books, stage.connected)).openapi()
    for path, methods in sorted(described["paths"].items(), key=_turn):
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                yield method.upper(), path, example["value"]


class Finding:
    """Finds, or makes, what the paths of the examples are about."""

    def __init__(self, callers: Callers, stage: Stage) -> None:
        self._callers = callers
        self._stage = stage
        self._works = Works(callers)

    async def address(self, path: str) -> str:
        """Return the path with the id of something that is as its example takes it to be."""
        if path.startswith("/work_orders/"):
            return await self._works.address(path) if "{" in path else path
        ways = {
            "{order_id}": self._an_unpaid_order,
            "{task_id}": self._a_refused_label,
            "{shipment_id}/pack": partial(self._a_pick_list, 3, "ST-201", "ST-202", "ST-203"),
            "{shipment_id}/pick": partial(
                self._a_pick_list, 2, "ST-104", "ST-107", "ST-108", "ST-109"
            ),
            "{shipment_id}": self._a_parcel_of_another_carrier,
            "{refund_id}": self._a_refund_to_approve,
            "{payment_id}/receipts": self._a_transfer,
            "{return_id}/receive": partial(self._a_return, 1),
            "{return_id}/inspect": partial(self._a_return, 1, received=True),
            "{return_id}/cancel": partial(self._a_return, 1),
            "{payment_id}": self._a_payment,
            "{return_id}": partial(self._a_return, 2),
            "{customer_id}": self._a_customer,
            "{item_id}": self._an_item,
            "{reservation_id}": self._a_reservation,
            "{movement_id}": self._an_adjustment,
            "{lot_id}/release": partial(self._a_lot, "quarantine"),
            "{lot_id}/withdraw_recall": partial(self._a_lot, "recall"),
            "{lot_id}": self._a_lot,
            "{warranty_id}": self._a_warranty,
            "{claim_id}/appeal": partial(self._a_claim, denied=True),
            "{claim_id}": self._a_claim,
        }
        for name, way in ways.items():
            if name in path:
                whole, found = name.partition("/")[0], await way()
                path = path.replace(whole, found)
        if "{hold_id}" in path:
            path = path.replace("{hold_id}", await self._a_hold(path.split("/")[2]))
        return path.replace("{site}", "CMH")

    async def fill(self, body: Any, path: str) -> None:
        """Put the ids of what is there into an example: an order's, a line's, a return's line."""
        await self._works.fill(body, path)
        if "from_location_id" in body:
            site = (await self._callers.get("/inventory/sites/AUS")).json()
            places = {place["kind"]: place["id"] for place in site["locations"]}
            body["from_location_id"], body["to_location_id"] = places["stock"], places["quarantine"]
        if "order_line_id" in body:
            body["order_line_id"] = await self._a_delivered_line()
        if "warranty_id" in body:
            body["warranty_id"] = await self._a_warranty()
        if "order_id" in body:
            body["order_id"] = await self.a_delivered_order()
            order = (await self._callers.get(f"/orders/{body['order_id']}")).json()
            for line in body.get("lines", ()):
                line["order_line_id"] = order["lines"][0]["id"]
        packed = [line for parcel in body.get("parcels", ()) for line in parcel["lines"]]
        for line in (*body.get("lines", ()), *packed, *body.get("shortages", ())):
            if "line_id" in line:
                shipment = (await self._callers.get(path.rpartition("/")[0])).json()
                line["line_id"] = shipment["lines"][0]["id"]
            if "return_line_id" in line:
                back = (await self._callers.get(path.rpartition("/")[0])).json()
                line["return_line_id"] = back["lines"][0]["id"]

    async def _a_lot(self, way: str = "") -> str:
        """Return a new lot of the item of an example, set aside if it is said how."""
        body = {"sku": "GAS-230", "code": uuid4().hex}
        made = (await self._callers.post("/inventory/lots", body)).json()
        if way:
            await self._callers.post(f"/inventory/lots/{made['id']}/{way}", {"reason": "damp"})
        return str(made["id"])

    async def _a_reservation(self) -> str:
        """Return what is held by hand."""
        body = {"sku": "POLES", "site": "CMH", "quantity": 1, "reference": "window"}
        made = await self._callers.post("/inventory/reservations", body)
        return str(made.json()["items"][0]["id"])

    async def _an_adjustment(self) -> str:
        body = {"sku": "POLES", "site": "CMH", "quantity": 1, "reason": "found"}
        return str((await self._callers.post("/inventory/adjustments", body)).json()["id"])

    async def _a_delivered_line(self, tents: int = 3) -> str:
        order_id = await self.a_delivered_order(tents)
        order = (await self._callers.get(f"/orders/{order_id}")).json()
        return str(order["lines"][0]["id"])

    async def _a_warranty(self) -> str:
        """Return a warranty that was registered under the term of an example."""
        body = {"order_line_id": await self._a_delivered_line(1), "term": "TENT-24"}
        made = await self._callers.post("/warranties", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def _a_claim(self, *, denied: bool = False) -> str:
        """Return a claim on a tent, which is too dear to be approved by itself."""
        fault = {"warranty_id": await self._a_warranty(), "symptom": "zip"}
        today = datetime.now(UTC).date().isoformat()
        made = await self._callers.post("/warranties/claims", {**fault, "failed_on": today})
        assert made.json()["status"] == "under_review", made.text
        path = f"/warranties/claims/{made.json()['id']}"
        if denied:
            await self._callers.post(f"{path}/deny", {"reason": "It was cut."})
        return path.rpartition("/")[2]

    async def headers(self, path: str) -> dict[str, str]:
        """Return what a guest sends besides: the token of a link that was mailed."""
        if path != "/guest/withdrawals":
            return {}
        order_id = await self.a_delivered_order()
        order = (await self._callers.get(f"/orders/{order_id}")).json()
        asked = {"order_number": order["number"], "email": "maya.okafor@example.com"}
        await self._callers.post("/guest/withdrawals/links", asked)
        events = (await self._callers.get(f"/orders/{order_id}/timeline?limit=100")).json()
        [token] = [one["data"]["token"] for one in events["items"] if "token" in one["data"]]
        return {"Withdrawal-Token": token}

    async def _a_return(self, units: int, *, received: bool = False) -> str:
        """Return a return: of one tent authorized, of two, which are dear, put to support."""
        order_id = await self.a_delivered_order()
        [line] = (await self._callers.get(f"/orders/{order_id}")).json()["lines"]
        wanted = {"order_line_id": line["id"], "quantity": units, "reason": "wrong_size"}
        made = await self._callers.post("/returns", {"order_id": order_id, "lines": [wanted]})
        assert made.status_code == 201, made.text
        back = made.json()
        if units == 1:
            await self._callers.post(f"/returns/{back['id']}/authorize", {})
        if received:
            lines = [{"return_line_id": back["lines"][0]["id"], "quantity": 1}]
            await self._callers.post(f"/returns/{back['id']}/receive", {"lines": lines})
        return str(back["id"])

    async def _first(self, path: str) -> str:
        async def there() -> str:
            found = (await self._callers.get(path)).json()["items"]
            return str(found[0]["id"]) if found else ""

        return str(await eventually(there))

    async def a_delivered_order(self, tents: int = 3) -> str:
        """Return an order of which all has arrived and is paid."""
        lines = [{"sku": "TENT-2P", "quantity": tents}]
        order = OrderId(UUID(await self._placed(payment={"token": "tok_ok"}, lines=lines)))
        await self._stage.travel(await self._stage.shipment(order, "booked"), "delivered")
        await self._stage.order(order, "completed")
        return str(order)

    async def _a_hold(self, order: str) -> str:
        held = await self._callers.post(f"/orders/{order}/holds", {"reason": "manual"})
        return str(held.json()["holds"][0]["id"])

    async def _a_payment(self) -> str:
        """Return a payment of which nothing is taken yet."""
        tents = [{"sku": "TENT-2P", "quantity": 1}]
        order = OrderId(UUID(await self._placed(payment={"token": "tok_ok"}, lines=tents)))
        await self._stage.shipment(order, "booked")
        return await self._first(f"/payments?order_id={order}")

    async def _a_refund_to_approve(self) -> str:
        body = {
            "order_id": await self.a_delivered_order(),
            "goodwill": {"amount": 60_000, "currency": "USD"},
            "reason": "the tents leak",
        }
        made = await self._callers.post("/refunds", body)
        assert made.json()["status"] == "requested", made.text
        return str(made.json()["id"])

    async def _placed(self, postal_code: str = "80302", **rest: Any) -> str:
        body = {
            "customer_id": await self._a_customer(),
            "lines": [{"sku": "POT-TI", "quantity": 1}],
            "ship_to": address_of("Maya Okafor", postal_code),
            **rest,
        }
        made = await self._callers.post("/orders", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def _an_unpaid_order(self) -> str:
        return await self._placed()

    async def _a_transfer(self) -> str:
        order = await self._placed(payment={"method": "bank_transfer"})
        return await self._first(f"/payments?order_id={order}")

    async def _a_refused_label(self) -> str:
        order = await self._placed(UNSERVICEABLE, payment={"token": "tok_ok"})
        shipment = await self._first(f"/shipments?order_id={order}")
        return await self._first(f"/tasks?kind=booking_refused&document_id={shipment}")

    async def _a_pick_list(self, units: int, *serials: str) -> str:
        """Return a shipment of so many stoves out of these, which the first one puts into stock."""
        price = {"amount": 8900, "currency": "USD"}
        stove = {"sku": "STOVE-P", "name": "Stove", "tracking": "serial", "prices": [price]}
        await self._callers.post("/items", stove)
        stock = {"sku": "STOVE-P", "site": "AUS", "quantity": len(serials), "reason": "found"}
        body = {**stock, "serials": serials}
        assert (await self._callers.post("/inventory/adjustments", body)).status_code in (201, 409)
        lines = [{"sku": "STOVE-P", "quantity": units}]
        order = await self._placed(payment={"token": "tok_ok"}, lines=lines)
        return await self._first(f"/shipments?order_id={order}")

    async def _a_parcel_of_another_carrier(self) -> str:
        return await self._first("/shipments?tracking_number=FS-20417-1")

    async def _a_customer(self) -> str:
        return await self._first("/customers?email=maya.okafor@example.com")

    async def _an_item(self) -> str:
        return await self._first("/items?sku=POLES")


async def test_every_example_is_accepted(company: Stage) -> None:
    refused, sent = [], set()
    async with calling(company) as callers:
        finding = Finding(callers, company)
        for method, path, body in examples(company):
            address = await finding.address(path)
            await finding.fill(body, address)
            headers = await finding.headers(address)
            answer = await callers.ask(method, address, json=body, headers=headers)
            sent.add(f"{method} {path}")
            if not answer.is_success:
                refused.append(f"{method} {path} {body}: {answer.text}")
        tried = (await callers.get("/orders?external_reference=web-20417")).json()["items"]
    assert refused == []
    assert {"POST /orders", "POST /tasks/{task_id}/decide", "POST /items"} < sent
    assert [order["total"]["amount"] for order in tried] == [24900 + 3 * 1900 + 500]
