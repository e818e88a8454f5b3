"""Policy: the business settings, made once by a process and given to what decides by them."""

from collections.abc import Mapping
from datetime import timedelta

from domain.money import Amount, Currency
from domain.orders.placing import Service
from domain.value import Value


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

    refund_limit: Mapping[Currency, Amount] = {"EUR": 50000, "GBP": 50000, "USD": 50000}
    """Above this much, in minor units, another person than who asked approves a refund.

    In a currency that is not listed, every refund needs that.
    """
