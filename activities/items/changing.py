"""Changing items and their prices: a use case in the caller's transaction, with its events."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import Event, add_events
from db.items import ItemRead, add_prices, change_item, is_moved
from db.metadata import priced_as
from db.warranties.terms import set_item_term
from domain.errors import InUse
from domain.items import ItemChange, ItemStatus, check_scanned
from domain.metadata import merged

_MOVES = {ItemStatus.ACTIVE: "reactivated", ItemStatus.DISCONTINUED: "discontinued"}


async def apply_change(
    db: AsyncConnection, item: ItemRead, change: ItemChange, *, actor: str
) -> bool:
    """Change a locked item and return whether that was news; what is no news changes nothing.

    Raises InUse for another tracking of an item that has been in stock, NotFound for the code of a
    warranty term that is not there, and Malformed where its units cannot be scanned as they leave.
    """
    given = merged({name: getattr(change, name) for name in change.model_fields_set}, item)
    if change.standard_cost is not None:
        given["standard_cost"] = change.standard_cost.model_dump()
    prices = [
        price
        for price in given.pop("prices", ())
        if item.prices.get(price.currency) != price.amount
    ]
    values = {name: value for name, value in given.items() if getattr(item, name) != value}
    if not values and not prices:
        return False
    check_scanned(
        values.get("tracking", item.tracking),
        values.get("warranty_term", item.warranty_term),
        serial_at_shipping=values.get("serial_at_shipping", item.serial_at_shipping),
    )
    if "tracking" in values:
        await _check_unused(db, item)
    told: dict[str, dict[str, Any]] = {}
    if fields := sorted(values.keys() - {"status"}):
        told["changed"] = {"fields": fields}
    if "warranty_term" in values:
        await set_item_term(db, item.id, values.pop("warranty_term"))
    if "standard_cost" in values:
        values |= priced_as("standard_cost", change.standard_cost)
        del values["standard_cost"]
    await change_item(db, item.id, values)
    await add_prices(db, item.id, prices)
    if prices:
        told["price_changed"] = {"prices": [price.model_dump() for price in prices]}
    if "status" in values:
        told[_MOVES[values["status"]]] = {"from": item.status, "to": values["status"]}
    await add_events(
        db,
        [
            Event(
                f"item.{what}",
                subject=item.sku,
                subject_id=item.id,
                actor=actor,
                correlation_id=f"item/{item.id}",
                data={"item_id": str(item.id), "sku": item.sku, **data},
            )
            for what, data in told.items()
        ],
    )
    return True


async def _check_unused(db: AsyncConnection, item: ItemRead) -> None:
    """Refuse another tracking once there is, or was, stock: it would be mixed with what comes."""
    if await is_moved(db, item.id):
        raise InUse(
            f"{item.sku} has been in stock: units with serials or lots and units without cannot be"
            " told apart; make a new item for those to come"
        )
