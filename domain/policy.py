"""Policy: the business settings, made once by a process and given to what decides by them."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.money import Amount, Currency
from domain.orders.placing import Service
from domain.value import Value

Days = Annotated[int, Field(ge=0, le=3650)]
Tolerance = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]
"""A share: 0.1 is a tenth more."""

Units = Annotated[Decimal, Field(ge=0, le=10**6, decimal_places=6)]


class ShippingRefund(StrEnum):
    """When the shipping of an order goes back with its goods."""

    MERCHANT_FAULT = "merchant_fault"
    """When every unit came back for the merchant's fault."""
    FULL_WITHDRAWAL = "full_withdrawal"
    """Then, and when every unit came back in time for whatever reason."""


class ReturnCost(StrEnum):
    """Who bears the cost of sending back what was withdrawn from."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"


class Policy(Value):
    """What the company has decided; each setting can be changed without a new release."""

    shipping_rates: Mapping[Currency, Mapping[Service, Amount]] = {
        currency: {Service.GROUND: 500, Service.EXPRESS: 1500} for currency in ("EUR", "GBP", "USD")
    }
    """What an order pays for shipping, by currency and service, in minor units of that currency.

    An order in another currency has to say what its shipping costs.
    """

    payment_window: timedelta = timedelta(minutes=30)
    """How long a card order waits for an authorization before it is cancelled."""

    unpaid_per_customer: Annotated[int, Field(ge=0)] = 1000
    """So many orders of one customer may wait for their money at once; 0: any number."""

    unpaid_per_source: Annotated[int, Field(ge=0)] = 0
    """So many orders of one integration may; 0: any number."""

    declines_per_customer: Annotated[int, Field(ge=0)] = 300
    """After so many declined cards within an hour a customer's next one waits; 0: never."""

    refund_limit: Mapping[Currency, Amount] = {"EUR": 50000, "GBP": 50000, "USD": 50000}
    """Above this much, in minor units, another person than who asked approves a refund.

    In a currency that is not listed, every refund needs that.
    """

    return_window_days: Days = 30
    """For so many days after its delivery a unit may come back; 0: never."""

    withdrawal_days: Days = 14
    """For so many days after the delivery of its last unit an order may be withdrawn from."""

    return_auto_limit: Mapping[Currency, Amount] = {"EUR": 20000, "GBP": 20000, "USD": 20000}
    """Up to this refund, in minor units, a return is authorized by itself.

    In a currency that is not listed, support looks at every return.
    """

    label_fee: Mapping[Currency, Amount] = {}
    """What is kept, in minor units, where the customer alone is why goods come under our label.

    In a currency that is not listed, nothing.
    """

    ship_back_window: timedelta = timedelta(days=30)
    """So long after its authorization a return of which nothing came expires."""

    replacement_wait_days: Annotated[int, Field(ge=1, le=3650)] = 7
    """So many days a return waits for stock to replace its goods, before support is asked."""

    repair_warranty_days: Days = 90
    """So many days a repaired unit is under warranty at least, from when its customer has it."""

    parallel_timers: bool = False
    """Whether a technician may be timed on several work orders at once."""

    over_issue_tolerance: Tolerance = Decimal()
    """What share of a part that was planned may be issued on top of it, for a reason."""

    count_tolerance: Units = Decimal()
    """So many units a count may differ from the books, in each of its lines, to post by itself."""

    blind_counts: bool = True
    """Whether who counted is not told what the books expect before the count is decided."""

    refund_shipping_on: ShippingRefund = ShippingRefund.MERCHANT_FAULT
    """When the shipping of an order goes back with its goods."""

    withdrawal_return_cost: ReturnCost = ReturnCost.CUSTOMER
    """Who bears the cost of sending back what was withdrawn from; ours comes under our label."""
