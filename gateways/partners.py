"""The table of partners: who may send webhooks, and which carrier and payment provider we call."""

from gateways.carriers.port import CarrierPartner
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.port import PaymentsPartner
from gateways.payments.sandbox import SANDBOX_PAYMENTS

PARTNERS: dict[str, CarrierPartner | PaymentsPartner] = {
    each.webhooks: each
    for each in (
        SANDBOX_CARRIER,
        SANDBOX_PAYMENTS,
    )
}

CARRIER = SANDBOX_CARRIER
"""Where labels are bought."""
PROVIDER = SANDBOX_PAYMENTS
"""Where cards are charged."""
