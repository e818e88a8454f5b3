"""Bodies to try at `/docs`: one story in the company that ``stateset sample`` brings in."""

from collections.abc import Mapping
from typing import Any

from api.claims.examples import EXAMPLES as CLAIMS
from api.inventory.examples import EXAMPLES as STOCK
from api.shipments.examples import EXAMPLES as SHIPMENTS
from api.warranties.examples import EXAMPLES as WARRANTIES
from api.work_orders.examples import EXAMPLES as WORK_ORDERS

_MAYA = "3bcfecfb-9127-5aa7-be81-a3f6be2b551e"
"""The sample customer Maya Okafor."""
_ORDER = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b11"
"""An order that was delivered: take the id of one of yours."""
_LINE = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b12"
"""A line of that order."""
_RETURN_LINE = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b13"
"""A line of a return: take the id of one of yours."""
_BOULDER = {
    "name": "Maya Okafor",
    "line1": "1400 Pearl Street",
    "city": "Boulder",
    "region": "CO",
    "postal_code": "80302",
    "country": "US",
}
_TENT = {"amount": 24900, "currency": "USD"}
_PARCEL = "FS-20417-1"

EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "PlaceOrder": {
        "A tent and socks by card": {
            "customer_id": _MAYA,
            "currency": "USD",
            "lines": [
                {"sku": "TENT-2P", "quantity": 1, "unit_price": _TENT},
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
        "A lamp, paid for as soon as the order is confirmed": {
            "customer_id": _MAYA,
            "lines": [{"sku": "LAMP-HEAD", "quantity": 1}],
            "ship_to": _BOULDER,
            "payment": {"method": "card", "token": "tok_ok"},
            "capture_on": "confirmation",
        },
        "A tent by bank transfer": {
            "customer_id": _MAYA,
            "lines": [{"sku": "TENT-2P", "quantity": 1}],
            "ship_to": _BOULDER,
            "payment": {"method": "bank_transfer"},
        },
    },
    "OrderChange": {
        "A word for the packers, and one for your own systems": {
            "notes": "A present: no papers with prices in the parcel.",
            "metadata": {"channel": "newsletter"},
        },
        "It is urgent, and promised for a day": {"priority": 1, "promised_on": "2031-03-07"},
    },
    "PayOrder": {"With another card": {"token": "tok_ok"}},
    "RecordReceipt": {
        "What the account's statement says": {
            "amount": {"amount": 25400, "currency": "USD"},
            "reference": "2031-03-04/1187",
            "received_on": "2031-03-04",
        },
    },
    "PlaceHold": {
        "An address that needs a call": {
            "reason": "address_problem",
            "note": "There is no number 1400 in that street.",
        },
    },
    "ReleaseHold": {"Money on its way": {"note": "They sent 12,000.00 this morning."}},
    "CancelOrder": {"The customer wants it no more": {"reason": "customer_request"}},
    "RefundParts": {
        "Two units, less a fee": {
            "order_id": _ORDER,
            "lines": [{"order_line_id": _LINE, "units": 2}],
            "fee": {"amount": 750, "currency": "USD"},
        },
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
    "CapturePayment": {
        "Forty dollars before the goods leave": {
            "amount": {"amount": 4000, "currency": "USD"},
            "reason": "A deposit, as agreed by telephone.",
        },
    },
    "VoidPayment": {
        "All of it, whatever goods still need": {
            "reason": "The customer pays with another card.",
            "although_needed": True,
        },
    },
    "CancelRefund": {
        "Paid by bank transfer": {"reason": "The card is closed; paid by bank transfer."},
    },
    "ReturnParts": {
        "One unit that does not fit": {
            "order_id": _ORDER,
            "lines": [{"order_line_id": _LINE, "quantity": 1, "reason": "wrong_size"}],
            "ship_back": "label",
        },
    },
    "RequestReturn": {
        "One unit that does not fit": {
            "order_id": _ORDER,
            "lines": [
                {
                    "order_line_id": _LINE,
                    "quantity": 1,
                    "reason": "wrong_size",
                    "comment": "Too short for two.",
                    "condition_declared": "opened",
                },
            ],
        },
        "A withdrawal that came by letter": {
            "order_id": _ORDER,
            "kind": "withdrawal",
            "lines": [{"order_line_id": _LINE, "quantity": 1}],
        },
    },
    "DeclareWithdrawal": {
        "From the whole order": {"order_id": _ORDER},
        "From one unit, with another address for the acknowledgement": {
            "order_id": _ORDER,
            "lines": [{"order_line_id": _LINE, "quantity": 1}],
            "email": "maya@example.com",
        },
    },
    "AskForLink": {
        "A guest's order": {"order_number": "SO-1042", "email": "maya.okafor@example.com"},
    },
    "Declaration": {"From all that the link is about": {}},
    "RejectReturn": {"It was used": {"reason": "The tent was used for a season."}},
    "CancelReturn": {"The customer keeps it": {"reason": "It fits after all."}},
    "ReceiveReturn": {
        "One unit, and something else": {
            "lines": [{"return_line_id": _RETURN_LINE, "quantity": 1}],
            "unexpected": [{"description": "A pair of gloves", "quantity": 1}],
        },
    },
    "InspectReturn": {
        "For sale again": {
            "lines": [
                {
                    "return_line_id": _RETURN_LINE,
                    "quantity": 1,
                    "disposition": "restock",
                    "accepted": True,
                    "condition": "new",
                },
            ],
        },
        "Worn, so that some of the money is kept": {
            "lines": [
                {
                    "return_line_id": _RETURN_LINE,
                    "quantity": 1,
                    "disposition": "refurbish",
                    "accepted": True,
                    "deduction": {
                        "amount": {"amount": 300, "currency": "USD"},
                        "reason": "A pole is bent.",
                    },
                },
            ],
        },
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
        "May buy on terms": {
            "terms_days": 30,
            "credit_limit": {"amount": 500000, "currency": "USD"},
        },
    },
    "CreateItem": {
        "A mug": {
            "sku": "MUG-ENAMEL",
            "name": "Enamel mug",
            "tax_rate": "0.08",
            "weight_grams": 140,
            "prices": [{"amount": 1400, "currency": "USD"}],
        },
        "A final sale": {
            "sku": "MUG-ENAMEL-CHIPPED",
            "name": "Enamel mug, chipped",
            "return_window_days": 0,
            "prices": [{"amount": 700, "currency": "USD"}],
        },
        "A tent of whose money a tenth is kept": {
            "sku": "TENT-3P",
            "name": "Tent for three",
            "tax_rate": "0.08",
            "weight_grams": 2400,
            "restocking_fee_rate": "0.1",
            "prices": [{"amount": 24900, "currency": "USD"}],
        },
        "A stove, each with a serial": {
            "sku": "STOVE-SERIAL",
            "name": "Stove",
            "tracking": "serial",
            "prices": [{"amount": 8900, "currency": "USD"}],
        },
        "A lantern, only counted in stock, whose serial is scanned when it leaves": {
            "sku": "LANTERN-SCANNED",
            "name": "Lantern",
            "warranty_term": "LANTERN-24",
            "serial_at_shipping": True,
            "prices": [{"amount": 5900, "currency": "USD"}],
        },
        "Gas cartridges by lot, sold no later than a year before they expire": {
            "sku": "GAS-230",
            "name": "Gas cartridge",
            "tracking": "lot",
            "min_shelf_life_days": 365,
            "prices": [{"amount": 700, "currency": "USD"}],
        },
    },
    "ItemChange": {
        "A price from now on": {"prices": [{"amount": 1250, "currency": "USD"}]},
        "Sixty days to return it": {"return_window_days": 60},
    },
    **STOCK,
    **SHIPMENTS,
    **WARRANTIES,
    **CLAIMS,
    **WORK_ORDERS,
}
"""By the name of the body and in a few words what each is; all of them are accepted."""
