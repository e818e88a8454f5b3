"""What there is of warranties to ask about, and sound bodies for more of that."""

from uuid import uuid4

from tests.installation import Installation
from tests.storefront import dollars


async def promised(shop: Installation, sku: str) -> dict[str, list[object]]:
    """Register units of an item that were bought elsewhere; return sound bodies by operation."""
    term = {"code": "FUZZ-1", "duration_months": 24, "covers": ["parts"]}
    lasting = {"code": "FUZZ-2", "duration_months": None, "covers": ["labor"]}
    [item] = (await shop.shop.get("/items", sku=sku)).body["items"]
    elsewhere = {
        "item_id": item["id"],
        "customer_id": shop.customer_id,
        "proof_of_purchase": "receipt 1187",
        "starts_on": "2031-01-31",
        "term": "FUZZ-1",
    }
    await shop.post("/warranties/terms", term)
    for _ in range(2):
        await shop.post("/warranties", elsewhere)
    return {
        "POST /warranties/terms": [{**term, "auto_limit": dollars(9)}, lasting],
        "POST /warranties": [{"order_line_id": str(uuid4())}, elsewhere],
        "POST /warranties/{warranty_id}/void": [{"reason": "altered"}],
        "POST /warranties/{warranty_id}/extend": [{"months": 2, "reason": "it waited"}],
    }
