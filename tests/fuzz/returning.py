"""What there is of returns and withdrawals to ask about, and sound bodies for more of that."""

from dataclasses import dataclass
from typing import Any

from tests.installation import Installation
from tests.patience import eventually

EMAIL = "guest@example.com"


@dataclass(frozen=True)
class Coming:
    """A return, a withdrawal, and the token of a guest who may withdraw."""

    ids: dict[str, list[str]]
    bodies: dict[str, list[object]]
    token: str


async def coming_back(shop: Installation, sku: str, returned: str) -> Coming:
    """Ask for a delivered order's unit to come back, and withdraw from another one as a guest."""
    withdrawn = await _of_a_guest(shop, sku)
    line = (await shop.show(returned))["lines"][0]["id"]
    wanted = {"order_line_id": line, "quantity": 1, "reason": "wrong_size", "comment": "small"}
    parts = {"order_id": returned, "lines": [wanted]}
    back = (await shop.post("/returns", parts)).body
    unit = {"return_line_id": back["lines"][0]["id"], "quantity": 1}
    declared = (await shop.post("/withdrawals", {"order_id": withdrawn})).body
    link, token = await _link(shop, withdrawn)
    bodies: dict[str, list[object]] = {
        "POST /returns": [parts],
        "POST /returns/preview": [parts, {**parts, "ship_back": "label"}],
        "POST /returns/{return_id}/reject": [{"reason": "worn"}],
        "POST /returns/{return_id}/cancel": [{"reason": "it fits"}],
        "POST /returns/{return_id}/receive": [{"lines": [unit]}],
        "POST /returns/{return_id}/inspect": [
            {"lines": [{**unit, "disposition": "restock", "accepted": True}]}
        ],
        "POST /withdrawals": [{"order_id": withdrawn}],
        "POST /guest/withdrawals": [{}],
        "POST /guest/withdrawals/links": [link],
    }
    ids = {"/returns": [back["id"]], "/withdrawals": [declared["id"]]}
    return Coming(ids, bodies, token)


async def _of_a_guest(shop: Installation, sku: str) -> str:
    """Deliver an order of a customer with an e-mail address."""
    guest = (await shop.post("/customers", {"name": "Guest", "email": EMAIL})).body
    order = await shop.place({sku: 1}, customer_id=guest["id"])
    await shop.travel(await shop.booked(order))
    await shop.reaches(order, status="completed")
    return order


async def _link(shop: Installation, order_id: str) -> tuple[dict[str, Any], str]:
    """Have a link mailed to a guest: the request for it, and the token that is in it."""
    order = await shop.show(order_id)
    asked = {"order_number": order["number"], "email": EMAIL}
    await shop.post("/guest/withdrawals/links", asked)

    async def mailed() -> str:
        page = (await shop.shop.get(f"/orders/{order_id}/timeline")).body["items"]
        return next((one["data"]["token"] for one in page if "token" in one["data"]), "")

    return asked, await eventually(mailed)
