"""The examples at /docs are true: in the sample company each of them is accepted."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
from temporalio.testing import WorkflowEnvironment

from api.app import create_app
from api.services import Services
from domain.ids import OrderId
from runtime.sample.company import address_of, load_company
from tests.api.callers import Callers
from tests.patience import eventually
from tests.workflows.asking import calling
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


def examples(stage: Stage) -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and body of each example; what is reported of a label comes last."""
    described = create_app(Services(stage.settings, stage.books, stage.connected)).openapi()
    for path, methods in sorted(described["paths"].items(), key=lambda one: "tracking" in one[0]):
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                yield method.upper(), path, example["value"]


class Finding:
    """Finds, or makes, what the paths of the examples are about."""

    def __init__(self, callers: Callers, stage: Stage) -> None:
        self._callers = callers
        self._stage = stage

    async def address(self, path: str) -> str:
        """Return the path with the id of something that is as its example takes it to be."""
        ways = {
            "{order_id}": self._an_unpaid_order,
            "{task_id}": self._a_refused_label,
            "{shipment_id}": self._a_parcel_of_another_carrier,
            "{refund_id}": self._a_refund_to_approve,
            "{customer_id}": self._a_customer,
            "{item_id}": self._an_item,
        }
        for name, way in ways.items():
            if name in path:
                path = path.replace(name, await way())
        return path.replace("{site}", "CMH")

    async def _first(self, path: str) -> str:
        async def there() -> str:
            found = (await self._callers.get(path)).json()["items"]
            return str(found[0]["id"]) if found else ""

        return str(await eventually(there))

    async def a_delivered_order(self) -> str:
        """Return an order of which all has arrived and is paid."""
        tents = [{"sku": "TENT-2P", "quantity": 3}]
        order = OrderId(UUID(await self._placed(payment={"token": "tok_ok"}, lines=tents)))
        await self._stage.travel(await self._stage.shipment(order, "booked"), "delivered")
        await self._stage.order(order, "completed")
        return str(order)

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

    async def _a_refused_label(self) -> str:
        order = await self._placed(UNSERVICEABLE, payment={"token": "tok_ok"})
        shipment = await self._first(f"/shipments?order_id={order}")
        return await self._first(f"/tasks?kind=booking_refused&document_id={shipment}")

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
            if "order_id" in body:
                body["order_id"] = await finding.a_delivered_order()
            answer = await callers.ask(method, await finding.address(path), json=body)
            sent.add(f"{method} {path}")
            if not answer.is_success:
                refused.append(f"{method} {path} {body}: {answer.text}")
        tried = (await callers.get("/orders?external_reference=web-20417")).json()["items"]
    assert refused == []
    assert {"POST /orders", "POST /tasks/{task_id}/decide", "POST /items"} < sent
    assert [order["total"]["amount"] for order in tried] == [24900 + 3 * 1900 + 500]
