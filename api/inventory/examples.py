"""Bodies to try at `/docs` about stock, in the company that ``stateset sample`` brings in."""

from collections.abc import Mapping
from typing import Any

EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "AdjustStock": {
        "Two that broke": {
            "sku": "LAMP-HEAD",
            "site": "AUS",
            "quantity": -2,
            "reason": "damaged",
            "note": "Fell from the shelf.",
        },
    },
    "SubmitCount": {
        "One shelf": {"lines": [{"sku": "LAMP-HEAD", "site": "AUS", "counted": 40}]},
    },
    "ReverseMovement": {
        "Written down twice": {"reason": "The same delivery was written down twice."},
    },
    "MoveStock": {
        "Ten lamps that are to be looked at": {
            "sku": "LAMP-HEAD",
            "from_location_id": "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b14",
            "to_location_id": "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b15",
            "quantity": 10,
            "reason": "The switch of some of them sticks.",
        },
    },
    "ReserveStock": {
        "Two lamps for a fair": {
            "sku": "LAMP-HEAD",
            "site": "AUS",
            "quantity": 2,
            "reference": "Outdoor fair, stand 14",
        },
    },
    "ReleaseReservation": {"The fair is over": {"reason": "The fair is over."}},
    "CreateLot": {
        "Gas cartridges that come next week": {
            "sku": "GAS-230",
            "code": "L-2031-07",
            "supplier_lot": "K7/114",
            "expires_on": "2034-06-30",
        },
    },
    "LotReason": {"Damp cartons": {"reason": "Two cartons were damp when they came."}},
    "LotChange": {"Another last day": {"expires_on": "2034-05-31"}},
    "CreateSite": {
        "A warehouse in Portland": {
            "code": "PDX",
            "name": "Portland",
            "address": {
                "name": "Juniper Trail Outfitters, Portland",
                "line1": "9 Quay Street",
                "city": "Portland",
                "region": "OR",
                "postal_code": "97209",
                "country": "US",
            },
            "rank": 40,
            "locations": [{"code": "A-01"}, {"code": "A-02"}],
        },
    },
    "SiteChange": {"Served from before others": {"rank": 5}},
}
