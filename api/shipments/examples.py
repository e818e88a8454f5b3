"""Bodies to try at `/docs` about shipments, in the company that ``stateset sample`` brings in."""

from collections.abc import Mapping
from typing import Any

_LINE = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b12"
"""A line of a shipment: take the id of one of yours."""

EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "PickShipment": {
        "Two stoves, as they were scanned": {
            "lines": [{"line_id": _LINE, "serials": ["ST-104", "ST-107"]}],
        },
        "One of two is there, the other one is missing": {
            "lines": [{"line_id": _LINE, "serials": ["ST-108"]}],
            "shortages": [{"line_id": _LINE, "quantity": 1, "serials": ["ST-109"]}],
        },
    },
    "PackShipment": {
        "Three stoves in two boxes": {
            "parcels": [
                {"lines": [{"line_id": _LINE, "quantity": 2}], "weight_grams": 2600},
                {"lines": [{"line_id": _LINE, "quantity": 1}]},
            ],
        },
    },
}
"""By the name of the body and in a few words what each is; all of them are accepted."""
