"""Sound bodies about stock: of these one thing at a time is made unsound."""

from uuid import uuid4

from tests.installation import Installation
from tests.storefront import ADDRESS

BEFORE = "2024-03-01T12:00:00Z"


async def stock_lots(shop: Installation) -> None:
    """Put lots into the shop: of an item that bodies about lots name."""
    await shop.post("/items", {"sku": "FUZZ-LOT", "name": "Milk", "tracking": "lot"})
    for code in ("L-1", "L-3", "L-4"):
        await shop.post("/inventory/lots", {"sku": "FUZZ-LOT", "code": code})


def stock_bodies(sku: str) -> dict[str, list[object]]:
    """Return them by operation, about this item and one that is tracked by lot."""
    moved = {"sku": sku, "site": "AUS", "quantity": "5", "reason": "found"}
    milk = {"sku": "FUZZ-LOT-2", "name": "Milk", "tracking": "lot", "min_shelf_life_days": 7}
    lamp = {"sku": "FUZZ-SCANNED", "name": "Lamp", "warranty_term": "FUZZ-1"}
    came = {**moved, "sku": "FUZZ-LOT", "lot": "L-1", "expires_on": "2031-03-04"}
    lot = {"sku": "FUZZ-LOT", "code": "L-2", "received_on": "2031-01-04"}
    return {
        "POST /items": [milk, {**lamp, "serial_at_shipping": True}],
        "POST /shipments/{shipment_id}/pick": [
            {"lines": [{"line_id": str(uuid4()), **one}]}
            for one in ({"serials": ["SN-1"]}, {"lot": "L-1", "quantity": 2})
        ]
        + [{"shortages": [{"line_id": str(uuid4()), "quantity": 1, "reason": "damaged"}]}],
        "POST /shipments/{shipment_id}/pack": [
            {"parcels": [{"lines": [{"line_id": str(uuid4()), "quantity": 1}]}]}
        ],
        "POST /inventory/adjustments": [moved, came, {**moved, "occurred_at": BEFORE}],
        "POST /inventory/movements/{movement_id}/reverse": [
            {"reason": "typed twice"},
            {"reason": "typed twice", "occurred_at": BEFORE},
        ],
        "POST /inventory/moves": [
            {"sku": sku, "quantity": "2", "reason": "damp"}
            | {"from_location_id": str(uuid4()), "to_location_id": str(uuid4())}
        ],
        "POST /inventory/reservations": [
            {"sku": sku, "site": "AUS", "quantity": 1, "reference": "fair"}
            | {"expires_at": "2031-01-02T03:04:05Z"}
        ],
        "POST /inventory/reservations/{reservation_id}/release": [{"reason": "over"}],
        "POST /inventory/counts": [
            {"lines": [{"sku": sku, "site": "AUS", "counted": 5}], "note": "one shelf"},
            {"lines": [{"sku": "FUZZ-LOT", "site": "AUS", "lot": "L-1", "counted": "5"}]},
            {"lines": [{"sku": sku, "site": "AUS", "counted": 5, "counted_at": BEFORE}]},
        ],
        "POST /inventory/lots": [{**lot, "expires_on": "2031-03-05", "supplier_lot": "0815"}],
        "PATCH /inventory/lots/{lot_id}": [{"expires_on": "2031-03-06"}, {"expires_on": None}],
        **{
            f"POST /inventory/lots/{{lot_id}}/{way}": [{"reason": "damp"}]
            for way in ("quarantine", "release", "recall", "withdraw_recall")
        },
        "PATCH /inventory/sites/{site}": [{"name": "Seattle"}],
        "POST /inventory/sites": [{"code": "SEA", "name": "Seattle", "address": ADDRESS}],
    }
