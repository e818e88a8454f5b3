"""Bodies to try at `/docs`: one story in the company that ``stateset sample`` brings in."""

from collections.abc import Mapping
from typing import Any

_MAYA = "3bcfecfb-9127-5aa7-be81-a3f6be2b551e"
"""The sample customer Maya Okafor."""
_ORDER = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b11"
"""An order that was delivered: take the id of one of yours."""
_BOULDER = {
    "name": "Maya Okafor",
    "line1": "1400 Pearl Street",
    "city": "Boulder",
    "region": "CO",
    "postal_code": "80302",
    "country": "US",
}
_PARCEL = "FS-20417-1"

EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "PlaceOrder": {
        "A tent and socks by card": {
            "customer_id": _MAYA,
            "currency": "USD",
            "lines": [
                {
                    "sku": "TENT-2P",
                    "quantity": 1,
                    "unit_price": {"amount": 24900, "currency": "USD"},
                },
                {"sku": "SOCKS-M", "quantity": 3},
            ],
            "ship_to": _BOULDER,
            "payment": {"method": "card", "token": "tok_ok"},
            "external_reference": "web-20417",
        },
        "To be paid later": {
            "customer_id": _MAYA,
            "lines": [{"sku": "LAMP-HEAD", "quantity": 2}],
            "ship_to": _BOULDER,
            "shipping_service": "express",
        },
    },
    "OrderChange": {
        "A word for the packers, and one for your own systems": {
            "notes": "A present: no papers with prices in the parcel.",
            "metadata": {"channel": "newsletter"},
        },
    },
    "PayOrder": {"With another card": {"token": "tok_ok"}},
    "PlaceHold": {
        "An address that needs a call": {
            "reason": "address_problem",
            "note": "There is no number 1400 in that street.",
        },
    },
    "CancelOrder": {"The customer wants it no more": {"reason": "customer_request"}},
    "RefundParts": {
        "The shipping and ten dollars": {
            "order_id": _ORDER,
            "shipping": {"amount": 500, "currency": "USD"},
            "goodwill": {"amount": 1000, "currency": "USD"},
        },
    },
    "RequestRefund": {
        "Ten dollars for a late parcel": {
            "order_id": _ORDER,
            "goodwill": {"amount": 1000, "currency": "USD"},
            "reason": "It came a week late.",
        },
    },
    "CancelRefund": {
        "Paid by bank transfer": {"reason": "The card is closed; paid by bank transfer."},
    },
    "ReportScan": {
        "A parcel of a carrier that does not tell us": {
            "tracking_number": _PARCEL,
            "status": "picked_up",
            "place": "Boulder, CO",
            "message": "Collected by Freight & Sons.",
        },
    },
    "DecideTask": {
        "A refused label: to another address": {
            "choice": "change_address",
            "note": "Called the customer.",
            "address": _BOULDER,
        },
        "A refused label: by a label bought elsewhere": {
            "choice": "own_label",
            "label": {
                "carrier": "Freight & Sons",
                "tracking_numbers": [_PARCEL],
                "price": {"amount": 2350, "currency": "USD"},
            },
        },
    },
    "CreateCustomer": {
        "A person": {
            "name": "Nora Berg",
            "email": "nora.berg@example.com",
            "phone": "+13035550187",
            "address": {**_BOULDER, "name": "Nora Berg"},
            "external_reference": "crm-5120",
        },
        "A company": {"kind": "company", "name": "Front Range Rescue"},
    },
    "CustomerChange": {
        "Another telephone number": {"phone": "+13035550112", "metadata": {"tier": "gold"}},
    },
    "CreateItem": {
        "A mug": {
            "sku": "MUG-ENAMEL",
            "name": "Enamel mug",
            "tax_rate": "0.08",
            "weight_grams": 140,
            "prices": [{"amount": 1400, "currency": "USD"}],
        },
    },
    "ItemChange": {"A price from now on": {"prices": [{"amount": 1250, "currency": "USD"}]}},
    "AdjustStock": {
        "Two that broke": {
            "sku": "LAMP-HEAD",
            "site": "AUS",
            "quantity": -2,
            "reason": "damaged",
            "note": "Fell from the shelf.",
        },
    },
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
"""By the name of the body and in a few words what each is; all of them are accepted."""
