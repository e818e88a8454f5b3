"""What stories ask of orders, and how they see how far an order has come."""

from typing import Any, cast
from uuid import UUID

from temporalio.client import WorkflowHandle

from domain.documents import PLACE_HOLD, RELEASE_HOLD, Document, Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import OrderId, new_id
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from tests.patience import eventually
from tests.workflows.capabilities.runs import Runs
from workflows.order_fulfillment import OrderFulfillment


class Orders(Runs):
    """Orders, as their customers and support see them."""

    def run(self, document_id: UUID) -> WorkflowHandle[Any, Any]:
        """Return the order's run."""
        return self._run(Kind.ORDER, document_id)

    async def order(self, order_id: OrderId, status: str) -> dict[str, Any]:
        """Return the order's row as soon as it is in a state."""

        async def there() -> Any:
            [row] = await self.shop.rows("SELECT * FROM orders WHERE id = :id", id=order_id)
            return row if row["status"] == status else None

        return cast(dict[str, Any], await eventually(there))

    async def cancel(
        self, order_id: OrderId, reason: CancelReason = CancelReason.CUSTOMER_REQUEST
    ) -> None:
        request = Cancellation(order_id=order_id, reason=reason, actor="customer")
        await self._steering.ask(
            Document(Kind.ORDER, order_id), OrderFulfillment.cancel, request, new_id()
        )

    async def hold(self, order_id: OrderId, reason: HoldReason = HoldReason.MANUAL) -> UUID:
        document, hold_id = Document(Kind.ORDER, order_id), new_id()
        request = HoldPlacement(
            document=document,
            hold_id=hold_id,
            reason=reason,
            note="",
            actor="support",
        )
        await self._steering.ask(document, PLACE_HOLD, request, hold_id)
        return hold_id

    async def release(self, order_id: OrderId, hold_id: UUID) -> None:
        document = Document(Kind.ORDER, order_id)
        request = HoldRelease(document=document, hold_id=hold_id, actor="support")
        await self._steering.ask(document, RELEASE_HOLD, request, new_id())
