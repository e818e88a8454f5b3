"""Bodies to try at `/docs` about warranties, in the company that ``stateset sample`` brings in."""

from collections.abc import Mapping
from typing import Any

_LINE = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b12"
"""A line of an order that was delivered: take the id of one of yours."""

_LANTERN = "8a52eea0-7389-5a72-b5ed-bccf2e80a549"
_MAYA = "3bcfecfb-9127-5aa7-be81-a3f6be2b551e"

EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "DefineTerm": {
        "Two years on a tent": {
            "code": "TENT-24",
            "duration_months": 24,
            "covers": ["parts", "labor", "shipping"],
            "excluded_symptoms": ["wear"],
            "evidence_for": ["torn"],
            "auto_limit": {"amount": 10000, "currency": "USD"},
        },
        "For a lifetime, from when the customer registers it": {
            "code": "LIFETIME",
            "duration_months": None,
            "starts": "registration",
            "covers": ["parts"],
        },
    },
    "RegisterWarranty": {
        "A tent that was sold before there was a term": {
            "order_line_id": _LINE,
            "term": "TENT-24",
        },
    },
    "RequestWarranty": {
        "A lantern that was bought in another shop": {
            "item_id": _LANTERN,
            "serial": "JT-0017",
            "customer_id": _MAYA,
            "proof_of_purchase": "https://shop.example.com/receipts/1187",
            "starts_on": "2026-05-02",
        },
    },
    "VoidWarranty": {"Altered by its owner": {"reason": "The tent was dyed and cut."}},
    "ExtendWarranty": {
        "A spare part was long on its way": {
            "months": 2,
            "reason": "The pole could not be had for seven weeks.",
        },
    },
}
"""By the name of the body and in a few words what each is; all of them are accepted."""
